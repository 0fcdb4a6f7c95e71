"""The whole answer as groups: sets of sources, sets of destinations, and the ports of both.

The list of all pairs grows with their square; what is written in policies does not, and nor do
groups. How it works: a connection needs what the source may send and what the destination may
receive, so that there are two lists of groups, one for each side. What passes a pair is what some
group of each side that contains the pair allows:

    egress    {web, api} x {everyone}: all ports
    ingress   {api} x {db}: TCP 5432      {everyone} x {web, api}: all ports
    pairs     api -> db: TCP 5432, web -> api: all ports; web -> db is in no ingress group

It is exact: the groups are the rules' grants as the analysis holds them, by the profiles of the
ends under them. Where policies with tiers decide, which deny as well, the pairs of roles are the
egress groups and everything is received.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.arrays import Csr, IntArray, Registry, distinct
from podwall.reachability.join import Roles
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER
from podwall.reachability.profiles import UNISOLATED, Profiles
from podwall.reachability.values import PairVerdict

__all__ = ["ConnectionGroup", "ConnectionGroups", "EndSet", "connection_groups", "spans_of"]

EndSet = tuple[tuple[int, int], ...]
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

    sets: tuple[EndSet, ...]
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


def spans_of(ends: Iterable[int]) -> EndSet:
    """Return ascending indices as inclusive spans.

    >>> spans_of([1, 2, 3, 7])
    ((1, 3), (7, 7))
    """
    return _spans(_as_spans(np.fromiter(ends, dtype=np.int64)).tobytes())


def _as_spans(ends: IntArray) -> IntArray:
    firsts = np.flatnonzero(np.diff(ends, prepend=-2) != 1)
    lasts = np.append(firsts[1:], len(ends)) - 1
    return np.stack([ends[firsts], ends[lasts[: len(firsts)]]], axis=1)


def _spans(packed: bytes) -> EndSet:
    spans = np.frombuffer(packed, np.int64).reshape(-1, 2).tolist()
    return tuple((first, last) for first, last in spans)


def _cuts(sizes: IntArray) -> IntArray:
    """Return where to cut a list, given the sums of its sizes, so that each part fits."""
    blocks = sizes // _MOST_LISTED
    return np.flatnonzero(np.diff(blocks)) + 1
