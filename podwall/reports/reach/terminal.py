"""Who can reach whom for the terminal: the table, its legend, what is not certain, every pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from podwall.overview import Grid, namespace_grid, reach_grid, summary, undetermined_causes
from podwall.reachability import Reachability
from podwall.reports.reach.headline import headline
from podwall.reports.reach.rows import ReachRow, reach_rows
from podwall.reports.reach.table import cell_text, namespace_forms, namespace_legend, reach_forms
from podwall.reports.screen import Console, Part, Styled, Table
from podwall.reports.terminal import Symbols, symbols
from podwall.reports.words import printable
from podwall.verdict_table import VerdictTable, verdict_table

__all__ = ["MOST_WORKLOADS", "reach_lines", "reach_text"]


_INDENT: Final = "  "
MOST_WORKLOADS: Final = 60
"""Above this, each namespace is one row."""
_MOST_CAUSES: Final = 10
_CLOSER: Final = (
    "",
    "to look closer:",
    "  podwall reach -o html              a page that unfolds every namespace",
    "  podwall reach -o csv | grep shop/  each pair of a namespace",
    "  podwall explain shop/web shop/api  why a pair is open or denied",
)


def reach_text(reachability: Reachability, console: Console, symbols: Symbols) -> str:
    """Return the section as a console prints it, the title first and an empty line at its end."""
    title = Styled.of(("Who can reach whom", "bold underline"), f"  {reachability.engine.title}")
    parts = _section(reachability, console, symbols)
    section = console.printed(*parts, indent=_INDENT)
    return f"{console.printed(title, '')}{section}\n"


def _section(reachability: Reachability, console: Console, symbols: Symbols) -> Iterator[Part]:
    number = len(reachability.workloads)
    if not number:
        yield "no workloads are planned"
    elif number > MOST_WORKLOADS:
        yield from _namespaces(verdict_table(reachability), console, symbols)
    else:
        grid = reach_grid(verdict_table(reachability))
        yield _fitting(reach_forms(grid, symbols), console)
        yield ""
        yield _legend(grid, symbols)
        yield from _causes(undetermined_causes(reachability))


def _namespaces(table: VerdictTable, console: Console, symbols: Symbols) -> Iterator[Part]:
    """Yield what is shown of too many workloads to show each."""
    yield headline(summary(table))
    yield ""
    yield _fitting(namespace_forms(namespace_grid(table), symbols), console)
    yield ""
    yield namespace_legend(symbols)
    yield from _CLOSER


def _fitting(forms: Iterator[Table], console: Console) -> Table:
    """Return the first form that fits the console, else the last."""
    for form in forms:
        if form.width <= console.width - len(_INDENT):
            break
    return form


def _legend(grid: Grid, symbols: Symbols) -> Styled:
    """Say what the words and symbols in the cells mean, as far as there are any."""
    indices = range(len(grid.names))
    shown = {
        cell_text(grid.cell(row, column), symbols).plain for row in indices for column in indices
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
    parts = [Styled.of((sign, "bold"), f" {meaning}") for sign, meaning, used in meanings if used]
    return Styled.of("   ").joined(parts)


def _causes(causes: Sequence[str]) -> Iterator[Styled]:
    """Yield why verdicts are not certain."""
    for because in causes[:_MOST_CAUSES]:
        yield Styled.of(("? ", "yellow"), printable(because))
    if len(causes) > _MOST_CAUSES:
        yield Styled.of(
            (f"? and {len(causes) - _MOST_CAUSES} more causes, see `-o json`", "yellow")
        )


def reach_lines(reachability: Reachability, console: Console) -> Iterator[str]:
    """Yield the table of the workloads, and then a line for each pair.

    Of many workloads a person gets the table of their namespaces, as thousands of lines would push
    it out of sight; a program such as `grep` gets the lines.
    """
    many = len(reachability.workloads) > MOST_WORKLOADS
    if console.is_terminal or not many:
        yield reach_text(reachability, console, symbols(console.encoding))
    if console.is_terminal and many:
        return
    width = max((len(endpoint.id) for endpoint in reachability.endpoints), default=0)
    for row in reach_rows(reachability):
        yield _pair_line(row, width)


def _pair_line(row: ReachRow, width: int) -> str:
    pair = f"{row.source:{width}}  ->  {row.destination:{width}}"
    perhaps = f"  perhaps {row.undetermined}, {row.because}" if row.undetermined else ""
    return f"{pair}  {row.allowed}{perhaps}\n"
