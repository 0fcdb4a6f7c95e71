"""Findings with what silences some of them, as JSON."""

from __future__ import annotations

from typing import Any, Final

from podwall.engines import Engine
from podwall.lint import Judged
from podwall.reports.findings_json import finding_document

__all__ = ["FORMAT", "lint_document"]

FORMAT: Final = "podwall/lint/v1"


def lint_document(result: Judged, engine: Engine) -> dict[str, Any]:
    """Return the findings as a JSON document; a silenced one has the `reason` for it."""
    return {
        "format": FORMAT,
        "engine": engine.name,
        "findings": [finding_document(finding) for finding in result.findings],
        "suppressed": [
            {**finding_document(each.finding), "reason": each.reason} for each in result.suppressed
        ],
    }
