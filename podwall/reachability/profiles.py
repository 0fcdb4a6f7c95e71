"""Profiles: what isolated pods may receive, or send, once for all pods under equal rules.

How it works: every rule becomes *grants*, pairs of a set of elements and the ports it is allowed.
Port names and unknown values are settled while the grants are made, so that all that follows is
sets and numbers. Pods that the same policy groups isolate have the same grants; grants to one set
are united. What remains is the *profile*, and equal profiles are one.

    policy a selects app=web, from app=api on TCP 80        grant (app=api, 80)
    policy b selects app=web, from app=api on TCP 443       grant (app=api, 443)
    policy c selects app=job, from app=api on TCP 80, 443   grant (app=api, {80, 443})
    pods with app=web: [(app=api, {80, 443})]               profile 0
    pods with app=job: [(app=api, {80, 443})]               profile 0, because it is equal

It is exact: a profile is the union of what its policies allow, and policies only ever add. Where
it is not known whether a policy isolates, `doubtful_grants` lists what every possibility allows.
What a policy that is not read may overrule is certain no more, also where nothing isolates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import (
    BoolArray,
    Csr,
    IntArray,
    Registry,
    Sets,
    distinct,
    group_by_membership,
    is_in,
    packed,
    without,
)
from podwall.reachability.destinations import (
    NAMELESS,
    Destinations,
    Exemptions,
    OutsideElements,
    with_clients_hidden,
)
from podwall.reachability.few_arrays import np
from podwall.reachability.peers import PeerSetElements
from podwall.reachability.policy_reader import Overruling
from podwall.reachability.policy_rules import EVERYONE, PolicyGroups
from podwall.reachability.port_rules import PortReader, has_names
from podwall.reachability.values import Bounds

__all__ = ["UNISOLATED", "Grant", "Grants", "Profiles", "doubtful_grants", "profiles"]


class Grant(NamedTuple):
    """A set of elements and the ports it is allowed, both as numbers."""

    peers: int
    ports: int


class Grants:
    """The grants of one direction's policy groups, and the sets that they are for.

    Sets are numbered: the certain elements of each peer set, then the doubtful ones, then further
    sets.
    """

    def __init__(
        self,
        groups: PolicyGroups,
        elements: PeerSetElements,
        destinations: Destinations,
        reader: PortReader,
        bounds: Registry[Bounds],
    ) -> None:
        """Make the grants of all groups; `bounds` numbers what both directions allow."""
        self._groups = groups
        self._elements = elements
        self._destinations = destinations
        self._reader = reader
        self._bounds = bounds
        self._further: list[IntArray] = []
        self._by_name: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._known: dict[tuple[int, int, int], tuple[Grant, ...]] = {}
        rows = np.concatenate([*self._rows(), np.empty((0, 3), dtype=np.int64)])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        numbers = np.arange(len(groups.targets) + 1)
        self.peers, self.ports = rows[:, 1], rows[:, 2]
        self.of_group = Csr(np.searchsorted(rows[:, 0], numbers), np.arange(len(rows)))

    def sets(self, numbers: IntArray) -> Sets:
        """Return the sets with the given numbers, and then the wholes that they need."""
        lists = self._elements.perhaps.followed_by(Csr.of_lists(self._further))
        return self._elements.must.followed_by(lists).take(numbers)

    def elements(self, number: int) -> IntArray:
        """Return the elements of one set."""
        count = len(self._elements.must)
        if number < 2 * count:
            return self._elements.of(number % count)[number // count]
        return self._further[number - 2 * count]

    @property
    def groups_with_names(self) -> IntArray:
        """The groups of which some grants depend on how a pod names its own ports."""
        return np.array(sorted(self._by_name), dtype=np.int64)

    def of(self, group: int, naming: int) -> Iterator[Grant]:
        """Yield the grants of a group for pods that name their ports in some way."""
        here = slice(self.of_group.starts[group], self.of_group.starts[group + 1])
        yield from map(Grant, self.peers[here].tolist(), self.ports[here].tolist())
        yield from self.named(group, naming)

    def named(self, group: int, naming: int) -> Iterator[Grant]:
        """Yield those grants of a group that depend on how the pod names its own ports."""
        for peer_set, ports in self._by_name.get(group, ()):
            key = (peer_set, ports, naming)
            if key not in self._known:
                allowed = self._bounds_of(ports, naming)
                self._known[key] = tuple(self._of_peer_set(peer_set, allowed))
            yield from self._known[key]

    def add_set(self, elements: IntArray) -> int:
        """Return the number of a set that is not a peer set."""
        self._further.append(elements)
        return 2 * len(self._elements.must) + len(self._further) - 1

    def _rows(self) -> Iterator[IntArray]:
        """Yield the grants that do not depend on the pod, as rows of group, peers and ports."""
        group, peer_set, ports = self._groups.parts()
        names = np.array([has_names(each) for each in self._groups.ports.values], dtype=np.bool_)
        named = names[ports]
        yield from self._plain(group[~named], peer_set[~named], ports[~named])
        columns = (each[named].tolist() for each in (group, peer_set, ports))
        for number, *part in zip(*columns, strict=True):
            if self._groups.direction is Direction.INGRESS:
                self._by_name[number].append((part[0], part[1]))
            else:
                yield _listed((number, grant) for grant in self._split(*part))

    def _plain(self, group: IntArray, peer_set: IntArray, ports: IntArray) -> Iterator[IntArray]:
        """Yield the grants of rules that mention no port name."""
        certain, doubtful = (
            self._elements.must.sizes[peer_set] > 0,
            self._elements.perhaps.lengths[peer_set] > 0,
        )
        for some, offset in ((certain, 0), (doubtful, len(self._elements.must))):
            written, which = np.unique(ports[some], return_inverse=True)
            bounds = [self._bounds_of(number, NAMELESS) for number in written.tolist()]
            if offset:
                bounds = [Bounds.perhaps(each.may) for each in bounds]
            numbers = np.array([self._bounds.number(each) for each in bounds], dtype=np.int64)
            yield np.stack([group[some], offset + peer_set[some], numbers[which]], axis=1)

    def _split(self, peer_set: int, ports: int) -> tuple[Grant, ...]:
        """Return the grants of a rule that means other ports on each destination, by name."""
        key = (peer_set, ports, NAMELESS)
        if key not in self._known:
            self._known[key] = tuple(self._by_destination(peer_set, ports))
        return self._known[key]

    def _by_destination(self, peer_set: int, ports: int) -> Iterator[Grant]:
        namings = self._destinations.naming
        for elements, must in zip(self._elements.of(peer_set), (True, False), strict=True):
            for naming in distinct(namings[elements]).tolist():
                allowed = self._bounds_of(ports, naming)
                if allowed.may:
                    number = self.add_set(elements[namings[elements] == naming])
                    found = allowed if must else Bounds.perhaps(allowed.may)
                    yield Grant(number, self._bounds.number(found))

    def _of_peer_set(self, peer_set: int, allowed: Bounds) -> Iterator[Grant]:
        """Yield the grants that allow some ports to the elements of a peer set."""
        if allowed.may and self._elements.must.sizes[peer_set]:
            yield Grant(peer_set, self._bounds.number(allowed))
        if allowed.may and self._elements.perhaps.lengths[peer_set]:
            doubted = self._bounds.number(Bounds.perhaps(allowed.may))
            yield Grant(len(self._elements.must) + peer_set, doubted)

    def _bounds_of(self, ports: int, naming: int) -> Bounds:
        names = self._destinations.namings[naming]
        written = self._groups.ports.values[ports]
        return self._reader.bounds(written, names, self._groups.direction)


def doubtful_grants(
    codes: IntArray, naming: int, grants: Grants, bounds: Registry[Bounds]
) -> Iterator[Grant]:
    """Yield what groups allow together, given as `2 * group`, plus one if only perhaps.

    With a certain one, a doubtful one can only add. Without, nothing may be isolated at all, or any
    one of the doubtful ones may be the only one that isolates.
    """
    certain = (codes[codes % 2 == 0] // 2).tolist()
    perhaps = [list(grants.of(group, naming)) for group in (codes[codes % 2 == 1] // 2).tolist()]
    if certain:
        for group in certain:
            yield from grants.of(group, naming)
        for grant in (grant for each in perhaps for grant in each):
            may = bounds.values[grant.ports].may
            yield Grant(grant.peers, bounds.number(Bounds.perhaps(may)))
        return
    yield Grant(EVERYONE, bounds.number(Bounds.perhaps(ALL_PORTS)))
    if len(perhaps) == 1:
        yield from perhaps[0]
    else:
        yield from _intersection(perhaps, grants, bounds)


def _intersection(
    alternatives: list[list[Grant]], grants: Grants, bounds: Registry[Bounds]
) -> Iterator[Grant]:
    """Yield what each of the alternatives allows by itself."""
    granted = [grant.peers for each in alternatives for grant in each]
    numbers = distinct(np.array(granted, dtype=np.int64))
    size = len(grants.elements(EVERYONE))
    sets = Csr.of_lists([grants.elements(number) for number in numbers.tolist()])
    around = sets.transposed(size)
    alike = group_by_membership(np.zeros(size, dtype=np.int64), around)
    for number, first in enumerate(np.unique(alike, return_index=True)[1].tolist()):
        here = set(numbers[around[first]].tolist())
        ports = reduce(PortSet.__and__, (_must(each, here, bounds) for each in alternatives))
        if ports:
            peers = grants.add_set(np.flatnonzero(alike == number))
            yield Grant(peers, bounds.number(Bounds(ports, ALL_PORTS)))


def _must(alternative: list[Grant], here: set[int], bounds: Registry[Bounds]) -> PortSet:
    return PortSet.union(
        bounds.values[each.ports].must for each in alternative if each.peers in here
    )


UNISOLATED: Final = -1
"""The profile of what no policy isolates."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """For each element its profile, or `UNISOLATED`; for each profile its sets and their ports."""

    of: IntArray
    sets: Csr
    ports: IntArray

    def with_ports(self, numbers: IntArray) -> Profiles:
        """Return the profiles with other numbers for the ports."""
        return replace(self, ports=numbers[self.ports])


@dataclass(frozen=True, slots=True)
class _Alike:
    """Elements that the same policy groups isolate, and that name and exempt ports alike.

    `of` has each element's number; `isolating` for each number the groups as `2 * group`, plus one
    if only perhaps; `naming`, `exemption` and `overruled` are numbers as well.
    """

    of: IntArray
    isolating: Csr
    naming: IntArray
    exemption: IntArray
    overruled: IntArray

    def __len__(self) -> int:
        return len(self.isolating)

    @property
    def restricted(self) -> BoolArray:
        """Whether not simply everything passes."""
        return (self.isolating.lengths > 0) | (self.overruled > 0)


def profiles(  # noqa: PLR0913, PLR0917 - what decides a profile, each part from its own module
    isolating: Csr,
    naming: IntArray,
    exemptions: Exemptions,
    overruled: IntArray,
    grants: Grants,
    bounds: Registry[Bounds],
    outside: OutsideElements,
) -> Profiles:
    """Return the profiles of one direction.

    Args:
        isolating: for each element the groups that isolate it as `2 * group`, plus one if perhaps.
        naming: how each element names its own ports, where that matters.
        exemptions: what passes each isolated element whatever its policies say.
        overruled: what policies that are not read do to each element's rules.
        grants: what the groups allow.
        bounds: numbers port bounds.
        outside: the elements that are no pods, and those for nodes that hide clients.
    """
    alike = _alike(isolating, naming, exemptions, overruled)
    found = _rows(alike, exemptions, grants, bounds, outside)
    rows = _merged(np.concatenate(list(found)), bounds)
    starts = np.searchsorted(rows[:, 0], np.arange(len(alike) + 1))
    contents = Csr(starts, packed(rows[:, 1], rows[:, 2]))
    isolated = np.flatnonzero(alike.restricted)
    equal = group_by_membership(np.zeros_like(isolated), contents.take(isolated))
    profile = np.full(len(alike), UNISOLATED)
    profile[isolated] = equal
    firsts = isolated[np.unique(equal, return_index=True)[1]]
    positions = Csr(starts, np.arange(len(rows))).take(firsts)
    sets = Csr(positions.starts, rows[positions.items, 1])
    return Profiles(profile[alike.of], sets, rows[positions.items, 2])


def _alike(isolating: Csr, naming: IntArray, exemptions: Exemptions, overruled: IntArray) -> _Alike:
    kinds = packed(naming, exemptions.of, overruled)
    number = group_by_membership(kinds, isolating)
    firsts = np.unique(number, return_index=True)[1]
    exempt = exemptions.of[firsts]
    return _Alike(number, isolating.take(firsts), naming[firsts], exempt, overruled[firsts])


def _rows(
    alike: _Alike,
    exemptions: Exemptions,
    grants: Grants,
    bounds: Registry[Bounds],
    outside: OutsideElements,
) -> Iterator[IntArray]:
    """Yield the grants of alike elements as rows of their number, a set and its ports."""
    stated = np.concatenate(list(_stated(alike, grants, bounds)))
    stated = _narrowed(alike, stated, bounds) if alike.overruled.any() else stated
    hidden = dict(_hidden(alike, exemptions))
    if hidden:
        sets = grants.elements, grants.add_set
        stated = with_clients_hidden(stated, hidden, outside, bounds, *sets)
    yield stated
    yield _opened(alike, bounds)
    yield from _exempt(alike, exemptions, grants, bounds)


def _hidden(alike: _Alike, exemptions: Exemptions) -> Iterator[tuple[int, PortSet]]:
    """Yield the numbers of isolated elements that a service hides clients from, and the ports."""
    for exemption in np.flatnonzero([bool(each) for each in exemptions.hidden]).tolist():
        here = np.flatnonzero(alike.restricted & (alike.exemption == exemption))
        yield from ((number, exemptions.hidden[exemption]) for number in here.tolist())


def _stated(alike: _Alike, grants: Grants, bounds: Registry[Bounds]) -> Iterator[IntArray]:
    """Yield what policies grant."""
    yield np.empty((0, 3), dtype=np.int64)
    doubtful = distinct(alike.isolating.owners()[alike.isolating.items % 2 == 1])
    certain = without(np.arange(len(alike)), doubtful)
    owner, position = alike.isolating.gather(certain)
    index, row = grants.of_group.gather(alike.isolating.items[position] // 2)
    yield np.stack([certain[owner][index], grants.peers[row], grants.ports[row]], axis=1)
    yield _listed(_by_name(alike, certain, grants))
    for number in doubtful.tolist():
        codes, naming = alike.isolating[number], int(alike.naming[number])
        yield _listed((number, each) for each in doubtful_grants(codes, naming, grants, bounds))


def _narrowed(alike: _Alike, rows: IntArray, bounds: Registry[Bounds]) -> IntArray:
    """Return the rows, those of what is overruled with ports that only perhaps pass."""
    numbers, which = np.unique(rows[:, 2], return_inverse=True)
    doubted = [bounds.number(Bounds.perhaps(bounds.values[each].may)) for each in numbers.tolist()]
    perhaps = np.array(doubted, dtype=np.int64)[which] if len(rows) else rows[:, 2]
    ports = np.where(alike.overruled[rows[:, 0]] > 0, perhaps, rows[:, 2])
    return np.column_stack([rows[:, :2], ports])


def _opened(alike: _Alike, bounds: Registry[Bounds]) -> IntArray:
    """Return what everyone perhaps has: where more may be allowed, and where nothing isolates."""
    opens = alike.overruled == Overruling.OPEN
    free = (alike.overruled > 0) & (alike.isolating.lengths == 0)
    here = np.flatnonzero(opens | free).tolist()
    if not here:  # no number for what does not occur: without doubts the port table is smaller
        return _listed(iter(()))
    ports = bounds.number(Bounds.perhaps(ALL_PORTS))
    return _listed((each, Grant(EVERYONE, ports)) for each in here)


def _by_name(alike: _Alike, certain: IntArray, grants: Grants) -> Iterator[tuple[int, Grant]]:
    """Yield the grants that depend on port names, of elements that are certainly isolated."""
    owner, position = alike.isolating.gather(certain)
    group = alike.isolating.items[position] // 2
    named = is_in(group, grants.groups_with_names)
    for number, each in zip(certain[owner[named]].tolist(), group[named].tolist(), strict=True):
        for grant in grants.named(each, int(alike.naming[number])):
            yield number, grant


def _exempt(
    alike: _Alike, exemptions: Exemptions, grants: Grants, bounds: Registry[Bounds]
) -> Iterator[IntArray]:
    """Yield what passes isolated elements whatever their policies say."""
    isolated = alike.restricted
    for number, listed in enumerate(exemptions.lists):
        here = np.flatnonzero(isolated & (alike.exemption == number))
        for elements, ports in listed if len(here) else ():
            grant = (grants.add_set(elements), bounds.number(ports))
            yield np.column_stack([here, np.tile(np.array(grant), (len(here), 1))])


def _listed(pairs: Iterator[tuple[int, Grant]]) -> IntArray:
    return np.array([(number, *grant) for number, grant in pairs], dtype=np.int64).reshape(-1, 3)


def _merged(rows: IntArray, bounds: Registry[Bounds]) -> IntArray:
    """Return the rows in ascending order, one for each number and set, with all their ports."""
    rows = rows[np.argsort(packed(*rows.T), kind="stable")]
    keys = packed(rows[:, 0], rows[:, 1])
    repeated = np.flatnonzero(np.diff(keys, prepend=-1) == 0)
    if not len(repeated):
        return rows
    several: defaultdict[int, set[int]] = defaultdict(set)
    concerned = is_in(keys, keys[repeated])
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
    return bounds.number(Bounds.union(bounds.values[number] for number in sorted(numbers)))
