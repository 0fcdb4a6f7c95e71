"""Who can reach whom by namespace, for the terminal: the first form that fits its width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from podwall.reports.namespace_grid import NamespaceGrid, Share
from podwall.reports.reach_table import numbered, table_of
from podwall.reports.symbols import Symbols
from podwall.reports.words import printable

__all__ = ["namespace_forms", "namespace_legend"]

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
    yield _list(grid, names, symbols)


def _cells(grid: NamespaceGrid, symbols: Symbols, written: _Written) -> list[list[Text]]:
    places = range(len(grid.names))
    return [[written(symbols, grid.share(row, column)) for column in places] for row in places]


def _share(symbols: Symbols, share: Share) -> Text:
    """Return how many of the connections are open, in percent; `?` where some may be."""
    if not share.open:
        return _sign(symbols, share)
    whole = share.open == share.total
    percent = min(99, max(1, round(100 * share.open / share.total)))
    open_ = Text(symbols.whole if whole else f"{percent}%", "bold green" if whole else "green")
    return Text.assemble(open_, ("?", "yellow")) if share.unsure else open_


def _sign(symbols: Symbols, share: Share) -> Text:
    """Return a single sign, which tells apart without colour."""
    if share.unsure:
        return Text("?", "yellow")
    if share.open:
        whole = share.open == share.total
        return Text(symbols.whole if whole else symbols.part, "bold green" if whole else "green")
    return Text(symbols.denied, "red")


def namespace_legend(symbols: Symbols) -> Text:
    """Say what is in the cells."""
    meanings = (
        (symbols.whole, "all connections are open"),
        (f"8% {symbols.part}", "some"),
        (symbols.denied, "none"),
        ("?", "not certain"),
    )
    return Text("   ").join(Text.assemble((sign, "bold"), f" {said}") for sign, said in meanings)


def _list(grid: NamespaceGrid, names: list[str], symbols: Symbols) -> Table:
    """Return a line for each namespace and sign, with the namespaces that reach it."""
    table = Table.grid(padding=(0, 2))
    for column, name in enumerate(names):
        found: dict[str, list[str]] = {}
        signs: dict[str, Text] = {}
        for row, source in enumerate(names):
            share = grid.share(row, column)
            if share.open or share.unsure:
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
