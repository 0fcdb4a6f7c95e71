"""Who can reach whom for the terminal: the table, its legend, what is not certain, every pair."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from podwall.focus import NarrowedAnswer
from podwall.overview import (
    OTHER_PODS,
    ExposureGroup,
    Grid,
    exposure_groups,
    namespace_grid,
    reach_grid,
    summary,
    undetermined_causes,
)
from podwall.policies.rules import Direction
from podwall.reachability import Reachability
from podwall.reports.reach.headline import headline, narrowed_headline, other_pods_words
from podwall.reports.reach.rows import ReachRow, reach_rows, row_in_words
from podwall.reports.reach.table import cell_text, namespace_forms, namespace_legend, reach_forms
from podwall.reports.screen import Console, Part, Styled, Table
from podwall.reports.terminal import Symbols, symbols
from podwall.reports.words import listed, printable
from podwall.verdict_table import VerdictTable, verdict_table

__all__ = ["MOST_WORKLOADS", "narrowed_lines", "reach_lines", "reach_text"]


_INDENT: Final = "  "
MOST_WORKLOADS: Final = 60
"""Above this, each namespace is one row."""
_MOST_CAUSES: Final = 10
_MOST_NAMED: Final = 8


def reach_text(
    reachability: Reachability,
    console: Console,
    symbols: Symbols,
    lacking: Sequence[str] = (),
    asked: str = "",
) -> str:
    """Return the section as a console prints it, the title first and an empty line at its end.

    `lacking` says what the verdicts lack, a sentence each; `asked` are the words of the command
    line that say what is read, for the commands that are proposed.
    """
    title = Styled.of(("Who can reach whom", "bold underline"), f"  {reachability.engine.title}")
    warnings = (Styled.of((f"! {each}", "yellow")) for each in lacking)
    parts = (*_section(reachability, console, symbols, asked), *warnings)
    section = console.printed(*parts, indent=_INDENT)
    return f"{console.printed(title, '')}{section}\n"


def _section(
    reachability: Reachability, console: Console, symbols: Symbols, asked: str
) -> Iterator[Part]:
    number = len(reachability.workloads)
    if not number:
        yield "no workloads are planned"
    elif number > MOST_WORKLOADS:
        yield from _namespaces(verdict_table(reachability), console, symbols)
        yield from _closer(reachability, asked)
    else:
        grid = reach_grid(verdict_table(reachability))
        yield _fitting(reach_forms(grid, symbols), console)
        yield ""
        yield _legend(grid, symbols)
        yield from _other_pods(grid.exposure)
        yield from _causes(undetermined_causes(reachability))


def _namespaces(table: VerdictTable, console: Console, symbols: Symbols) -> Iterator[Part]:
    """Yield what is shown of too many workloads to show each."""
    yield headline(summary(table))
    yield ""
    grid = namespace_grid(table)
    yield _fitting(namespace_forms(grid, symbols), console)
    yield ""
    yield namespace_legend(symbols)
    yield from _other_pods(grid.exposure)


def _closer(reachability: Reachability, asked: str) -> Iterator[str]:
    """Yield commands that show more of what was read, with names that are in it."""
    first, last = reachability.workloads[0], reachability.workloads[-1]
    read = f" {asked}" if asked else ""
    commands = (
        (f"podwall reach{read} -o html > page.html", "a page that unfolds every namespace"),
        (f"podwall reach{read} --focus {shlex.quote(first.namespace)}", "what one namespace has"),
        (f"podwall explain{read} {shlex.join((first.id, last.id))}", "why a pair is open or not"),
    )
    width = max(len(command) for command, _ in commands)
    yield from ("", "to look closer:")
    yield from (f"  {printable(command):{width}}  {what}" for command, what in commands)


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


def _other_pods(exposure: Sequence[ExposureGroup]) -> Iterator[Styled]:
    """Yield a line that says who the other pods of the table are."""
    words = other_pods_words(exposure)
    if words:
        yield Styled.of((OTHER_PODS, "bold"), f": {printable(words)}")


def _causes(causes: Sequence[str]) -> Iterator[Styled]:
    """Yield why verdicts are not certain."""
    for because in causes[:_MOST_CAUSES]:
        yield Styled.of(("? ", "yellow"), printable(because))
    if len(causes) > _MOST_CAUSES:
        yield Styled.of(
            (f"? and {len(causes) - _MOST_CAUSES} more causes, see `-o json`", "yellow")
        )


def reach_lines(
    reachability: Reachability, console: Console, lacking: Sequence[str] = (), asked: str = ""
) -> Iterator[str]:
    """Yield the table of the workloads, and then a line for each pair.

    Of many workloads a person gets the table of their namespaces, as thousands of lines would push
    it out of sight; a program such as `grep` gets the lines. `lacking` says what the verdicts lack,
    and `asked` what is read, in the words of the command line.
    """
    many = len(reachability.workloads) > MOST_WORKLOADS
    if console.is_terminal or not many:
        yield reach_text(reachability, console, symbols(console.encoding), lacking, asked)
    if console.is_terminal and many:
        return
    width = max((len(endpoint.id) for endpoint in reachability.endpoints), default=0)
    for row in reach_rows(reachability):
        yield _pair_line(row, width)
    yield from map(_exposure_line, exposure_groups(reachability))


def narrowed_lines(answer: NarrowedAnswer, lacking: Sequence[str] = ()) -> Iterator[str]:
    """Yield how much of what is asked for is open, and a line for each pair that is not denied.

    `lacking` says what the verdicts lack.
    """
    connections = chain(answer.connections(), answer.exposures())
    rows = [row_in_words(each) for each in connections if each.has_ports]
    yield f"{printable(str(answer.focus))}  {answer.engine.title}\n"
    width = max((len(end) for row in rows for end in row[:2]), default=0)
    yield from (f"{_INDENT}{_pair_line(row, width)}" for row in rows)
    yield f"{narrowed_headline(answer)}\n"
    yield from (f"! {each}\n" for each in lacking)


def _exposure_line(group: ExposureGroup) -> str:
    """Return a line for pods that are not shown and the workloads that they may connect with."""
    pods, workloads = (_few(each) for each in (map(str, group.pods), group.workloads))
    ends = (pods, workloads) if group.direction is Direction.INGRESS else (workloads, pods)
    allowed, perhaps = (str(each) if each else "" for each in group.ports)
    ports = "  ".join(filter(None, (allowed, perhaps and f"perhaps {perhaps}")))
    return f"{printable('  ->  '.join(ends))}  {ports}\n"


def _few(names: Iterable[str]) -> str:
    """Return names as a list, and of many how many more there are."""
    every = list(names)
    more = len(every) - _MOST_NAMED
    return listed([*every[:_MOST_NAMED], f"{more:,} more"] if more > 1 else every)


def _pair_line(row: ReachRow, width: int) -> str:
    pair = f"{row.source:{width}}  ->  {row.destination:{width}}"
    perhaps = f"  perhaps {row.undetermined}, {row.because}" if row.undetermined else ""
    return f"{pair}  {row.allowed}{perhaps}\n"
