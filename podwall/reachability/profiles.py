"""Profiles: what isolated pods may receive, or send, once for all pods under equal rules.

How it works: every rule becomes a grant, a pair of a set of peers and the ports they are allowed.
Port names and unknown values are settled while the grants are made, so that all that follows is
sets and numbers. Pods that the same groups of policies isolate have the same grants; grants to
one set are united. What remains is the profile, and equal profiles are one.

    policy a selects app=web, from app=api on TCP 80        grant (app=api, 80)
    policy b selects app=web, from app=api on TCP 443       grant (app=api, 443)
    pods with app=web: profile [(app=api, {80, 443})]

It is exact: a profile is the union of what its policies allow, and policies only ever add. Where
it is not known whether a policy isolates, `doubtful_grants` lists what every possibility allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from podwall.model import PortRule
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability.arrays import Csr, IntArray, Registry, Sets, group_by_membership, packed
from podwall.reachability.destinations import NAMELESS, Destinations, Exemptions
from podwall.reachability.peers import PeerMembers
from podwall.reachability.policy_rules import EVERYONE, PolicyGroups
from podwall.reachability.port_rules import PortReader, RulePorts
from podwall.reachability.values import NOTHING, Bounds

__all__ = ["OPEN", "Grant", "Grants", "Profiles", "doubtful_grants", "profiles"]


class Grant(NamedTuple):
    """A set of the universe with the ports it is allowed, both as numbers."""

    peers: int
    ports: int


class Grants:
    """The boxes of one direction's acts, and the sets that they speak of.

    Sets are numbered: the certain members of each term, then the doubtful ones, then further sets.
    """

    def __init__(
        self,
        stated: PolicyGroups,
        members: PeerMembers,
        destinations: Destinations,
        reader: PortReader,
        bounds: Registry[Bounds],
    ) -> None:
        """Make the boxes of all acts; `bounds` numbers what both directions allow."""
        self._stated = stated
        self._members = members
        self._destinations = destinations
        self._reader = reader
        self._bounds = bounds
        self._further: list[IntArray] = []
        self._by_name: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._known: dict[tuple[int, int, int], tuple[Grant, ...]] = {}
        rows = np.concatenate([*self._rows(), np.empty((0, 3), dtype=np.int64)])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        acts = np.arange(len(stated.targets) + 1)
        self.peers, self.ports = rows[:, 1], rows[:, 2]
        self.of_act = Csr(np.searchsorted(rows[:, 0], acts), np.arange(len(rows)))

    def sets(self, numbers: IntArray) -> Sets:
        """Return the sets with the given numbers, and then those that they are told by."""
        lists = self._members.perhaps.followed_by(Csr.of_lists(self._further))
        return self._members.must.followed_by(lists).take(numbers)

    def elements(self, number: int) -> IntArray:
        """Return the elements of one set."""
        terms = len(self._members.must)
        if number < 2 * terms:
            return self._members.of(number % terms)[number // terms]
        return self._further[number - 2 * terms]

    @property
    def acts_with_names(self) -> IntArray:
        """The acts of which some boxes depend on how a pod names its own ports."""
        return np.array(sorted(self._by_name), dtype=np.int64)

    def of(self, act: int, naming: int) -> Iterator[Grant]:
        """Yield the boxes of an act for pods that name their ports in some way."""
        here = slice(self.of_act.starts[act], self.of_act.starts[act + 1])
        yield from map(Grant, self.peers[here].tolist(), self.ports[here].tolist())
        yield from self.named(act, naming)

    def named(self, act: int, naming: int) -> Iterator[Grant]:
        """Yield those boxes of an act that depend on how the pod names its own ports."""
        for term, ports in self._by_name.get(act, ()):
            key = (term, ports, naming)
            if key not in self._known:
                self._known[key] = tuple(self._of_term(term, self._bounds_of(ports, naming)))
            yield from self._known[key]

    def add_set(self, elements: IntArray) -> int:
        """Return the number of a set that no term stands for."""
        self._further.append(elements)
        return 2 * len(self._members.must) + len(self._further) - 1

    def _rows(self) -> Iterator[IntArray]:
        """Yield the boxes that do not depend on the pod, as rows of act, peers and ports."""
        act, term, ports = self._stated.parts()
        names = np.array([_has_names(each) for each in self._stated.ports.values], dtype=np.bool_)
        named = names[ports]
        yield from self._plain(act[~named], term[~named], ports[~named])
        for row in zip(
            act[named].tolist(), term[named].tolist(), ports[named].tolist(), strict=True
        ):
            if self._stated.direction is Direction.INGRESS:
                self._by_name[row[0]].append(row[1:])
            else:
                split = self._split(*row[1:])
                yield np.array([(row[0], *box) for box in split], dtype=np.int64).reshape(-1, 3)

    def _plain(self, act: IntArray, term: IntArray, ports: IntArray) -> Iterator[IntArray]:
        """Yield the boxes of rules that mention no port name."""
        certain, doubtful = (
            self._members.must.sizes[term] > 0,
            self._members.perhaps.lengths[term] > 0,
        )
        for some, offset in ((certain, 0), (doubtful, len(self._members.must))):
            written, which = np.unique(ports[some], return_inverse=True)
            bounds = [self._bounds_of(number, NAMELESS) for number in written.tolist()]
            if offset:
                bounds = [Bounds.perhaps(each.may) for each in bounds]
            numbers = np.array([self._bounds.number(each) for each in bounds], dtype=np.int64)
            yield np.stack([act[some], offset + term[some], numbers[which]], axis=1)

    def _split(self, term: int, ports: int) -> tuple[Grant, ...]:
        """Return the boxes of a rule that means other ports on each destination, by name."""
        key = (term, ports, NAMELESS)
        if key not in self._known:
            self._known[key] = tuple(self._by_destination(term, ports))
        return self._known[key]

    def _by_destination(self, term: int, ports: int) -> Iterator[Grant]:
        namings = self._destinations.naming
        for elements, must in zip(self._members.of(term), (True, False), strict=True):
            for naming in np.unique(namings[elements]).tolist():
                allowed = self._bounds_of(ports, naming)
                if allowed.may:
                    number = self.add_set(elements[namings[elements] == naming])
                    found = allowed if must else Bounds.perhaps(allowed.may)
                    yield Grant(number, self._bounds.number(found))

    def _of_term(self, term: int, allowed: Bounds) -> Iterator[Grant]:
        """Yield the boxes that give the members of a term some ports."""
        if allowed.may and self._members.must.sizes[term]:
            yield Grant(term, self._bounds.number(allowed))
        if allowed.may and self._members.perhaps.lengths[term]:
            doubted = self._bounds.number(Bounds.perhaps(allowed.may))
            yield Grant(len(self._members.must) + term, doubted)

    def _bounds_of(self, ports: int, naming: int) -> Bounds:
        names = self._destinations.namings[naming]
        written = self._stated.ports.values[ports]
        return self._reader.bounds(written, names, self._stated.direction)


def _has_names(ports: RulePorts) -> bool:
    return isinstance(ports, tuple) and any(
        isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in ports
    )


def doubtful_grants(
    acts: IntArray, naming: int, boxes: Grants, bounds: Registry[Bounds]
) -> Iterator[Grant]:
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
            yield Grant(box.peers, bounds.number(Bounds.perhaps(may)))
        return
    yield Grant(EVERYONE, bounds.number(Bounds.perhaps(ALL_PORTS)))
    if len(perhaps) == 1:
        yield from perhaps[0]
    else:
        yield from _intersection(perhaps, boxes, bounds)


def _intersection(
    acts: list[list[Grant]], boxes: Grants, bounds: Registry[Bounds]
) -> Iterator[Grant]:
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
            yield Grant(peers, bounds.number(Bounds(ports, ALL_PORTS)))


def _must(boxes: list[Grant], here: set[int], bounds: Registry[Bounds]) -> PortSet:
    musts = (bounds.values[box.ports].must for box in boxes if box.peers in here)
    return reduce(PortSet.__or__, musts, NO_PORTS)


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
    boxes: Grants,
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
    groups: _Groups, exemptions: Exemptions, boxes: Grants, bounds: Registry[Bounds]
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
        found = doubtful_grants(groups.acts[group], int(groups.naming[group]), boxes, bounds)
        yield _listed((group, box) for box in found)
    yield from _exempt(groups, exemptions, boxes, bounds)


def _by_name(groups: _Groups, certain: IntArray, boxes: Grants) -> Iterator[tuple[int, Grant]]:
    """Yield for groups under certain acts the boxes that depend on the names of their ports."""
    owner, place = groups.acts.gather(certain)
    act = groups.acts.items[place] // 2
    named = np.isin(act, boxes.acts_with_names)
    for group, number in zip(certain[owner[named]].tolist(), act[named].tolist(), strict=True):
        for box in boxes.named(number, int(groups.naming[group])):
            yield group, box


def _exempt(
    groups: _Groups, exemptions: Exemptions, boxes: Grants, bounds: Registry[Bounds]
) -> Iterator[IntArray]:
    """Yield what passes isolated groups whatever their acts say."""
    isolated = groups.acts.lengths > 0
    for number, listed in enumerate(exemptions.lists):
        here = np.flatnonzero(isolated & (groups.exemption == number))
        for elements, ports in listed if len(here) else ():
            box = (boxes.add_set(elements), bounds.number(ports))
            yield np.column_stack([here, np.tile(np.array(box), (len(here), 1))])


def _listed(pairs: Iterator[tuple[int, Grant]]) -> IntArray:
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
