"""Profiles: what pods may receive, or send, so that pods under equal rules are computed once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability.bounds import NOTHING, Bounds
from podwall.reachability.boxes import Box
from podwall.reachability.grouping import Csr, IntArray, group_by_membership
from podwall.reachability.pod_sets import Members
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podwall.reachability.acts import Act
    from podwall.reachability.boxes import Boxes
    from podwall.reachability.exemptions import Exemptions

__all__ = ["OPEN", "ProfileBuilder", "Profiles"]

OPEN: Final = -1
"""The profile of what no policy isolates."""

Content = tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Profiles:
    """For each element its profile, or `OPEN`; for each profile its sets and their ports."""

    of: IntArray
    sets: Csr
    ports: IntArray


class ProfileBuilder:
    """Puts together the profiles of one direction."""

    def __init__(
        self,
        acts: Sequence[Act],
        boxes: Boxes,
        bounds: Registry[Bounds],
        naming: IntArray,
        exemptions: Exemptions,
    ) -> None:
        """Take what the rules say (`acts`) and what makes their meaning differ between pods."""
        self._acts = acts
        self._boxes = boxes
        self._bounds = bounds
        self._naming = naming
        self._exemptions = exemptions
        self._everyone = np.arange(len(naming))

    def profiles(self) -> Profiles:
        """Return the profiles of all elements."""
        isolating = self._isolating()
        kinds = self._naming * len(self._exemptions.lists) + self._exemptions.of
        group = group_by_membership(kinds, isolating)
        firsts = np.unique(group, return_index=True)[1].tolist()
        contents = Registry[Content]()
        profile = np.array(
            [
                contents.number(self._content(isolating[first], first))
                if len(isolating[first])
                else OPEN
                for first in firsts
            ],
            dtype=np.int64,
        )
        boxes = [np.array(each, dtype=np.int64).reshape(-1, 2) for each in contents.values]
        ports = Csr.of_lists([each[:, 1] for each in boxes]).items
        return Profiles(profile[group], Csr.of_lists([each[:, 0] for each in boxes]), ports)

    def _isolating(self) -> Csr:
        """Return for each element the acts that isolate it: `2 * act`, plus one if only perhaps."""
        pods = (act.pods for act in self._acts)
        parts = (part for must, may in pods for part in (must, np.setdiff1d(may, must)))
        return Csr.of_lists(list(parts)).transposed(len(self._everyone))

    def _content(self, isolating: IntArray, element: int) -> Content:
        certain = (isolating[isolating % 2 == 0] // 2).tolist()
        perhaps = (isolating[isolating % 2 == 1] // 2).tolist()
        found: dict[int, set[int]] = defaultdict(set)
        for peers, ports in self._allowed(certain, perhaps, int(self._naming[element])):
            found[peers].add(ports)
        for members, bounds in self._exemptions.lists[self._exemptions.of[element]]:
            for peers, ports in self._boxes.of_members(members, bounds):
                found[peers].add(ports)
        return tuple(sorted(Box(peers, self._union(ports)) for peers, ports in found.items()))

    def _allowed(self, certain: list[int], perhaps: list[int], naming: int) -> Iterator[Box]:
        """Yield what acts allow together, if some of them only perhaps isolate.

        With a certain one, a doubtful one can only add. Without, nothing may be isolated at all, or
        any one of the doubtful ones may be the only one that acts.
        """
        if certain:
            yield from self._of_acts(certain, naming)
            yield from (self._doubted(box) for box in self._of_acts(perhaps, naming))
            return
        anyone = Members(self._everyone, self._everyone)
        yield from self._boxes.of_members(anyone, Bounds.perhaps(ALL_PORTS))
        if len(perhaps) == 1:
            yield from self._of_acts(perhaps, naming)
        else:
            yield from self._intersection([list(self._of_acts([n], naming)) for n in perhaps])

    def _of_acts(self, numbers: list[int], naming: int) -> Iterator[Box]:
        for number in numbers:
            for part in self._acts[number].parts:
                yield from self._boxes.of_part(part, naming)

    def _doubted(self, box: Box) -> Box:
        may = self._bounds.values[box.ports].may
        return Box(box.peers, self._bounds.number(Bounds.perhaps(may)))

    def _intersection(self, acts: list[list[Box]]) -> Iterator[Box]:
        """Yield what each of the acts allows by itself."""
        numbers = sorted({box.peers for boxes in acts for box in boxes})
        sets = Csr.of_lists([self._boxes.sets[number] for number in numbers])
        around = sets.transposed(len(self._everyone))
        group = group_by_membership(np.zeros(len(around), dtype=np.int64), around)
        for number, first in enumerate(np.unique(group, return_index=True)[1].tolist()):
            here = {numbers[each] for each in around[first].tolist()}
            musts = (self._must(boxes, here) for boxes in acts)
            ports = reduce(PortSet.__and__, musts, ALL_PORTS)
            if ports:
                members = np.flatnonzero(group == number)
                yield from self._boxes.of_members(
                    Members(members, members), Bounds(ports, ALL_PORTS)
                )

    def _must(self, boxes: list[Box], here: set[int]) -> PortSet:
        return self._sum(box.ports for box in boxes if box.peers in here).must

    def _union(self, numbers: set[int]) -> int:
        if len(numbers) == 1:
            return next(iter(numbers))
        return self._bounds.number(self._sum(sorted(numbers)))

    def _sum(self, numbers: Iterable[int]) -> Bounds:
        return reduce(Bounds.__or__, (self._bounds.values[number] for number in numbers), NOTHING)
