"""What pods may receive, or send, of which it is not known whether a policy isolates them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability.bounds import Bounds
from podwall.reachability.boxes import Box
from podwall.reachability.grouping import Csr, group_by_membership
from podwall.reachability.terms import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.reachability.boxes import Boxes
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.registry import Registry

__all__ = ["doubtful_boxes"]


def doubtful_boxes(
    acts: IntArray, naming: int, boxes: Boxes, bounds: Registry[Bounds]
) -> Iterator[Box]:
    """Yield what acts allow together, some of which isolate only perhaps (`2 * act + 1`).

    With a certain one, a doubtful one can only add. Without, nothing may be isolated at all, or any
    one of the doubtful ones may be the only one that acts.
    """
    certain = (acts[acts % 2 == 0] // 2).tolist()
    perhaps = [list(boxes.of(act, naming)) for act in (acts[acts % 2 == 1] // 2).tolist()]
    if certain:
        for act in certain:
            yield from boxes.of(act, naming)
        for box in (box for each in perhaps for box in each):
            may = bounds.values[box.ports].may
            yield Box(box.peers, bounds.number(Bounds.perhaps(may)))
        return
    yield Box(EVERYONE, bounds.number(Bounds.perhaps(ALL_PORTS)))
    if len(perhaps) == 1:
        yield from perhaps[0]
    else:
        yield from _intersection(perhaps, boxes, bounds)


def _intersection(acts: list[list[Box]], boxes: Boxes, bounds: Registry[Bounds]) -> Iterator[Box]:
    """Yield what each of the acts allows by itself."""
    numbers = np.unique([box.peers for each in acts for box in each]).astype(np.int64)
    size = len(boxes.elements(EVERYONE))
    sets = Csr.of_lists([boxes.elements(number) for number in numbers.tolist()])
    around = sets.transposed(size)
    group = group_by_membership(np.zeros(size, dtype=np.int64), around)
    for number, first in enumerate(np.unique(group, return_index=True)[1].tolist()):
        here = set(numbers[around[first]].tolist())
        ports = reduce(PortSet.__and__, (_must(each, here, bounds) for each in acts))
        if ports:
            peers = boxes.add_set(np.flatnonzero(group == number))
            yield Box(peers, bounds.number(Bounds(ports, ALL_PORTS)))


def _must(boxes: list[Box], here: set[int], bounds: Registry[Bounds]) -> PortSet:
    musts = (bounds.values[box.ports].must for box in boxes if box.peers in here)
    return reduce(PortSet.__or__, musts, NO_PORTS)
