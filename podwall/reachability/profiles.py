"""Profiles: what pods may receive, or send, so that pods under equal rules are computed once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.reachability.bounds import NOTHING, Bounds
from podwall.reachability.doubtful import doubtful_boxes
from podwall.reachability.grouping import Csr, IntArray, group_by_membership, packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.reachability.boxes import Box, Boxes
    from podwall.reachability.exemptions import Exemptions
    from podwall.reachability.registry import Registry

__all__ = ["OPEN", "Profiles", "profiles"]

OPEN: Final = -1
"""The profile of what no policy isolates."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """For each element its profile, or `OPEN`; for each profile its sets and their ports."""

    of: IntArray
    sets: Csr
    ports: IntArray

    def with_ports(self, numbers: IntArray) -> Profiles:
        """Return the profiles with other numbers for the ports."""
        return replace(self, ports=numbers[self.ports])


@dataclass(frozen=True, slots=True)
class _Groups:
    """Elements under the same acts: `acts` has `2 * act` for each, plus one if only perhaps."""

    of: IntArray
    acts: Csr
    naming: IntArray
    exemption: IntArray


def profiles(
    isolating: Csr,
    naming: IntArray,
    exemptions: Exemptions,
    boxes: Boxes,
    bounds: Registry[Bounds],
) -> Profiles:
    """Return the profiles of one direction.

    Args:
        isolating: for each element `2 * act` for the acts that isolate it, plus one if perhaps.
        naming: how each element names its own ports, where that matters.
        exemptions: what passes each isolated element whatever its acts say.
        boxes: what the acts allow.
        bounds: numbers port bounds.
    """
    groups = _groups(isolating, naming, exemptions)
    rows = np.concatenate(list(_rows(groups, exemptions, boxes, bounds)))
    rows = _merged(rows, bounds)
    starts = np.searchsorted(rows[:, 0], np.arange(len(groups.acts) + 1))
    contents = Csr(starts, packed(rows[:, 1], rows[:, 2]))
    isolated = np.flatnonzero(groups.acts.lengths)
    alike = group_by_membership(np.zeros_like(isolated), contents.take(isolated))
    profile = np.full(len(groups.acts), OPEN)
    profile[isolated] = alike
    firsts = isolated[np.unique(alike, return_index=True)[1]]
    places = Csr(starts, np.arange(len(rows))).take(firsts)
    sets = Csr(places.starts, rows[places.items, 1])
    return Profiles(profile[groups.of], sets, rows[places.items, 2])


def _groups(isolating: Csr, naming: IntArray, exemptions: Exemptions) -> _Groups:
    kinds = packed(naming, exemptions.of)
    group = group_by_membership(kinds, isolating)
    firsts = np.unique(group, return_index=True)[1]
    return _Groups(group, isolating.take(firsts), naming[firsts], exemptions.of[firsts])


def _rows(
    groups: _Groups, exemptions: Exemptions, boxes: Boxes, bounds: Registry[Bounds]
) -> Iterator[IntArray]:
    """Yield the content of all groups as rows of group, set and ports."""
    yield np.empty((0, 3), dtype=np.int64)
    doubtful = np.unique(groups.acts.owners()[groups.acts.items % 2 == 1])
    certain = np.setdiff1d(np.arange(len(groups.acts)), doubtful)
    owner, place = groups.acts.gather(certain)
    box, row = boxes.of_act.gather(groups.acts.items[place] // 2)
    yield np.stack([certain[owner][box], boxes.peers[row], boxes.ports[row]], axis=1)
    yield _listed(_by_name(groups, certain, boxes))
    for group in doubtful.tolist():
        found = doubtful_boxes(groups.acts[group], int(groups.naming[group]), boxes, bounds)
        yield _listed((group, box) for box in found)
    yield from _exempt(groups, exemptions, boxes, bounds)


def _by_name(groups: _Groups, certain: IntArray, boxes: Boxes) -> Iterator[tuple[int, Box]]:
    """Yield for groups under certain acts the boxes that depend on the names of their ports."""
    owner, place = groups.acts.gather(certain)
    act = groups.acts.items[place] // 2
    named = np.isin(act, boxes.acts_with_names)
    for group, number in zip(certain[owner[named]].tolist(), act[named].tolist(), strict=True):
        for box in boxes.named(number, int(groups.naming[group])):
            yield group, box


def _exempt(
    groups: _Groups, exemptions: Exemptions, boxes: Boxes, bounds: Registry[Bounds]
) -> Iterator[IntArray]:
    """Yield what passes isolated groups whatever their acts say."""
    isolated = groups.acts.lengths > 0
    for number, listed in enumerate(exemptions.lists):
        here = np.flatnonzero(isolated & (groups.exemption == number))
        for elements, ports in listed if len(here) else ():
            box = (boxes.add_set(elements), bounds.number(ports))
            yield np.column_stack([here, np.tile(np.array(box), (len(here), 1))])


def _listed(pairs: Iterator[tuple[int, Box]]) -> IntArray:
    return np.array([(group, *box) for group, box in pairs], dtype=np.int64).reshape(-1, 3)


def _merged(rows: IntArray, bounds: Registry[Bounds]) -> IntArray:
    """Return the rows in ascending order, one for each group and set, with all their ports."""
    rows = rows[np.argsort(packed(*rows.T), kind="stable")]
    keys = packed(rows[:, 0], rows[:, 1])
    repeated = np.flatnonzero(np.diff(keys, prepend=-1) == 0)
    if not len(repeated):
        return rows
    several: defaultdict[int, set[int]] = defaultdict(set)
    concerned = np.isin(keys, keys[repeated])
    for key, ports in zip(keys[concerned].tolist(), rows[concerned, 2].tolist(), strict=True):
        several[key].add(ports)
    union = {key: _union(ports, bounds) for key, ports in several.items()}
    kept = np.flatnonzero(np.diff(keys, prepend=-1))
    rows = rows[kept]
    rows[:, 2] = [
        union.get(key, ports)
        for key, ports in zip(keys[kept].tolist(), rows[:, 2].tolist(), strict=True)
    ]
    return rows


def _union(numbers: set[int], bounds: Registry[Bounds]) -> int:
    if len(numbers) == 1:
        return next(iter(numbers))
    values = (bounds.values[number] for number in sorted(numbers))
    return bounds.number(reduce(Bounds.__or__, values, NOTHING))
