"""Who can reach whom as a grid of cells, which the formats for people share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, Reachability

__all__ = ["OUTSIDE", "Cell", "Grid", "reach_grid"]

OUTSIDE: Final = "outside"


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

    External ranges that no cell tells apart share a row and a column: `outside`, where all of them
    do, or else the ranges with commas between them.
    """

    names: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]

    def cell(self, source: str, destination: str) -> Cell:
        """Return the cell of a pair; an empty one where nothing passes."""
        return self.cells.get((source, destination), Cell())


def reach_grid(reachability: Reachability) -> Grid:
    """Return the grid of a reachability: the workloads, then what is outside of the cluster."""
    cells = {
        (each.source_id, each.destination_id): _cell(each) for each in reachability.connections()
    }
    workloads = [each.id for each in reachability.workloads]
    for each in reachability.workloads:
        if each.workload.replicas == 1:
            cells[each.id, each.id] = Cell(itself=True)
    groups = _alike([each.id for each in reachability.externals], workloads, cells)
    names = {_name(group, groups): group[0] for group in groups}
    for name, first in names.items():
        for workload in workloads:
            cells[workload, name] = cells.get((workload, first), Cell())
            cells[name, workload] = cells.get((first, workload), Cell())
    return Grid((*workloads, *names), cells)


def _cell(connection: Connection) -> Cell:
    unsure = reduce(or_, (part.ports for part in connection.undetermined), NO_PORTS)
    return Cell(connection.allowed, unsure)


def _alike(
    ranges: list[str], workloads: list[str], cells: Mapping[tuple[str, str], Cell]
) -> list[list[str]]:
    """Return the ranges in groups, each of which has the same cells with every workload."""
    groups: dict[tuple[Cell, ...], list[str]] = {}
    for each in ranges:
        pairs = [*((each, other) for other in workloads), *((other, each) for other in workloads)]
        groups.setdefault(tuple(cells.get(pair, Cell()) for pair in pairs), []).append(each)
    return list(groups.values())


def _name(group: list[str], groups: list[list[str]]) -> str:
    return OUTSIDE if len(groups) == 1 else ", ".join(group)
