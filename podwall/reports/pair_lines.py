"""One line of text for each pair, of very many pairs.

Lines are a source's beginning and a pair's ending. An ending is written once for all the sources
that reach a destination on the same ports, so that a line costs little more than its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from podwall.reachability import Connection, Reachability
from podwall.reachability.port_table import EVERYTHING
from podwall.reachability.rows import Row

__all__ = ["LineForm", "pair_lines"]


@dataclass(frozen=True, slots=True)
class LineForm:
    """How a line is written.

    `beginning` is made from the source's id, and `ending` from a connection without a look at its
    source. A connection whose ending is empty is not told.
    """

    beginning: Callable[[str], str]
    ending: Callable[[Connection], str]


def pair_lines(reachability: Reachability, form: LineForm) -> Iterator[str]:
    """Yield the lines of each source as one text: all pairs that are not denied, in their order."""
    endings = _Endings(reachability, form.ending)
    ends = reachability.endpoints
    for block in reachability.blocks():
        endings.forget_lists()
        for row in block:
            if told := endings.of(row):
                beginning = form.beginning(ends[row.source].id)
                yield f"{beginning}{beginning.join(told)}"


class _Listed(NamedTuple):
    """The endings of what a role reaches; those in doubt differ from source to source."""

    endings: list[str]
    told: list[str]
    doubtful: list[int]


class _Endings:
    """The endings of pairs, kept: by destination and ports, and for a block also by role."""

    def __init__(self, reachability: Reachability, ending: Callable[[Connection], str]) -> None:
        self._reachability = reachability
        self._ending = ending
        self._written: dict[tuple[int, int], str] = {}
        self._in_doubt: dict[int, bool] = {}
        self._lists: dict[int, _Listed] = {}

    def forget_lists(self) -> None:
        """Make room for the lists of the next block."""
        self._lists.clear()

    def of(self, row: Row) -> list[str]:
        """Return the endings of a row's lines."""
        role = row.reached.role
        if role not in self._lists:
            self._lists[role] = self._listed(row)
        listed = self._lists[role]
        if not (listed.doubtful or row.alone):
            return listed.told
        endings = list(listed.endings)
        for place in listed.doubtful:
            end, ports = row.reached.destinations[place], row.reached.ports[place]
            endings[place] = self._ending(self._reachability.connection_on(row.source, end, ports))
        if row.alone:
            endings[row.itself] = [self._certain(row, row.source, EVERYTHING)]
        return list(filter(None, endings))

    def _listed(self, row: Row) -> _Listed:
        _, destinations, ports = row.reached
        doubtful = [place for place, number in enumerate(ports) if self._is_in_doubt(number)]
        pairs = zip(destinations, ports, strict=True)
        endings = [self._certain(row, end, number) for end, number in pairs]
        return _Listed(endings, list(filter(None, endings)), doubtful)

    def _certain(self, row: Row, end: int, ports: int) -> str:
        """Return the ending for any source, or nothing where it depends on the source."""
        ending = self._written.get((end, ports))
        if ending is None:
            known = not self._is_in_doubt(ports)
            connection = self._reachability.connection_on
            ending = self._ending(connection(row.source, end, ports)) if known else ""
            self._written[end, ports] = ending
        return ending

    def _is_in_doubt(self, ports: int) -> bool:
        if ports not in self._in_doubt:
            _, undetermined = self._reachability.analysis.ports.port_sets(ports)
            self._in_doubt[ports] = bool(undetermined)
        return self._in_doubt[ports]
