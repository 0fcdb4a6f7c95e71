"""What a picture shows of a grid: rows, columns, and a face for each cell that is not denied.

Up to `MOST` names stand by themselves; above, each namespace is one row and one column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.portset import ALL_PORTS
from podwall.reports.reach_grid import Cell, Grid
from podwall.reports.short_ports import short_ports
from podwall.reports.words import counted

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


def picture_of(grid: Grid, namespaces: Mapping[str, str]) -> Picture:
    """Return what is to be drawn of a grid; `namespaces` has that of each workload by its id."""
    if len(grid.names) > MOST:
        return _folded(grid, namespaces)
    homes = [namespaces.get(name, "") for name in grid.names]
    pairs = zip(grid.names, homes, strict=True)
    short = (name.removeprefix(f"{home}/") for name, home in pairs)
    return Picture(tuple(short), tuple(homes), tuple(_faces(grid)))


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


def _folded(grid: Grid, namespaces: Mapping[str, str]) -> Picture:
    """Return the picture of namespaces: of how many of their connections something passes."""
    home = {name: namespaces.get(name, name) for name in grid.names}
    names = tuple(dict.fromkeys(home.values()))
    number = {name: place for place, name in enumerate(names)}
    size = Counter(home.values())
    pairs: Counter[tuple[str, str]] = Counter()
    alone: Counter[str] = Counter()
    for (source, destination), cell in grid.cells.items():
        if cell.itself:
            alone[home[source]] += 1
        elif source in home and destination in home and (cell.allowed or cell.unsure):
            pairs[home[source], home[destination]] += 1
    faces = []
    for (source, destination), count in sorted(pairs.items()):
        total = size[source] * size[destination] - (alone[source] if source == destination else 0)
        said = f"{source} to {destination}: {count:,} of {counted(total, 'connection')}"
        share = count / total
        written = "all" if count == total else f"{max(1, round(100 * share))}%"
        place = number[source], number[destination]
        faces.append(Face(*place, Look.PART, written, said, share))
    return Picture(names, names, tuple(faces))
