"""What tiers let unseen pods do: unseen pods in regions that the same peers and subjects mean.

How it works: all unseen pods begin as one region. Every set of pods that the rules in question name
cuts each region in two, what is inside and what is not, until each set means all of a region or
nothing of it. Then the rules are gone through in order for each region, as in `tier_replay`.

Of too many regions none is looked at: what tiers make of unseen pods is then undetermined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from podwall.model import TierName
from podwall.portset import ALL_PORTS
from podwall.reachability.addresses import block_ranges, blocks_match
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.label_conditions import EVERY_LABEL_MAP, LabelConditions
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import RulePorts
from podwall.reachability.tier_replay import LEFT, TierOutcome, outcome_around
from podwall.reachability.tier_rules import NumberedPolicy, NumberedRule, TierRules
from podwall.reachability.unseen_peers import Counted, UnseenPeer, UnseenPeers
from podwall.reachability.values import ALL, NOTHING, Bounds

__all__ = [
    "UNDECIDED",
    "SideTiers",
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
    found: dict[TierName, TierOutcome] = {}
    for tier, policies in rules.stages:
        answers = [(each, about(each)) for each in policies]
        here = [(each, match) for each, match in answers if match is not Match.NO]
        acting = [_alone(each, match, matches, ports) for each, match in here]
        if acting:
            found[tier] = found.get(tier, LEFT).then(acting)
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
