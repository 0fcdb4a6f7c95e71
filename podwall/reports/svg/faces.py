"""What a picture shows of a grid: rows, columns, and a face for each cell that is not denied.

Up to `MOST` names stand by themselves; above, each namespace is one row and one column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.portset import ALL_PORTS
from podwall.reports.namespace_grid import NamespaceGrid, Share, namespace_grid
from podwall.reports.reach_grid import Cell, Grid, reach_grid
from podwall.reports.short_ports import short_ports
from podwall.reports.words import counted
from podwall.verdict_table import VerdictTable

__all__ = ["MOST", "Face", "Look", "Picture", "picture_of"]

MOST: Final = 48
"""So many names are drawn one by one."""


class Look(StrEnum):
    """How a cell is drawn."""

    ALL = "all"
    SOME = "some"
    MAYBE = "maybe"
    PART = "part"
    ITSELF = "itself"


@dataclass(frozen=True, slots=True)
class Face:
    """One cell: where, how it looks, what is written in it and said about it."""

    row: int
    column: int
    look: Look
    written: str
    said: str
    part: float = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Names with the namespace of each, the same for rows and columns, and the faces."""

    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    faces: tuple[Face, ...]

    @property
    def folded(self) -> bool:
        """Whether each name is a namespace."""
        return self.names == self.namespaces


def picture_of(table: VerdictTable) -> Picture:
    """Return what is to be drawn of a verdict table."""
    if len(table.reachability.workloads) <= MOST:
        grid = reach_grid(table.reachability)
        if len(grid.names) <= MOST:
            return _unfolded(grid)
    return _folded(namespace_grid(table))


def _unfolded(grid: Grid) -> Picture:
    homes = tuple(map(grid.namespace, grid.names))
    pairs = zip(grid.names, homes, strict=True)
    short = (name.removeprefix(f"{home}/") for name, home in pairs)
    return Picture(tuple(short), homes, tuple(_faces(grid)))


def _faces(grid: Grid) -> Iterator[Face]:
    number = {name: place for place, name in enumerate(grid.names)}
    for source in grid.names:
        for destination in grid.names:
            cell = grid.cell(source, destination)
            if cell.itself or cell.allowed or cell.unsure:
                said = f"{source} to {destination}: {_said(cell)}"
                look, written = _look(cell), "" if cell.itself else short_ports(cell.allowed)
                yield Face(number[source], number[destination], look, written, said)


def _look(cell: Cell) -> Look:
    if cell.itself:
        return Look.ITSELF
    if cell.unsure:
        return Look.MAYBE
    return Look.ALL if cell.allowed == ALL_PORTS else Look.SOME


def _said(cell: Cell) -> str:
    if cell.itself:
        return "the same pod"
    unsure = f"undetermined on {cell.unsure}" if cell.unsure else ""
    return "; ".join(filter(None, (str(cell.allowed) if cell.allowed else "", unsure)))


def _folded(grid: NamespaceGrid) -> Picture:
    """Return the picture of namespaces: of how many of their connections something passes."""
    faces = (
        Face(
            *place,
            Look.MAYBE if share.unsure else Look.PART,
            _percent(share),
            f"{grid.names[place[0]]} to {grid.names[place[1]]}: {_counted(share)}",
            share.open / share.total,
        )
        for place, share in sorted(grid.shares.items())
    )
    return Picture(grid.names, grid.names, tuple(faces))


def _percent(share: Share) -> str:
    if share.open in {0, share.total}:
        return "all" if share.open else ""
    return f"{min(99, max(1, round(100 * share.open / share.total)))}%"


def _counted(share: Share) -> str:
    said = f"{share.open:,} of {counted(share.total, 'connection')}"
    return f"{said}, {share.unsure:,} more undetermined" if share.unsure else said
