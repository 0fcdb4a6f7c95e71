"""The whole answer at once: as a table of roles, or as groups of sources, destinations and ports.

The table is for readers that show or count every pair. Endpoints that nothing tells apart as
sources share a row, and as destinations a column, so the table of 100,000 replicas is as small as
that of their workloads.

Endpoints of one role have equal verdicts, but what an undetermined one depends on may differ: a
cause can be a label of the one workload. `caused_verdicts` therefore keeps apart what the analysis
keeps apart, its classes, unless these are too many.

Groups are for readers that list it. The list of all pairs grows with their square; what is written
in policies does not, and nor do groups. How it works: a connection needs what the source may send
and what the destination may receive, so that there are two lists of groups, one for each side. What
passes a pair is what some group of each side that contains the pair allows:

    egress    {web, api} x {everyone}: all ports
    ingress   {api} x {db}: TCP 5432      {everyone} x {web, api}: all ports
    pairs     api -> db: TCP 5432, web -> api: all ports; web -> db is in no ingress group

It is exact: the groups are the rules' grants as the analysis holds them, by the profiles of the
ends under them. Where policies with tiers decide, which deny as well, the pairs of roles are the
egress groups and everything is received.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from podwall.portset import PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Endpoint, Reachability, Undetermined
from podwall.reachability.arrays import Csr, IntArray, Registry, distinct, each_once, is_in
from podwall.reachability.few_arrays import np
from podwall.reachability.join import Roles
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER
from podwall.reachability.profiles import UNISOLATED, Profiles
from podwall.reachability.values import EVERYTHING_PASSES, NOTHING_PASSES, PairVerdict

__all__ = [
    "DENIED",
    "OPEN",
    "CausedVerdict",
    "CausedVerdicts",
    "ConnectionGroup",
    "ConnectionGroups",
    "VerdictTable",
    "caused_verdicts",
    "connection_groups",
    "endpoints_by_element",
    "spans_of",
    "verdict_table",
]


DENIED: Final = 0
"""The number of the verdict that nothing passes."""

OPEN: Final = 1
"""The number of the verdict that everything passes."""

_BLOCK: Final = 512
if TYPE_CHECKING:
    import numpy.typing as npt

    Cells = npt.NDArray[np.uint32]
else:  # numpy is not brought for its types
    Cells = Any


@dataclass(frozen=True)
class VerdictTable:
    """The verdicts between all endpoints of a reachability.

    `sources` and `destinations` give each endpoint's role at each end; `cells[source role,
    destination role]` is a number into `verdicts`. What a workload may send to another pod of its
    own stands in the table like any other pair. There is no verdict between external ranges.
    """

    reachability: Reachability
    sources: IntArray
    destinations: IntArray
    cells: Cells
    verdicts: tuple[PairVerdict, ...]

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints, in the order of `sources` and `destinations`."""
        return self.reachability.endpoints

    def number(self, source: int, destination: int) -> int:
        """Return the verdict between two endpoints, by their indices in `endpoints`."""
        if source == destination and self.endpoints[source].is_one_pod:
            return OPEN
        return int(self.cells[self.sources[source], self.destinations[destination]])

    def row(self, source: int) -> Cells:
        """Return the verdicts from one endpoint to all, in their order."""
        row: Cells = self.cells[self.sources[source]][self.destinations]
        if self.endpoints[source].is_one_pod:
            row[source] = OPEN
        return row

    def because(self, source: int, destination: int) -> tuple[Undetermined, ...]:
        """Return what is undetermined between two endpoints, with the causes."""
        if source == destination and self.endpoints[source].is_one_pod:
            return ()
        (number,) = self.reachability.causes.of(source, [destination])
        return self.reachability.causes[number]


def verdict_table(reachability: Reachability) -> VerdictTable:
    """Return all verdicts of a reachability.

    >>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
    >>> from podwall.reachability import reachability
    >>> labels = LabelMap()
    >>> pods = [SnapshotWorkload("shop", name, "Pod", labels) for name in ("api", "web")]
    >>> table = verdict_table(reachability(Snapshot(workloads=tuple(pods))))
    >>> print(table.verdicts[table.number(0, 1)].allowed)
    all ports
    """
    ends = reachability.ends
    decoder = _Decoder(reachability)
    join = reachability.analysis.join
    cells = np.concatenate([np.empty((0, len(join.destinations)), np.uint32), *decoder.blocks()])
    return VerdictTable(
        reachability,
        join.sources.of[ends.element],
        join.destinations.of[ends.element],
        cells,
        tuple(decoder.numbers),
    )


class _Decoder:
    """Numbers the verdicts of a join as they are met."""

    def __init__(self, reachability: Reachability) -> None:
        """Begin with the two verdicts that always have a number."""
        self._join = reachability.analysis.join
        self._ports = reachability.analysis.ports
        self._known: dict[int, int] = {}
        self.numbers: dict[PairVerdict, int] = {
            NOTHING_PASSES: DENIED,
            EVERYTHING_PASSES: OPEN,
        }

    def blocks(self) -> Iterator[Cells]:
        """Yield the rows of the table, so many at a time."""
        sources, destinations = self._join.sources, self._join.destinations
        for first in range(0, len(sources), _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, len(sources)))
            edges = self._join.edges(rows)
            block = np.zeros((len(rows), len(destinations)), dtype=np.uint32)
            block[edges.row, edges.destination] = each_once(edges.ports, self._number)
            free = is_in(rows, sources.unisolated)
            block[np.ix_(free, destinations.unisolated)] = OPEN
            outside = sources.outside[rows] == 1
            block[np.ix_(outside, np.flatnonzero(destinations.outside))] = DENIED
            yield block

    def _number(self, ports: int) -> int:
        number = self._known.get(ports)
        if number is None:
            verdict = self._ports.verdict(ports)
            number = self._known[ports] = self.numbers.setdefault(verdict, len(self.numbers))
        return number


class CausedVerdict(NamedTuple):
    """What may pass between two endpoints, and what is undetermined with its causes.

    `exact`: the causes are those of the pair itself, not of another pair with the same verdict.
    """

    allowed: PortSet
    undetermined: tuple[Undetermined, ...] = ()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class CausedVerdicts:
    """The verdicts between all endpoints of a reachability, with the causes.

    `sources` and `destinations` give each endpoint's class at each end; `cells[source class,
    destination class]` is a number into `verdicts`, of which the first two are `DENIED` and
    `OPEN`. `selves` has each endpoint's verdict with itself: a single pod always reaches itself.
    """

    sources: IntArray
    destinations: IntArray
    cells: IntArray
    selves: IntArray
    verdicts: tuple[CausedVerdict, ...]


MOST_CLASSES: Final = 1000
"""Up to so many classes the causes of each pair of classes are kept apart, and above of roles."""

MOST_CAUSES: Final = 4000
"""So many pairs have their causes looked up, each in half a millisecond; others share them."""


def caused_verdicts(table: VerdictTable) -> CausedVerdicts:
    """Return the verdicts of a table with the causes of what is undetermined."""
    undetermined = [number for number, each in enumerate(table.verdicts) if each.undetermined]
    sources, destinations, by_class = _classes(table, split=bool(undetermined))
    firsts = [np.unique(of, return_index=True)[1] for of in (sources, destinations)]
    known = table.cells[np.ix_(table.sources[firsts[0]], table.destinations[firsts[1]])]
    numbers = Registry[CausedVerdict]()
    plain = [numbers.number(CausedVerdict(each.allowed)) for each in table.verdicts]
    cells = np.array(plain, dtype=np.int64)[known]
    causes = _Causes(table, by_class=by_class)
    places = np.argwhere(np.isin(known, undetermined)).tolist()
    alone = np.array([each.is_one_pod for each in table.endpoints], dtype=np.bool_)
    for (row, column), pair in zip(places, _examples(sources, destinations, places), strict=True):
        if pair[0] != pair[1] or not alone[pair[0]]:
            allowed = table.verdicts[known[row, column]].allowed
            cells[row, column] = numbers.number(CausedVerdict(allowed, *causes.of(*pair)))
    selves = np.where(alone, OPEN, cells[sources, destinations])
    return CausedVerdicts(sources, destinations, cells, selves, tuple(numbers.values))


def endpoints_by_element(elements: IntArray, universe: int) -> Csr:
    """Return for each of so many elements the endpoints of it; below 0 is an endpoint of none."""
    present = np.flatnonzero(elements >= 0)
    return Csr.of_pairs(elements[present], present, universe)


def _classes(table: VerdictTable, *, split: bool) -> tuple[IntArray, IntArray, bool]:
    """Return each endpoint's class at each end, and whether these are the analysis' classes.

    They are if verdicts are to be `split` by their causes, as long as there are not too many.
    """
    reachability = table.reachability
    if split and len(reachability.analysis.classes) <= MOST_CLASSES:
        classes = np.unique(reachability.ends.element, return_inverse=True)[1]
        return classes, classes, True
    roles = (np.unique(of, return_inverse=True)[1] for of in (table.sources, table.destinations))
    return next(roles), next(roles), False


def _examples(
    sources: IntArray, destinations: IntArray, cells: list[list[int]]
) -> Iterator[tuple[int, int]]:
    """Yield for each cell two endpoints of its classes, different ones where there are."""
    rows, columns = _endpoints_of(sources), _endpoints_of(destinations)
    for row, column in cells:
        # Two of each are enough: at most one pair of them is an endpoint and itself.
        pairs = list(product(rows[row][:2], columns[column][:2]))
        yield next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


def _endpoints_of(classes: IntArray) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index, each in enumerate(classes.tolist()):
        found[each].append(index)
    return found


class _Causes:
    """Looks up why pairs are undetermined; after many, once for all pairs of the same roles."""

    def __init__(self, table: VerdictTable, *, by_class: bool) -> None:
        self._table = table
        self._by_class = by_class
        self._asked = 0
        self._by_role: dict[tuple[int, int], tuple[Undetermined, ...]] = {}

    def of(self, source: int, destination: int) -> tuple[tuple[Undetermined, ...], bool]:
        """Return what is undetermined for two classes, and whether for all pairs of these.

        The two endpoints are one of each class.
        """
        table = self._table
        roles = int(table.sources[source]), int(table.destinations[destination])
        if self._asked >= MOST_CAUSES and roles in self._by_role:
            return self._by_role[roles], False
        self._asked += 1
        found = self._by_role[roles] = table.because(source, destination)
        return found, self._by_class


_EndSet = tuple[tuple[int, int], ...]
"""Endpoints by their indices, as inclusive spans in ascending order."""


class ConnectionGroup(NamedTuple):
    """Sources and destinations as numbers of sets, and the ports of all their pairs as a number."""

    sources: int
    destinations: int
    ports: int


@dataclass(frozen=True)
class ConnectionGroups:
    """All connections between endpoints, as two lists of groups.

    A pair's ports are those that both sides allow; a side allows what any of its groups does that
    contains the pair. What is undetermined on one side, and not denied by the other, is
    undetermined. Two things are left to the reader: a workload that is one pod reaches itself on
    every port, whatever the groups say, and there is no connection between two ranges outside.
    """

    sets: tuple[_EndSet, ...]
    ports: tuple[PairVerdict, ...]
    egress: tuple[ConnectionGroup, ...]
    ingress: tuple[ConnectionGroup, ...]


def connection_groups(reachability: Reachability) -> ConnectionGroups:
    """Return all connections of a reachability as groups.

    >>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
    >>> from podwall.reachability import reachability
    >>> pods = [SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("api", "web")]
    >>> groups = connection_groups(reachability(Snapshot(workloads=tuple(pods))))
    >>> groups.sets[0], groups.egress
    (((0, 3),), (ConnectionGroup(sources=0, destinations=0, ports=0),))
    """
    return _Reader(reachability).groups()


_MOST_LISTED: Final = 1 << 21
"""So many elements of sets are written out at once."""


class _Reader:
    """Reads the groups of an analysis, and numbers their sets and ports."""

    def __init__(self, reachability: Reachability) -> None:
        self._join = reachability.analysis.join
        self._table = reachability.analysis.ports
        self._tiers = bool(reachability.cluster.tiers)
        self._element = reachability.ends.element
        self._sets = Registry[bytes]()
        self._ports = Registry[PairVerdict]()
        self._numbers: dict[int, int] = {}

    def groups(self) -> ConnectionGroups:
        """Return the groups of both sides."""
        join = self._join
        egress, ingress = self._free(), self._free()
        if self._tiers:
            egress = tuple(self._of_roles())
        else:
            egress = tuple(self._of_side(join.egress, join.sources, join.destinations))
            received = self._of_side(join.ingress, join.destinations, join.sources)
            ingress = tuple(ConnectionGroup(there, own, ports) for own, there, ports in received)
        return ConnectionGroups(
            tuple(map(_spans, self._sets.values)), tuple(self._ports.values), egress, ingress
        )

    def _free(self) -> tuple[ConnectionGroup, ...]:
        everyone = self._number_of(np.arange(len(self._element)))
        return (ConnectionGroup(everyone, everyone, self._number_of_ports(ALL_PORTS_NUMBER)),)

    def _of_side(self, profiles: Profiles, own: Roles, others: Roles) -> Iterator[ConnectionGroup]:
        """Yield the groups of one side: those under each profile, and whom their grants are for."""
        profile = own.profile[own.of[self._element]]
        free = np.flatnonzero(profile == UNISOLATED)
        if len(free):
            everyone = self._number_of(np.arange(len(self._element)))
            ports = self._number_of_ports(ALL_PORTS_NUMBER)
            yield ConnectionGroup(self._number_of(free), everyone, ports)
        used = distinct(profile[profile != UNISOLATED])
        held = Csr.of_pairs(profile[profile >= 0], np.flatnonzero(profile >= 0), len(profiles.sets))
        owner, position = profiles.sets.gather(used)
        there = self._numbers_of(others, profiles.sets.items[position])
        owners = [self._number_of(held[each]) for each in used.tolist()]
        rows = zip(owner.tolist(), there, profiles.ports[position].tolist(), strict=True)
        for row, ends, ports in rows:
            if ends is not None and ports != NO_PORTS_NUMBER:
                yield ConnectionGroup(owners[row], ends, self._number_of_ports(ports))

    def _numbers_of(self, ends: Roles, sets: IntArray) -> list[int | None]:
        """Return the numbers of sets of roles by their endpoints, None where there are none."""
        wanted = distinct(sets)
        holders = Csr.of_pairs(ends.of[self._element], np.arange(len(self._element)), len(ends))
        sizes = np.cumsum(ends.sets.sizes[wanted] + 1)
        found: dict[int, int | None] = {}
        for part in np.split(wanted, _cuts(sizes)):
            owner, role = ends.sets.gather(part)
            index, position = holders.gather(role)
            codes = np.sort(owner[index] * len(self._element) + holders.items[position])
            places = np.searchsorted(codes, np.arange(len(part) + 1) * len(self._element))
            for number, each in enumerate(part.tolist()):
                here = codes[places[number] : places[number + 1]] - number * len(self._element)
                found[each] = self._number_of(here) if len(here) else None
        return [found[each] for each in sets.tolist()]

    def _of_roles(self) -> Iterator[ConnectionGroup]:
        """Yield a group for each source role and all that it reaches on the same ports."""
        join = self._join
        for role in range(len(join.sources)):
            sources = self._ends_of_source[role]
            edges = join.edges(np.array([role]))
            ports, destinations = edges.ports, edges.destination
            free = join.destinations.unisolated
            if join.sources.profile[role] == UNISOLATED:
                destinations = np.concatenate([destinations, free])
                ports = np.concatenate([ports, np.full(len(free), ALL_PORTS_NUMBER)])
            for number in distinct(ports).tolist() if len(sources) else ():
                _, position = self._ends_of_destination.gather(destinations[ports == number])
                ends = np.sort(self._ends_of_destination.items[position])
                if len(ends):
                    there = self._number_of(ends)
                    yield ConnectionGroup(
                        self._number_of(sources), there, self._number_of_ports(number)
                    )

    @cached_property
    def _ends_of_source(self) -> Csr:
        of = self._join.sources.of[self._element]
        return Csr.of_pairs(of, np.arange(len(of)), len(self._join.sources))

    @cached_property
    def _ends_of_destination(self) -> Csr:
        of = self._join.destinations.of[self._element]
        return Csr.of_pairs(of, np.arange(len(of)), len(self._join.destinations))

    def _number_of(self, ends: IntArray) -> int:
        """Return the number of a set of endpoints, in ascending order."""
        return self._sets.number(_as_spans(ends).tobytes())

    def _number_of_ports(self, number: int) -> int:
        if number not in self._numbers:
            self._numbers[number] = self._ports.number(self._table.verdict(number))
        return self._numbers[number]


def spans_of(ends: Iterable[int]) -> _EndSet:
    """Return ascending indices as inclusive spans.

    >>> spans_of([1, 2, 3, 7])
    ((1, 3), (7, 7))
    """
    return _spans(_as_spans(np.fromiter(ends, dtype=np.int64)).tobytes())


def _as_spans(ends: IntArray) -> IntArray:
    firsts = np.flatnonzero(np.diff(ends, prepend=-2) != 1)
    lasts = np.append(firsts[1:], len(ends)) - 1
    return np.stack([ends[firsts], ends[lasts[: len(firsts)]]], axis=1)


def _spans(packed: bytes) -> _EndSet:
    spans = np.frombuffer(packed, np.int64).reshape(-1, 2).tolist()
    return tuple((first, last) for first, last in spans)


def _cuts(sizes: IntArray) -> IntArray:
    """Return where to cut a list, given the sums of its sizes, so that each part fits."""
    blocks = sizes // _MOST_LISTED
    return np.flatnonzero(np.diff(blocks)) + 1
