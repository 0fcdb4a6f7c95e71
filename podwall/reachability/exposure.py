"""Which unseen pods may connect to each workload, or it to them: exact, and as label conditions.

How it works: `OwnRules` lists for each pod class the unseen pods that its own policies let in,
as conditions on labels with ports, and `TheirRules` what policies of the namespaces shown let the
unseen pods there do. The exposure is what both allow: the conditions joined, key by key, and the
ports that both have. A namespace that is not shown has no policy to read, so that its pods count
as open. Of conditions that are left, those in others with the same ports go.

    shop/db admits      pods of shop on 5432        shop denies egress, but to DNS on 53
    both                pods of shop on 5432 & 53 = nothing, so no exposure

It is exact: policies only ever add, so that a union of "both hold" over all pairs of rules is what
passes. What no policy of a namespace selects is a union of conditions as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from podwall.policies.rules import Direction
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import unique_rows
from podwall.reachability.label_conditions import LabelConditions, simplified
from podwall.reachability.unseen_peers import Counted, ShownNamespaces, UnseenPeers
from podwall.reachability.unseen_pods import UnseenPods
from podwall.reachability.unseen_rules import (
    AlikeNamespaces,
    OwnRules,
    PodGrant,
    TheirRules,
    UnseenGrant,
)
from podwall.reachability.values import ALL, NOTHING, Bounds

__all__ = ["ExposedClasses", "UnseenOpening", "exposure"]


class UnseenOpening(NamedTuple):
    """Unseen pods, and the ports on which they may connect: for certain, and at most."""

    pods: UnseenPods
    ports: Bounds


class ExposedClasses:
    """The exposure of all pod classes in one direction.

    `of` has a number for each class; classes with the same number are exposed alike.
    """

    def __init__(self, analysis: Analysis, direction: Direction, peers: UnseenPeers) -> None:
        """Read the rules of both sides; openings are joined when they are asked for."""
        self._own = OwnRules(analysis, direction, peers)
        self._theirs = TheirRules(analysis, direction, peers)
        sides = np.stack([self._own.number_of, self._theirs.number_of], axis=1)
        self._rows, self.of = unique_rows(sides)
        self._joined = _Joined(peers.shown)
        self._known: dict[int, tuple[UnseenOpening, ...]] = {}

    def __len__(self) -> int:
        """Return how many numbers there are."""
        return len(self._rows)

    def openings(self, number: int) -> tuple[UnseenOpening, ...]:
        """Return the openings of the classes with a number, those of namespaces shown first."""
        if number not in self._known:
            own, theirs = self._rows[number].tolist()
            grants = self._own.grants(own)
            self._known[number] = self._joined.openings(grants, self._theirs.grants(theirs))
        return self._known[number]


def exposure(
    analysis: Analysis, counted: Counted = Counted.NO_TWINS
) -> dict[Direction, ExposedClasses]:
    """Return the exposure of all pod classes in both directions."""
    rules = analysis.rules
    peers = UnseenPeers(
        analysis.cluster, rules.peer_sets, rules.elements, analysis.classes, counted
    )
    return {each: ExposedClasses(analysis, each, peers) for each in Direction}


Classes = dict[LabelConditions, Bounds]
"""Label conditions, each with the ports that it is given."""


class _Joined:
    """Joins what a workload's rules allow with what the rules of unseen pods allow."""

    def __init__(self, shown: ShownNamespaces) -> None:
        self._shown = shown
        self._meets: dict[tuple[LabelConditions, LabelConditions], LabelConditions | None] = {}

    def openings(
        self, own: Sequence[UnseenGrant], theirs: Sequence[AlikeNamespaces]
    ) -> tuple[UnseenOpening, ...]:
        """Return the openings, those of namespaces shown first."""
        return (*self._in_shown(own, theirs), *self._in_others(own))

    def _in_shown(
        self, own: Sequence[UnseenGrant], theirs: Sequence[AlikeNamespaces]
    ) -> Iterator[UnseenOpening]:
        found: defaultdict[tuple[LabelConditions, Bounds], int] = defaultdict(int)
        for bits, mine in _by_namespaces(own):
            for there, others in theirs:
                if here := bits & there:
                    for pods, ports in _canonical(self._in_both(mine, others)):
                        found[pods, ports] |= here
        for (pods, ports), bits in found.items():
            yield UnseenOpening(UnseenPods(pods.selector(), self._shown.of(bits)), ports)

    def _in_both(self, own: Sequence[PodGrant], theirs: Sequence[PodGrant]) -> Classes:
        """Return what the pods are that two sides mean, with the ports that both allow."""
        found: Classes = {}
        for pods, ports in own:
            for others, allowed in theirs:
                both = self._meet(pods, others)
                if both is not None and (common := _common(ports, allowed)).may:
                    found[both] = found[both] | common if both in found else common
        return found

    def _meet(self, one: LabelConditions, other: LabelConditions) -> LabelConditions | None:
        """Return the conditions that both hold, each pair looked at once."""
        if not (one.items and other.items):
            return one if one.items else other
        if (one, other) not in self._meets:
            self._meets[one, other] = one & other
        return self._meets[one, other]

    def _in_others(self, own: Sequence[UnseenGrant]) -> Iterator[UnseenOpening]:
        outside = [each for each in own if each.others is not None and each.ports.may]
        if len(outside) == 1:
            pods, _, others, ports = outside[0]
            assert others is not None
            yield UnseenOpening(UnseenPods(pods.selector(), others.selector()), ports)
            return
        found: Classes = {}
        for each in outside:
            if each.others is not None:
                both = _beside(each.pods, each.others)
                found[both] = found.get(both, NOTHING) | each.ports
        for both, ports in _canonical(found):
            pods, namespaces = _apart(both)
            yield UnseenOpening(UnseenPods(pods.selector(), namespaces.selector()), ports)


def _common(one: Bounds, other: Bounds) -> Bounds:
    """Return the ports of both, of which one often allows everything."""
    if other is ALL:
        return one
    return other if one is ALL else one & other


def _by_namespaces(grants: Sequence[UnseenGrant]) -> list[tuple[int, list[PodGrant]]]:
    """Return sets of namespaces for which the same grants hold, with these."""
    groups: list[tuple[int, list[PodGrant]]] = []
    for pods, shown, _, ports in grants:
        left, split = shown, []
        for bits, held in groups:
            if inside := bits & shown:
                split.append((inside, [*held, (pods, ports)]))
            if outside := bits & ~shown:
                split.append((outside, held))
            left &= ~bits
        groups = [*split, (left, [(pods, ports)])] if left else split
    return groups


def _canonical(classes: Classes) -> Iterator[tuple[LabelConditions, Bounds]]:
    """Yield the classes with all the ports that are theirs, without those that add nothing.

    Classes with equal ports that differ in one key are joined, where that can be said.
    """
    before: Classes = {}
    while len(classes) > 1 and classes != before:
        before, classes = classes, _joined(_needed(classes))
    yield from sorted(classes.items(), key=lambda item: len(item[0].items))


def _needed(classes: Classes) -> Classes:
    """Return the classes that are in no other one with the same ports, each with all its ports."""
    whole = {
        one: reduce(Bounds.__or__, (ports for each, ports in classes.items() if one <= each))
        for one in classes
    }
    return {
        one: ports
        for one, ports in whole.items()
        if not any(one != each and one <= each and ports == whole[each] for each in whole)
    }


def _joined(classes: Classes) -> Classes:
    alike: defaultdict[Bounds, list[LabelConditions]] = defaultdict(list)
    for one, ports in classes.items():
        alike[ports].append(one)
    found: Classes = {}
    for ports, those in alike.items():
        for one in simplified(those):
            found[one] = found.get(one, NOTHING) | ports
    return found


_NAMESPACE: Final = "\0"
"""Begins the keys of a namespace's labels beside those of a pod; no label can begin with it."""


def _beside(pods: LabelConditions, namespaces: LabelConditions) -> LabelConditions:
    """Return the conditions on a pod and on its namespace as one."""
    keyed = ((f"{_NAMESPACE}{key}", condition) for key, condition in namespaces.items)
    return LabelConditions((*keyed, *pods.items))


def _apart(both: LabelConditions) -> tuple[LabelConditions, LabelConditions]:
    """Return the conditions on a pod, and those on its namespace."""
    pods = (item for item in both.items if not item[0].startswith(_NAMESPACE))
    there = ((key[1:], each) for key, each in both.items if key.startswith(_NAMESPACE))
    return LabelConditions(tuple(pods)), LabelConditions(tuple(there))
