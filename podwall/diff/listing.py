"""The workloads of two analyses by id: the order in which changes are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from podwall.diff.ends import ABSENT
from podwall.reachability.grouping import Csr
from podwall.reachability.values import ExternalRange

if TYPE_CHECKING:
    from podwall.diff.ends import Ends
    from podwall.reachability import Reachability
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.values import Endpoint, WorkloadEndpoint

__all__ = ["Listing"]


class Listing:
    """Numbers workloads by the id that they have, or had if they are gone.

    `number` has the number of each row of the ends' pairs, `group` the group of each number, and
    `of_group` the numbers of each group, in ascending order.
    """

    def __init__(self, sides: tuple[Reachability, Reachability], ends: Ends) -> None:
        """Bring the workloads of both analyses in one order."""
        self._sides = sides
        self._ranks = tuple(_ranks(side) for side in sides)
        latest = [self._known(new, 1) or self._known(old, 0) for old, new in ends.pairs.tolist()]
        self._workloads = [each for each in latest if each is not None]
        order = sorted(range(len(latest)), key=lambda row: self._workloads[row].id)
        self.rows: IntArray = np.array(order, dtype=np.int64)
        self.number: IntArray = np.argsort(self.rows)
        self.group: IntArray = ends.of[self.rows]
        self.of_group = Csr.of_pairs(self.group, np.arange(len(order)), ends.groups)
        self._pairs = ends.pairs

    def endpoint(self, end: int | ExternalRange) -> Endpoint:
        """Return the workload with a number, as it is or, if it is gone, as it was."""
        return end if isinstance(end, ExternalRange) else self._workloads[int(self.rows[end])]

    def id_in(self, side: Reachability, number: int) -> str:
        """Return the id by which one of the analyses knows a workload."""
        which = self._sides.index(side)
        known = self._known(int(self._pairs[self.rows[number], which]), which)
        assert known is not None
        return known.id

    def _known(self, place: int, which: int) -> WorkloadEndpoint | None:
        """Return the workload at a place of one of the clusters."""
        if place == ABSENT:
            return None
        return self._sides[which].workloads[self._ranks[which][place]]


def _ranks(side: Reachability) -> list[int]:
    """Return for each workload of a cluster its place by id."""
    places = side.ends.places
    ranks = np.empty_like(places)
    ranks[places] = np.arange(len(places))
    found: list[int] = ranks.tolist()
    return found
