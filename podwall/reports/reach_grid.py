"""Who can reach whom as a grid of cells, which the formats for people share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, ExternalRange, Reachability
from podwall.reports.external_names import external_names

__all__ = ["Cell", "Grid", "reach_grid"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What may pass from a row to a column, and what may but is not certain.

    `itself` is set where both are one and the same pod, to which the policies do not matter.
    """

    allowed: PortSet = NO_PORTS
    unsure: PortSet = NO_PORTS
    itself: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """The names of rows and columns, and the cells of the pairs between which something passes.

    External ranges that no cell tells apart share a row and a column; their names are `outside`.
    """

    names: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    outside: frozenset[str] = frozenset()

    def cell(self, source: str, destination: str) -> Cell:
        """Return the cell of a pair; an empty one where nothing passes."""
        return self.cells.get((source, destination), Cell())

    def namespace(self, name: str) -> str:
        """Return the namespace of a name; an empty one outside of the cluster."""
        return "" if name in self.outside else name.partition("/")[0]


def reach_grid(reachability: Reachability) -> Grid:
    """Return the grid of a reachability: the workloads, then what is outside of the cluster."""
    cells = {
        (each.source_id, each.destination_id): _cell(each) for each in reachability.connections()
    }
    workloads = [each.id for each in reachability.workloads]
    for each in reachability.workloads:
        if each.workload.replicas == 1:
            cells[each.id, each.id] = Cell(itself=True)
    groups = _alike(reachability.externals, workloads, cells)
    called = external_names([[each.network for each in group] for group in groups])
    names = {name: group[0].id for name, group in zip(called, groups, strict=True)}
    for name, first in names.items():
        for workload in workloads:
            cells[workload, name] = cells.get((workload, first), Cell())
            cells[name, workload] = cells.get((first, workload), Cell())
    return Grid((*workloads, *names), cells, frozenset(names))


def _cell(connection: Connection) -> Cell:
    unsure = reduce(or_, (part.ports for part in connection.undetermined), NO_PORTS)
    return Cell(connection.allowed, unsure)


def _alike(
    ranges: Sequence[ExternalRange],
    workloads: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
) -> list[list[ExternalRange]]:
    """Return the ranges in groups, each of which has the same cells with every workload."""
    groups: dict[tuple[Cell, ...], list[ExternalRange]] = {}
    for each in ranges:
        ways = ([(each.id, other), (other, each.id)] for other in workloads)
        pairs = [pair for both in ways for pair in both]
        groups.setdefault(tuple(cells.get(pair, Cell()) for pair in pairs), []).append(each)
    return list(groups.values())
