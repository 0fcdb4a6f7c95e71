"""What tiers say about one flow: every policy and rule in order, and which of them decides.

A rule that matches and does not decide says which comes before it would have had to be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import and_
from typing import Final

from podwall.explain.wording import blocks_text, peer_text, pod_conditions, ports_text
from podwall.model import (
    ISOLATION,
    AddressPeer,
    EntityPeer,
    IpPeer,
    PodPeer,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.errors import Place
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.matching import Match, host_match
from podwall.reachability.replay import SideReplay
from podwall.reachability.tier_replay import (
    TierPeerReplay,
    TierPolicyReplay,
    TierRuleReplay,
    TierSideReplay,
)
from podwall.reachability.values import (
    AnyEndpoint,
    ExternalRange,
    UnseenPods,
    Verdict,
    WorkloadEndpoint,
)

__all__ = [
    "TierExplanation",
    "TierPolicyExplanation",
    "TierRuleExplanation",
    "tier_decision",
    "tier_explanations",
    "tier_lines",
    "tier_reason",
]


@dataclass(frozen=True, slots=True)
class TierRuleExplanation:
    """One rule of a tier: where it stands, which of the asked ports it decides, and why.

    `why` says what it names, or the nearest miss. `matches` are asked ports that it is about,
    decided or not. One that `isolates` denies everyone on all ports what no rule before it allows.
    """

    place: Place
    action: str
    decides: PortSet
    matches: PortSet
    why: str
    isolates: bool = False

    @property
    def does(self) -> str:
        """What comes of it, in a few words."""
        if self.decides:
            return f"{self.action} decides {self.decides}"
        return f"{self.action} comes too late" if self.matches else f"{self.action} is not for this"


@dataclass(frozen=True, slots=True)
class TierPolicyExplanation:
    """A policy with a tier that is about the pod, or may be, and each of its rules."""

    policy: TierPolicy
    selects: Match
    why: str
    rules: tuple[TierRuleExplanation, ...]

    @property
    def name(self) -> str:
        """The policy with its kind."""
        return self.policy.full_name

    @property
    def title(self) -> str:
        """The policy with where it is written, if that is known."""
        where = str(self.policy.place)
        return f"{self.name}{where and f' ({where})'}"

    @property
    def certainly_isolates(self) -> bool:
        """Whether it denies the pod what nothing allows, of everyone on all ports."""
        return self.selects is Match.YES and any(each.isolates for each in self.rules)


@dataclass(frozen=True, slots=True)
class TierExplanation:
    """One tier: its policies in the order in which they decide."""

    tier: TierName
    why: str
    policies: tuple[TierPolicyExplanation, ...]

    @property
    def title(self) -> str:
        """What people call it: `Admin tier`, `Calico tiers before Admin`."""
        return str(self.tier) if "tiers" in self.tier else f"{self.tier} tier"


def tier_explanations(
    cluster: EnforcedCluster, side: SideReplay, asked: PortSet, other: AnyEndpoint
) -> tuple[TierExplanation, ...]:
    """Return what the tiers of one end say about a flow."""
    explainer = _TierExplainer(cluster, side.direction, asked, other)
    return tuple(
        TierExplanation(
            each.tier,
            _tier_reason(side, each, asked),
            tuple(explainer.policy(policy, _reaching(side, each)) for policy in each.policies),
        )
        for each in side.tiers
    )


def _reaching(side: SideReplay, tier: TierSideReplay) -> PortSet:
    """Return the ports that come to a tier, because nothing before it decides them."""
    if side.isolated is Match.YES and not tier.tier.is_first:
        return NO_PORTS
    before = (each.outcome.following for each in side.tiers[: side.tiers.index(tier)])
    return reduce(and_, before, ALL_PORTS)


def tier_reason(side: SideReplay, verdict: Verdict, asked: PortSet) -> str:
    """Return which rule of a tier is behind a verdict that is certain; nothing if none is."""
    action = {Verdict.ALLOWED: TierAction.ACCEPT, Verdict.DENIED: TierAction.DENY}.get(verdict)
    does = "allows" if verdict is Verdict.ALLOWED else "denies"
    left, named = asked, []
    for policy, rule, reached in _in_order(side):
        if rule.action is action and rule.decided & reached & left:
            named.append((policy, rule))
            left -= rule.decided & reached
    if not named or (left and side.policies):
        return ""
    (policy, rule), whole = named[0], not left and len(named) == 1
    if _isolates(rule):
        return (
            f"{policy.full_name} isolates it, and no rule allows {'it' if whole else 'all of it'}"
        )
    where = _path(rule, side.direction)
    return f"rule `{where}` of {policy.full_name} {does} {'it' if whole else 'a part of it'}"


_DECIDING: Final = {Verdict.ALLOWED: TierAction.ACCEPT, Verdict.DENIED: TierAction.DENY}


def tier_decision(tiers: tuple[TierExplanation, ...], verdict: Verdict) -> str:
    """Return the first rule that decides so at one end, in words; nothing if none does.

    Where it denies because a policy isolates the pod, what would have allowed it is told as well.
    """
    for tier in tiers:
        for policy in tier.policies:
            for rule in policy.rules:
                if rule.action == _DECIDING.get(verdict) and rule.decides:
                    why = _nearest(tiers) if rule.isolates else f"`{rule.place.path}`: {rule.why}"
                    return f"{policy.title} in the {tier.title}, {why}"
    return ""


def _nearest(tiers: tuple[TierExplanation, ...]) -> str:
    """Return why no rule accepts what is denied because the pod is isolated."""
    rules = (rule for tier in tiers for policy in tier.policies for rule in policy.rules)
    missed = (each for each in rules if each.action == TierAction.ACCEPT and not each.decides)
    return next((f"`{each.place.path}`: {each.why}" for each in missed), "which isolates the pod")


def _isolates(replay: TierRuleReplay) -> bool:
    """Return whether a rule is written nowhere: the policy denies what nothing allows."""
    return isinstance(replay.rule, TierRule) and replay.rule.name == ISOLATION


def _denies_everyone(replay: TierRuleReplay) -> bool:
    """Return whether a rule that is written denies everyone on all ports."""
    rule = replay.rule
    if isinstance(rule, Unknown) or rule.action is not TierAction.DENY:
        return False
    return rule.peers is None and rule.ports is None


def _path(replay: TierRuleReplay, direction: Direction) -> str:
    """Return where a rule stands in its policy."""
    written = "" if isinstance(replay.rule, Unknown) else replay.rule.written
    return written or f"spec.{direction.field}[{replay.index}]"


def _in_order(side: SideReplay) -> Iterator[tuple[TierPolicy, TierRuleReplay, PortSet]]:
    """Yield the rules of all tiers, each with the ports that come to its tier."""
    for tier in side.tiers:
        reached = _reaching(side, tier)
        for policy in tier.policies:
            yield from ((policy.acting.policy, rule, reached) for rule in policy.rules)


def _tier_reason(side: SideReplay, tier: TierSideReplay, asked: PortSet) -> str:
    if not tier.tier.is_first and side.isolated is Match.YES:
        kind = "a NetworkPolicy" if tier.tier is TierName.BASELINE else "a policy"
        return f"not reached: {kind} isolates the pod, and is final"
    if not (tier.outcome.accepted | tier.outcome.denied | tier.outcome.passed) & asked:
        return "decides nothing of this"
    return f"comes {'before' if tier.tier.is_first else 'after'} {_NEXT_TO[tier.tier]}"


_BY_PRIORITY: Final = frozenset({TierName.ADMIN, TierName.BASELINE})
_NEXT_TO: Final = {
    TierName.ADMIN: "NetworkPolicies",
    TierName.CILIUM: "everything that allows or isolates",
    TierName.CILIUM_ISOLATION: "everything that allows",
    TierName.CALICO_FIRST: "the Admin tier",
    TierName.CALICO: "NetworkPolicies",
    TierName.CALICO_LAST: "everything that allows",
    TierName.BASELINE: "all policies",
}


class _TierExplainer:
    """Explains the rules of one end."""

    def __init__(
        self, cluster: EnforcedCluster, direction: Direction, asked: PortSet, other: AnyEndpoint
    ) -> None:
        self._cluster = cluster
        self._direction = direction
        self._asked = asked
        self._other = other

    def policy(self, replay: TierPolicyReplay, reaching: PortSet) -> TierPolicyExplanation:
        """Explain a policy, given the ports that come to its tier."""
        policy = replay.acting.policy
        verb = "is about the pod" if replay.selects.match is Match.YES else "may be about the pod"
        causes = f" ({'; '.join(replay.selects.causes)})" if replay.selects.causes else ""
        ordered = isinstance(policy.priority, int) and policy.tier in _BY_PRIORITY
        order = f"priority {policy.priority}, " if ordered else ""
        rules = tuple(self._rule(policy, each, reaching) for each in replay.rules)
        return TierPolicyExplanation(policy, replay.selects.match, f"{order}{verb}{causes}", rules)

    def _rule(
        self, policy: TierPolicy, replay: TierRuleReplay, reaching: PortSet
    ) -> TierRuleExplanation:
        action = replay.action
        return TierRuleExplanation(
            policy.place.at(_path(replay, self._direction)),
            "an unknown action" if isinstance(action, Unknown) else str(action),
            replay.decided & self._asked & reaching,
            replay.matched.may & self._asked,
            self._why(replay),
            _isolates(replay) or _denies_everyone(replay),
        )

    def _why(self, replay: TierRuleReplay) -> str:
        rule = replay.rule
        if isinstance(rule, Unknown):
            return f"it may be any rule ({rule.cause})"
        if _isolates(replay):
            return "the policy isolates the pod"
        if replay.matches.match is Match.NO:
            misses = (self._miss(each) for each in replay.peers)
            return min(misses, default=(0, "it names nobody"))[1]
        named = _named(replay, rule)
        if not replay.matched.may & self._asked:
            return f"it names {named}, not {self._asked}"
        doubts = replay.matched.causes if replay.matched.must != replay.matched.may else ()
        return f"perhaps it names {named} ({'; '.join(doubts)})" if doubts else f"it names {named}"

    def _miss(self, replay: TierPeerReplay) -> tuple[int, str]:
        """Return how far a peer is from the other end, and the least that would have to differ."""
        peer, other = replay.peer, self._other
        if isinstance(peer, tuple):
            return 1, f"it names {blocks_text(peer)}"
        if isinstance(peer, EntityPeer):
            return 1, f"it names {peer.name}"
        if isinstance(peer, AddressPeer | Unknown):
            return _FAR, "it names addresses that are no pod's"
        if isinstance(other, ExternalRange):
            return _FAR, "it names pods, and the other end is outside the cluster"
        if isinstance(other, WorkloadEndpoint) and host_match(other.workload) is Match.YES:
            return _FAR, "no selector matches a pod on the host network: to policies it is a node"
        pods = other if isinstance(other, UnseenPods) else other.workload
        failing = [
            each.words
            for each in pod_conditions(peer)
            if each.match(self._cluster, pods) is Match.NO
        ]
        return len(failing), f"it would match if {' and '.join(failing)}"


_FAR = 8
"""As many failing conditions does it count that a peer can't match an end of this kind at all."""


def _named(replay: TierRuleReplay, rule: TierRule) -> str:
    """Return the peer that matches, with the ports of the rule, in words."""
    if rule.peers is None:
        return f"everyone on {ports_text(rule.ports)}"
    matching = next(each for each in replay.peers if each.answer.match is replay.matches.match)
    return f"{_peer_text(matching.peer)} on {ports_text(rule.ports)}"


def _peer_text(
    peer: PodPeer | AddressPeer | EntityPeer | tuple[IpPeer, ...] | Unknown,
) -> str:
    return peer.cause if isinstance(peer, AddressPeer) else peer_text(peer, "")


def tier_lines(tiers: tuple[TierExplanation, ...], *, first: bool) -> Iterator[str]:
    """Yield what the tiers before or after NetworkPolicies say, as lines of plain text."""
    for each in tiers:
        if each.tier.is_first is first:
            yield f"{each.title}: {each.why}"
            for policy in each.policies:
                yield f"  {policy.title}: {policy.why}"
                for rule in policy.rules:
                    yield f"    {rule.place.path}: {rule.does}, {rule.why}"
