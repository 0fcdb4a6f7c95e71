"""The walkthrough as a table for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from podwall.documents import TypedDocument, about
from podwall.policies.presets import Step
from podwall.reachability import Verdict
from podwall.reports.screen import Column, Console, Styled, Table
from podwall.reports.terminal import Symbols, symbols
from podwall.walkthrough import BACKEND, CLIENTS, LABELS, Attempt, Client

__all__ = ["WalkthroughDocument", "print_walkthrough", "walkthrough_document"]


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
