"""Who can reach whom as tables for the terminal, in several forms from wide to narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from podwall.overview import OTHER_PODS, Cell, Grid, NamespaceGrid, Share
from podwall.reports.screen import Column, Styled, Table
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
    rows: list[_Line] = []
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
        rows += _server_lines(printable(name), names, symbols)
    return _list_of(rows)


_Line = tuple[Styled, Styled, str]


def _list_of(lines: Sequence[_Line]) -> Table:
    """Return a list with a server, a sign or ports, and clients on each line."""
    name = Column(wraps=False)
    return Table((name, name, Column())).with_rows(lines)


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


def _server_lines(
    destination: str, clients: dict[Cell, list[str]], symbols: Symbols
) -> Iterator[_Line]:
    if not clients:
        yield Styled.of((destination, "bold")), Styled.of((symbols.denied, "dim")), "no one"
    for number, (cell, names) in enumerate(clients.items()):
        head = Styled.of(("" if number else destination, "bold"))
        yield head, _ports_text(cell, symbols), f"from {', '.join(names)}"


def _ports_text(cell: Cell, symbols: Symbols) -> Styled:
    allowed = short_ports(cell.allowed, symbols.more) if cell.allowed else ""
    perhaps = f"{short_ports(cell.undetermined, symbols.more)}?" if cell.undetermined else ""
    gap = " " if allowed and perhaps else ""
    return Styled.of((allowed, "green"), gap, (perhaps, "yellow"))


_CORNER: Final = "from \\ to"


def reach_forms(grid: Grid, symbols: Symbols) -> Iterator[Table]:
    """Yield the forms of a grid, the widest first: columns by name, by number, a list.

    Each row is a client and each column a server. Symbols distinguish verdicts, colours only help.
    """
    names = [printable(name) for name in grid.names]
    indices = range(len(names))
    cells = [[cell_text(grid.cell(row, column), symbols) for column in indices] for row in indices]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    sections = _sections(grid.namespaces)
    heads = list(map(_two_lines, map(printable, grid.namespaces), names))
    if grid.exposure:
        heads[-1] = OTHER_PODS.replace(" ", "\n")
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
    cells: Sequence[Sequence[Styled]],
    sections: frozenset[int] = frozenset(),
    *,
    gap: int = 1,
) -> Table:
    """Return a table with the names of clients before its rows and of servers above its columns.

    After the rows whose places are `sections` there is a gap, and around a cell so many blanks.
    """
    corner = Column(Styled.of((_CORNER, "bold dim")), wraps=False)
    columns = (Column(Styled.of((head, "bold")), centred=True, wraps=False) for head in heads)
    blanks = " " * gap
    table = Table(
        (corner, *columns), gap=f"{blanks} {blanks}", edge=blanks, rule="─", sections=sections
    )
    return table.with_rows(
        (Styled.of((row, "bold")), *line) for row, line in zip(rows, cells, strict=True)
    )


def cell_text(cell: Cell, symbols: Symbols) -> Styled:
    """Return what a cell says: the ports that pass, those that may, or that nothing does."""
    if cell.itself:
        return Styled.of((symbols.itself, "dim"))
    allowed = Styled.of((short_ports(cell.allowed, symbols.more) if cell.allowed else "", "green"))
    undetermined = short_ports(cell.undetermined, symbols.more)
    perhaps = Styled.of((f"{undetermined}?" if cell.undetermined else "", "yellow"))
    parts = [part for part in (allowed, perhaps) if part]
    return Styled.of(" ").joined(parts) if parts else Styled.of((symbols.denied, "red"))


_MOST_COLUMNS: Final = 200
_MOST_NAMES: Final = 8

_Written = Callable[[Symbols, Share], Styled]


def namespace_forms(grid: NamespaceGrid, symbols: Symbols) -> Iterator[Table]:
    """Yield the forms, the widest first: shares below names, below numbers, signs, a list."""
    names = [printable(name) for name in grid.names]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    if len(names) <= _MOST_COLUMNS:
        shares, signs = _cells(grid, symbols, _share), _cells(grid, symbols, _sign)
        yield table_of(names, names, shares)
        yield table_of(numbers, numbered(names), shares)
        yield table_of(["\n".join(number) for number in numbers], numbered(names), signs, gap=0)
    yield _namespace_list(grid, names, symbols)


def _cells(grid: NamespaceGrid, symbols: Symbols, written: _Written) -> list[list[Styled]]:
    indices = range(len(grid.names))
    return [[written(symbols, grid.share(row, column)) for column in indices] for row in indices]


def _share(symbols: Symbols, share: Share) -> Styled:
    """Return how many of the connections are open, in percent; `?` where some may be."""
    if not share.open:
        return _sign(symbols, share)
    whole = share.open == share.total
    written = symbols.whole if whole else f"{share.percent}%"
    open_ = Styled.of((written, "bold green" if whole else "green"))
    return Styled.of(open_, ("?", "yellow")) if share.undetermined else open_


def _sign(symbols: Symbols, share: Share) -> Styled:
    """Return a single sign, which is clear without colour."""
    if share.undetermined:
        return Styled.of(("?", "yellow"))
    if share.open:
        whole = share.open == share.total
        style = "bold green" if whole else "green"
        return Styled.of((symbols.whole if whole else symbols.part, style))
    return Styled.of((symbols.denied, "red"))


def namespace_legend(symbols: Symbols) -> Styled:
    """Return what the signs in the cells mean."""
    meanings = (
        (symbols.whole, "all connections are open"),
        (f"8% {symbols.part}", "some"),
        (symbols.denied, "none"),
        ("?", "not certain"),
    )
    parts = (Styled.of((sign, "bold"), f" {meaning}") for sign, meaning in meanings)
    return Styled.of("   ").joined(parts)


def _namespace_list(grid: NamespaceGrid, names: list[str], symbols: Symbols) -> Table:
    """Return a line for each namespace and sign, with the namespaces that reach it."""
    lines: list[_Line] = []
    for column, name in enumerate(names):
        found: dict[str, list[str]] = {}
        signs: dict[str, Styled] = {}
        for row, source in enumerate(names):
            share = grid.share(row, column)
            if share.open or share.undetermined:
                text = _sign(symbols, share)
                signs[text.plain] = text
                found.setdefault(text.plain, []).append(source)
        if not found:
            lines.append((Styled.of((name, "bold")), _sign(symbols, Share()), "no one"))
        for number, (sign, sources) in enumerate(found.items()):
            head = Styled.of(("" if number else name, "bold"))
            lines.append((head, signs[sign], f"from {_few(sources)}"))
    return _list_of(lines)


def _few(names: list[str]) -> str:
    """Return names, the first of them where there are many."""
    more = len(names) - _MOST_NAMES
    return f"{', '.join(names[:_MOST_NAMES])}{f' and {more:,} more' if more > 0 else ''}"
