"""Policies as an engine reads them, those with tiers in order, and those that nobody reads.

They are of other APIs, whose order and default nobody knows here, so that nothing of what the rules
say about a pod that one of them may select is certain in a direction that it may be about.

A tier is gone through stage by stage, the least priority first. Within a stage are the policies of
one priority, between which there is no order: where two of them decide differently, either may.
https://network-policy-api.sigs.k8s.io/api-overview/

The engine may enforce rules of directions that `policyTypes` does not list. It may not see some
labels: to its selectors they are missing, so that what asks for one selects nothing, and what
excludes one excludes nothing. In the policy as it is read such requirements are `overlooked`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import IntEnum
from itertools import chain
from typing import Final, TypeVar

from podwall.aks.network_engine import EngineVersions
from podwall.calico import CalicoPolicy
from podwall.engines import Engine, Fact, OverlookedLabels, Treatment
from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    CiliumPolicy,
    EntityPeer,
    IpPeer,
    Operator,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
    UnreadPolicy,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.quick_dataclass import dataclass
from podwall.reachability.matching import is_ipv6, running_versions
from podwall.reachability.values import Bounds

__all__ = [
    "ActingTierPolicy",
    "Overruling",
    "PolicyReader",
    "TierStage",
    "acting_cilium",
    "acting_policies",
    "acting_unread",
    "blocks_of",
    "excludes_only",
    "has_unlisted",
    "of_calico",
    "overlooked_keys",
    "overruled",
    "overruling",
    "tier_blocks",
    "tier_stages",
    "with_unlisted",
]


class Overruling(IntEnum):
    """What becomes of the rules about a pod; the greater contains the less.

    `NOT`: they decide. `NARROWED`: what they allow may be denied. `OPEN`: and the reverse.
    """

    NOT = 0
    NARROWED = 1
    OPEN = 2


def overruling(policies: Iterable[UnreadPolicy]) -> Overruling:
    """Return what becomes of the rules where some policies are not read."""
    found = (Overruling.NARROWED if each.narrows else Overruling.OPEN for each in policies)
    return max(found, default=Overruling.NOT)


def overruled(bounds: Bounds, by: Overruling, *causes: str) -> Bounds:
    """Return what is left of what rules allow."""
    if by is Overruling.NOT:
        return bounds
    may = ALL_PORTS if by is Overruling.OPEN else bounds.may
    return Bounds(NO_PORTS, may, (*bounds.causes, *causes))


@dataclass(frozen=True, slots=True)
class ActingTierPolicy:
    """A policy that an engine enforces, or perhaps enforces in this place: `doubts` say why."""

    policy: TierPolicy
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TierStage:
    """The policies of one tier and one priority, between which there is no order."""

    tier: TierName
    policies: tuple[ActingTierPolicy, ...]
    rank: int = 0


def tier_stages(snapshot: Snapshot, engine: Engine) -> tuple[TierStage, ...]:
    """Return the stages in order, those of the Admin tier first."""
    written = snapshot.tier_policies or snapshot.cilium_policies or snapshot.calico_policies
    if not (engine.enforces and written):
        return ()
    last = {(each.kind, each.name): each for each in snapshot.tier_policies}
    acting = [found for each in last.values() if (found := _acting(each, snapshot, engine))]
    acting += map(ActingTierPolicy, _around(snapshot, engine))
    if engine.treatment("Calico", running_versions(snapshot, engine)) is Treatment.ENFORCED:
        acting += map(ActingTierPolicy, of_calico(snapshot))
    return tuple(
        stage
        for tier in TierName
        for rank in sorted({each.policy.rank for each in acting if each.policy.tier is tier})
        for stage in _stages(tier, rank, acting)
    )


def _around(snapshot: Snapshot, engine: Engine) -> Iterator[TierPolicy]:
    """Yield what policies of Cilium's kinds decide before and after NetworkPolicies."""
    read = PolicyReader(engine, running_versions(snapshot, engine))
    for policy in acting_cilium(snapshot, engine):
        yield from map(read.tier_policy, policy.around)


def _acting(policy: TierPolicy, snapshot: Snapshot, engine: Engine) -> ActingTierPolicy | None:
    """Return a policy as far as the engine enforces its kind."""
    fact = engine.enforces_kind(policy.kind)
    treatment = engine.treatment(policy.kind, running_versions(snapshot, engine))
    if treatment is Treatment.IGNORED:
        return None
    if treatment is Treatment.ENFORCED:
        return ActingTierPolicy(policy)
    doubt = f"whether {engine.title} enforces {policy.full_name} is not known: {fact.says}"
    return ActingTierPolicy(policy, (doubt,))


def _stages(tier: TierName, rank: int, acting: list[ActingTierPolicy]) -> Iterator[TierStage]:
    """Yield the stages of a tier, first of what may stand anywhere: its priority is not known."""
    here = [each for each in acting if (each.policy.tier, each.policy.rank) == (tier, rank)]
    anywhere = [_perhaps(each, each.policy.priority) for each in here
                if isinstance(each.policy.priority, Unknown)]  # fmt: skip
    by_priority: defaultdict[int, list[ActingTierPolicy]] = defaultdict(list)
    for each in here:
        if isinstance(each.policy.priority, int):
            by_priority[each.policy.priority].append(each)
    if anywhere:
        yield TierStage(tier, tuple(anywhere), rank)
    for priority in sorted(by_priority):
        yield TierStage(tier, tuple(by_priority[priority]), rank)


def _perhaps(acting: ActingTierPolicy, priority: Unknown) -> ActingTierPolicy:
    return ActingTierPolicy(acting.policy, (*acting.doubts, priority.cause))


_Direction = tuple[Rule | Unknown, ...] | Unknown | None


def has_unlisted(policy: Policy) -> bool:
    """Return whether a policy has rules of a direction that `policyTypes` may not list."""
    return policy.unlisted_ingress is not None or policy.unlisted_egress is not None


def with_unlisted(policy: Policy) -> Policy:
    """Return the policy as if `policyTypes` listed every direction that has rules."""
    if not has_unlisted(policy):
        return policy
    ingress, egress = policy.unlisted_ingress, policy.unlisted_egress
    return replace(
        policy,
        ingress=policy.ingress if ingress is None else ingress,
        egress=policy.egress if egress is None else egress,
        unlisted_ingress=None,
        unlisted_egress=None,
    )


def overlooked_keys(policy: Policy) -> frozenset[str]:
    """Return the labels by which a policy, as an engine reads it, selects in vain."""
    directions = (policy.ingress, policy.egress)
    rules = (rule for each in directions if isinstance(each, tuple) for rule in each)
    peers = (each.peers for each in rules if isinstance(each, Rule))
    pods = (peer for each in peers if isinstance(each, tuple) for peer in each)
    selectors = [policy.pod_selector]
    for peer in pods:
        if isinstance(peer, PodPeer):
            selectors += [peer.pods, *([peer.namespaces] if peer.namespaces else [])]
    return frozenset(key for each in selectors for key in each.overlooked)


def acting_policies(snapshot: Snapshot, engine: Engine) -> tuple[tuple[Policy, Policy], ...]:
    """Return the policies as the engine enforces them, each with the one that is written.

    An engine that ignores policies with IPv6 blocks runs in clusters without IPv6 only, so that a
    peer that is not known yet is none of these.
    """
    if not engine.enforces:
        return ()
    policies: Iterable[Policy] = _last_policies(snapshot)
    if engine.ipv6_blocks.value is Treatment.IGNORED:
        policies = (each for each in policies if not _has_ipv6(each))
    beside = (each for whole in acting_cilium(snapshot, engine) for each in whole.beside)
    read = PolicyReader(engine, running_versions(snapshot, engine))
    return tuple((read.policy(each), each) for each in (*policies, *beside))


def acting_cilium(snapshot: Snapshot, engine: Engine) -> tuple[CiliumPolicy, ...]:
    """Return the policies of Cilium's kinds, if the engine enforces these; of a name the last."""
    if not _enforces_cilium(snapshot, engine, Treatment.ENFORCED):
        return ()
    last = {(each.kind, each.namespace, each.name): each for each in snapshot.cilium_policies}
    return tuple(
        each
        for each in snapshot.cilium_policies
        if isinstance(each.namespace, Unknown) or last[each.kind, each.namespace, each.name] is each
    )


def acting_unread(snapshot: Snapshot, engine: Engine) -> tuple[UnreadPolicy, ...]:
    """Return what may decide as well: what is not read, or not known to be enforced."""
    if not engine.enforces:
        return ()
    read = (each for each in snapshot.unread_policies if each.enforced_by(engine.name))
    unread = chain(read, _unread_calico(snapshot, engine))
    if not _enforces_cilium(snapshot, engine, Treatment.UNDEFINED):
        return tuple(unread)
    return (*unread, *(_not_known_to_act(each) for each in snapshot.cilium_policies))


def of_calico(snapshot: Snapshot) -> Iterator[TierPolicy]:
    """Yield the policies of Calico's kinds as policies with tiers, in order."""
    if snapshot.calico_policies:
        from podwall.reachability.calico_tiers import calico_tiers  # noqa: PLC0415 - few have any

        yield from calico_tiers(snapshot)


def _unread_calico(snapshot: Snapshot, engine: Engine) -> Iterator[UnreadPolicy]:
    """Yield the policies of Calico's of which it is not known whether, or where, they act."""
    if not snapshot.calico_policies:
        return
    treatment = engine.treatment("Calico", running_versions(snapshot, engine))
    policies: Iterable[CalicoPolicy] = ()
    if treatment is Treatment.ENFORCED:
        from podwall.reachability.calico_tiers import unplaced  # noqa: PLC0415 - as above

        policies = unplaced(snapshot)
    elif treatment is Treatment.UNDEFINED:
        policies = snapshot.calico_policies
    for policy in policies:
        yield UnreadPolicy(
            policy.kind,
            policy.name,
            policy.namespace,
            EMPTY_SELECTOR,
            tuple(way for way in Direction if policy.rules(way) is not None),
            place=policy.place,
            link="https://docs.tigera.io/calico/latest/reference/resources/",
            enforced=treatment is Treatment.ENFORCED,
        )


def _enforces_cilium(snapshot: Snapshot, engine: Engine, treatment: Treatment) -> bool:
    """Return whether an engine treats the policies of Cilium's kinds in some way."""
    return (
        bool(snapshot.cilium_policies)
        and engine.enforces
        and engine.treatment("Cilium", running_versions(snapshot, engine)) is treatment
    )


def _not_known_to_act(policy: CiliumPolicy) -> UnreadPolicy:
    return UnreadPolicy(
        policy.kind,
        policy.name,
        policy.namespace,
        _pods_of(policy),
        policy.directions,
        place=policy.place,
        link="https://docs.cilium.io/en/stable/security/policy/",
        enforced=False,
    )


def _pods_of(policy: CiliumPolicy) -> Selector:
    """Return the pods that all parts of a policy are about; of different ones, all pods."""
    beside = [each.pod_selector for each in policy.beside]
    subjects = [each.subject for each in policy.around]
    around = [EMPTY_SELECTOR if isinstance(each, Unknown) else each.pods for each in subjects]
    found = dict.fromkeys((*beside, *around))
    return next(iter(found)) if len(found) == 1 else EMPTY_SELECTOR


def _has_ipv6(policy: Policy) -> bool:
    return any(is_ipv6(block.network) for block in blocks_of(policy))


def _last_policies(snapshot: Snapshot) -> tuple[Policy, ...]:
    last = {(each.namespace, each.name): each for each in snapshot.policies}
    if len(last) == len(snapshot.policies):
        return snapshot.policies
    return tuple(
        each
        for each in snapshot.policies
        if isinstance(each.namespace, Unknown) or last[each.namespace, each.name] is each
    )


def blocks_of(policy: Policy) -> Iterator[IpPeer]:
    """Yield the ip blocks of a policy's rules."""
    for rules in (policy.ingress, policy.egress):
        for rule in rules if isinstance(rules, tuple) else ():
            peers = rule.peers if isinstance(rule, Rule) else None
            for peer in peers if isinstance(peers, tuple) else ():
                if isinstance(peer, IpPeer):
                    yield peer


def tier_blocks(policy: TierPolicy) -> Iterator[IpPeer]:
    """Yield the networks that the rules of a policy with a tier name."""
    for direction in Direction:
        for rule in policy.rules(direction):
            peers = rule.peers if isinstance(rule, TierRule) else ()
            if isinstance(peers, tuple):
                yield from (each for each in peers if isinstance(each, IpPeer))


_P = TypeVar("_P", bound=Peer | AddressPeer)


_WIDE: Final = Unknown(
    "up to Cilium 1.18 a peer that only excludes namespaces may mean nodes and addresses outside"
)
_NAMELESS: Final = EntityPeer("what has no namespace, perhaps", nodes=_WIDE, ipv4=_WIDE, ipv6=_WIDE)
"""Whom a peer may mean as well that says of namespaces only what they are not.

https://docs.cilium.io/en/stable/operations/upgrade/
"""


class PolicyReader:
    """Reads policies as an engine does, in versions of it that may run."""

    def __init__(self, engine: Engine, versions: EngineVersions) -> None:
        """Take what the reading depends on."""
        self._unlisted = engine.unlisted_rules.value is Treatment.ENFORCED
        self._pods = _LabelReader(engine.pod_labels, versions)
        self._namespaces = _LabelReader(engine.namespace_labels, versions)
        self._wide = engine.namespace_labels.value.may_widen(versions)
        self._sees_all = {engine.pod_labels.value, engine.namespace_labels.value} == {
            OverlookedLabels()
        }

    def policy(self, policy: Policy) -> Policy:
        """Return a policy as it is read; the same object where that is as it is written."""
        found = with_unlisted(policy) if self._unlisted else policy
        if self._sees_all:
            return found
        pods = self._pods.selector(found.pod_selector)
        ingress, egress = self._direction(found.ingress), self._direction(found.egress)
        if pods is found.pod_selector and ingress is found.ingress and egress is found.egress:
            return found
        return replace(found, pod_selector=pods, ingress=ingress, egress=egress)

    def tier_policy(self, policy: TierPolicy) -> TierPolicy:
        """Return a policy that stands in a tier as it is read."""
        if self._sees_all:
            return policy
        return replace(
            policy,
            subject=self._peer(policy.subject),
            ingress=self._tier_rules(policy.ingress),
            egress=self._tier_rules(policy.egress),
        )

    def _tier_rules(
        self, rules: tuple[TierRule | Unknown, ...] | Unknown
    ) -> tuple[TierRule | Unknown, ...] | Unknown:
        if isinstance(rules, Unknown):
            return rules
        return tuple(
            self._tier_rule(each) if isinstance(each, TierRule) else each for each in rules
        )

    def _tier_rule(self, rule: TierRule) -> TierRule:
        if not isinstance(rule.peers, tuple):
            return rule
        read = tuple(self._peer(each) for each in rule.peers)
        wide = self._wide and any(map(excludes_only, read))
        return replace(rule, peers=(*read, _NAMELESS) if wide else read)

    def _direction(self, rules: _Direction) -> _Direction:
        if not isinstance(rules, tuple):
            return rules
        read = tuple(self._rule(each) if isinstance(each, Rule) else each for each in rules)
        return rules if _same(read, rules) else read

    def _rule(self, rule: Rule) -> Rule:
        if not isinstance(rule.peers, tuple):
            return rule
        read = tuple(self._peer(each) for each in rule.peers)
        if self._wide and any(map(excludes_only, read)):
            read = (*read, _NAMELESS)
        return rule if _same(read, rule.peers) else replace(rule, peers=read)

    def _peer(self, peer: _P) -> _P | PodPeer:
        if not isinstance(peer, PodPeer):
            return peer
        there = peer.namespaces
        pods = self._pods.selector(peer.pods)
        namespaces = None if there is None else self._namespaces.selector(there)
        same = pods is peer.pods and namespaces is there
        return peer if same else PodPeer(pods, namespaces)


def excludes_only(peer: object) -> bool:
    """Return whether a peer says of namespaces, and of pods, only what they are not."""
    if not (isinstance(peer, PodPeer) and peer.namespaces and peer.namespaces.requirements):
        return False
    asked = (*peer.namespaces.requirements, *peer.pods.requirements)
    return all(each.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST} for each in asked)


def _same(read: tuple[object, ...], written: tuple[object, ...]) -> bool:
    return len(read) == len(written) and all(
        one is other for one, other in zip(read, written, strict=True)
    )


class _LabelReader:
    """Reads selectors of labels of which an engine does not see all."""

    def __init__(self, fact: Fact[OverlookedLabels], versions: EngineVersions) -> None:
        self._fact = fact
        self._versions = versions
        self._known: dict[str, bool] = {}

    def selector(self, selector: Selector) -> Selector:
        """Return a selector as the engine reads it; the same object where it sees its labels."""
        if not any(self._may_be_hidden(each.key) for each in selector.requirements):
            return selector
        read = [self._requirement(each) for each in selector.requirements]
        kept = tuple(each for each in read if each is not None)
        doubt = None
        if any(self._is_doubtful(each.key) for each in selector.requirements):
            doubt = Unknown(self._fact.says)
        return Selector(kept, selector.unknown or doubt)

    def _requirement(self, each: SelectorRequirement) -> SelectorRequirement | None:
        """Return a requirement as it is read; none that excludes what may count as missing."""
        if self._fact.value.hide(each.key):
            return replace(each, overlooked=True)
        excludes = each.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
        return None if excludes and self._is_doubtful(each.key) else each

    def _is_doubtful(self, key: str) -> bool:
        return self._may_be_hidden(key) and not self._fact.value.hide(key)

    def _may_be_hidden(self, key: str) -> bool:
        if key not in self._known:
            self._known[key] = self._fact.value.may_hide(key, self._versions)
        return self._known[key]
