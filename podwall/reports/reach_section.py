"""Who can reach whom, for the terminal: the table, what its symbols mean, what is not certain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from podwall.reachability import Reachability
from podwall.reports.reach_grid import Grid, reach_grid
from podwall.reports.reach_table import cell_text, reach_table
from podwall.reports.symbols import Symbols

__all__ = ["reach_section"]

_INDENT: Final = 2
_MOST_WORKLOADS: Final = 60
_MOST_CAUSES: Final = 10


def reach_section(
    reachability: Reachability, console: Console, symbols: Symbols
) -> Iterator[RenderableType]:
    """Yield the parts of the section, the title first."""
    engine = reachability.engine
    yield Text.assemble(("Who can reach whom", "bold underline"), f"  {engine.title}")
    yield ""
    number = len(reachability.workloads)
    if not number:
        yield Text("  no workloads are planned")
    elif number > _MOST_WORKLOADS:
        yield Text(f"  {number} workloads are too many to show here: see `-o json`")
    else:
        grid = reach_grid(reachability)
        yield _indented(reach_table(grid, console, console.width - _INDENT, symbols))
        yield ""
        yield _indented(_legend(grid, symbols))
        yield from map(_indented, _unsure(reachability))
    yield ""


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, _INDENT), expand=False)


def _legend(grid: Grid, symbols: Symbols) -> Text:
    """Say what the words and symbols in the cells mean, as far as there are any."""
    shown = {
        cell_text(grid.cell(one, other), symbols).plain
        for one in grid.names
        for other in grid.names
    }
    words = {word for text in shown for word in text.split()}
    meanings = [
        ("all", "every port", "all" in words),
        ("80", "TCP port 80", any(word[0].isdigit() and "/" not in word for word in words)),
        ("53/udp", "UDP port 53", any("/udp" in word for word in words)),
        (symbols.denied, "nothing", symbols.denied in words),
        (symbols.itself, "the same pod", symbols.itself in words),
        ("?", "not certain", any(word.endswith("?") for word in words)),
    ]
    parts = [
        Text.assemble((sign, "bold"), f" {meaning}") for sign, meaning, used in meanings if used
    ]
    return Text("   ").join(parts)


def _unsure(reachability: Reachability) -> Iterator[Text]:
    """Yield why verdicts are not certain, each cause once."""
    parts = (part for each in reachability.connections() for part in each.undetermined)
    causes = list(dict.fromkeys(part.because for part in parts))
    for because in causes[:_MOST_CAUSES]:
        yield Text.assemble(("? ", "yellow"), because)
    if len(causes) > _MOST_CAUSES:
        yield Text(f"? and {len(causes) - _MOST_CAUSES} more causes, see `-o json`", "yellow")
