"""What became of expectations, in the format `podwall/check/v1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from podwall.expectations import Result
from podwall.reports.explanation_json import explanation_document
from podwall.reports.explanation_text import Locate

__all__ = ["FORMAT", "checks_document"]

FORMAT: Final = "podwall/check/v1"


def checks_document(engine: str, results: Sequence[Result], locate: Locate) -> dict[str, Any]:
    """Return results as a JSON document; `flow` explains the connection that decides."""
    return {
        "format": FORMAT,
        "engine": engine,
        "results": [_result(each, locate) for each in results],
    }


def _result(result: Result, locate: Locate) -> dict[str, Any]:
    place = result.expectation.place
    return {
        "name": result.expectation.name,
        "description": result.expectation.description,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "place": {"source": place.source, "line": place.line, "path": place.path},
        "flow": None if result.flow is None else explanation_document(result.flow, locate),
    }
