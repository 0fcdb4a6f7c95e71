"""Why flows pass or do not: for the terminal, as Markdown, and as `podwall/explain/v1`.

In JSON, `verdict` is `allowed` where some of the asked ports are; `allowed` and `undetermined` say
which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from podwall.documents import TypedDocument, about
from podwall.explain import (
    Explanation,
    ExplanationNote,
    FlowAnswer,
    PolicyExplanation,
    SideExplanation,
    TierExplanation,
    TierPolicyExplanation,
)
from podwall.model import TierName
from podwall.policies.errors import Place
from podwall.reachability import UnseenPods, Verdict
from podwall.reports.findings.documents import ReadingDocument
from podwall.reports.formats import (
    EngineName,
    FieldPlaceDocument,
    PortsDocument,
    UndeterminedPortsDocument,
    markdown_text,
    place_document,
    ports_documents,
    undetermined_documents,
)
from podwall.reports.words import printable

__all__ = [
    "ExplanationDocument",
    "ExplanationsDocument",
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


def _subject(side: SideExplanation) -> str:
    """Return whom a side is about; pods that are not shown in words, as their id is a pattern."""
    subject = side.subject
    return f"{subject}" if isinstance(subject, UnseenPods) else subject.id


def _side_lines(side: SideExplanation, locate: Locate) -> Iterator[str]:
    subject = printable(_subject(side))
    yield f"{side.direction.field} of {subject}: {side.verdict}, {printable(side.why)}\n"
    yield from _tier_lines(side, locate, first=True)
    for policy in side.policies:
        yield from _policy_lines(policy, locate)
    yield from _tier_lines(side, locate, first=False)
    for exemption in side.exemptions:
        yield f"  {exemption.when}: {printable(exemption.says)}\n    {exemption.link}\n"


def _tier_lines(side: SideExplanation, locate: Locate, *, first: bool) -> Iterator[str]:
    for each in side.tiers:
        if each.tier.is_first is not first:
            continue
        yield f"  {each.title}: {each.why}\n"
        for policy in each.policies:
            where = _where(policy.policy.place)
            yield f"    {printable(policy.name)}{where}: {printable(policy.why)}\n"
            is_lined = policy.policy.place.line is not None
            for rule in policy.rules:
                at = f"{rule.place.path}{_where(locate(rule.place), only_line=is_lined)}"
                yield f"      {at}: {rule.does}, {printable(rule.why)}\n"


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
    subject = markdown_text(_subject(side))
    why = markdown_text(side.why)
    yield f"- **{side.direction.field} of {subject}: {side.verdict}**, {why}\n"
    yield from _tier_markdown(side, locate, first=True)
    for policy in side.policies:
        name = markdown_text(policy.name)
        yield f"  - policy {name}: {policy.verdict}, {markdown_text(policy.why)}\n"
        for rule in policy.rules:
            place = markdown_text(str(locate(rule.place)))
            yield f"    - {place}: {rule.verdict}, {markdown_text(rule.why)}\n"
    yield from _tier_markdown(side, locate, first=False)
    for exemption in side.exemptions:
        says = markdown_text(exemption.says)
        yield f"  - {exemption.when}: {says} ([source]({exemption.link}))\n"


def _tier_markdown(side: SideExplanation, locate: Locate, *, first: bool) -> Iterator[str]:
    for each in side.tiers:
        for policy in each.policies if each.tier.is_first is first else ():
            name = markdown_text(policy.name)
            yield f"  - {each.title}: {name}, {markdown_text(policy.why)}\n"
            for rule in policy.rules:
                place = markdown_text(str(locate(rule.place)))
                yield f"    - {place}: {rule.does}, {markdown_text(rule.why)}\n"


class NoteDocument(TypedDocument):
    """What an engine adds to the rules, and the page that says so."""

    says: str
    link: str


class RuleDocument(TypedDocument):
    """A rule that was consulted."""

    place: FieldPlaceDocument
    verdict: Verdict
    why: Annotated[str, about("What matched, or the nearest miss.")]


class PolicyDocument(TypedDocument):
    """A policy that restricts an end, rule by rule."""

    policy: str
    place: FieldPlaceDocument
    verdict: Verdict
    why: str
    rules: tuple[RuleDocument, ...]


class TierRuleDocument(TypedDocument):
    """A rule of a policy with a tier."""

    place: FieldPlaceDocument
    action: str
    decides: Annotated[
        tuple[PortsDocument, ...],
        about("The asked ports that it decides, or may decide, because no rule before it does."),
    ]
    why: Annotated[str, about("What it names, or the nearest miss.")]


class TierPolicyDocument(TypedDocument):
    """A policy with a tier that is about an end, rule by rule."""

    policy: Annotated[str, about("Its kind and its name.")]
    tier: TierName
    place: FieldPlaceDocument
    why: str
    rules: tuple[TierRuleDocument, ...]


class SideDocument(TypedDocument):
    """One direction, judged by the policies of the end that it leaves or enters."""

    of: Annotated[str, about("The end whose policies are asked.")]
    verdict: Verdict
    why: str
    policies: tuple[PolicyDocument, ...]
    always: Annotated[
        tuple[NoteDocument, ...],
        about("What passes whatever the policies say."),
    ]
    perhaps: Annotated[
        tuple[NoteDocument, ...],
        about("What may pass whatever the policies say: it is not known yet."),
    ]
    tiers: Annotated[
        tuple[TierPolicyDocument, ...],
        about("The policies with tiers about this end, in the order in which they decide."),
    ]


class ExplanationDocument(TypedDocument):
    """Why a flow passes or does not."""

    source: str
    destination: str
    verdict: Annotated[Verdict, about("`allowed` where some of the asked ports are.")]
    asked: tuple[PortsDocument, ...]
    allowed: tuple[PortsDocument, ...]
    undetermined: tuple[UndeterminedPortsDocument, ...]
    egress: SideDocument
    ingress: SideDocument
    notes: Annotated[tuple[NoteDocument, ...], about("What the engine adds to the rules.")]


class AnswerDocument(ExplanationDocument):
    """Why a flow passes or does not, and the ends of which the same is true."""

    alike: Annotated[tuple[str, ...], about("Further ends of which the same is true.")]


class ExplanationsDocument(ReadingDocument, tag_field="format", tag="podwall/explain/v1"):
    """What `podwall explain -o json` prints: why flows pass or do not."""

    engine: EngineName
    explanations: tuple[AnswerDocument, ...]


def explanations_document(
    engine: str, answers: Sequence[FlowAnswer], locate: Locate, **reading: Any
) -> ExplanationsDocument:
    """Return explanations as a document, with the `reading_fields` of their source."""
    documents = tuple(_answer_document(each, locate) for each in answers)
    return ExplanationsDocument(engine, documents, **reading)


def _answer_document(answer: FlowAnswer, locate: Locate) -> AnswerDocument:
    explanation = explanation_document(answer.explanation, locate)
    alike = tuple(end.id for end in answer.alike)
    return AnswerDocument(**msgspec.structs.asdict(explanation), alike=alike)


def explanation_document(explanation: Explanation, locate: Locate) -> ExplanationDocument:
    """Return one explanation as a document."""
    return ExplanationDocument(
        source=explanation.source.id,
        destination=explanation.destination.id,
        verdict=explanation.verdict,
        asked=ports_documents(explanation.asked),
        allowed=ports_documents(explanation.allowed),
        undetermined=undetermined_documents(explanation.undetermined),
        egress=_side_document(explanation.egress, locate),
        ingress=_side_document(explanation.ingress, locate),
        notes=tuple(map(_note_document, explanation.notes)),
    )


def _side_document(side: SideExplanation, locate: Locate) -> SideDocument:
    always, perhaps = (
        tuple(_note_document(each) for each in side.exemptions if each.when == when)
        for when in ("always", "perhaps")
    )
    policies = tuple(_policy_document(policy, locate) for policy in side.policies)
    tiers = tuple(
        _tier_document(each, policy, locate) for each in side.tiers for policy in each.policies
    )
    return SideDocument(side.subject.id, side.verdict, side.why, policies, always, perhaps, tiers)


def _tier_document(
    tier: TierExplanation, policy: TierPolicyExplanation, locate: Locate
) -> TierPolicyDocument:
    rules = tuple(
        TierRuleDocument(
            place_document(locate(rule.place)),
            rule.action,
            ports_documents(rule.decides),
            rule.why,
        )
        for rule in policy.rules
    )
    place = place_document(policy.policy.place)
    return TierPolicyDocument(policy.name, tier.tier, place, policy.why, rules)


def _policy_document(policy: PolicyExplanation, locate: Locate) -> PolicyDocument:
    rules = tuple(
        RuleDocument(place_document(locate(rule.place)), rule.verdict, rule.why)
        for rule in policy.rules
    )
    place = place_document(policy.policy.place)
    return PolicyDocument(policy.name, place, policy.verdict, policy.why, rules)


def _note_document(note: ExplanationNote) -> NoteDocument:
    return NoteDocument(note.says, note.link)
