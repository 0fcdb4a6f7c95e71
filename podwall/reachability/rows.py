"""Expands the join of roles to endpoints: a row of destinations for each source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability.grouping import Csr
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
        self._decoded: dict[bytes, Ports] = {}

    def pair(self, source: int, destination: int) -> Ports:
        """Return what passes between two endpoints."""
        if source == destination and self._is_one_pod(source):
            return _EVERYTHING
        if min(source, destination) >= len(self._ends.workloads):
            return NO_PORTS, NO_PORTS
        row, role = self._source_role[source], self._destination_role[destination]
        if self._join.sources.profile[row] == self._join.destinations.profile[role] == OPEN:
            return _EVERYTHING
        edges = self._join.edges(np.array([row]))
        found = np.flatnonzero(edges.destination == role)
        return self._decode(edges.words[found[0]].tobytes()) if len(found) else (NO_PORTS, NO_PORTS)

    def all(self, block: int) -> Iterator[tuple[int, int, Ports]]:
        """Yield source, destination and ports of every connection, so many sources at a time."""
        for first in range(0, len(self._ends.all), block):
            numbers = np.arange(first, min(first + block, len(self._ends.all)))
            rows, row_of = np.unique(self._source_role[numbers], return_inverse=True)
            edges = self._join.edges(rows)
            borders = np.searchsorted(edges.row, np.arange(len(rows) + 1))
            for source, row in zip(numbers.tolist(), row_of.tolist(), strict=True):
                part = slice(borders[row], borders[row + 1])
                yield from self._row(source, int(rows[row]), edges, part)

    def _row(
        self, source: int, role: int, edges: Edges, part: slice
    ) -> Iterator[tuple[int, int, Ports]]:
        """Yield one source's connections, in the order of the destinations."""
        roles = edges.destination[part]
        ports = [self._decode(words.tobytes()) for words in edges.words[part]]
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

    def _decode(self, words: bytes) -> Ports:
        known = self._decoded.get(words)
        if known is None:
            known = self._decoded[words] = self._ports.port_sets(words)
        return known


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
