"""What rules allow where one end is an unseen pod, with the tiers before and after them.

How it works: all unseen pods begin as one region. Every set of pods that the rules in question name
cuts each region in two, what is inside and what is not, until each set means all of a region or
nothing of it. Then the rules are gone through in order for each region, as in `tier_replay`.

Of too many regions none is looked at: what tiers make of unseen pods is then undetermined.

Regions of unseen pods (see `unseen_tiers`) are met with what NetworkPolicies grant, so that the
exposure is a union of grants as it is without tiers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from podwall.model import TierName
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import Csr, IntArray, group_by_membership, packed
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.few_arrays import np
from podwall.reachability.label_conditions import EVERY_LABEL_MAP, LabelConditions
from podwall.reachability.matching import Match, block_ranges, blocks_match
from podwall.reachability.peers import BlockEnds
from podwall.reachability.policy_reader import Overruling, overruled
from podwall.reachability.policy_rules import NumberedPolicy, NumberedRule, TierRules
from podwall.reachability.port_rules import UNSEEN_PORTS, NamedPorts, RulePorts
from podwall.reachability.rules_on_unseen import AlikeNamespaces, TheirRules
from podwall.reachability.tier_replay import LEFT, TierOutcome, outcome_around
from podwall.reachability.tiers import TierEnds, policies_about
from podwall.reachability.unseen_peers import Counted, UnseenPeer, UnseenPeers
from podwall.reachability.unseen_rules import GrantLists, OwnRules, PodGrant, UnseenGrant
from podwall.reachability.values import ALL, NOTHING, Bounds

__all__ = [
    "UNDECIDED",
    "OtherNamespaces",
    "OwnTierRules",
    "SideTiers",
    "TheirTierRules",
    "UnseenRegion",
    "network_match",
    "side_tiers",
    "unseen_regions",
]


class UnseenRegion(NamedTuple):
    """Unseen pods of `shown` namespaces, as bits, and of `others`, and the sets that mean them."""

    pods: LabelConditions
    shown: int
    others: LabelConditions | None
    surely: frozenset[int] = frozenset()
    perhaps: frozenset[int] = frozenset()

    def match(self, peer_sets: Iterable[int]) -> Match:
        """Return whether one of some sets means these pods."""
        asked = frozenset(peer_sets)
        if asked & self.surely:
            return Match.YES
        return Match.MAYBE if asked & self.perhaps else Match.NO


_MOST_REGIONS: Final = 128


def unseen_regions(peers: UnseenPeers, peer_sets: Iterable[int]) -> list[UnseenRegion] | None:
    """Return all unseen pods in regions that some sets do not cut; None if these are too many.

    Where twins do not count, those are left out that some set means by the labels of pods shown.
    """
    regions = [UnseenRegion(EVERY_LABEL_MAP, peers.shown.every, EVERY_LABEL_MAP)]
    for peer_set in dict.fromkeys(peer_sets):
        for peer in peers.meant(peer_set):
            regions = [part for each in regions for part in _cut(each, peer_set, peer)]
            if len(regions) > _MOST_REGIONS:
                return None
        if peers.counted is Counted.NO_TWINS and not peers.of(peer_set):
            regions = [each for each in regions if peer_set not in each.surely]
    return regions


def _cut(region: UnseenRegion, peer_set: int, peer: UnseenPeer) -> Iterator[UnseenRegion]:
    """Yield what of a region is in a set of pods, and what is not."""
    pods, others = region.pods & peer.pods, _both(region.others, peer.others)
    shown = region.shown & peer.shown
    if pods is None or not (shown or others is not None):
        yield region
        return
    kind = "surely" if peer.certain else "perhaps"
    known = getattr(region, kind) | {peer_set}
    yield region._replace(pods=pods, shown=shown, others=others, **{kind: known})
    for rest in region.pods.without(peer.pods):
        yield region._replace(pods=rest)
    if region.shown != shown:
        yield region._replace(pods=pods, shown=region.shown & ~shown, others=None)
    for elsewhere in _rest(region.others, peer.others):
        yield region._replace(pods=pods, shown=0, others=elsewhere)


def _both(one: LabelConditions | None, other: LabelConditions | None) -> LabelConditions | None:
    return None if one is None or other is None else one & other


def _rest(one: LabelConditions | None, cut: LabelConditions | None) -> Iterator[LabelConditions]:
    if one is not None and cut is None:
        yield one
    elif one is not None and cut is not None:
        yield from one.without(cut)


class SideTiers(NamedTuple):
    """What the tiers before NetworkPolicies and after them make of one side."""

    first: TierOutcome
    after: TierOutcome

    @property
    def accepted(self) -> Bounds:
        """What passes whatever NetworkPolicies say."""
        return self.first.before(NOTHING)

    @property
    def last(self) -> Bounds:
        """What passes of what comes to the tiers after NetworkPolicies."""
        return self.after.before(ALL)

    @property
    def opened(self) -> Bounds:
        """What passes where no NetworkPolicy isolates."""
        return self.first.before(self.last)

    def left_to(self, allowed: Bounds) -> Bounds:
        """Return what passes of what NetworkPolicies allow, beside what is accepted."""
        following = self.first.following
        certain = following - self.first.denied
        return Bounds(certain & allowed.must, following & allowed.may)


UNDECIDED: Final = SideTiers(TierOutcome(ALL_PORTS, ALL_PORTS, ALL_PORTS), LEFT)
"""What too many regions amount to: anything is possible."""


def side_tiers(
    rules: TierRules,
    about: Callable[[NumberedPolicy], Match],
    matches: Callable[[NumberedRule], Match],
    ports: Callable[[RulePorts], Bounds],
) -> SideTiers:
    """Return what the tiers of a direction make of a pair.

    Args:
        rules: the policies with tiers.
        about: whether a policy is about the pod.
        matches: whether a rule means the other end.
        ports: what the ports of a rule mean at the destination.
    """
    found: dict[tuple[TierName, int], TierOutcome] = {}
    for stage in rules.stages:
        answers = [(each, about(each)) for each in stage.policies]
        here = [(each, match) for each, match in answers if match is not Match.NO]
        acting = [_alone(each, match, matches, ports) for each, match in here]
        if acting:
            found[stage.where] = found.get(stage.where, LEFT).then(acting)
    return SideTiers(*(outcome_around(found, first=each) for each in (True, False)))


def _alone(
    policy: NumberedPolicy,
    about: Match,
    matches: Callable[[NumberedRule], Match],
    ports: Callable[[RulePorts], Bounds],
) -> TierOutcome:
    outcome = LEFT
    for rule in policy.rules:
        match = matches(rule)
        if match is not Match.NO:
            meant = ports(rule.ports)
            sure = meant if match is Match.YES else Bounds.perhaps(meant.may)
            outcome = outcome.taken(rule.action, sure)
    if about is Match.YES and not policy.doubtful:
        return outcome
    return TierOutcome(outcome.accepted, outcome.denied, outcome.passed)


def network_match(cluster: EnforcedCluster, rule: NumberedRule) -> Match:
    """Return whether the networks of a rule mean unseen pods."""
    if not rule.networks:
        return Match.NO
    return blocks_match(cluster.engine.networks, block_ranges(rule.networks), cluster.pods_at)


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
