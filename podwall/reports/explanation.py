"""Why flows pass or do not: for the terminal, as Markdown, and as `podwall/explain/v1`.

In JSON, `verdict` is `allowed` where some of the asked ports are; `allowed` and `undetermined` say
which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from podwall.explain import (
    Explanation,
    ExplanationNote,
    FlowAnswer,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
)
from podwall.policies.errors import Place
from podwall.reports.formats import markdown_text, place_document, port_documents
from podwall.reports.words import printable

__all__ = [
    "FORMAT",
    "Locate",
    "explanation_document",
    "explanation_markdown",
    "explanation_text",
    "explanations_document",
    "title",
]


Locate = Callable[[Place], Place]
"""Finds the exact line of a field."""


def explanation_text(answer: FlowAnswer, locate: Locate) -> Iterator[str]:
    """Yield the lines, each level indented by two spaces."""
    explanation = answer.explanation
    yield f"{title(explanation)}\n"
    for part in explanation.undetermined:
        yield f"  {part.ports} undetermined: {printable(part.because)}\n"
    if answer.alike:
        yield f"  the same holds for {', '.join(each.id for each in answer.alike)}\n"
    for side in explanation.sides:
        yield "\n"
        yield from _side_lines(side, locate)
    for note in explanation.notes:
        yield f"\nnote: {note.says}\n  {note.link}\n"


def title(explanation: Explanation) -> str:
    """Return the flow and its verdict on one line."""
    ends = f"{printable(explanation.source.id)} -> {printable(explanation.destination.id)}"
    verdict: str = explanation.verdict
    if explanation.allowed and explanation.allowed != explanation.asked:
        verdict = f"{explanation.allowed} {verdict}"
    return f"{ends} on {explanation.asked}: {verdict}"


def _side_lines(side: SideExplanation, locate: Locate) -> Iterator[str]:
    subject = printable(side.subject.id)
    yield f"{side.direction.field} of {subject}: {side.verdict}, {printable(side.why)}\n"
    for policy in side.policies:
        yield from _policy_lines(policy, locate)
    for exemption in side.exemptions:
        yield f"  {exemption.when}: {printable(exemption.says)}\n    {exemption.link}\n"


def _policy_lines(policy: PolicyExplanation, locate: Locate) -> Iterator[str]:
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


def explanation_markdown(answer: FlowAnswer, locate: Locate) -> Iterator[str]:
    """Yield the lines."""
    explanation = answer.explanation
    yield f"### {markdown_text(title(explanation))}\n\n"
    for part in explanation.undetermined:
        yield f"- {part.ports} undetermined: {markdown_text(part.because)}\n"
    if answer.alike:
        yield f"- the same holds for {', '.join(each.id for each in answer.alike)}\n"
    for side in explanation.sides:
        yield from _side_markdown(side, locate)
    for note in explanation.notes:
        yield f"- note: {markdown_text(note.says)} ([source]({note.link}))\n"


def _side_markdown(side: SideExplanation, locate: Locate) -> Iterator[str]:
    subject = markdown_text(side.subject.id)
    why = markdown_text(side.why)
    yield f"- **{side.direction.field} of {subject}: {side.verdict}**, {why}\n"
    for policy in side.policies:
        name = markdown_text(policy.name)
        yield f"  - policy {name}: {policy.verdict}, {markdown_text(policy.why)}\n"
        for rule in policy.rules:
            place = markdown_text(str(locate(rule.place)))
            yield f"    - {place}: {rule.verdict}, {markdown_text(rule.why)}\n"
    for exemption in side.exemptions:
        says = markdown_text(exemption.says)
        yield f"  - {exemption.when}: {says} ([source]({exemption.link}))\n"


FORMAT: Final = "podwall/explain/v1"


def explanations_document(
    engine: str, answers: Sequence[FlowAnswer], locate: Locate
) -> dict[str, Any]:
    """Return explanations as a JSON document."""
    return {
        "format": FORMAT,
        "engine": engine,
        "explanations": [
            {
                **explanation_document(each.explanation, locate),
                "alike": [end.id for end in each.alike],
            }
            for each in answers
        ],
    }


def explanation_document(explanation: Explanation, locate: Locate) -> dict[str, Any]:
    """Return one explanation as a JSON object."""
    return {
        "source": explanation.source.id,
        "destination": explanation.destination.id,
        "verdict": explanation.verdict.value,
        "asked": port_documents(explanation.asked),
        "allowed": port_documents(explanation.allowed),
        "undetermined": [
            {**ports, "because": part.because}
            for part in explanation.undetermined
            for ports in port_documents(part.ports)
        ],
        "egress": _side_document(explanation.egress, locate),
        "ingress": _side_document(explanation.ingress, locate),
        "notes": [_note_document(note) for note in explanation.notes],
    }


def _side_document(side: SideExplanation, locate: Locate) -> dict[str, Any]:
    return {
        "of": side.subject.id,
        "verdict": side.verdict.value,
        "why": side.why,
        "policies": [_policy_document(policy, locate) for policy in side.policies],
        **{
            when: [_note_document(each) for each in side.exemptions if each.when == when]
            for when in ("always", "perhaps")
        },
    }


def _policy_document(policy: PolicyExplanation, locate: Locate) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "place": place_document(policy.policy.place),
        "verdict": policy.verdict.value,
        "why": policy.why,
        "rules": [_rule_document(rule, locate) for rule in policy.rules],
    }


def _rule_document(rule: RuleExplanation, locate: Locate) -> dict[str, Any]:
    return {
        "place": place_document(locate(rule.place)),
        "verdict": rule.verdict.value,
        "why": rule.why,
    }


def _note_document(note: ExplanationNote) -> dict[str, str]:
    return {"says": note.says, "link": note.link}
