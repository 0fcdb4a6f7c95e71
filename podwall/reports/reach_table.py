"""Who can reach whom, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from podwall.reports.reach_grid import Cell, Grid
from podwall.reports.reach_list import reach_list
from podwall.reports.short_ports import short_ports
from podwall.reports.symbols import Symbols

__all__ = ["cell_text", "numbered", "reach_forms", "table_of"]

_CORNER: Final = "from \\ to"


def reach_forms(grid: Grid, symbols: Symbols) -> Iterator[RenderableType]:
    """Yield the forms of a grid, the widest first: columns by name, by number, a list.

    Each row is a client and each column a server. Symbols tell verdicts apart, colours only help.
    """
    cells = [
        [cell_text(grid.cell(source, destination), symbols) for destination in grid.names]
        for source in grid.names
    ]
    numbers = [str(number) for number in range(1, len(grid.names) + 1)]
    sections = _sections([grid.namespace(name) for name in grid.names])
    heads = [_two_lines(grid.namespace(name), name) for name in grid.names]
    yield table_of(heads, grid.names, cells, sections)
    yield table_of(numbers, numbered(grid.names), cells, sections)
    yield reach_list(grid, symbols)


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names with their numbers, one below the other."""
    width = len(str(len(names)))
    return [f"{number:{width}} {name}" for number, name in enumerate(names, 1)]


def _two_lines(namespace: str, name: str) -> str:
    """Return a name with the namespace on a line of its own."""
    return f"{namespace}/\n{name.removeprefix(f'{namespace}/')}" if namespace else f"\n{name}"


def _sections(namespaces: Sequence[str]) -> frozenset[int]:
    """Return the places after which another namespace begins."""
    return frozenset(k for k, (one, next_) in enumerate(pairwise(namespaces)) if one != next_)


def table_of(
    heads: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[Sequence[Text]],
    sections: frozenset[int] = frozenset(),
    *,
    gap: int = 1,
) -> Table:
    """Return a table with the names of clients before its rows and of servers above its columns.

    After the rows whose places are `sections` there is a gap, and around a cell so many blanks.
    """
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False)
    table.padding = (0, gap)
    table.add_column(Text(_CORNER, "dim"), no_wrap=True, vertical="bottom")
    for head in heads:
        table.add_column(head, no_wrap=True, justify="center", vertical="bottom")
    for place, (row, line) in enumerate(zip(rows, cells, strict=True)):
        table.add_row(Text(row, "bold"), *line, end_section=place in sections)
    return table


def cell_text(cell: Cell, symbols: Symbols) -> Text:
    """Return what a cell says: the ports that pass, those that may, or that nothing does."""
    if cell.itself:
        return Text(symbols.itself, "dim")
    allowed = Text(short_ports(cell.allowed, symbols.more) if cell.allowed else "", "green")
    unsure = Text(f"{short_ports(cell.unsure, symbols.more)}?" if cell.unsure else "", "yellow")
    parts = [part for part in (allowed, unsure) if part]
    return Text(" ").join(parts) if parts else Text(symbols.denied, "red")
