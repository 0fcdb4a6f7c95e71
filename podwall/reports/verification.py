"""What was predicted and what was observed, side by side: of probes, and of the walkthrough.

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
from podwall.policies.presets import Step
from podwall.reachability import Reachability, Verdict, WorkloadEndpoint
from podwall.reading import LedgerEntry
from podwall.reports.explanation import (
    ExplanationDocument,
    Locate,
    explanation_document,
    explanation_text,
)
from podwall.reports.findings.documents import LedgerDocument, ledger_fields
from podwall.reports.findings.junit import JunitCase, JunitSuite
from podwall.reports.screen import Column, Console, Styled, Symbols, Table, symbols
from podwall.reports.words import counted, printable
from podwall.verify import (
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    NotProbed,
    ObservedAttempt,
    ProbeOutcome,
    ProbePlan,
    Verification,
)
from podwall.walkthrough import BACKEND, CLIENTS, LABELS, Attempt, Client

__all__ = [
    "LiveWalkthroughDocument",
    "ProbePlanDocument",
    "VerificationDocument",
    "WalkthroughDocument",
    "live_walkthrough_document",
    "netassert_text",
    "print_live_walkthrough",
    "print_plan",
    "print_verification",
    "print_walkthrough",
    "probe_plan_document",
    "verification_document",
    "verification_findings",
    "verification_suite",
    "verification_tap",
    "walkthrough_document",
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
    rows = [_probe_row(each, shown) for each in found.results]
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


def _probe_row(result: ComparedProbe, shown: Symbols) -> tuple[Styled, ...]:
    style = _STYLES[result.agreement]
    symbol = {Agreement.AGREES: shown.yes, Agreement.DISAGREES: shown.no}
    cells = (*_flow(result.probe), result.observation.outcome.value)
    mark = symbol.get(result.agreement, "?")
    return (Styled.of((mark, style)), *(Styled.of(cell) for cell in cells[:-1]),
            Styled.of((cells[-1], style)))  # fmt: skip


def _flow(probe: ConnectionProbe) -> tuple[str, str, str, str]:
    through = f" by {printable(probe.service)}" if probe.service else ""
    through += f", {probe.way}" if probe.way else ""
    port = f"{probe.protocol} {probe.port}{through}"
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
    """Yield a finding for each probe that does not agree, at the policy that denies it if known.

    A last one says that the image was not pinned.
    """
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
    if found.unpinned:
        help_ = "name it by its digest: `--image REGISTRY/busybox@sha256:...`"
        yield Finding("probe-image-by-tag", Severity.WARNING, found.unpinned, help=help_)


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
    if probe.way:
        return False
    server = ends[probe.server].workload
    kinds = {ends[probe.client].workload.kind, server.kind}
    declared = (probe.protocol, probe.port) in {(one.protocol, one.number) for one in server.ports}
    made = probe.protocol in {IpProtocol.TCP, IpProtocol.UDP} and not probe.service
    return made and kinds <= _NETASSERT_KINDS and (declared or not probe.should_pass)


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
    service: Annotated[
        str,
        about("The service and its port, by whose address it is connected to; empty: the pod's."),
    ]
    way: Annotated[str, about("How `outside` comes in: `node port`, `load balancer`; else empty.")]


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
        about(
            "The client reached something right after a silence, which therefore proves something."
        ),
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


class VerificationDocument(LedgerDocument, tag_field="format", tag="podwall/verify/v1"):
    """What `podwall verify -o json` prints: what was predicted and what was observed."""

    cluster: str
    engine: Annotated[str, about("The engine whose verdicts were predicted.")]
    results: tuple[ComparedProbeDocument, ...]
    left_out: tuple[NotProbedDocument, ...]
    causes: Annotated[
        tuple[str, ...], about("What commonly causes such disagreements under this engine.")
    ]
    notes: tuple[str, ...]


class ProbePlanDocument(LedgerDocument, tag_field="format", tag="podwall/probes/v1"):
    """What `podwall verify --dry-run -o json` prints: what would be probed."""

    probes: tuple[ProbeDocument, ...]
    left_out: tuple[NotProbedDocument, ...]


def probe_plan_document(plan: ProbePlan, not_read: Iterable[LedgerEntry] = ()) -> ProbePlanDocument:
    """Return a plan as a document, with what was not read of what it is about."""
    probes = (ProbeDocument(*_written(each)) for each in plan.probes)
    left_out = _left_out_documents(plan.left_out)
    return ProbePlanDocument(tuple(probes), left_out, **ledger_fields(not_read))


def verification_document(
    found: Verification, locate: Locate, not_read: Iterable[LedgerEntry] = ()
) -> VerificationDocument:
    """Return a verification as a document, with what was not read of what was predicted."""
    return VerificationDocument(
        found.cluster,
        found.engine,
        tuple(_result_document(each, found, locate) for each in found.results),
        _left_out_documents(found.left_out),
        found.causes,
        found.notes,
        **ledger_fields(not_read),
    )


def _result_document(
    result: ComparedProbe, found: Verification, locate: Locate
) -> ComparedProbeDocument:
    probe, seen = result.probe, result.observation
    explanation = found.explanations.get(probe)
    return ComparedProbeDocument(
        *_written(probe),
        seen.outcome,
        result.agreement,
        seen.attempts,
        seen.controlled,
        result.reason,
        None if explanation is None else explanation_document(explanation, locate),
    )


def _written(probe: ConnectionProbe) -> tuple[str, str, IpProtocol, int, Verdict, str, str]:
    ends = probe.client, probe.server
    return *ends, probe.protocol, probe.port, probe.predicted, probe.service, probe.way


def _left_out_documents(left_out: Iterable[NotProbed]) -> tuple[NotProbedDocument, ...]:
    return tuple(NotProbedDocument(each.reason, each.count) for each in left_out)


_POLICIES: Final = {
    Step.OPEN: "none",
    Step.DENY_ALL: "allows no one",
    Step.SAME_NAMESPACE: "labels, no namespace",
    Step.ANY_NAMESPACE: "labels, any namespace",
    Step.OWN_NAMESPACE: f"labels, only {CLIENTS[0].namespace}",
}


def print_walkthrough(attempts: Sequence[Attempt], console: Console) -> None:
    """Print a row for each step and a column for each client."""
    shown = symbols(console.encoding)
    columns = (
        Column(Styled.of(("step", "bold")), wraps=False),
        Column(Styled.of(("policy on the backend", "bold"))),
        *(Column(_head(client), centred=True) for client in CLIENTS),
    )
    rows = (_step_row(step, attempts, shown) for step in Step)
    table = Table(columns, gap="  ", edge=" ", rule="─").with_rows(rows)
    labels = " ".join(f"{key}={value}" for key, value in LABELS.items())
    title = Styled.of((f"Who reaches {BACKEND}", "bold underline"))
    console.print(title, "", table, Styled.of((f" labelled: {labels}", "dim")))


def _step_row(step: Step, attempts: Sequence[Attempt], shown: Symbols) -> tuple[Styled, ...]:
    verdicts = (attempt.verdict for attempt in attempts if attempt.step is step)
    cells = (_cell(verdict, shown) for verdict in verdicts)
    return (Styled.of((step.value, "bold")), Styled.of((_POLICIES[step], "dim")), *cells)


def _head(client: Client) -> Styled:
    labelled = "labelled" if client.labelled else "unlabelled"
    return Styled.of((f"{client.namespace},\n{labelled}", "bold"))


def _cell(verdict: Verdict, shown: Symbols) -> Styled:
    match verdict:
        case Verdict.ALLOWED:
            return Styled.of((f"{shown.yes} reaches", "green"))
        case Verdict.DENIED:
            return Styled.of((f"{shown.no} blocked", "red"))
        case Verdict.UNDETERMINED:
            return Styled.of(("? not certain", "yellow"))


class AttemptDocument(TypedDocument):
    """Whether a client reaches the backend at a step of the walkthrough."""

    step: Step
    client: str
    namespace: str
    labelled: bool
    reaches: Annotated[bool | None, about("Null where it is undetermined.")]


WalkthroughDocument = Annotated[
    tuple[AttemptDocument, ...],
    about(
        "What `podwall walkthrough -o json` prints: for each step and client whether "
        "it reaches the backend."
    ),
]

# An undetermined verdict is neither.
_REACHES: Final = {Verdict.ALLOWED: True, Verdict.DENIED: False, Verdict.UNDETERMINED: None}


def walkthrough_document(attempts: Iterable[Attempt]) -> WalkthroughDocument:
    """Return a document for each client at each step."""
    return tuple(
        AttemptDocument(
            attempt.step,
            attempt.client.name,
            attempt.client.namespace,
            attempt.client.labelled,
            _REACHES[attempt.verdict],
        )
        for attempt in attempts
    )


class ObservedAttemptDocument(TypedDocument):
    """Whether a client was predicted to reach the backend at a step, and whether it did."""

    step: Step
    client: Annotated[str, about("The client as `namespace/name` of the walkthrough.")]
    predicted: Verdict
    observed: Annotated[Verdict | None, about("Null where it was not observed.")]
    outcome: Annotated[ProbeOutcome, about("How the last attempt to connect ended.")]
    agreement: Agreement
    reason: Annotated[str, about("Why it does not agree, in a sentence; empty where it does.")]


LiveWalkthroughDocument = Annotated[
    tuple[ObservedAttemptDocument, ...],
    about(
        "What `podwall walkthrough --live -o json` prints: for each step and client what was "
        "predicted and what was observed."
    ),
]


def live_walkthrough_document(attempts: Iterable[ObservedAttempt]) -> LiveWalkthroughDocument:
    """Return a document for each client at each step."""
    return tuple(
        ObservedAttemptDocument(
            each.attempt.step,
            each.attempt.client.id,
            each.attempt.verdict,
            each.observed,
            each.outcome,
            each.agreement,
            each.result.reason if each.result else "it was not predicted",
        )
        for each in attempts
    )


def print_live_walkthrough(attempts: Sequence[ObservedAttempt], console: Console) -> None:
    """Print a row for each client at each step, and how many are as predicted."""
    shown = symbols(console.encoding)
    heads = ("", "step", "client", "predicted", "observed")
    columns = (Column(Styled.of((head, "bold")), wraps=False) for head in heads)
    rows = (_live_row(each, shown) for each in attempts)
    console.print(Table(tuple(columns), gap="  ", rule="─").with_rows(rows))
    agreeing = sum(each.agreement is Agreement.AGREES for each in attempts)
    for each in attempts:
        if each.result is not None and each.result.reason:
            console.print(f"{each.attempt.step}: {each.result.reason}", wrap=False)
    console.print("", f"{agreeing} of {len(attempts)} as predicted")


def _live_row(each: ObservedAttempt, shown: Symbols) -> tuple[Styled, ...]:
    marks = {Agreement.AGREES: (shown.yes, "green"), Agreement.DISAGREES: (shown.no, "red")}
    attempt = each.attempt
    cells = (attempt.step.value, attempt.client.id, attempt.verdict.value, each.outcome.value)
    mark = marks.get(each.agreement, ("?", "yellow"))
    return (Styled.of(mark), *map(Styled.of, cells))
