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
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.model import Selector
from podwall.policies.rules import Direction
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import Registry, unique_rows
from podwall.reachability.few_arrays import np
from podwall.reachability.label_conditions import LabelConditions, simplified
from podwall.reachability.rules_on_unseen import TheirRules
from podwall.reachability.unseen_peers import Counted, ShownNamespaces, UnseenPeers
from podwall.reachability.unseen_rules import GrantLists, OwnRules, PodGrant, UnseenGrant
from podwall.reachability.values import ALL, NOTHING, Bounds, UnseenPods, unseen_in

# Few clusters have policies with tiers.
if TYPE_CHECKING:
    from podwall.reachability.unseen_tier_rules import (
        OtherNamespaces,
        OwnTierRules,
        TheirTierRules,
    )

__all__ = ["ExposedClasses", "JoinedOpenings", "UnseenOpening", "exposure"]


class UnseenOpening(NamedTuple):
    """Unseen pods, and the ports on which they may connect: for certain, and at most."""

    pods: UnseenPods
    ports: Bounds


class ExposedClasses:
    """The exposure of all pod classes in one direction.

    `of` has a number for each class; classes with the same number are exposed alike.
    """

    def __init__(
        self, analysis: Analysis, direction: Direction, peers: UnseenPeers, joined: JoinedOpenings
    ) -> None:
        """Read the rules of both sides; openings are joined when they are asked for."""
        lists = joined.lists
        own, theirs = (
            OwnRules(analysis, direction, peers),
            TheirRules(analysis, direction, peers, lists),
        )
        self._own: OwnRules | OwnTierRules = own
        self._theirs: TheirRules | TheirTierRules = theirs
        if analysis.cluster.tiers:
            from podwall.reachability.unseen_tier_rules import (  # noqa: PLC0415 - as above
                OwnTierRules,
                TheirTierRules,
            )

            self._own = OwnTierRules(analysis, direction, peers, own)
            self._theirs = TheirTierRules(analysis, direction, peers, theirs, lists)
        sides = np.stack([self._own.number_of, self._theirs.number_of], axis=1)
        self._rows, self.of = unique_rows(sides)
        self.joined = joined
        self._known: dict[int, tuple[UnseenOpening, ...]] = {}

    def __len__(self) -> int:
        """Return how many numbers there are."""
        return len(self._rows)

    def openings(self, number: int) -> tuple[UnseenOpening, ...]:
        """Return the openings of the classes with a number, those of namespaces shown first."""
        if number not in self._known:
            own, theirs = self._rows[number].tolist()
            grants, others = self._own.grants(own), self._theirs.others(theirs)
            self._known[number] = self.joined.openings(grants, self._theirs.grants(theirs), others)
        return self._known[number]


def exposure(
    analysis: Analysis,
    counted: Counted = Counted.NO_TWINS,
    beside: Mapping[Direction, ExposedClasses] | None = None,
) -> dict[Direction, ExposedClasses]:
    """Return the exposure of all pod classes in both directions.

    `beside` is another one of the same analysis: what both join is joined once.
    """
    rules = analysis.rules
    peers = UnseenPeers(
        analysis.cluster, rules.peer_sets, rules.elements, analysis.classes, counted
    )
    joined = beside[Direction.INGRESS].joined if beside else JoinedOpenings(peers.shown)
    return {each: ExposedClasses(analysis, each, peers, joined) for each in Direction}


Classes = dict[LabelConditions, Bounds]
"""Label conditions, each with the ports that it is given."""


class JoinedOpenings:
    """Joins what a workload's rules allow with what the rules of unseen pods allow."""

    def __init__(self, shown: ShownNamespaces) -> None:
        """Begin without any; `lists` numbers the grants of both."""
        self._shown = shown
        self.lists = GrantLists()
        self._common: dict[tuple[int, int], PodGrant | None] = {}
        self._both: dict[tuple[int, int], tuple[int, ...]] = {}
        self._found = Registry[PodGrant]()
        self._openings: dict[tuple[int, int], UnseenOpening] = {}
        self._selectors: dict[LabelConditions, Selector] = {}

    def openings(
        self,
        own: Sequence[UnseenGrant],
        theirs: Mapping[int, int],
        others: Sequence[OtherNamespaces] | None = None,
    ) -> tuple[UnseenOpening, ...]:
        """Return the openings, those of namespaces shown first.

        `others` is what restricts pods of namespaces that are not shown, which count as open else.
        """
        outside = own if others is None else list(_within(own, others))
        return (*self._in_shown(own, theirs), *self._in_others(outside))

    def _in_shown(
        self, own: Sequence[UnseenGrant], theirs: Mapping[int, int]
    ) -> Iterator[UnseenOpening]:
        found: dict[int, int] = {}
        for bits, grants in _by_namespaces(own):
            mine = self.lists.of_list(self.lists.of_grant(*each) for each in grants)
            for others, there in theirs.items():
                if here := bits & there:
                    for number in self._in_both(mine, others):
                        found[number] = found.get(number, 0) | here
        for key in found.items():
            if key not in self._openings:
                number, bits = key
                pods, ports = self._found.values[number]
                unseen = unseen_in(self._selector(pods), self._shown.of(bits), self._shown.names)
                self._openings[key] = UnseenOpening(unseen, ports)
            yield self._openings[key]

    def _in_both(self, own: int, theirs: int) -> tuple[int, ...]:
        """Return the pods that two lists of grants mean, with the ports of both, as numbers.

        Ten thousand classes of pods come to few pairs of lists, each of which is joined once.
        """
        key = (own, theirs)
        if key not in self._both:
            joined = _canonical(self._classes(own, theirs))
            self._both[key] = tuple(self._found.number(each) for each in joined)
        return self._both[key]

    def _classes(self, own: int, theirs: int) -> Classes:
        found: Classes = {}
        for one in self.lists.grants(own):
            for other in self.lists.grants(theirs):
                if (meet := self._meet(one, other)) is not None:
                    both, common = meet
                    found[both] = found[both] | common if both in found else common
        return found

    def _meet(self, one: int, other: int) -> PodGrant | None:
        """Return what two grants have in common, each pair looked at once."""
        key = (one, other)
        if key not in self._common:
            (pods, ports), (others, allowed) = self.lists.grant(one), self.lists.grant(other)
            both, common = pods & others, _common(ports, allowed)
            self._common[key] = None if both is None or not common.may else (both, common)
        return self._common[key]

    def _selector(self, conditions: LabelConditions) -> Selector:
        """Return the selector of some conditions, each made once."""
        found = self._selectors.get(conditions)
        if found is None:
            found = self._selectors[conditions] = conditions.selector()
        return found

    def _in_others(self, own: Sequence[UnseenGrant]) -> Iterator[UnseenOpening]:
        outside = [each for each in own if each.others is not None and each.ports.may]
        if len(outside) == 1:
            pods, _, others, ports = outside[0]
            assert others is not None
            yield self._of_others(pods, others, ports)
            return
        found: Classes = {}
        for each in outside:
            if each.others is not None:
                both = _beside(each.pods, each.others)
                found[both] = found.get(both, NOTHING) | each.ports
        for both, ports in _canonical(found):
            yield self._of_others(*_apart(both), ports)

    def _of_others(
        self, pods: LabelConditions, namespaces: LabelConditions, ports: Bounds
    ) -> UnseenOpening:
        return UnseenOpening(UnseenPods(self._selector(pods), self._selector(namespaces)), ports)


def _within(own: Sequence[UnseenGrant], others: Sequence[OtherNamespaces]) -> Iterator[UnseenGrant]:
    """Yield what of some grants pods of namespaces that are not shown may use."""
    for grant in own:
        for other in others if grant.others is not None else ():
            both, there = grant.pods & other.pods, (grant.others or other.others) & other.others
            if both is not None and there is not None:
                yield UnseenGrant(both, 0, there, _common(grant.ports, other.ports))


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
