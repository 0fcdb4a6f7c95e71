"""The walkthrough as a table for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from podwall.documents import TypedDocument, about
from podwall.policies.presets import Step
from podwall.reachability import Verdict
from podwall.reports.screen import Column, Console, Styled, Table
from podwall.reports.terminal import Symbols, symbols
from podwall.verify import Agreement, ObservedAttempt, ProbeOutcome
from podwall.walkthrough import BACKEND, CLIENTS, LABELS, Attempt, Client

__all__ = [
    "LiveWalkthroughDocument",
    "WalkthroughDocument",
    "live_walkthrough_document",
    "print_live_walkthrough",
    "print_walkthrough",
    "walkthrough_document",
]


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
    rows = (_row(step, attempts, shown) for step in Step)
    table = Table(columns, gap="  ", edge=" ", rule="─").with_rows(rows)
    labels = " ".join(f"{key}={value}" for key, value in LABELS.items())
    title = Styled.of((f"Who reaches {BACKEND}", "bold underline"))
    console.print(title, "", table, Styled.of((f" labelled: {labels}", "dim")))


def _row(step: Step, attempts: Sequence[Attempt], shown: Symbols) -> tuple[Styled, ...]:
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
