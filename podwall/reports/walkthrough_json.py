"""The walkthrough as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from podwall.reachability import Verdict
from podwall.walkthrough import Attempt

__all__ = ["walkthrough_document"]

# An undetermined verdict is neither.
_REACHES: Final = {Verdict.ALLOWED: True, Verdict.DENIED: False, Verdict.UNDETERMINED: None}


def walkthrough_document(attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Return one object for each client at each step."""
    return [
        {
            "step": attempt.step.value,
            "client": attempt.client.name,
            "namespace": attempt.client.namespace,
            "labelled": attempt.client.labelled,
            "reaches": _REACHES[attempt.verdict],
        }
        for attempt in attempts
    ]
