"""Who can reach whom as tables for the terminal, in several forms from wide to narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from podwall.overview import Cell, Grid, NamespaceGrid, Share
from podwall.reports.terminal import Symbols
from podwall.reports.words import printable, short_ports

__all__ = [
    "cell_text",
    "namespace_forms",
    "namespace_legend",
    "numbered",
    "reach_forms",
    "reach_list",
    "table_of",
]


def reach_list(grid: Grid, symbols: Symbols) -> Table:
    """Return a line for each server and each set of ports, with the clients that may use them."""
    table = Table.grid(padding=(0, 2))
    by_namespace = _workloads_by_namespace(grid)
    for destination, name in enumerate(grid.names):
        clients: dict[Cell, list[int]] = {}
        for source in range(len(grid.names)):
            if cell := grid.cell(source, destination):
                clients.setdefault(cell, []).append(source)
        names = {
            cell: _folded(grid, sources, by_namespace, destination)
            for cell, sources in clients.items()
        }
        _add_server(table, printable(name), names, symbols)
    return table


def _workloads_by_namespace(grid: Grid) -> dict[str, set[int]]:
    """Return the places of each namespace's workloads."""
    by_namespace: dict[str, set[int]] = {}
    for index, namespace in enumerate(grid.namespaces):
        by_namespace.setdefault(namespace, set()).add(index)
    by_namespace.pop("", None)
    return by_namespace


def _folded(
    grid: Grid, indices: list[int], by_namespace: Mapping[str, set[int]], itself: int
) -> list[str]:
    """Return names, with `all of` a namespace in the place of its workloads, if it has several.

    A pod counts as one of those that reach it.
    """
    found = {*indices, itself}
    whole = {
        index: f"all of {namespace}"
        for namespace, all_of_it in by_namespace.items()
        if all_of_it <= found and len(all_of_it & set(indices)) > 1
        for index in all_of_it
    }
    return list(dict.fromkeys(printable(whole.get(index, grid.names[index])) for index in indices))


def _add_server(
    table: Table, destination: str, clients: dict[Cell, list[str]], symbols: Symbols
) -> None:
    if not clients:
        table.add_row(Text(destination, "bold"), Text(symbols.denied, "dim"), "no one")
    for number, (cell, names) in enumerate(clients.items()):
        head = Text("" if number else destination, "bold")
        table.add_row(head, _ports_text(cell, symbols), f"from {', '.join(names)}")


def _ports_text(cell: Cell, symbols: Symbols) -> Text:
    allowed = short_ports(cell.allowed, symbols.more) if cell.allowed else ""
    perhaps = f"{short_ports(cell.undetermined, symbols.more)}?" if cell.undetermined else ""
    gap = " " if allowed and perhaps else ""
    return Text.assemble((allowed, "green"), gap, (perhaps, "yellow"))


_CORNER: Final = "from \\ to"


def reach_forms(grid: Grid, symbols: Symbols) -> Iterator[RenderableType]:
    """Yield the forms of a grid, the widest first: columns by name, by number, a list.

    Each row is a client and each column a server. Symbols distinguish verdicts, colours only help.
    """
    names = [printable(name) for name in grid.names]
    indices = range(len(names))
    cells = [[cell_text(grid.cell(row, column), symbols) for column in indices] for row in indices]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    sections = _sections(grid.namespaces)
    heads = list(map(_two_lines, map(printable, grid.namespaces), names))
    yield table_of(heads, names, cells, sections)
    yield table_of(numbers, numbered(names), cells, sections)
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
    for index, (row, line) in enumerate(zip(rows, cells, strict=True)):
        table.add_row(Text(row, "bold"), *line, end_section=index in sections)
    return table


def cell_text(cell: Cell, symbols: Symbols) -> Text:
    """Return what a cell says: the ports that pass, those that may, or that nothing does."""
    if cell.itself:
        return Text(symbols.itself, "dim")
    allowed = Text(short_ports(cell.allowed, symbols.more) if cell.allowed else "", "green")
    undetermined = short_ports(cell.undetermined, symbols.more)
    perhaps = Text(f"{undetermined}?" if cell.undetermined else "", "yellow")
    parts = [part for part in (allowed, perhaps) if part]
    return Text(" ").join(parts) if parts else Text(symbols.denied, "red")


_MOST_COLUMNS: Final = 200
_MOST_NAMES: Final = 8

_Written = Callable[[Symbols, Share], Text]


def namespace_forms(grid: NamespaceGrid, symbols: Symbols) -> Iterator[RenderableType]:
    """Yield the forms, the widest first: shares below names, below numbers, signs, a list."""
    names = [printable(name) for name in grid.names]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    if len(names) <= _MOST_COLUMNS:
        shares, signs = _cells(grid, symbols, _share), _cells(grid, symbols, _sign)
        yield table_of(names, names, shares)
        yield table_of(numbers, numbered(names), shares)
        yield table_of(["\n".join(number) for number in numbers], numbered(names), signs, gap=0)
    yield _namespace_list(grid, names, symbols)


def _cells(grid: NamespaceGrid, symbols: Symbols, written: _Written) -> list[list[Text]]:
    indices = range(len(grid.names))
    return [[written(symbols, grid.share(row, column)) for column in indices] for row in indices]


def _share(symbols: Symbols, share: Share) -> Text:
    """Return how many of the connections are open, in percent; `?` where some may be."""
    if not share.open:
        return _sign(symbols, share)
    whole = share.open == share.total
    written = symbols.whole if whole else f"{share.percent}%"
    open_ = Text(written, "bold green" if whole else "green")
    return Text.assemble(open_, ("?", "yellow")) if share.undetermined else open_


def _sign(symbols: Symbols, share: Share) -> Text:
    """Return a single sign, which is clear without colour."""
    if share.undetermined:
        return Text("?", "yellow")
    if share.open:
        whole = share.open == share.total
        return Text(symbols.whole if whole else symbols.part, "bold green" if whole else "green")
    return Text(symbols.denied, "red")


def namespace_legend(symbols: Symbols) -> Text:
    """Return what the signs in the cells mean."""
    meanings = (
        (symbols.whole, "all connections are open"),
        (f"8% {symbols.part}", "some"),
        (symbols.denied, "none"),
        ("?", "not certain"),
    )
    return Text("   ").join(
        Text.assemble((sign, "bold"), f" {meaning}") for sign, meaning in meanings
    )


def _namespace_list(grid: NamespaceGrid, names: list[str], symbols: Symbols) -> Table:
    """Return a line for each namespace and sign, with the namespaces that reach it."""
    table = Table.grid(padding=(0, 2))
    for column, name in enumerate(names):
        found: dict[str, list[str]] = {}
        signs: dict[str, Text] = {}
        for row, source in enumerate(names):
            share = grid.share(row, column)
            if share.open or share.undetermined:
                text = _sign(symbols, share)
                signs[text.plain] = text
                found.setdefault(text.plain, []).append(source)
        if not found:
            table.add_row(Text(name, "bold"), _sign(symbols, Share()), "no one")
        for number, (sign, sources) in enumerate(found.items()):
            head = Text("" if number else name, "bold")
            table.add_row(head, signs[sign], f"from {_few(sources)}")
    return table


def _few(names: list[str]) -> str:
    """Return names, the first of them where there are many."""
    more = len(names) - _MOST_NAMES
    return f"{', '.join(names[:_MOST_NAMES])}{f' and {more:,} more' if more > 0 else ''}"
