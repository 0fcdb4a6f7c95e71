"""What was predicted and what was observed, side by side.

For the terminal a table, for build servers JUnit XML and TAP, for programs the format
`podwall/verify/v1`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final

from podwall.documents import TypedDocument, about
from podwall.explain import Explanation, FlowAnswer
from podwall.model import IpProtocol
from podwall.policies.errors import Finding, Place, Severity
from podwall.reachability import Reachability, Verdict, WorkloadEndpoint
from podwall.reports.explanation import (
    ExplanationDocument,
    Locate,
    explanation_document,
    explanation_text,
)
from podwall.reports.findings.junit import JunitCase, JunitSuite
from podwall.reports.screen import Column, Console, Styled, Table
from podwall.reports.terminal import Symbols, symbols
from podwall.reports.words import counted, printable
from podwall.verify import (
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    NotProbed,
    ProbeOutcome,
    ProbePlan,
    Verification,
)

__all__ = [
    "ProbePlanDocument",
    "VerificationDocument",
    "netassert_text",
    "print_plan",
    "print_verification",
    "probe_plan_document",
    "verification_document",
    "verification_findings",
    "verification_suite",
    "verification_tap",
]

_HEADS: Final = ("", "client", "server", "port", "predicted", "observed")
_STYLES: Final = {
    Agreement.AGREES: "green",
    Agreement.DISAGREES: "red",
    Agreement.NOT_OBSERVED: "yellow",
}


def print_verification(found: Verification, locate: Locate, console: Console) -> None:
    """Print a row for each probe, then what disagrees and why, then how many there are."""
    shown = symbols(console.encoding)
    rows = [_row(each, shown) for each in found.results]
    console.print(_table(_HEADS).with_rows(rows))
    for each in found.results:
        if each.agreement is not Agreement.AGREES:
            console.print("", *_details(each, found, locate), wrap=False)
    for cause in found.causes:
        console.print("", f"commonly: {cause}", wrap=False)
    console.print("", *_left_out_lines(found.left_out), *found.notes, _summary(found), wrap=False)


def print_plan(plan: ProbePlan, console: Console) -> None:
    """Print what would be probed."""
    rows = [[Styled.of(part) for part in _flow(each)] for each in plan.probes]
    console.print(_table(_HEADS[1:5]).with_rows(rows))
    console.print("", *_left_out_lines(plan.left_out), wrap=False)
    clients = counted(len(plan.clients), "temporary pod")
    console.print(f"{counted(len(plan.probes), 'probe')} from {clients}, nothing was made")


def _table(heads: Sequence[str]) -> Table:
    columns = (Column(Styled.of((head, "bold")), wraps=False) for head in heads)
    return Table(tuple(columns), gap="  ", rule="─")


def _row(result: ComparedProbe, shown: Symbols) -> tuple[Styled, ...]:
    style = _STYLES[result.agreement]
    symbol = {Agreement.AGREES: shown.yes, Agreement.DISAGREES: shown.no}
    cells = (*_flow(result.probe), result.observation.outcome.value)
    mark = symbol.get(result.agreement, "?")
    return (Styled.of((mark, style)), *(Styled.of(cell) for cell in cells[:-1]),
            Styled.of((cells[-1], style)))  # fmt: skip


def _flow(probe: ConnectionProbe) -> tuple[str, str, str, str]:
    port = f"{probe.protocol} {probe.port}"
    return printable(probe.client), printable(probe.server), port, probe.predicted.value


def _details(result: ComparedProbe, found: Verification, locate: Locate) -> Iterator[str]:
    yield f"{printable(str(result.probe))}: {result.agreement}"
    yield f"  {printable(result.reason)}"
    explanation = found.explanations.get(result.probe)
    if explanation is not None:
        _, *lines = explanation_text(FlowAnswer(explanation), locate)
        yield from (f"  {line.rstrip()}" for line in lines if line.strip())


def _left_out_lines(left_out: Iterable[NotProbed]) -> Iterator[str]:
    for each in left_out:
        yield f"not probed: {each.count:,} x {printable(each.reason)}"


def _summary(found: Verification) -> str:
    parts = ", ".join(f"{count:,} {_SAYS[each]}" for each, count in found.counts.items() if count)
    return f"{counted(len(found.results), 'probe')}: {parts or 'nothing was probed'}"


_SAYS: Final = {
    Agreement.AGREES: "as predicted",
    Agreement.DISAGREES: "not as predicted",
    Agreement.NOT_OBSERVED: "not observed",
}


def verification_suite(found: Verification) -> JunitSuite:
    """Return a case for each probe; what was not observed is skipped, never passed."""
    cases = (
        JunitCase(
            name=str(each.probe),
            group=f"podwall verify.{each.probe.client}",
            failure=each.reason if each.agreement is Agreement.DISAGREES else "",
            skipped=each.reason if each.agreement is Agreement.NOT_OBSERVED else "",
        )
        for each in found.results
    )
    return JunitSuite("podwall verify", tuple(cases))


def verification_tap(found: Verification) -> Iterator[str]:
    """Yield the lines of the Test Anything Protocol, version 13 (https://testanything.org)."""
    yield "TAP version 13\n"
    yield f"1..{len(found.results)}\n"
    for number, each in enumerate(found.results, 1):
        ok = "not ok" if each.agreement is not Agreement.AGREES else "ok"
        why = f" - {each.reason}" if each.reason else ""
        line = printable(f"{each.probe}, {each.probe.predicted}{why}").replace("#", "")
        yield f"{ok} {number} {line}\n"


def verification_findings(found: Verification) -> Iterator[Finding]:
    """Yield a finding for each probe that does not agree, at the policy that denies it if known."""
    for each in found.results:
        if each.agreement is Agreement.AGREES:
            continue
        seen = each.agreement is Agreement.DISAGREES
        kind = "not-enforced" if each.observation.passed else "not-open"
        yield Finding(
            f"prediction-{kind}" if seen else "prediction-not-observed",
            Severity.ERROR if seen else Severity.WARNING,
            f"{each.probe}: {each.reason}",
            _denying(found.explanations.get(each.probe)),
            next(iter(found.causes), "") if seen else "",
        )


def _denying(explanation: Explanation | None) -> Place:
    """Return where the first policy that denies a flow is written, nowhere if that is not known."""
    sides = explanation.sides if explanation else ()
    places = (
        policy.policy.place
        for side in sides
        for policy in side.policies
        if policy.verdict is Verdict.DENIED
    )
    return next(places, Place())


_NETASSERT_KINDS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Pod"})


def netassert_text(plan: ProbePlan, found: Reachability) -> Iterator[str]:
    """Yield a plan as the test cases of NetAssert 2, a document each.

    NetAssert takes only a connection for success, so that of what is allowed only the ports that a
    server declares are kept. It knows four kinds of workloads.
    https://github.com/controlplaneio/netassert
    """
    ends = {each.id: each for each in found.workloads}
    cases = [each for each in plan.probes if _can_be_asserted(each, ends)]
    for each in cases:
        case = {
            "name": "-".join(re.findall(r"[a-z0-9]+", str(each).lower())),
            "type": "k8s",
            "protocol": each.protocol.value.lower(),
            "targetPort": each.port,
            "timeoutSeconds": 60,
            "attempts": 3,
            "exitCode": 0 if each.should_pass else 1,
            "src": _resource(ends[each.client]),
            "dst": _resource(ends[each.server]),
        }
        yield f"- {json.dumps(case)}\n"
    if not cases:
        yield "[]\n"
    left = len(plan.probes) - len(cases)
    if left:
        yield f"# left out: {counted(left, 'probe')} that NetAssert can't make\n"


def _can_be_asserted(probe: ConnectionProbe, ends: Mapping[str, WorkloadEndpoint]) -> bool:
    server = ends[probe.server].workload
    kinds = {ends[probe.client].workload.kind, server.kind}
    declared = (probe.protocol, probe.port) in {(one.protocol, one.number) for one in server.ports}
    return kinds <= _NETASSERT_KINDS and (declared or not probe.should_pass)


def _resource(end: WorkloadEndpoint) -> dict[str, dict[str, str]]:
    workload = end.workload
    name, namespace = workload.real_name, str(workload.namespace)
    return {"k8sResource": {"kind": workload.kind.lower(), "name": name, "namespace": namespace}}


class ProbeDocument(TypedDocument):
    """An attempt to connect from a pod of one workload to a pod of another."""

    client: str
    server: str
    protocol: IpProtocol
    port: int
    predicted: Verdict


class ComparedProbeDocument(ProbeDocument):
    """A probe, and what was seen of it."""

    observed: Annotated[
        ProbeOutcome,
        about("How the last attempt ended; `refused` proves that the path is open."),
    ]
    agreement: Agreement
    attempts: int
    controlled: Annotated[
        bool,
        about("The client had reached something before, so that its silence means something."),
    ]
    reason: Annotated[str, about("Why it does not agree, in a sentence; empty where it does.")]
    explanation: Annotated[
        ExplanationDocument | None,
        about("Why it was predicted so, of the first ones that disagree."),
    ]


class NotProbedDocument(TypedDocument):
    """How many are not probed for a reason."""

    reason: str
    count: int


class VerificationDocument(TypedDocument, tag_field="format", tag="podwall/verify/v1"):
    """What `podwall verify -o json` prints: what was predicted and what was observed."""

    cluster: str
    engine: Annotated[str, about("The engine whose verdicts were predicted.")]
    results: tuple[ComparedProbeDocument, ...]
    left_out: tuple[NotProbedDocument, ...]
    causes: Annotated[
        tuple[str, ...], about("What commonly causes such disagreements under this engine.")
    ]
    notes: tuple[str, ...]


class ProbePlanDocument(TypedDocument, tag_field="format", tag="podwall/probes/v1"):
    """What `podwall verify --dry-run -o json` prints: what would be probed."""

    probes: tuple[ProbeDocument, ...]
    left_out: tuple[NotProbedDocument, ...]


def probe_plan_document(plan: ProbePlan) -> ProbePlanDocument:
    """Return a plan as a document."""
    probes = (
        ProbeDocument(each.client, each.server, each.protocol, each.port, each.predicted)
        for each in plan.probes
    )
    return ProbePlanDocument(tuple(probes), _left_out_documents(plan.left_out))


def verification_document(found: Verification, locate: Locate) -> VerificationDocument:
    """Return a verification as a document."""
    return VerificationDocument(
        found.cluster,
        found.engine,
        tuple(_result_document(each, found, locate) for each in found.results),
        _left_out_documents(found.left_out),
        found.causes,
        found.notes,
    )


def _result_document(
    result: ComparedProbe, found: Verification, locate: Locate
) -> ComparedProbeDocument:
    probe, seen = result.probe, result.observation
    explanation = found.explanations.get(probe)
    return ComparedProbeDocument(
        probe.client,
        probe.server,
        probe.protocol,
        probe.port,
        probe.predicted,
        seen.outcome,
        result.agreement,
        seen.attempts,
        seen.controlled,
        result.reason,
        None if explanation is None else explanation_document(explanation, locate),
    )


def _left_out_documents(left_out: Iterable[NotProbed]) -> tuple[NotProbedDocument, ...]:
    return tuple(NotProbedDocument(each.reason, each.count) for each in left_out)
