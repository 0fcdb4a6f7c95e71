"""Who can reach whom, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from podwall.reports.reach_grid import OUTSIDE, Cell, Grid
from podwall.reports.reach_list import reach_list
from podwall.reports.short_ports import short_ports
from podwall.reports.symbols import Symbols

__all__ = ["cell_text", "reach_table"]

_CORNER: Final = "from \\ to"


def reach_table(grid: Grid, console: Console, width: int, symbols: Symbols) -> RenderableType:
    """Return a grid in the first form that fits `width`: columns by name, by number, a list.

    Each row is a client and each column a server. Symbols tell verdicts apart, colours only help.
    """
    numbers = [str(number) for number in range(1, len(grid.names) + 1)]
    named = _table(grid, [_two_lines(name) for name in grid.names], grid.names, symbols)
    rows = [f"{number} {name}" for number, name in zip(numbers, grid.names, strict=True)]
    numbered = _table(grid, numbers, rows, symbols)
    for table in (named, numbered):
        if Measurement.get(console, console.options, table).maximum <= width:
            return table
    return reach_list(grid, symbols)


def _two_lines(name: str) -> str:
    """Return a name with the namespace on a line of its own."""
    return name.replace("/", "/\n", 1) if name != OUTSIDE else f"\n{name}"


def _table(grid: Grid, heads: Sequence[str], rows: Sequence[str], symbols: Symbols) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column(Text(_CORNER, "dim"), no_wrap=True, vertical="bottom")
    for head in heads:
        table.add_column(head, no_wrap=True, justify="center", vertical="bottom")
    for row, source in zip(rows, grid.names, strict=True):
        cells = (grid.cell(source, destination) for destination in grid.names)
        table.add_row(Text(row, "bold"), *(cell_text(cell, symbols) for cell in cells))
        if _namespace(source) != _namespace(_after(grid.names, source)):
            table.add_section()
    return table


def cell_text(cell: Cell, symbols: Symbols) -> Text:
    """Return what a cell says: the ports that pass, those that may, or that nothing does."""
    if cell.itself:
        return Text(symbols.itself, "dim")
    allowed = Text(short_ports(cell.allowed, symbols.more) if cell.allowed else "", "green")
    unsure = Text(f"{short_ports(cell.unsure, symbols.more)}?" if cell.unsure else "", "yellow")
    parts = [part for part in (allowed, unsure) if part]
    return Text(" ").join(parts) if parts else Text(symbols.denied, "red")


def _namespace(name: str) -> str:
    return name.partition("/")[0]


def _after(names: Sequence[str], name: str) -> str:
    following = names[names.index(name) + 1 :]
    return following[0] if following else name
