"""The symbols of the terminal reports, which tell apart without colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from podwall.plan.model import Change

__all__ = ["ASCII", "CHANGES", "UNICODE", "Symbols", "symbols"]


@dataclass(frozen=True, slots=True)
class Symbols:
    """One symbol for each thing that a report has to tell.

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
    Change.CREATE: ("+", "green"),
    Change.UPDATE: ("~", "yellow"),
    Change.REPLACE: ("+-", "magenta"),
    Change.DELETE: ("-", "red"),
    Change.READ: (">", "cyan"),
    Change.SAME: ("=", "dim"),
}


def symbols(encoding: str) -> Symbols:
    """Return the symbols that an output of this encoding can show."""
    return UNICODE if encoding.lower().replace("-", "") == "utf8" else ASCII
