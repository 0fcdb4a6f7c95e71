"""Who can reach whom as a grid of cells, which the formats for people share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, ExternalRange, Reachability

__all__ = ["OUTSIDE", "Cell", "Grid", "reach_grid"]

OUTSIDE: Final = "outside"
_ENOUGH: Final = 2


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

    External ranges that no cell tells apart share a row and a column. The one with the widest of
    them is `outside`: whatever has no row of its own.
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
    groups = _alike(reachability.externals, workloads, cells)
    names = {_name(group, groups): group[0].id for group in groups}
    for name, first in names.items():
        for workload in workloads:
            cells[workload, name] = cells.get((workload, first), Cell())
            cells[name, workload] = cells.get((first, workload), Cell())
    return Grid((*workloads, *names), cells)


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


def _name(group: Sequence[ExternalRange], groups: Sequence[Sequence[ExternalRange]]) -> str:
    """Return `outside` for the group that has the most addresses, else its ranges."""
    if group is max(groups, key=lambda each: max(r.network.num_addresses for r in each)):
        return OUTSIDE
    more = f" +{len(group) - _ENOUGH}" if len(group) > _ENOUGH else ""
    return f"{', '.join(each.id for each in group[:_ENOUGH])}{more}"
