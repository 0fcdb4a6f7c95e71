"""Say when a preview shows less than there will be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity

__all__ = ["gaps_in_events", "gaps_in_preview"]

SAME: Final = "same"

_FAILED: Final = re.compile(r"^(error: )?(Preview failed: )?")
_NO_REASON: Final = {"preview failed", "update failed"}


def gaps_in_preview(document: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Yield findings on a document of `pulumi preview --json` that is not the whole plan."""
    yield from _errors(_list(document, "diagnostics"), place)
    yield from _without_sames(_mapping(document, "changeSummary"), _list(document, "steps"), place)


def gaps_in_events(events: Sequence[Mapping[str, Any]], place: Place) -> Iterator[Finding]:
    """Yield findings on engine events that are not the whole plan."""
    yield from _errors([_mapping(event, "diagnosticEvent") for event in events], place)
    announced = (_mapping(event, "resourcePreEvent") for event in events)
    steps = [_mapping(event, "metadata") for event in announced]
    for event in events:
        summary = _mapping(event, "summaryEvent")
        yield from _without_sames(_mapping(summary, "resourceChanges"), steps, place)


def _errors(diagnostics: Sequence[Any], place: Place) -> Iterator[Finding]:
    for text in _reasons(diagnostics):
        yield Finding(
            "preview-failed",
            Severity.ERROR,
            f"the preview failed: {text}",
            place,
            "repair the program: what the preview did not come to is not here",
        )


def _reasons(diagnostics: Sequence[Any]) -> list[str]:
    """Return why a preview failed, each reason once; that it failed is the last one to give."""
    said = (each for each in diagnostics if isinstance(each, Mapping))
    errors = (each for each in said if each.get("severity") == "error")
    texts = (" ".join(str(error.get("message")).split()) for error in errors)
    reasons = dict.fromkeys(_FAILED.sub("", text) for text in texts)
    return [reason for reason in reasons if reason not in _NO_REASON] or list(reasons)


def _without_sames(
    summary: Mapping[str, Any], steps: Sequence[Any], place: Place
) -> Iterator[Finding]:
    """Yield a finding if resources that stay as they are were counted but not listed."""
    counted = summary.get(SAME)
    listed = sum(isinstance(step, Mapping) and step.get("op") == SAME for step in steps)
    if isinstance(counted, int) and counted > listed:
        yield Finding(
            "preview-without-sames",
            Severity.ERROR,
            f"the preview leaves out {counted - listed} resources that do not change",
            place,
            "run `pulumi preview --json --show-sames`",
            "https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/",
        )


def _mapping(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = node.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(node: Mapping[str, Any], key: str) -> list[Any]:
    value = node.get(key)
    return value if isinstance(value, list) else []
