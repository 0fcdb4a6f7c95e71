"""Who can reach whom as CSV and Markdown: a row for each pair that is not denied.

A line is a source's beginning and a pair's ending. An ending is written once for all the sources
that reach a destination on the same ports, so that a line costs little more than its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.portset import NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import AnyEndpoint, Connection, Reachability, SourceRow
from podwall.reading import LedgerEntry
from podwall.reports.words import end_words, printable

if TYPE_CHECKING:
    from podwall.focus import NarrowedAnswer  # few ask for a part
    from podwall.reports.formats import CsvLine  # a terminal shows no cells

__all__ = [
    "REACH_HEADER",
    "LineFormat",
    "ReachRow",
    "exposure_rows",
    "narrowed_csv",
    "pair_lines",
    "reach_csv",
    "reach_markdown",
    "reach_rows",
    "row_in_words",
    "row_of",
    "unread_row",
]


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How a line is written.

    `beginning` is made from the source's id, and `ending` from a connection without a look at its
    source. A connection whose ending is empty gets no line.
    """

    beginning: Callable[[str], str]
    ending: Callable[[Connection], str]


def pair_lines(reachability: Reachability, form: LineFormat) -> Iterator[str]:
    """Yield the lines of each source as one text: all pairs that are not denied, in their order."""
    endings = _Endings(reachability, form.ending)
    ends = reachability.endpoints
    for block in reachability.blocks():
        endings.forget_lists()
        for row in block:
            if written := endings.of(row):
                beginning = form.beginning(ends[row.source].id)
                yield f"{beginning}{beginning.join(written)}"


_MOST_KEPT: Final = 100_000
"""So many endings of undetermined pairs are kept from one block to the next."""


class _Listed(NamedTuple):
    """The endings of what a role reaches; undetermined ones differ from source to source."""

    endings: list[str]
    written: list[str]
    undetermined: list[int]


class _Endings:
    """The endings of pairs, kept: by destination and ports, and for a block also by role."""

    def __init__(self, reachability: Reachability, ending: Callable[[Connection], str]) -> None:
        self._reachability = reachability
        self._ending = ending
        self._written: dict[tuple[int, int], str] = {}
        self._doubted: dict[tuple[int, int, int], str] = {}
        self._undetermined: dict[int, bool] = {}
        self._lists: dict[int, _Listed] = {}

    def forget_lists(self) -> None:
        """Make room for the lists of the next block."""
        self._lists.clear()
        if len(self._doubted) > _MOST_KEPT:
            self._doubted.clear()

    def of(self, row: SourceRow) -> list[str]:
        """Return the endings of a row's lines."""
        role = row.reached.role
        if role not in self._lists:
            self._lists[role] = self._listed(row)
        listed = self._lists[role]
        if not (listed.undetermined or row.alone):
            return listed.written
        endings = list(listed.endings)
        for index, ending in zip(listed.undetermined, self._in_doubt(row, listed), strict=True):
            endings[index] = ending
        if row.alone:
            endings[row.itself] = [self._certain(row, row.source, row.own_ports)]
        return list(filter(None, endings))

    def _in_doubt(self, row: SourceRow, listed: _Listed) -> Iterator[str]:
        """Yield the endings of undetermined pairs, each written once for equal causes."""
        if not listed.undetermined:
            return
        destinations, ports = row.reached.destinations, row.reached.ports
        ends = [destinations[index] for index in listed.undetermined]
        numbers = self._reachability.causes.of(row.source, ends)
        for index, end, causes in zip(listed.undetermined, ends, numbers, strict=True):
            key = (end, ports[index], causes)
            ending = self._doubted.get(key)
            if ending is None:
                found = self._reachability.connection_on(row.source, end, ports[index], causes)
                ending = self._doubted[key] = self._ending(found)
            yield ending

    def _listed(self, row: SourceRow) -> _Listed:
        _, destinations, ports = row.reached
        undetermined = [
            index for index, number in enumerate(ports) if self._is_undetermined(number)
        ]
        pairs = zip(destinations, ports, strict=True)
        endings = [self._certain(row, end, number) for end, number in pairs]
        return _Listed(endings, list(filter(None, endings)), undetermined)

    def _certain(self, row: SourceRow, end: int, ports: int) -> str:
        """Return the ending for any source, or nothing where it depends on the source."""
        ending = self._written.get((end, ports))
        if ending is None:
            known = not self._is_undetermined(ports)
            connection = self._reachability.connection_on
            ending = self._ending(connection(row.source, end, ports)) if known else ""
            self._written[end, ports] = ending
        return ending

    def _is_undetermined(self, ports: int) -> bool:
        if ports not in self._undetermined:
            self._undetermined[ports] = self._reachability.is_undetermined(ports)
        return self._undetermined[ports]


class ReachRow(NamedTuple):
    """A pair of endpoints with what passes, what may pass, and what that depends on."""

    source: str
    destination: str
    allowed: str
    undetermined: str
    because: str


REACH_HEADER = ReachRow("source", "destination", "allowed", "undetermined", "because")


def reach_rows(reachability: Reachability | NarrowedAnswer) -> Iterator[ReachRow]:
    """Yield the rows by source, then by destination.

    A pair that only ICMP and the like may pass is left out, as in the JSON format.
    """
    return (row_of(each) for each in reachability.connections() if each.has_ports)


def exposure_rows(reachability: Reachability | NarrowedAnswer) -> Iterator[ReachRow]:
    """Yield the rows between workloads and pods that are not shown, by workload."""
    names = _Names()
    return (
        _row(names.of(each.source), names.of(each.destination), each)
        for each in reachability.exposures()
        if each.has_ports
    )


class _Names:
    """The ids of ends, each written once: thousands of workloads share what they are exposed to."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[AnyEndpoint, str]] = {}

    def of(self, end: AnyEndpoint) -> str:
        """Return the id of an end, which is kept so that no other one has its place in memory."""
        if id(end) not in self._known:
            self._known[id(end)] = end, printable(end.id)
        return self._known[id(end)][1]


def row_of(connection: Connection) -> ReachRow:
    """Return the row of a connection, the ends by their ids."""
    ends = printable(connection.source_id), printable(connection.destination_id)
    return _row(*ends, connection)


def row_in_words(connection: Connection) -> ReachRow:
    """Return the row of a connection, pods that are not shown in words."""
    ends = printable(end_words(connection.source)), printable(end_words(connection.destination))
    return _row(*ends, connection)


def _row(source: str, destination: str, connection: Connection) -> ReachRow:
    return ReachRow(
        source,
        destination,
        _ports(connection.allowed),
        " | ".join(_ports(part.ports) for part in connection.undetermined),
        " | ".join(printable(part.because) for part in connection.undetermined),
    )


@lru_cache(maxsize=4096)
def _ports(ports: PortSet) -> str:
    return "" if ports == NO_PORTS else str(ports)


NOT_READ: Final = "not read"
"""Stands as the source of a row about what was not read; the id of an end has a slash."""


def reach_csv(
    reachability: Reachability, line: CsvLine | None = None, unread: Sequence[LedgerEntry] = ()
) -> Iterator[str]:
    """Yield the text, piece by piece: the header, then a row for each pair that is not denied.

    Rows of pods that are not shown come after these, by their ids (`shop/any:role=batch`), and
    those of what was not read last: `not read`, the object, and why.

    Ports are written as in `TCP 80, 443; UDP 53`; several undetermined parts are parted by ` | `,
    as are their causes. `line` writes a row: cells that a spreadsheet would run are defused.
    """
    line = line or _csv_line()
    form = LineFormat(partial(_beginning, line), partial(_ending, line))
    unseen = _exposure_lines(reachability, line)
    lacking = (line(unread_row(each)) for each in unread)
    return chain([line(REACH_HEADER)], pair_lines(reachability, form), unseen, lacking)


def _exposure_lines(reachability: Reachability, line: CsvLine) -> Iterator[str]:
    """Yield the lines of `exposure_rows`; what thousands of workloads share is written once."""
    names, endings = _Names(), _EndingsOfUnseen(line)
    cells: dict[str, str] = {}
    for each in reachability.exposures():
        if ending := endings.of(each):
            ends = names.of(each.source), names.of(each.destination)
            for end in ends:
                if end not in cells:
                    cells[end] = line((end,)).rstrip("\n")
            yield f"{cells[ends[0]]},{cells[ends[1]]},{ending}"


class _EndingsOfUnseen:
    """What passes, as the cells after both ends: openings share their ports and causes."""

    def __init__(self, line: CsvLine) -> None:
        self._line = line
        self._known: dict[tuple[int, int], tuple[Connection, str]] = {}

    def of(self, connection: Connection) -> str:
        """Return the cells; nothing where only what has no ports may pass."""
        key = id(connection.allowed), id(connection.undetermined)
        if key not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            shown = connection.has_ports
            cells = self._line(_row("", "", connection)[2:]) if shown else ""
            # The connection is kept so that nothing else has the place of its parts in memory.
            self._known[key] = connection, cells
        return self._known[key][1]


def narrowed_csv(
    answer: NarrowedAnswer, line: CsvLine | None = None, unread: Sequence[LedgerEntry] = ()
) -> Iterator[str]:
    """Yield the text of the same table, with the connections that are asked for alone."""
    rows = chain([REACH_HEADER], reach_rows(answer), exposure_rows(answer), map(unread_row, unread))
    return map(line or _csv_line(), rows)


def _csv_line() -> CsvLine:
    from podwall.reports.formats import csv_line  # noqa: PLC0415 - as above

    return csv_line


def unread_row(entry: LedgerEntry) -> ReachRow:
    """Return the row of what was not read."""
    return ReachRow(NOT_READ, printable(f"{entry}"), "", "", printable(entry.reason))


def _beginning(line: CsvLine, source_id: str) -> str:
    return line((printable(source_id),)).rstrip("\n")


def _ending(line: CsvLine, connection: Connection) -> str:
    return f",{line(row_of(connection)[1:])}" if connection.has_ports else ""


def reach_markdown(
    reachability: Reachability | NarrowedAnswer, lacking: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of a table with a row for each pair that is not denied, unseen pods last.

    `lacking` says what was not read, a sentence each, which stands above the table.
    """
    from podwall.reports.formats import markdown_lines, markdown_text  # noqa: PLC0415 - as above

    connections = chain(reachability.connections(), reachability.exposures())
    rows = (row_in_words(each) for each in connections if each.has_ports)
    notes = (f"> {markdown_text(each)}\n\n" for each in lacking)
    return chain(notes, markdown_lines(REACH_HEADER, rows))
