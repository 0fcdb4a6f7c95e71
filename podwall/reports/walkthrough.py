"""The walkthrough as a table for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from podwall.documents import TypedDocument, about
from podwall.policies.presets import Step
from podwall.reachability import Verdict
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
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, header_style="bold")
    table.add_column("step", no_wrap=True, vertical="bottom")
    table.add_column("policy on the backend", vertical="bottom")
    for client in CLIENTS:
        table.add_column(_head(client), justify="center")
    for step in Step:
        verdicts = [attempt.verdict for attempt in attempts if attempt.step is step]
        cells = (_cell(verdict, shown) for verdict in verdicts)
        table.add_row(Text(step.value, "bold"), Text(_POLICIES[step], "dim"), *cells)
    title = Text(f"Who reaches {BACKEND}", "bold underline")
    labels = " ".join(f"{key}={value}" for key, value in LABELS.items())
    console.print(title, "", table, Text(f" labelled: {labels}", "dim"), sep="\n")


def _head(client: Client) -> Text:
    return Text(f"{client.namespace},\n{'labelled' if client.labelled else 'unlabelled'}")


def _cell(verdict: Verdict, shown: Symbols) -> Text:
    match verdict:
        case Verdict.ALLOWED:
            return Text(f"{shown.yes} reaches", "green")
        case Verdict.DENIED:
            return Text(f"{shown.no} blocked", "red")
        case Verdict.UNDETERMINED:
            return Text("? not certain", "yellow")


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
