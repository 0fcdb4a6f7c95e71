"""Verdicts, port sets and endpoint sets by number, and the classes that share verdicts.

Endpoints of one role have equal verdicts, but what their verdicts are in doubt for may differ: a
cause can be a label of the one workload. Where something is undetermined, the page keeps apart what
the analysis keeps apart, unless that are too many classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability import Undetermined
from podwall.reachability.arrays import IntArray
from podwall.reachability.endpoints import Endpoints
from podwall.reports.page.document import PageChange, PagePorts, PageVerdict, Runs
from podwall.reports.words import printable
from podwall.verdict_table import VerdictTable

__all__ = [
    "EndpointSets",
    "Numbering",
    "VerdictClasses",
    "VerdictNumbers",
    "changes_between",
    "page_change_kind",
    "runs_of",
    "verdict_classes",
]


Value = TypeVar("Value", bound=Hashable)


class Numbering(Generic[Value]):
    """Numbers values in the order in which they are met."""

    def __init__(self, *values: Value) -> None:
        """Number the first values."""
        self._numbers: dict[Value, int] = {value: number for number, value in enumerate(values)}

    def of(self, value: Value) -> int:
        """Return the number of a value."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, by number."""
        return tuple(self._numbers)


class VerdictNumbers:
    """The port sets and verdicts of the page; 0 is nothing in both."""

    def __init__(self) -> None:
        """Begin with what every page has."""
        self._ports: Numbering[PortSet] = Numbering(NO_PORTS)
        self._verdicts: Numbering[PageVerdict] = Numbering(PageVerdict(0))
        self.values: list[tuple[PortSet, PortSet]] = [(NO_PORTS, NO_PORTS)]

    def port_set(self, ports: PortSet) -> int:
        """Return the number of a port set."""
        return self._ports.of(ports)

    def verdict(self, allowed: PortSet, undetermined: tuple[Undetermined, ...] = ()) -> int:
        """Return the number of a verdict."""
        doubts = tuple((self._ports.of(e.ports), printable(e.because)) for e in undetermined)
        number = self._verdicts.of(PageVerdict(self._ports.of(allowed), doubts))
        if number == len(self.values):
            unsure = NO_PORTS
            for each in undetermined:
                unsure |= each.ports
            self.values.append((allowed, unsure))
        return number

    def page_ports(self) -> tuple[PagePorts, ...]:
        """Return all port sets as the page has them."""
        return tuple(
            PagePorts(str(each), each == ALL_PORTS, each.other, each.tcp, each.udp, each.sctp)
            for each in self._ports.values
        )

    def page_verdicts(self) -> tuple[PageVerdict, ...]:
        """Return all verdicts as the page has them."""
        return self._verdicts.values


class EndpointSets:
    """Sets of endpoints, made from sets of the elements that the analysis works with."""

    ABSENT: Final = -1

    def __init__(self, elements: IntArray, universe: int) -> None:
        """Take each endpoint's element, `ABSENT` where the analysis does not know it."""
        self._elements = np.where(elements == self.ABSENT, universe, elements)
        self._universe = universe
        self._numbers: Numbering[Runs] = Numbering()

    def number(self, members: IntArray) -> int:
        """Return the number of the set of endpoints that have one of the elements."""
        flags = np.zeros(self._universe + 1, dtype=np.int64)
        flags[members] = 1
        return self._numbers.of(_true_runs(flags[self._elements]))

    @property
    def values(self) -> tuple[Runs, ...]:
        """All sets, by number."""
        return self._numbers.values


def _true_runs(flags: IntArray) -> Runs:
    edges = np.flatnonzero(np.diff(flags, prepend=0, append=0))
    firsts, ends = edges[::2], edges[1::2]
    return tuple(np.column_stack([firsts, ends - firsts]).ravel().tolist())


def runs_of(values: IntArray) -> Runs:
    """Return a sequence as runs: each value with how often it stands in a row.

    >>> runs_of(np.array([4, 4, 0]))
    (4, 2, 0, 1)
    """
    firsts = np.flatnonzero(np.diff(values, prepend=-1))
    counts = np.diff(firsts, append=len(values))
    return tuple(np.column_stack([values[firsts], counts]).ravel().tolist())


MOST_CLASSES: Final = 1000
"""Up to so many classes verdicts are kept by class, and above by role."""

MOST_CAUSES: Final = 4000
"""So many pairs have their causes looked up, each in half a millisecond; others share them."""


@dataclass(frozen=True, slots=True)
class VerdictClasses:
    """Each endpoint's class as a source and as a destination, and the page's verdict for both."""

    rows: IntArray
    columns: IntArray
    cells: IntArray


def verdict_classes(table: VerdictTable, verdicts: VerdictNumbers) -> VerdictClasses:
    """Return the classes of a table, and their verdicts with the page's numbers."""
    doubtful = [number for number, each in enumerate(table.verdicts) if each.undetermined]
    numbers = np.array([verdicts.verdict(each.allowed) for each in table.verdicts], dtype=np.int64)
    fine = _by_class(table) if doubtful else None
    if fine is None:
        sources, destinations = table.sources, table.destinations
        known = table.cells
    else:
        sources = destinations = fine
        firsts = np.unique(fine, return_index=True)[1]
        known = table.cells[np.ix_(table.sources[firsts], table.destinations[firsts])]
    grain = VerdictClasses(sources, destinations, numbers[known])
    causes = _Causes(table)
    doubts = np.argwhere(np.isin(known, doubtful)).tolist()
    for (row, column), pair in zip(doubts, _examples(grain, doubts), strict=True):
        verdict = table.verdicts[known[row, column]]
        grain.cells[row, column] = verdicts.verdict(verdict.allowed, causes.of(*pair))
    return grain


def _examples(grain: VerdictClasses, cells: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield for each cell two endpoints of its classes, different ones where there are."""
    sources = _holders(grain.rows)
    destinations = _holders(grain.columns)
    for row, column in cells:
        source = sources[row][0]
        others = destinations[column]
        yield source, others[1] if others[0] == source and len(others) > 1 else others[0]


def _holders(classes: IntArray) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(classes.tolist()):
        found[each].append(place)
    return found


class _Causes:
    """Looks up why pairs are undetermined; after many, once for all pairs of the same roles."""

    def __init__(self, table: VerdictTable) -> None:
        self._table = table
        self._asked = 0
        self._by_role: dict[tuple[int, int], tuple[Undetermined, ...]] = {}

    def of(self, source: int, destination: int) -> tuple[Undetermined, ...]:
        """Return what is undetermined between two endpoints, with the causes."""
        table = self._table
        roles = int(table.sources[source]), int(table.destinations[destination])
        if self._asked >= MOST_CAUSES and roles in self._by_role:
            return self._by_role[roles]
        self._asked += 1
        found = self._by_role[roles] = table.because(source, destination)
        return found


def _by_class(table: VerdictTable) -> IntArray | None:
    """Return each endpoint's class in the analysis, None where these are too many."""
    analysis = table.reachability.analysis
    if len(analysis.classes) > MOST_CLASSES:
        return None
    ends = Endpoints(analysis.cluster.workloads, analysis.classes, analysis.addresses)
    return np.unique(ends.element, return_inverse=True)[1]


Known = tuple[PortSet, PortSet]
"""What is allowed, and what is undetermined."""


def page_change_kind(before: Known, after: Known) -> str:
    """Return the kind of a change between two verdicts that differ.

    >>> from podwall.portset import ALL_PORTS, NO_PORTS
    >>> page_change_kind((NO_PORTS, NO_PORTS), (ALL_PORTS, NO_PORTS))
    'opens'
    """
    (old, old_doubt), (new, new_doubt) = before, after
    old_most, new_most = old | old_doubt, new | new_doubt
    if not old_most:
        return "opens"
    if not new_most:
        return "closes"
    opened = new - old or new_most - old_most
    closed = old - new or old_most - new_most
    if opened and closed:
        return "changes"
    return "widens" if opened else "narrows"


def changes_between(
    verdicts: VerdictNumbers, before: tuple[IntArray, IntArray], after: tuple[IntArray, IntArray]
) -> Iterator[PageChange]:
    """Yield the changes between two moments, given by their cells and the verdicts of each self.

    Both tables of cells have the same rows and columns.
    """
    keys = np.concatenate(
        [
            np.unique(np.stack([old.ravel(), new.ravel()]), axis=1).T
            for old, new in zip(before, after, strict=True)
        ]
    )
    for old, new in sorted({(int(old), int(new)) for old, new in keys if old != new}):
        known = verdicts.values[old], verdicts.values[new]
        if known[0] != known[1]:
            yield PageChange(old, new, page_change_kind(*known))
