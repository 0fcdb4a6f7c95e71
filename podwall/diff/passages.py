"""What passes between joint roles in one of the two analyses, as numbers of passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.diff.changes import EVERYTHING, NOTHING, Passage
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from podwall.diff.roles import Bits, RoleView
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.join import Join
    from podwall.reachability.port_table import PortTable

__all__ = ["ALL", "NONE", "Block", "Passages", "SideReader", "passages"]

Passages = Registry[Passage]

NONE: Final = 0
ALL: Final = 1
"""The numbers of `NOTHING` and `EVERYTHING` among the passages."""


def passages() -> Passages:
    """Return a registry of passages that knows the two that are always needed."""
    known = Registry[Passage]()
    known.number(NOTHING)
    known.number(EVERYTHING)
    return known


class Block:
    """Some rows of joint roles: the passages that differ from what openness tells, by key.

    A key is `row * width + joint destination`.
    """

    def __init__(self, keys: IntArray, numbers: IntArray, open_rows: Bits, open_: Bits) -> None:
        """Take sorted keys with their passages, and which rows and destinations are open."""
        self.keys = keys
        self._numbers = numbers
        self._open_rows = open_rows
        self._open = open_

    def at(self, keys: IntArray) -> IntArray:
        """Return the passages at keys; between open ends everything passes, else nothing."""
        width = len(self._open)
        found = np.where(self._open_rows[keys // width] & self._open[keys % width], ALL, NONE)
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            found[known] = self._numbers[place[known]]
        return found


class SideReader:
    """Reads one analysis in joint roles."""

    def __init__(self, ports: PortTable, views: tuple[RoleView, RoleView], known: Passages) -> None:
        """Take the joint roles of sources and of destinations as this analysis sees them."""
        self._ports = ports
        self._sources, self._destinations = views
        self._known = known
        self._decoded: dict[int, int] = {}

    def block(self, join: Join, rows: IntArray) -> Block:
        """Return what passes from the joint source roles `rows`."""
        role = self._sources.role[rows]
        present = np.flatnonzero(role >= 0)
        asked, of_row = np.unique(role[present], return_inverse=True)
        edges = join.edges(asked)
        starts = np.searchsorted(edges.row, np.arange(len(asked) + 1))
        counts = np.diff(starts)[of_row]
        row = np.repeat(present, counts)
        before = np.cumsum(counts) - counts
        edge = np.arange(len(row)) + np.repeat(starts[of_row] - before, counts)
        owner, place = self._destinations.joint.gather(edges.destination[edge])
        width = len(self._destinations.role)
        keys = row[owner] * width + self._destinations.joint.items[place]
        order = np.argsort(keys, kind="stable")
        numbers = self._numbers(edges.ports)[edge[owner]]
        opened = self._sources.open[rows]
        return Block(keys[order], numbers[order], opened, self._destinations.open)

    def _numbers(self, ports: IntArray) -> IntArray:
        """Return the passage of each number of the port table."""
        distinct, which = np.unique(ports, return_inverse=True)
        numbers = [self._number(each) for each in distinct.tolist()]
        return np.array(numbers, dtype=np.int64)[which]

    def _number(self, ports: int) -> int:
        if ports not in self._decoded:
            self._decoded[ports] = self._known.number(Passage(*self._ports.port_sets(ports)))
        return self._decoded[ports]
