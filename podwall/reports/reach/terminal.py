"""Who can reach whom for the terminal: tables from wide to narrow, legend, doubts, every pair."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Final

from podwall.overview import (
    OTHER_PODS,
    Cell,
    ExposureGroup,
    Grid,
    NamespaceGrid,
    Share,
    exposure_groups,
    namespace_grid,
    reach_grid,
    rests,
    summary,
    undetermined_causes,
)
from podwall.policies.rules import Direction
from podwall.reachability import Reachability
from podwall.reports.reach import headline, narrowed_headline, other_pods_words
from podwall.reports.reach.rows import ReachRow, reach_rows, row_in_words
from podwall.reports.screen import Column, Console, Part, Styled, Symbols, Table, symbols
from podwall.reports.words import listed, printable, short_ports
from podwall.verdict_table import VerdictTable, verdict_table

if TYPE_CHECKING:
    from podwall.focus import NarrowedAnswer  # few ask for a part

__all__ = [
    "MOST_WORKLOADS",
    "cell_text",
    "namespace_forms",
    "namespace_legend",
    "narrowed_lines",
    "numbered",
    "reach_forms",
    "reach_lines",
    "reach_list",
    "reach_text",
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
            lines.append((head, signs[sign], f"from {_first(sources)}"))
    return _list_of(lines)


def _first(names: list[str]) -> str:
    """Return names, the first of them where there are many."""
    more = len(names) - _MOST_NAMES
    return f"{', '.join(names[:_MOST_NAMES])}{f' and {more:,} more' if more > 0 else ''}"


_INDENT: Final = "  "
MOST_WORKLOADS: Final = 60
"""Above this, each namespace is one row."""
_MOST_LINES: Final = 200
_MOST_OF_IT: Final = 0.75
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
        yield ""
        yield from _closer(reachability, asked, console.width)
    else:
        grid = reach_grid(verdict_table(reachability))
        yield from _fitting(reach_forms(grid, symbols), console)
        yield ""
        yield _legend(grid, symbols)
        yield from _other_pods(grid.exposure)
        yield from _causes(undetermined_causes(reachability))


def _namespaces(table: VerdictTable, console: Console, symbols: Symbols) -> Iterator[Part]:
    """Yield what is shown of too many workloads to show each."""
    yield headline(summary(table))
    yield ""
    grid = namespace_grid(table)
    yield from _fitting(namespace_forms(grid, symbols), console)
    yield ""
    yield namespace_legend(symbols)
    yield from _other_pods(grid.exposure)


def _closer(reachability: Reachability, asked: str, width: int) -> Iterator[str]:
    """Yield commands that show more of what was read, with names that are in it.

    What a command shows stands beside it, or below where not all of them have the room.
    """
    first, last = reachability.workloads[0], reachability.workloads[-1]
    read = f" {asked}" if asked else ""
    commands = (
        (f"podwall reach{read} -o html > page.html", "a page that unfolds every namespace"),
        (f"podwall reach{read} --focus {shlex.quote(first.namespace)}", "what one namespace has"),
        (f"podwall explain{read} {shlex.join((first.id, last.id))}", "why a pair is open or not"),
    )
    yield "to look closer:"
    longest = max(len(command) for command, _ in commands)
    if 2 * len(_INDENT) + longest + max(len(f"  {what}") for _, what in commands) > width:
        yield from (f"  {what}:\n    {printable(command)}" for command, what in commands)
    else:
        yield from (f"  {printable(command):{longest}}  {what}" for command, what in commands)


def _fitting(forms: Iterator[Table], console: Console) -> Iterator[Part]:
    """Yield the first form that fits the console, else the last, which is a list."""
    room = console.width - len(_INDENT)
    for form in forms:
        if form.width <= room:
            break
    is_squeezed = form.width > room and form.least_width > room * _MOST_OF_IT
    yield from _names_above(form) if is_squeezed else (form,)


def _names_above(form: Table) -> Iterator[Part]:
    """Yield a list with each name on a line of its own, which leaves the room to what it has."""
    for name, *cells in form.rows:
        if name:
            yield name
        yield Table(form.columns[1:], edge=_INDENT).with_rows([cells])


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
        yield Styled.of((OTHER_PODS, "bold"), f", which nothing here shows: {printable(words)}")


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

    Of many workloads a person gets the table of their namespaces, and of many pairs the table
    alone, as thousands of lines would push it out of sight; a program such as `grep` gets the
    lines. `lacking` says what the verdicts lack,
    and `asked` what is read, in the words of the command line.
    """
    many = len(reachability.workloads) > MOST_WORKLOADS
    if console.is_terminal or not many:
        yield reach_text(reachability, console, symbols(console.encoding), lacking, asked)
    if console.is_terminal and many:
        return
    names = rests(reachability)
    rows = _together(reach_rows(reachability), names) if names else reach_rows(reachability)
    first = list(islice(rows, _MOST_LINES + 1 if console.is_terminal else 0))
    if len(first) > _MOST_LINES:
        yield console.printed(*_closer(reachability, asked, console.width), indent=_INDENT)
        return
    ids = (endpoint.id for endpoint in reachability.endpoints)
    width = max((len(names.get(each, each)) for each in ids), default=0)
    for row in chain(first, rows):
        yield _pair_line(row, width)
    yield from map(_exposure_line, exposure_groups(reachability))


def _together(rows: Iterable[ReachRow], names: Mapping[str, str]) -> Iterator[ReachRow]:
    """Yield the rows of networks with a name in common once."""
    yielded: set[tuple[str, str]] = set()
    for row in rows:
        source, destination = (names.get(each, each) for each in row[:2])
        if (source, destination) == row[:2]:
            yield row
        elif (source, destination) not in yielded:
            yielded.add((source, destination))
            yield row._replace(source=source, destination=destination)


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
