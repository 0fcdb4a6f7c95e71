"""Why a flow passes or does not, for the terminal: one line for each rule, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from podwall.explain import Answer, Explanation, PolicyExplanation, SideExplanation
from podwall.policies.errors import Place
from podwall.reports.words import printable

__all__ = ["Locate", "explanation_text", "title"]

Locate = Callable[[Place], Place]
"""Finds the exact line of a field."""


def explanation_text(answer: Answer, locate: Locate) -> Iterator[str]:
    """Yield the lines, each level indented by two spaces."""
    explanation = answer.explanation
    yield f"{title(explanation)}\n"
    for part in explanation.undetermined:
        yield f"  {part.ports} undetermined: {printable(part.because)}\n"
    if answer.alike:
        yield f"  the same holds for {', '.join(each.id for each in answer.alike)}\n"
    for side in explanation.sides:
        yield "\n"
        yield from _side(side, locate)
    for note in explanation.notes:
        yield f"\nnote: {note.says}\n  {note.link}\n"


def title(explanation: Explanation) -> str:
    """Return the flow and its verdict on one line."""
    ends = f"{printable(explanation.source.id)} -> {printable(explanation.destination.id)}"
    verdict: str = explanation.verdict
    if explanation.allowed and explanation.allowed != explanation.asked:
        verdict = f"{explanation.allowed} {verdict}"
    return f"{ends} on {explanation.asked}: {verdict}"


def _side(side: SideExplanation, locate: Locate) -> Iterator[str]:
    subject = printable(side.subject.id)
    yield f"{side.direction} of {subject}: {side.verdict}, {printable(side.why)}\n"
    for policy in side.policies:
        yield from _policy(policy, locate)
    for exemption in side.exemptions:
        yield f"  {exemption.when}: {printable(exemption.says)}\n    {exemption.link}\n"


def _policy(policy: PolicyExplanation, locate: Locate) -> Iterator[str]:
    where = _where(policy.policy.place)
    name, why = printable(policy.name), printable(policy.why)
    yield f"  policy {name}{where}: {policy.verdict}, {why}\n"
    for rule in policy.rules:
        where = _where(locate(rule.place), only_line=policy.policy.place.line is not None)
        yield f"    {rule.place.path}{where}: {rule.verdict}, {printable(rule.why)}\n"


def _where(place: Place, *, only_line: bool = False) -> str:
    if not place.source:
        return ""
    if only_line:
        return f" (line {place.line})"
    line = "" if place.line is None else f":{place.line}"
    return f" ({printable(place.source)}{line})"
