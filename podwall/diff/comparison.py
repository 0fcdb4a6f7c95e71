"""The comparison of two analyses in joint roles: what differs, still unexpanded.

Rows of sources that can have changed are compared with all destinations, and all other sources
with the destinations that can have changed. Everything else is equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.diff.ends import ABSENT
from podwall.diff.passages import ALL, SideReader, passages
from podwall.diff.roles import joint_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.diff.affected import Affected
    from podwall.diff.ends import Ends
    from podwall.diff.passages import Block, Passages
    from podwall.diff.roles import Bits, JointRoles, RoleView
    from podwall.reachability import Reachability
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.join import Join

__all__ = ["Comparison", "compared"]

_MOST_WORDS: Final = 1 << 20
"""So many pairs of roles are listed at once, unless a single source role has more."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between joint roles, and between two pods of one workload.

    `rectangles` has a row (source role, destination role, before, after) for each pair of roles;
    `selves` a row (row of the ends' pairs, before, after). Numbers of passages are into `passages`.
    """

    sources: JointRoles
    destinations: JointRoles
    passages: Passages
    rectangles: IntArray
    selves: IntArray


def compared(old: Reachability, new: Reachability, ends: Ends, may_differ: Affected) -> Comparison:
    """Compare two analyses where they may differ."""
    joins = (old.analysis.join, new.analysis.join)
    elements = (ends.old, ends.new)
    sources = joint_roles(joins[0].sources, joins[1].sources, elements)
    destinations = joint_roles(joins[0].destinations, joins[1].destinations, elements)
    known = passages()
    comparer = _Comparer((old, new), ends, sources, destinations, known)
    rows, columns = (
        _touched(sources, may_differ.sources),
        _touched(destinations, may_differ.destinations),
    )
    parts = [*comparer.all(np.flatnonzero(rows), joins, np.ones_like(columns))]
    if columns.any():
        parts += comparer.all(np.flatnonzero(~rows), _toward(joins, destinations, columns), columns)
    rectangles = np.concatenate([np.empty((0, 4), dtype=np.int64), *(each for each, _ in parts)])
    selves = np.concatenate([np.empty((0, 3), dtype=np.int64), *(each for _, each in parts)])
    return Comparison(sources, destinations, known, rectangles, selves)


def _touched(roles: JointRoles, ends: Bits) -> Bits:
    touched = np.zeros(len(roles), dtype=bool)
    touched[roles.of[ends]] = True
    return touched


def _toward(joins: tuple[Join, Join], destinations: JointRoles, columns: Bits) -> tuple[Join, Join]:
    """Return both joins with only the wanted destinations."""
    old, new = destinations.old.role[columns], destinations.new.role[columns]
    return joins[0].toward(np.unique(old[old >= 0])), joins[1].toward(np.unique(new[new >= 0]))


class _Comparer:
    """Compares blocks of rows."""

    def __init__(
        self,
        sides: tuple[Reachability, Reachability],
        ends: Ends,
        sources: JointRoles,
        destinations: JointRoles,
        known: Passages,
    ) -> None:
        self._sources = sources
        self._destinations = destinations
        self._ends = ends
        self._members = ends.members()
        self._workloads = tuple(each.cluster.workloads for each in sides)
        self._readers = (
            SideReader(sides[0].analysis.ports, (sources.old, destinations.old), known),
            SideReader(sides[1].analysis.ports, (sources.new, destinations.new), known),
        )

    def all(
        self, rows: IntArray, joins: tuple[Join, Join], columns: Bits
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield what differs between some sources and some destinations, block by block."""
        for block in self._blocks(rows, joins):
            yield self._block(block, joins, columns)

    def _blocks(self, rows: IntArray, joins: tuple[Join, Join]) -> Iterator[IntArray]:
        """Yield the sources in blocks that are not too much to list at once."""
        roles = (self._sources.old.role[rows], self._sources.new.role[rows])
        costs = [
            np.where(role == ABSENT, 0, join.cost[role])
            for role, join in zip(roles, joins, strict=True)
        ]
        total = np.cumsum(costs[0] + costs[1] + self._dense(rows))
        first = 0
        while first < len(rows):
            before = int(total[first - 1]) if first else 0
            end = max(int(np.searchsorted(total, before + _MOST_WORDS)), first + 1)
            yield rows[first:end]
            first = end

    def _dense(self, rows: IntArray) -> IntArray:
        """Return how many destinations are looked at for each source because of openness."""
        old, new = self._sources.old.open[rows], self._sources.new.open[rows]
        reopened = np.where(old & new, len(self._differing()), 0)
        return np.where(old != new, len(self._destinations), reopened)

    def _differing(self) -> IntArray:
        """Return the destination roles that are open in one of the analyses only."""
        return np.flatnonzero(self._destinations.old.open != self._destinations.new.open)

    def _block(
        self, rows: IntArray, joins: tuple[Join, Join], columns: Bits
    ) -> tuple[IntArray, IntArray]:
        old, new = (
            reader.block(join, rows) for reader, join in zip(self._readers, joins, strict=True)
        )
        width = len(self._destinations)
        keys = _distinct(old.keys, new.keys, self._reopened(rows))
        keys = keys[columns[keys % width]]
        before, after = old.at(keys), new.at(keys)
        differ = np.flatnonzero(before != after)
        pairs = (rows[keys[differ] // width], keys[differ] % width)
        rectangles = np.stack([*pairs, before[differ], after[differ]], axis=1)
        return rectangles, self._selves(rows, columns, old, new)

    def _reopened(self, rows: IntArray) -> IntArray:
        """Return the keys of pairs that are open at both ends in one of the analyses only."""
        old, new = self._sources.old.open[rows], self._sources.new.open[rows]
        every = np.arange(len(self._destinations))
        asked = (
            (np.flatnonzero(old != new), every),
            (np.flatnonzero(old & new), self._differing()),
        )
        return np.concatenate([self._keys(rows, *each) for each in asked])

    def _keys(self, rows: IntArray, places: IntArray, columns: IntArray) -> IntArray:
        if not len(places) or not len(columns):
            return np.empty(0, dtype=np.int64)
        old, new = (_open(rows[places], columns, *views) for views in self._views())
        row, column = np.nonzero(old != new)
        return places[row] * len(self._destinations) + columns[column]

    def _views(self) -> Iterator[tuple[RoleView, RoleView]]:
        yield self._sources.old, self._destinations.old
        yield self._sources.new, self._destinations.new

    def _selves(self, rows: IntArray, columns: Bits, old: Block, new: Block) -> IntArray:
        """Return the workloads whose connections with themselves differ."""
        row, place = self._sources.holders.gather(rows)
        groups = self._sources.holders.items[place]
        kept = groups < self._ends.groups
        row, groups = row[kept], groups[kept]
        kept = columns[self._destinations.of[groups]]
        row, groups = row[kept], groups[kept]
        keys = row * len(self._destinations) + self._destinations.of[groups]
        owner, place = self._members.gather(groups)
        pairs = self._members.items[place]
        before, after = (
            self._of_itself(block.at(keys)[owner], self._ends.pairs[pairs, side], side)
            for side, block in enumerate((old, new))
        )
        differ = np.flatnonzero(before != after)
        return np.stack([pairs[differ], before[differ], after[differ]], axis=1)

    def _of_itself(self, numbers: IntArray, places: IntArray, side: int) -> IntArray:
        """Return what passes within workloads: a single pod always reaches itself."""
        workloads = self._workloads[side]
        single = [n != ABSENT and workloads[n].replicas == 1 for n in places.tolist()]
        return np.where(np.array(single, dtype=bool), ALL, numbers)


def _distinct(*ascending: IntArray) -> IntArray:
    """Return the distinct numbers of several lists, most of which are in order already."""
    together = np.sort(np.concatenate(ascending), kind="stable")
    return together[np.flatnonzero(np.diff(together, prepend=-1))]


def _open(rows: IntArray, columns: IntArray, sources: RoleView, destinations: RoleView) -> Bits:
    """Return which pairs are open at both ends, and not both outside."""
    outside = sources.outside[rows][:, None] & destinations.outside[columns][None, :]
    opened: Bits = sources.open[rows][:, None] & destinations.open[columns][None, :] & ~outside
    return opened
