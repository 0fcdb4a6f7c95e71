"""What rules allow where one end is an unseen pod, with the tiers before and after them.

Regions of unseen pods (see `unseen_tiers`) are met with what NetworkPolicies grant, so that the
exposure is a union of grants as it is without tiers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from podwall.policies.rules import Direction
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import Csr, IntArray, group_by_membership, packed
from podwall.reachability.label_conditions import EVERY_LABEL_MAP, LabelConditions
from podwall.reachability.matching import Match
from podwall.reachability.overruling import Overruling, overruled
from podwall.reachability.peers import BlockEnds
from podwall.reachability.port_rules import UNSEEN_PORTS, NamedPorts, RulePorts
from podwall.reachability.rules_on_unseen import AlikeNamespaces, TheirRules
from podwall.reachability.tier_rules import NumberedPolicy, NumberedRule, TierRules
from podwall.reachability.tiers import TierEnds, policies_about
from podwall.reachability.unseen_peers import UnseenPeers
from podwall.reachability.unseen_rules import GrantLists, OwnRules, PodGrant, UnseenGrant
from podwall.reachability.unseen_tiers import (
    UNDECIDED,
    SideTiers,
    UnseenRegion,
    network_match,
    side_tiers,
    unseen_regions,
)
from podwall.reachability.values import ALL, Bounds

__all__ = ["OtherNamespaces", "OwnTierRules", "TheirTierRules"]


class _Regions:
    """Cuts unseen pods once for all classes under the same rules."""

    def __init__(self, peers: UnseenPeers) -> None:
        self._peers = peers
        self._known: dict[tuple[int, ...], list[tuple[UnseenRegion, bool]]] = {}

    def of(self, peer_sets: tuple[int, ...]) -> list[tuple[UnseenRegion, bool]]:
        """Return the regions, and for each whether the rules can be read for it."""
        if peer_sets not in self._known:
            found = unseen_regions(self._peers, peer_sets)
            every = UnseenRegion(EVERY_LABEL_MAP, self._peers.shown.every, EVERY_LABEL_MAP)
            self._known[peer_sets] = (
                [(every, False)] if found is None else [(each, True) for each in found]
            )
        return self._known[peer_sets]


class OwnTierRules:
    """The rules of pod classes, tiers included, as far as they mean unseen pods."""

    def __init__(
        self, analysis: Analysis, direction: Direction, peers: UnseenPeers, own: OwnRules
    ) -> None:
        """Sort the classes by the policies with tiers about them."""
        self._analysis = analysis
        self._own = own
        self._direction = direction
        self._rules = analysis.rules.tiers[direction]
        count = len(analysis.classes)
        self._about = policies_about(self._rules.policies, analysis.rules.elements, count)
        named = self._rules.have_names and direction is Direction.INGRESS
        self._naming = analysis.destinations.naming[:count] if named else np.zeros(count, np.int64)
        self._by = analysis.rules.overruled[direction][:count]
        exempt = analysis.destinations.exposure[:count]
        kinds = packed(own.number_of, self._naming, exempt, self._by)
        self.number_of = group_by_membership(kinds, self._about)
        self._firsts = np.unique(self.number_of, return_index=True)[1].tolist()
        self._regions = _Regions(peers)
        self._grants: dict[int, list[UnseenGrant]] = {}

    def grants(self, number: int) -> list[UnseenGrant]:
        """Return what the rules of the classes with a number allow unseen pods."""
        if number not in self._grants:
            class_ = self._firsts[number]
            stated = self._own.grants(int(self._own.number_of[class_]))
            if self._about.lengths[class_]:
                stated = [*self._under_tiers(class_, stated), *self._own.exempt(class_)]
            self._grants[number] = stated
        return self._grants[number]

    def _under_tiers(self, class_: int, stated: Sequence[UnseenGrant]) -> Iterator[UnseenGrant]:
        by, isolated = Overruling(self._by[class_]), self._own.isolation(class_)
        if by is Overruling.OPEN:
            yield from stated
            return
        about = {int(code) // 2: code % 2 == 0 for code in self._about[class_]}
        policies = {id(self._rules.policies[n]): sure for n, sure in about.items()}
        acting = [each for each in self._rules.policies if id(each) in policies]
        sets = tuple(dict.fromkeys(p for each in acting for r in each.rules for p in r.peer_sets))
        for region, readable in self._regions.of(sets):
            tiers = UNDECIDED
            if readable:
                tiers = side_tiers(
                    self._rules,
                    partial(_of_policy, policies),
                    partial(self._matches, region),
                    partial(self._ports, int(self._naming[class_])),
                )
            for each in _granted(region, tiers, isolated, stated):
                yield each._replace(ports=overruled(each.ports, by))

    def _matches(self, region: UnseenRegion, rule: NumberedRule) -> Match:
        return max(region.match(rule.peer_sets), network_match(self._analysis.cluster, rule))

    def _ports(self, naming: int, ports: RulePorts) -> Bounds:
        named = self._analysis.destinations.namings[naming]
        names = named if self._direction is Direction.INGRESS else UNSEEN_PORTS
        return self._analysis.cluster.ports.bounds(ports, names, self._direction)


def _of_policy(policies: dict[int, bool], policy: NumberedPolicy) -> Match:
    sure = policies.get(id(policy))
    if sure is None:
        return Match.NO
    return Match.YES if sure else Match.MAYBE


def _granted(
    region: UnseenRegion, tiers: SideTiers, isolated: Match, stated: Sequence[UnseenGrant]
) -> Iterator[UnseenGrant]:
    """Yield what a region is granted, given what NetworkPolicies state."""
    pods, shown, others = region[:3]
    if isolated is Match.NO:
        yield UnseenGrant(pods, shown, others, tiers.opened)
        return
    yield UnseenGrant(pods, shown, others, tiers.accepted)
    for each in stated:
        both = pods & each.pods
        there = None if others is None or each.others is None else others & each.others
        if both is not None and (shown & each.shown or there is not None):
            allowed = each.ports
            if isolated is Match.MAYBE:
                allowed = Bounds(allowed.must & tiers.last.must, allowed.may)
            yield UnseenGrant(both, shown & each.shown, there, tiers.left_to(allowed))


class OtherNamespaces(NamedTuple):
    """Unseen pods of namespaces that are not shown, and what tiers let them do."""

    pods: LabelConditions
    others: LabelConditions
    ports: Bounds


class TheirTierRules:
    """What policies let unseen pods do with each pod class, tiers included."""

    def __init__(
        self,
        analysis: Analysis,
        direction: Direction,
        peers: UnseenPeers,
        theirs: TheirRules,
        lists: GrantLists,
    ) -> None:
        """Sort the classes by the peers that mean them."""
        self._analysis = analysis
        self._lists = lists
        self._theirs = theirs
        self._direction = direction.other
        self._rules: TierRules = analysis.rules.tiers[self._direction]
        self._count = len(analysis.classes)
        self._means = self._memberships()
        ends = analysis.destinations
        kinds = packed(theirs.number_of, ends.naming[: self._count], ends.exposure[: self._count])
        self.number_of = group_by_membership(kinds, self._means)
        self._firsts = np.unique(self.number_of, return_index=True)[1].tolist()
        self._regions = _Regions(peers).of(tuple(each.subject for each in self._rules.policies))
        self._known: dict[int, list[tuple[UnseenRegion, SideTiers]]] = {}
        self._joined: dict[int, dict[int, int]] = {}

    def grants(self, number: int) -> Mapping[int, int]:
        """Return what unseen pods of namespaces shown may do with the classes with a number.

        The keys are lists of grants, by number, the values the namespaces, as bits.
        """
        class_ = self._firsts[number]
        if not self._rules.stages:
            return self._theirs.grants(int(self._theirs.number_of[class_]))
        if number not in self._joined:
            found: defaultdict[int, int] = defaultdict(int)
            for each in self._theirs.alike(class_):
                for shown, grants in self._in(each, self._of(number)):
                    listed = (self._lists.of_grant(*grant) for grant in (*grants, *each.exempt))
                    found[self._lists.of_list(listed)] |= shown
            self._joined[number] = dict(found)
        return self._joined[number]

    def others(self, number: int) -> list[OtherNamespaces] | None:
        """Return what unseen pods of other namespaces may do; None where nothing restricts them."""
        if not self._rules.stages:
            return None
        exempt = self._theirs.exempt(self._firsts[number])
        return [
            *(
                OtherNamespaces(region.pods, region.others, tiers.opened)
                for region, tiers in self._of(number)
                if region.others is not None
            ),
            *(OtherNamespaces(pods, EVERY_LABEL_MAP, ports) for pods, ports in exempt),
        ]

    def _in(
        self, alike: AlikeNamespaces, regions: Sequence[tuple[UnseenRegion, SideTiers]]
    ) -> Iterator[tuple[int, tuple[PodGrant, ...]]]:
        """Yield parts of some namespaces with what the regions there are granted."""
        if alike.by is Overruling.OPEN:
            yield alike.shown, ((EVERY_LABEL_MAP, overruled(ALL, alike.by)),)
            return
        parts: list[tuple[int, list[tuple[UnseenRegion, SideTiers]]]] = [(alike.shown, [])]
        for each in regions:
            parts = [
                (bits, held)
                for there, before in parts
                for bits, held in (
                    (there & each[0].shown, [*before, each]),
                    (there & ~each[0].shown, before),
                )
                if bits
            ]
        for bits, held in parts:
            yield (
                bits,
                tuple(
                    (pods, overruled(ports, alike.by))
                    for region, tiers in held
                    for pods, ports in _met(region, tiers, alike)
                ),
            )

    def _of(self, number: int) -> list[tuple[UnseenRegion, SideTiers]]:
        if number not in self._known:
            class_ = self._firsts[number]
            self._known[number] = [
                (region, self._tiers(region, class_) if readable else UNDECIDED)
                for region, readable in self._regions
            ]
        return self._known[number]

    def _tiers(self, region: UnseenRegion, class_: int) -> SideTiers:
        codes = self._means[class_].tolist()
        numbers = {code // 2: Match.MAYBE if code % 2 else Match.YES for code in codes}
        rules = [rule for each in self._rules.policies for rule in each.rules]
        meant = {id(rules[number]): match for number, match in numbers.items()}
        names = self._analysis.destinations.namings[self._analysis.destinations.naming[class_]]
        return side_tiers(
            self._rules,
            lambda policy: region.match((policy.subject,)),
            lambda rule: meant.get(id(rule), Match.NO),
            partial(self._ports, names),
        )

    def _ports(self, named: NamedPorts, ports: RulePorts) -> Bounds:
        names = named if self._direction is Direction.EGRESS else UNSEEN_PORTS
        return self._analysis.cluster.ports.bounds(ports, names, self._direction)

    def _memberships(self) -> Csr:
        """Return for each class the rules that mean it: `2 * rule`, plus one if only perhaps."""
        found = self._analysis
        blocks = BlockEnds.of(found.cluster, found.classes, found.addresses)
        ends = TierEnds(found.cluster, found.rules.elements, blocks, found.destinations)
        rows: list[IntArray] = [np.empty(0, dtype=np.int64)]
        items: list[IntArray] = [np.empty(0, dtype=np.int64)]
        rules = (rule for each in self._rules.policies for rule in each.rules)
        for number, rule in enumerate(rules):
            for perhaps, elements in enumerate(ends.of(rule)):
                inside = elements[elements < self._count]
                rows.append(inside)
                items.append(np.full_like(inside, 2 * number + perhaps))
        return Csr.of_pairs(np.concatenate(rows), np.concatenate(items), self._count)


def _met(
    region: UnseenRegion, tiers: SideTiers, alike: AlikeNamespaces
) -> Iterator[tuple[LabelConditions, Bounds]]:
    """Yield what pods of a region are granted in some namespaces."""
    yield region.pods, tiers.accepted
    for pods, ports in alike.unisolated:
        if (both := region.pods & pods) is not None:
            yield both, tiers.opened if ports == ALL else Bounds.perhaps(tiers.opened.may)
    for pods, ports in alike.guarded:
        if (both := region.pods & pods) is not None:
            yield both, tiers.left_to(ports)
