"""All verdicts at once, as a table of roles: for readers that show or count every pair.

Endpoints that nothing tells apart as sources share a row, and as destinations a column, so the
table of 100,000 replicas is as small as that of their workloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability import Endpoint, Reachability, Undetermined, WorkloadEndpoint
from podwall.reachability.arrays import IntArray
from podwall.reachability.endpoints import Endpoints

__all__ = ["DENIED", "OPEN", "PairVerdict", "VerdictTable", "is_one_pod", "verdict_table"]


class PairVerdict(NamedTuple):
    """What may pass between two endpoints, and on which ports that is not known."""

    allowed: PortSet
    undetermined: PortSet


DENIED: Final = 0
"""The number of the verdict that nothing passes."""

OPEN: Final = 1
"""The number of the verdict that everything passes."""

_BLOCK: Final = 512
Cells = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class VerdictTable:
    """The verdicts between all endpoints of a reachability.

    `sources` and `destinations` give each endpoint's role at each end; `cells[source role,
    destination role]` is a number into `verdicts`. What a workload may send to another pod of its
    own stands in the table like any other pair. Nothing is told between external ranges.
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
        """Return the verdict between two endpoints, by their places in `endpoints`."""
        if source == destination and is_one_pod(self.endpoints[source]):
            return OPEN
        return int(self.cells[self.sources[source], self.destinations[destination]])

    def row(self, source: int) -> Cells:
        """Return the verdicts from one endpoint to all, in their order."""
        row: Cells = self.cells[self.sources[source]][self.destinations]
        if is_one_pod(self.endpoints[source]):
            row[source] = OPEN
        return row

    def because(self, source: int, destination: int) -> tuple[Undetermined, ...]:
        """Return what is undetermined between two endpoints, with the causes."""
        ends = self.endpoints
        return self.reachability.connection(ends[source].id, ends[destination].id).undetermined


def is_one_pod(endpoint: Endpoint) -> bool:
    """Say whether an endpoint is a single pod, which always reaches itself."""
    return isinstance(endpoint, WorkloadEndpoint) and endpoint.workload.replicas == 1


def verdict_table(reachability: Reachability) -> VerdictTable:
    """Return all verdicts of a reachability.

    >>> from podwall.model import LabelMap, Snapshot, Workload
    >>> from podwall.reachability import reachability
    >>> pods = [Workload("shop", name, "Pod", LabelMap()) for name in ("api", "web")]
    >>> table = verdict_table(reachability(Snapshot(workloads=tuple(pods))))
    >>> print(table.verdicts[table.number(0, 1)].allowed)
    all ports
    """
    analysis = reachability.analysis
    ends = Endpoints(analysis.cluster.workloads, analysis.classes, analysis.addresses)
    decoder = _Decoder(reachability)
    join = analysis.join
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
            PairVerdict(NO_PORTS, NO_PORTS): DENIED,
            PairVerdict(ALL_PORTS, NO_PORTS): OPEN,
        }

    def blocks(self) -> Iterator[Cells]:
        """Yield the rows of the table, so many at a time."""
        sources, destinations = self._join.sources, self._join.destinations
        for first in range(0, len(sources), _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, len(sources)))
            edges = self._join.edges(rows)
            block = np.zeros((len(rows), len(destinations)), dtype=np.uint32)
            block[edges.row, edges.destination] = self._numbers(edges.ports)
            free = np.isin(rows, sources.open)
            block[np.ix_(free, destinations.open)] = OPEN
            outside = sources.outside[rows] == 1
            block[np.ix_(outside, np.flatnonzero(destinations.outside))] = DENIED
            yield block

    def _numbers(self, ports: IntArray) -> IntArray:
        distinct, which = np.unique(ports, return_inverse=True)
        numbers = [self._number(each) for each in distinct.tolist()]
        return np.array(numbers, dtype=np.int64)[which]

    def _number(self, ports: int) -> int:
        number = self._known.get(ports)
        if number is None:
            verdict = PairVerdict(*self._ports.port_sets(ports))
            number = self._known[ports] = self.numbers.setdefault(verdict, len(self.numbers))
        return number
