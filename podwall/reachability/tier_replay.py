"""One side of a pair taken through the tiers: which rule decides, and what the next tier gets.

A tier is read from its first stage to its last, and a policy from its first rule to its last. Every
rule takes the ports that it matches, with its action, from those that no rule before it took:

    rules                       accepted    denied      left
    Deny TCP 22                 -           TCP 22      all but TCP 22
    Accept all, perhaps         all but 22  TCP 22      all but TCP 22

Where a match is not certain, ports are both taken and left: each of the three sets has what is
possible. A port that is in one of them only is certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Final

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    EntityPeer,
    IpPeer,
    PodPeer,
    TierAction,
    TierName,
    TierRule,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import NO, YES, EnforcedCluster, MatchAnswers
from podwall.reachability.matching import Match, MatchAnswer, host_match
from podwall.reachability.policy_reader import ActingTierPolicy, TierStage
from podwall.reachability.port_rules import NamedPorts
from podwall.reachability.values import (
    AnyEndpoint,
    Bounds,
    ExternalRange,
    HidingNode,
    UnseenPods,
    WorkloadEndpoint,
)

__all__ = [
    "LEFT",
    "TierOutcome",
    "TierPeerReplay",
    "TierPolicyReplay",
    "TierReplays",
    "TierRuleReplay",
    "TierSideReplay",
    "outcome_around",
]


@dataclass(frozen=True, slots=True)
class TierOutcome:
    """What rules may do with ports: accept them, deny them, pass them on, or not match them."""

    accepted: PortSet = NO_PORTS
    denied: PortSet = NO_PORTS
    passed: PortSet = NO_PORTS
    left: PortSet = ALL_PORTS

    @property
    def following(self) -> PortSet:
        """The ports that the next tier may decide."""
        return self.passed | self.left

    def taken(self, action: TierAction | Unknown, ports: Bounds) -> TierOutcome:
        """Return the outcome after one more rule, which matches some ports."""
        here, left = self.left & ports.may, self.left - ports.must
        any_ = isinstance(action, Unknown)
        return TierOutcome(
            self.accepted | (here if any_ or action is TierAction.ACCEPT else NO_PORTS),
            self.denied | (here if any_ or action is TierAction.DENY else NO_PORTS),
            self.passed | (here if any_ or action is TierAction.PASS else NO_PORTS),
            left,
        )

    def then(self, others: Iterable[TierOutcome]) -> TierOutcome:
        """Return the outcome after one of several policies, in whatever order they are read."""
        outcomes = tuple(others)
        return TierOutcome(
            self.accepted | (self.left & PortSet.union(each.accepted for each in outcomes)),
            self.denied | (self.left & PortSet.union(each.denied for each in outcomes)),
            self.passed | (self.left & PortSet.union(each.passed for each in outcomes)),
            reduce(and_, (each.left for each in outcomes), self.left),
        )

    def into(self, following: TierOutcome) -> TierOutcome:
        """Return the outcome of this tier and the next one, which decides what follows."""
        if following is LEFT:
            return self
        here = self.following
        return TierOutcome(
            self.accepted | (here & following.accepted),
            self.denied | (here & following.denied),
            here & following.passed,
            here & following.left,
        )

    def differs_from(self, other: TierOutcome) -> PortSet:
        """Return the ports with which something else may be done than in another outcome."""
        return PortSet.union(
            (mine - theirs) | (theirs - mine)
            for mine, theirs in (
                (self.accepted, other.accepted),
                (self.denied, other.denied),
                (self.following, other.following),
            )
        )

    def before(self, following: Bounds) -> Bounds:
        """Return what is allowed, given what is allowed of the ports that are not decided here."""
        certain = ALL_PORTS - self.denied
        must = (certain - self.following) | (certain & following.must)
        return Bounds(must, self.accepted | (self.following & following.may), following.causes)


_EVERY_POD: Final = PodPeer(EMPTY_SELECTOR, EMPTY_SELECTOR)

LEFT: Final = TierOutcome()
"""The outcome of no rule."""


def outcome_around(
    outcomes: Mapping[tuple[TierName, int], TierOutcome], *, first: bool
) -> TierOutcome:
    """Return what the tiers before NetworkPolicies do, or those after them, one into the next.

    `outcomes` are those of tiers in order, by their place and their rank there.
    """
    there = [each for (tier, _), each in outcomes.items() if tier.is_first is first]
    return reduce(TierOutcome.into, there) if there else LEFT


@dataclass(frozen=True, slots=True)
class TierPeerReplay:
    """One peer of a rule (all its networks count as one), and whether it is the other endpoint."""

    peer: PodPeer | AddressPeer | EntityPeer | tuple[IpPeer, ...] | Unknown
    answer: MatchAnswer


@dataclass(frozen=True, slots=True)
class TierRuleReplay:
    """One rule: its index in the policy, whether its peers match, and the ports it takes.

    `ports` are those it names; `matched` is what of these it matches here, taken or not; `decided`
    is what it may decide, no rule before it having done so for certain.
    """

    index: int
    rule: TierRule | Unknown
    peers: tuple[TierPeerReplay, ...]
    matches: MatchAnswer
    ports: Bounds
    matched: Bounds
    decided: PortSet

    @property
    def action(self) -> TierAction | Unknown:
        """What it does with what it matches."""
        return self.rule if isinstance(self.rule, Unknown) else self.rule.action


@dataclass(frozen=True, slots=True)
class TierPolicyReplay:
    """A policy that is about the subject, or may be, with its rules in order."""

    acting: ActingTierPolicy
    selects: MatchAnswer
    rules: tuple[TierRuleReplay, ...]
    outcome: TierOutcome


@dataclass(frozen=True, slots=True)
class TierSideReplay:
    """One tier of one side: the policies about the subject, and what they do together.

    `conflicts` are ports that policies of equal priority decide differently, with their names.
    """

    tier: TierName
    policies: tuple[TierPolicyReplay, ...]
    outcome: TierOutcome
    conflicts: tuple[tuple[PortSet, str], ...] = ()
    rank: int = 0

    @property
    def where(self) -> tuple[TierName, int]:
        """The tier, and which of several that stand there."""
        return self.tier, self.rank

    def doubts(self) -> Iterator[tuple[PortSet, tuple[str, ...]]]:
        """Yield ports of which it is not certain what the tier does, with the causes."""
        for policy in self.policies:
            for rule in policy.rules:
                matched = rule.matched
                causes = policy.selects.causes
                causes += matched.causes if matched.must != matched.may else ()
                if isinstance(rule.action, Unknown):
                    causes = (*causes, rule.action.cause)
                yield rule.decided, tuple(dict.fromkeys(causes))
        yield from ((ports, (cause,)) for ports, cause in self.conflicts)


class TierReplays:
    """Replays the tiers of one cluster."""

    def __init__(self, cluster: EnforcedCluster, answers: MatchAnswers) -> None:
        """Keep what the answers depend on."""
        self._cluster = cluster
        self._answers = answers

    def side(
        self,
        direction: Direction,
        subject: AnyEndpoint,
        other: AnyEndpoint | HidingNode,
        names: NamedPorts,
    ) -> tuple[TierSideReplay, ...]:
        """Return the tiers in which a policy is about the subject, in order.

        `names` are those of the destination's ports.
        """
        asked = _Asked(direction, subject, other, names)
        places = dict.fromkeys((each.tier, each.rank) for each in self._cluster.tiers)
        found = (self._tier(tier, rank, asked) for tier, rank in places)
        return tuple(each for each in found if each.policies)

    def _tier(self, tier: TierName, rank: int, asked: _Asked) -> TierSideReplay:
        result = TierSideReplay(tier, (), LEFT, rank=rank)
        for stage in self._cluster.tiers:
            there = (stage.tier, stage.rank) == (tier, rank)
            if there and (policies := tuple(self._policies(stage, asked, result))):
                conflicts = tuple(_conflicts(policies, result.outcome))
                result = replace(
                    result,
                    policies=(*result.policies, *policies),
                    outcome=result.outcome.then(each.outcome for each in policies),
                    conflicts=(*result.conflicts, *conflicts),
                )
        return result

    def _policies(
        self, stage: TierStage, asked: _Asked, before: TierSideReplay
    ) -> Iterator[TierPolicyReplay]:
        for acting in stage.policies:
            rules = acting.policy.rules(asked.direction)
            selects = self._selects(acting, asked.subject) if rules else NO
            if selects.match is not Match.NO:
                yield self._policy(acting, selects, asked, before.outcome.left)

    def _selects(self, acting: ActingTierPolicy, subject: AnyEndpoint) -> MatchAnswer:
        """Answer whether a policy is about the subject, and enforced."""
        enforced = MatchAnswer(Match.MAYBE, acting.doubts) if acting.doubts else YES
        return enforced & self._pods(acting.policy.subject, subject)

    def _pods(self, peer: PodPeer | Unknown, end: AnyEndpoint | HidingNode) -> MatchAnswer:
        if isinstance(end, ExternalRange | HidingNode):
            return NO
        pods = end if isinstance(end, UnseenPods) else end.workload
        if isinstance(peer, Unknown):
            every = self._answers.peer("", _EVERY_POD, pods)
            return every & MatchAnswer(Match.MAYBE, (peer.cause,))
        return self._answers.peer("", peer, pods)

    def _policy(
        self, acting: ActingTierPolicy, selects: MatchAnswer, asked: _Asked, left: PortSet
    ) -> TierPolicyReplay:
        outcome, rules = LEFT, []
        for index, rule in enumerate(acting.policy.rules(asked.direction)):
            found = self._rule(index, rule, asked)
            decided = outcome.left & found.matched.may & left
            rules.append(replace(found, decided=decided))
            outcome = outcome.taken(found.action, found.matched)
        if selects.match is Match.MAYBE:  # either all of its rules are read, or none of them
            outcome = replace(outcome, left=ALL_PORTS)
        return TierPolicyReplay(acting, selects, tuple(rules), outcome)

    def _rule(self, index: int, rule: TierRule | Unknown, asked: _Asked) -> TierRuleReplay:
        if isinstance(rule, Unknown):
            doubt = MatchAnswer(Match.MAYBE, (rule.cause,))
            ports = Bounds.exactly(ALL_PORTS)
            matched = Bounds.perhaps(ALL_PORTS, rule.cause)
            return TierRuleReplay(index, rule, (), doubt, ports, matched, NO_PORTS)
        peers = tuple(self._peers(rule, asked.other))
        everyone = YES if rule.peers is None else NO
        matches = reduce(MatchAnswer.__or__, (each.answer for each in peers), everyone)
        ports = self._cluster.ports.bounds(rule.ports, asked.names, asked.direction)
        matched = _matched(matches, ports)
        return TierRuleReplay(index, rule, peers, matches, ports, matched, NO_PORTS)

    def _peers(self, rule: TierRule, other: AnyEndpoint | HidingNode) -> Iterator[TierPeerReplay]:
        if isinstance(rule.peers, Unknown):
            yield TierPeerReplay(rule.peers, MatchAnswer(Match.MAYBE, (rule.peers.cause,)))
            return
        for peer in rule.peers or ():
            match peer:
                case Unknown(cause):
                    yield TierPeerReplay(peer, MatchAnswer(Match.MAYBE, (cause,)))
                case PodPeer():
                    yield TierPeerReplay(peer, self._pods(peer, other))
                case AddressPeer():
                    yield TierPeerReplay(peer, _addresses(peer, other))
                case EntityPeer():
                    yield TierPeerReplay(peer, self._answers.entity(peer, other))
                case IpPeer():
                    pass
        networks = tuple(peer for peer in rule.peers or () if isinstance(peer, IpPeer))
        if networks:
            yield TierPeerReplay(networks, self._answers.networks(networks, other))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom the rules of a side are read for."""

    direction: Direction
    subject: AnyEndpoint
    other: AnyEndpoint | HidingNode
    names: NamedPorts


def _matched(matches: MatchAnswer, ports: Bounds) -> Bounds:
    """Return the ports that a rule matches whose peers match so surely."""
    match matches.match:
        case Match.YES:
            return ports
        case Match.MAYBE:
            return Bounds.perhaps(ports.may, *matches.causes, *ports.causes)
        case Match.NO:
            return Bounds.exactly(NO_PORTS)


def _addresses(peer: AddressPeer, other: AnyEndpoint | HidingNode) -> MatchAnswer:
    """Answer whether addresses that are not known mean an end: never a pod on the pod network."""
    on_host = isinstance(other, WorkloadEndpoint) and host_match(other.workload) is not Match.NO
    if isinstance(other, ExternalRange | HidingNode) or on_host:
        return MatchAnswer(Match.MAYBE, (peer.cause,))
    return NO


def _conflicts(
    policies: tuple[TierPolicyReplay, ...], before: TierOutcome
) -> Iterator[tuple[PortSet, str]]:
    """Yield ports that two policies of one stage decide differently, with both names.

    Where all that decide do the same, as Cilium's denies do, no two of them have to be compared.
    """
    kinds = ("accepted", "denied", "passed")
    deciding = [each for each in policies if any(getattr(each.outcome, kind) for kind in kinds)]
    if sum(any(getattr(each.outcome, kind) for each in deciding) for kind in kinds) <= 1:
        return
    for number, one in enumerate(deciding):
        for other in deciding[number + 1 :]:
            ports = before.left & _differently(one.outcome, other.outcome)
            if ports:
                names = " and ".join(f"`{each.acting.policy.name}`" for each in (one, other))
                yield ports, f"policies {names} have the same priority and decide differently"


def _differently(one: TierOutcome, other: TierOutcome) -> PortSet:
    """Return the ports for which both may decide, and not the same."""
    kinds = ("accepted", "denied", "passed")
    return PortSet.union(
        getattr(one, mine) & getattr(other, yours)
        for mine in kinds
        for yours in kinds
        if mine != yours
    )
