"""The terminal that text reports are printed to, and the symbols that it can show.

Symbols distinguish verdicts and changes without colour; colours only help.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import IO, Final, cast

from podwall.plan.model import Operation
from podwall.reports.screen import Console
from podwall.streams import ShownStream

__all__ = [
    "ASCII",
    "CHANGES",
    "UNICODE",
    "UNWRAPPED",
    "Symbols",
    "line_width",
    "symbols",
    "terminal",
]


UNWRAPPED: Final = sys.maxsize


def terminal() -> Console:
    """Return the standard output: as wide as it is, and in colour only where that is wanted.

    `NO_COLOR` is honoured (https://no-color.org).
    """
    return Console(cast("IO[str]", ShownStream(sys.stdout)))


def line_width(console: Console) -> int:
    """Return how long a line of text may be: in a file, people search for whole sentences."""
    return console.width if console.is_terminal else UNWRAPPED


@dataclass(frozen=True, slots=True)
class Symbols:
    """One symbol for each thing that a report shows.

    `whole` and `part` say how much of many connections is open. `middle` and `last` draw trees:
    what leads to a child, and what runs down below it.
    """

    denied: str
    itself: str
    more: str
    whole: str
    part: str
    yes: str
    no: str
    middle: tuple[str, str]
    last: tuple[str, str]


UNICODE: Final = Symbols(
    denied="·",
    itself="─",
    more="…",
    whole="●",
    part="○",
    yes="✓",
    no="✗",
    middle=("├─ ", "│  "),
    last=("└─ ", "   "),
)
ASCII: Final = Symbols(
    denied=".",
    itself="-",
    more="..",
    whole="#",
    part="o",
    yes="+",
    no="x",
    middle=("|- ", "|  "),
    last=("`- ", "   "),
)

# As in the Pulumi CLI.
CHANGES: Final = {
    Operation.CREATE: ("+", "green"),
    Operation.UPDATE: ("~", "yellow"),
    Operation.REPLACE: ("+-", "magenta"),
    Operation.DELETE: ("-", "red"),
    Operation.READ: (">", "cyan"),
    Operation.RETAIN: ("-=", "yellow"),
    Operation.SAME: ("=", "dim"),
}


def symbols(encoding: str) -> Symbols:
    """Return the symbols that an output of this encoding can show."""
    return UNICODE if encoding.lower().replace("-", "") == "utf8" else ASCII
