"""Expands the join of roles to endpoints: a row of destinations for each source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability.grouping import Csr, IntArray
from podwall.reachability.profiles import OPEN
from podwall.reachability.values import WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.reachability.analysis import Analysis
    from podwall.reachability.endpoints import Endpoints
    from podwall.reachability.join import Edges

__all__ = ["Ports", "Rows"]

Ports = tuple[PortSet, PortSet]
"""What is allowed, and what is undetermined."""

_MOST_PAIRS: Final = 1_000_000
"""So many are listed at once, unless a single source needs more; each takes about 100 bytes."""

_MOST_SOURCES: Final = 4096
"""So many sources are listed at once, at most."""

_EVERYTHING: Ports = (ALL_PORTS, NO_PORTS)


class Rows:
    """The connections of an analysis, by the numbers of the endpoints."""

    def __init__(self, analysis: Analysis, ends: Endpoints) -> None:
        """Find the roles of the endpoints."""
        self._join = analysis.join
        self._ports = analysis.ports
        self._ends = ends
        join = analysis.join
        self._source_role = join.sources.of[ends.element]
        self._destination_role = join.destinations.of[ends.element]
        numbers = np.arange(len(ends.all))
        self._holders = Csr.of_pairs(self._destination_role, numbers, len(join.destinations))
        self._open = join.destinations.open
        self._open_inside = self._open[join.destinations.outside[self._open] == 0]

    def pair(self, source: int, destination: int) -> Ports:
        """Return what passes between two endpoints."""
        if source == destination and self._is_one_pod(source):
            return _EVERYTHING
        if min(source, destination) >= len(self._ends.workloads):
            return NO_PORTS, NO_PORTS
        start, end = self._source_role[source], self._destination_role[destination]
        return self._ports.port_sets(self._join.pair(start, end))

    def all(self) -> Iterator[tuple[int, int, Ports]]:
        """Yield source, destination and ports of every connection."""
        for numbers in self._blocks():
            rows, row_of = np.unique(self._source_role[numbers], return_inverse=True)
            edges = self._join.edges(rows)
            borders = np.searchsorted(edges.row, np.arange(len(rows) + 1))
            for source, row in zip(numbers.tolist(), row_of.tolist(), strict=True):
                part = slice(borders[row], borders[row + 1])
                yield from self._row(source, int(rows[row]), edges, part)

    def _blocks(self) -> Iterator[IntArray]:
        """Yield the sources in blocks that are not too much to list at once."""
        total = np.cumsum(self._join.cost[self._source_role])
        first = 0
        while first < len(total):
            before = total[first - 1] if first else 0
            fitting = int(np.searchsorted(total, before + _MOST_PAIRS))
            end = min(max(fitting, first + 1), first + _MOST_SOURCES)
            yield np.arange(first, min(end, len(total)))
            first = end

    def _row(
        self, source: int, role: int, edges: Edges, part: slice
    ) -> Iterator[tuple[int, int, Ports]]:
        """Yield one source's connections, in the order of the destinations."""
        roles = edges.destination[part]
        ports = [self._ports.port_sets(number) for number in edges.ports[part].tolist()]
        if self._join.sources.profile[role] == OPEN:
            outside = self._join.sources.outside[role]
            free = self._open_inside if outside else self._open
            roles = np.concatenate([roles, free])
            ports += [_EVERYTHING] * len(free)
        owner, position = self._holders.gather(roles)
        destinations = self._holders.items[position]
        order = np.argsort(destinations, kind="stable")
        pairs = zip(destinations[order].tolist(), owner[order].tolist(), strict=True)
        row = ((destination, ports[index]) for destination, index in pairs)
        alone = self._is_one_pod(source)
        for destination, allowed in _with_itself(row, source) if alone else row:
            yield source, destination, allowed

    def _is_one_pod(self, number: int) -> bool:
        end = self._ends.all[number]
        return isinstance(end, WorkloadEndpoint) and end.workload.replicas == 1


def _with_itself(found: Iterator[tuple[int, Ports]], source: int) -> Iterator[tuple[int, Ports]]:
    """Yield a row in which the source reaches itself, in its place."""
    told = False
    for destination, ports in found:
        if destination >= source and not told:
            told = True
            yield source, _EVERYTHING
        if destination != source:
            yield destination, ports
    if not told:
        yield source, _EVERYTHING
