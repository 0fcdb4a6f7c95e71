"""Intent and observation beside what is computed: whether both hold, and what policies would do.

For the terminal a line each, with the reason where one is broken; for programs the format
`podwall/check/v1`.

For the terminal the flows that matter, each with the policies that decide; for programs the format
`podwall/observed/v1`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Final

from podwall.documents import TypedDocument, about
from podwall.expectations import Outcome, Result
from podwall.explain import Explanation, FlowAnswer
from podwall.model import IpProtocol, Policy
from podwall.observed import (
    ComparedFlows,
    FlowRecords,
    JudgedFlow,
    NeverUsed,
    ObservedFlow,
    ObservedFlows,
    StatedFlows,
)
from podwall.reachability import Verdict
from podwall.reports.explanation import (
    ExplanationDocument,
    Locate,
    explanation_document,
    explanation_text,
)
from podwall.reports.findings.documents import ReadingDocument
from podwall.reports.formats import (
    EngineName,
    FieldPlaceDocument,
    PortsDocument,
    place_document,
    ports_documents,
)
from podwall.reports.words import counted, listed, printable
from podwall.suggest import Baseline, Suggestion

__all__ = [
    "CheckDocument",
    "ObservedDocument",
    "baseline_text",
    "checks_document",
    "checks_text",
    "observed_document",
    "observed_text",
    "stated_text",
    "suggestion_text",
]


def checks_text(
    results: Sequence[Result], locate: Locate, lacking: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines; `lacking` says what was not read, a sentence each."""
    for result in results:
        yield f"{result.outcome:12}  {printable(result.expectation.name)}\n"
        if result.outcome is not Outcome.PASS:
            yield f"    {printable(result.reason)}\n"
        if result.help:
            yield f"    help: {printable(result.help)}\n"
        if result.flow is not None:
            _, *lines = explanation_text(FlowAnswer(result.flow), locate)
            yield from (f"    {line}" for line in lines if line.strip())
    counts = Counter(result.outcome for result in results)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    yield f"\n{counted(len(results), 'expectation')}: {parts}\n"
    yield from (f"! {each}\n" for each in lacking)


class ResultDocument(TypedDocument):
    """What became of an expectation."""

    name: str
    description: str
    outcome: Annotated[
        Outcome,
        about("`undetermined`: it depends on something that is known only after deployment."),
    ]
    reason: Annotated[str, about("Why, in a sentence.")]
    help: Annotated[
        str,
        about("What would close a flow of pods that are not shown; empty where no such flow is."),
    ]
    place: FieldPlaceDocument
    flow: Annotated[
        ExplanationDocument | None,
        about(
            "The connection that decides, as in the explanations of "
            "`podwall/explain/v1`; null where everything is as expected, or nothing was selected."
        ),
    ]


class CheckDocument(ReadingDocument, tag_field="format", tag="podwall/check/v1"):
    """What `podwall check -o json` prints: what became of each expectation, in order."""

    engine: EngineName
    results: tuple[ResultDocument, ...]


def checks_document(
    engine: str, results: Sequence[Result], locate: Locate, **reading: Any
) -> CheckDocument:
    """Return results as a document, with the `reading_fields` of their source."""
    documents = tuple(_result_document(each, locate) for each in results)
    return CheckDocument(engine, documents, **reading)


def _result_document(result: Result, locate: Locate) -> ResultDocument:
    expectation = result.expectation
    return ResultDocument(
        expectation.name,
        expectation.description,
        result.outcome,
        result.reason,
        result.help,
        place_document(expectation.place),
        None if result.flow is None else explanation_document(result.flow, locate),
    )


_MOST = 12


def suggestion_text(suggestion: Suggestion) -> Iterator[str]:
    """Yield the lines."""
    yield _expectations_that_hold(suggestion)
    if suggestion.replaced:
        yield f"replaces {_named(suggestion.replaced)}"
    if suggestion.left_over:
        left = _named(suggestion.left_over)
        yield f"left over, and to be removed, or they go on allowing: {left}"


def baseline_text(suggested: Baseline) -> Iterator[str]:
    """Yield the lines."""
    ids = Counter(each.id for each in suggested.findings)
    still = ids["open-between-namespaces"] + ids["perhaps-open-between-namespaces"]
    closes = counted(suggested.closed, "connection")
    beyond = "nothing else" if not ids["closes-more"] else "more, as said above"
    yield f"closes {closes} between namespaces, and {beyond}"
    yield "some stay open, as said above" if still else "between namespaces, nothing stays open"


def _expectations_that_hold(suggestion: Suggestion) -> str:
    passed = sum(each.outcome is Outcome.PASS for each in suggestion.results)
    if passed < len(suggestion.results):
        return f"{passed:,} of {len(suggestion.results):,} expectations hold"
    total = counted(passed, "expectation")
    beyond = {"open-beyond-intent", "perhaps-open-beyond-intent"}
    if any(each.id in beyond for each in suggestion.findings):
        return f"{total}: all hold"
    return f"{total}: all hold, and nothing else is open but name resolution"


def _named(policies: Iterable[Policy]) -> str:
    names = [printable(each.full_name) for each in policies]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return listed([*names[:_MOST], *more])


_MOST_FLOWS: Final = 20
_FEW: Final = 3
_SAYS: Final = {
    Verdict.DENIED: "in use, and denied",
    Verdict.UNDETERMINED: "in use, and undetermined",
    Verdict.ALLOWED: "in use, and allowed",
}


class ObservedFlowDocument(TypedDocument):
    """A flow that was observed: how often in use, and how often a policy of then denied it."""

    source: Annotated[str, about("As in `podwall/reach/v2`; a node is meant by its address.")]
    destination: str
    protocol: Annotated[IpProtocol, about("`OTHER` is ICMP.")]
    port: Annotated[int, about("0 of `OTHER`.")]
    seen: Annotated[int, about("How many records show it in use; 0 where it was only denied.")]
    denied: int
    addresses: Annotated[
        tuple[str, ...],
        about("Single addresses that were seen outside of the cluster, the first 16."),
    ]
    verdict: Annotated[Verdict, about("What the policies of the source make of it.")]


class NeverUsedDocument(TypedDocument):
    """A connection that is open, the ports that were not seen in use, and those that were."""

    source: str
    destination: str
    unused: tuple[PortsDocument, ...]
    used: tuple[PortsDocument, ...]


class UnplacedDocument(TypedDocument):
    """An end that is none of the source, and how many records have it."""

    end: str
    reason: str
    records: int


class NotCountedDocument(TypedDocument):
    """How many records count as no flow for a reason."""

    reason: str
    records: int


class FlowRecordsDocument(TypedDocument):
    """What became of the records."""

    counted: int
    not_counted: tuple[NotCountedDocument, ...]
    unreadable: Annotated[int, about("Lines that are no record.")]
    lost: Annotated[int, about("Events that the recorder says were lost.")]
    beyond: Annotated[int, about("Flows that were too many to keep apart.")]
    first: Annotated[str, about("The time of the first record, to the second; else empty.")]
    last: str


class ObservedDocument(ReadingDocument, tag_field="format", tag="podwall/observed/v1"):
    """What `podwall reach --flows FILE -o json` prints: observed flows, and what becomes of them.

    What is in `never_used` was not seen, which does not prove that nothing needs it.
    """

    engine: EngineName
    records: FlowRecordsDocument
    flows: tuple[ObservedFlowDocument, ...]
    never_used: tuple[NeverUsedDocument, ...]
    not_judged: tuple[UnplacedDocument, ...]


def observed_document(compared: ComparedFlows, **reading: Any) -> ObservedDocument:
    """Return what was observed as a document, with the `reading_fields` of its source."""
    observed, records = compared.observed, compared.records
    return ObservedDocument(
        observed.found.engine.name,
        _records_document(observed, records),
        tuple(
            ObservedFlowDocument(
                *each.flow, each.seen.seen, each.seen.denied, _addresses(each.seen), each.verdict
            )
            for each in compared.flows
        ),
        tuple(
            NeverUsedDocument(
                each.connection.source_id,
                each.connection.destination_id,
                ports_documents(each.unused),
                ports_documents(each.used),
            )
            for each in compared.unused
        ),
        tuple(
            UnplacedDocument(each.end, each.reason, count)
            for each, count in observed.unplaced.most_common()
        ),
        **reading,
    )


def _records_document(observed: ObservedFlows, records: FlowRecords) -> FlowRecordsDocument:
    return FlowRecordsDocument(
        records.counted,
        tuple(NotCountedDocument(each, count) for each, count in records.not_counted.most_common()),
        records.unreadable,
        records.lost,
        observed.beyond,
        records.first,
        records.last,
    )


def observed_text(
    compared: ComparedFlows, explained: Iterable[Explanation], locate: Locate
) -> Iterator[str]:
    """Yield the lines for people: first what a policy would break, at the end what is not known."""
    yield f"{_covered(compared.records)}\n\n"
    for verdict, says in _SAYS.items():
        found = list(compared.in_use(verdict))
        yield f"{says}: {counted(len(found), 'flow')}\n"
        if verdict is not Verdict.ALLOWED:
            yield from _listed([_flow_line(each) for each in found])
    yield from _tried(compared.flows)
    for explanation in explained:
        yield "\n"
        yield from explanation_text(FlowAnswer(explanation), locate)
    unused = compared.unused
    yield f"\nallowed, and not seen in use: {counted(len(unused), 'connection')}\n"
    yield from _listed([_unused_line(each) for each in unused])
    yield from (f"\n! {each}\n" for each in _doubts(compared.observed, compared.records))


def _covered(records: FlowRecords) -> str:
    when = f", from {records.first}Z to {records.last}Z" if records.first else ""
    return f"{counted(records.counted, 'record')} of connections{when}"


def _addresses(seen: ObservedFlow) -> tuple[str, ...]:
    return tuple(sorted(seen.addresses))


def _flow_line(each: JudgedFlow) -> str:
    return f"{printable(str(each.flow))}, {_how_often(each.seen)}"


def _how_often(seen: ObservedFlow) -> str:
    """Return how often a flow was seen, and the addresses outside, if there are any."""
    more = ", ..." if seen.more_addresses or len(seen.addresses) > _FEW else ""
    at = f" at {', '.join(_addresses(seen)[:_FEW])}{more}" if seen.addresses else ""
    return f"seen {counted(seen.seen, 'time')}{printable(at)}"


def _tried(flows: Sequence[JudgedFlow]) -> Iterator[str]:
    """Yield what the policies of then denied and those of the source would let pass."""
    found = [each for each in flows if not each.seen.seen and each.verdict is Verdict.ALLOWED]
    if found:
        yield f"denied when it was tried, and allowed: {counted(len(found), 'flow')}\n"
        yield from _listed(
            [
                f"{printable(str(each.flow))}, tried {counted(each.seen.denied, 'time')}"
                for each in found
            ]
        )


def _unused_line(each: NeverUsed) -> str:
    ends = f"{each.connection.source_id} -> {each.connection.destination_id}"
    but = f", while {each.used} was" if each.used else ""
    return f"{printable(ends)} on {each.unused}{but}"


def _listed(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {line}\n" for line in lines[:_MOST_FLOWS])
    if len(lines) > _MOST_FLOWS:
        yield f"  and {len(lines) - _MOST_FLOWS:,} more: see `-o json`\n"


def _doubts(observed: ObservedFlows, records: FlowRecords) -> Iterator[str]:
    """Yield what weakens the answer, a sentence each."""
    for reason, count in records.not_counted.most_common():
        yield f"{counted(count, 'record')} not counted: {reason}"
    if records.unreadable:
        yield f"{counted(records.unreadable, 'line')} could not be read: what they tell is missing"
    if records.lost:
        yield f"the recorder lost {counted(records.lost, 'event')}: what is not seen may be in use"
    if observed.beyond:
        yield f"{counted(observed.beyond, 'flow')} too many to keep apart were left out"
    for each, count in islice(observed.unplaced.most_common(), _MOST_FLOWS):
        yield f"not judged, {counted(count, 'record')}: {printable(str(each))}"
    more = len(observed.unplaced) - _MOST_FLOWS
    if more > 0 or observed.more_unplaced:
        yield f"and more ends that are not judged: see `-o json` ({max(more, 0):,})"


def stated_text(found: StatedFlows, observed: ObservedFlows, records: FlowRecords) -> Iterator[str]:
    """Yield what is to be known of policies that are written from observed flows."""
    yield f"{_covered(records)}: {counted(len(found.expectations), 'pair')} in use"
    for key, seen in found.rare[:_MOST_FLOWS]:
        yield f"rare, and kept: {printable(str(key))}, {_how_often(seen)}"
    if len(found.rare) > _MOST_FLOWS:
        yield f"and {len(found.rare) - _MOST_FLOWS:,} more that were rare"
    for key in found.ranges[:_MOST_FLOWS]:
        yield (
            f"kept as a range, since too many addresses were seen to write each: "
            f"{printable(str(key))}"
        )
    for reason, count in found.left_out.most_common():
        yield f"not kept, {counted(count, 'record')}: {reason}"
    if found.silent:
        names = ", ".join(printable(each) for each in found.silent[:_MOST_FLOWS])
        more = (
            f" and {len(found.silent) - _MOST_FLOWS:,} more"
            if len(found.silent) > _MOST_FLOWS
            else ""
        )
        yield f"nothing was seen of {names}{more}: all is denied but what the suggestion says"
    yield from _doubts(observed, records)
