"""Calico's own policies as policies with tiers, which stand around NetworkPolicies.

How it works: Calico goes through tiers in order, and in the tier `default` through its own policies
and NetworkPolicies, which have order 1000 there. A NetworkPolicy only allows, so that what comes
after it in the tier decides the same whether it is asked before or after, as long as what it denies
is left to the NetworkPolicies:

    order < 1000    first:  Allow -> Accept    Deny -> Deny    Pass -> Accept, nothing comes after
    order > 1000    then:   Allow -> Accept    Deny -> Pass    Pass -> Accept
    (NetworkPolicies)
    the end         last:   Deny of all that the policies select, as a tier's default action is

A rule that asks for something of the policy's own pods is about these alone, so that the policy is
cut there into several, which are gone through one after the other (see `calico_peers` for whom
rules mean). Policies of one order are gone through by name. How a name is compared changed with
Calico 3.32: before, with the namespace before it, since then with it after. Where these differ, and
where a name may be known to Calico with or without its tier, there is no order between them.
https://github.com/projectcalico/calico/blob/master/felix/calc/policy_sorter.go
https://docs.tigera.io/calico/latest/reference/resources/tier
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from math import inf
from typing import Final

from podwall.calico import CalicoEnd, CalicoPolicy, CalicoRule, CalicoSet, CalicoTier
from podwall.model import (
    ISOLATION,
    PortRule,
    Snapshot,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.reachability.calico_peers import CalicoPeers, perhaps

__all__ = ["calico_tiers", "unplaced"]

_DEFAULT: Final = "default"
_THEIRS: Final = 1000.0
_ADMIN: Final = 1000.0
_DEFAULT_TIER: Final = 1_000_000.0
_BUILT_IN: Final = frozenset({
    "kube-admin", "kube-baseline", "adminnetworkpolicy", "baselineadminnetworkpolicy",
})  # fmt: skip


def unplaced(snapshot: Snapshot) -> tuple[CalicoPolicy, ...]:
    """Return the policies of which it is not known where they stand: their tier is not shown.

    Those in a tier that Calico keeps for other kinds are none that it takes.
    """
    known = {_DEFAULT, *(each.name for each in _tiers(snapshot))}
    return tuple(each for each in _policies(snapshot) if each.tier not in known)


def calico_tiers(snapshot: Snapshot) -> Iterator[TierPolicy]:
    """Yield the policies of Calico's kinds as policies with tiers, in order."""
    policies = _policies(snapshot)
    sets = tuple({(each.namespace, each.name): each for each in snapshot.calico_sets}.values())
    tiers = _tiers(snapshot)
    ends = not any(_place(each) is TierName.CALICO_LAST for each in tiers)
    make = _Maker(snapshot, sets, policies)
    for rank, tier in enumerate(tiers, 1):
        here = [each for each in policies if each.tier == tier.name]
        yield from make.own_tier(_place(tier), rank, here, tier)
    yield from make.default_tier([each for each in policies if each.tier == _DEFAULT], ends=ends)


def _policies(snapshot: Snapshot) -> list[CalicoPolicy]:
    last = {(each.kind, each.namespace, each.name): each for each in snapshot.calico_policies}
    return list(last.values())


def _tiers(snapshot: Snapshot) -> list[CalicoTier]:
    """Return the tiers of a cluster's own, in order."""
    last = {each.name: each for each in snapshot.calico_tiers}
    own = [each for each in last.values() if each.name not in {_DEFAULT, *_BUILT_IN}]
    return sorted(own, key=lambda each: (inf if each.order is None else each.order, each.name))


def _place(tier: CalicoTier) -> TierName:
    order = inf if tier.order is None else tier.order
    if order >= _DEFAULT_TIER:
        return TierName.CALICO_LAST
    return TierName.CALICO_FIRST if order < _ADMIN else TierName.CALICO


_BEFORE: Final = {"Allow": TierAction.ACCEPT, "Deny": TierAction.DENY, "Pass": TierAction.PASS}
_LAST_RANK: Final = 1 << 20
_AT_THE_END: Final = 1 << 20


class _Maker:
    """Makes the policies of one cluster."""

    def __init__(
        self, snapshot: Snapshot, sets: Sequence[CalicoSet], policies: Sequence[CalicoPolicy]
    ) -> None:
        self._peers = CalicoPeers(snapshot, sets)
        self._policies = policies
        self._network_policies = tuple(
            (namespace, each.name)
            for each in snapshot.policies
            if isinstance(namespace := each.namespace, str)
        )

    def own_tier(
        self, place: TierName, rank: int, policies: Sequence[CalicoPolicy], tier: CalicoTier
    ) -> Iterator[TierPolicy]:
        """Yield a tier of the cluster's own, with what becomes of what nothing matches."""
        yield from self._ordered(place, rank, policies, _BEFORE)
        if not tier.passes:
            yield from self._end(place, rank, policies)

    def default_tier(self, policies: Sequence[CalicoPolicy], *, ends: bool) -> Iterator[TierPolicy]:
        """Yield the tier in which NetworkPolicies are; with `ends` no tier comes after it."""
        later = Unknown("a tier after `default` may decide what is passed on")
        passing: TierAction | Unknown = TierAction.ACCEPT if ends else later
        same = Unknown("a policy has the order of NetworkPolicies, 1000")
        before = {**_BEFORE, "Pass": passing}
        after: dict[str, TierAction | Unknown] = {
            "Allow": TierAction.ACCEPT,
            "Deny": TierAction.PASS,
            "Pass": passing,
        }
        orders = [inf if each.order is None else each.order for each in policies]
        pairs = list(zip(policies, orders, strict=True))
        ordinary = self._network_policies
        equal = {id(each): _beside(each, ordinary) for each, order in pairs if order == _THEIRS}
        first = [each for each, order in pairs if order < _THEIRS or equal.get(id(each)) == _FIRST]
        unsure = [each for each, _ in pairs if equal.get(id(each)) == _EITHER]
        last = [each for each, order in pairs if order > _THEIRS or equal.get(id(each)) == _LAST]
        yield from self._ordered(TierName.CALICO, _LAST_RANK, first, before)
        beside: dict[str, TierAction | Unknown] = {
            "Allow": TierAction.ACCEPT,
            "Deny": same,
            "Pass": same,
        }
        yield from self._ordered(TierName.CALICO, _LAST_RANK + 1, unsure, beside)
        yield from self._ordered(TierName.CALICO, _LAST_RANK + 2, last, after)
        yield from self._end(TierName.CALICO_LAST, 0, policies)

    def _ordered(
        self,
        place: TierName,
        rank: int,
        policies: Sequence[CalicoPolicy],
        actions: Mapping[str, TierAction | Unknown],
    ) -> Iterator[TierPolicy]:
        priority = 0
        for same in _stages(policies):
            if len(same) == 1:
                for own, rules in _cuts(same[0]):
                    where = (place, rank, priority)
                    yield from self._part(where, same[0], own, rules, actions)
                    priority += 1
                continue
            for policy in same:
                whole = {way: tuple(policy.rules(way) or ()) for way in Direction}
                where = (place, rank, priority)
                yield from self._part(where, policy, _ANYONE, whole, actions)
            priority += 1

    def _part(
        self,
        where: tuple[TierName, int, int],
        policy: CalicoPolicy,
        own: CalicoEnd,
        rules: Mapping[Direction, tuple[CalicoRule, ...]],
        actions: Mapping[str, TierAction | Unknown],
    ) -> Iterator[TierPolicy]:
        """Yield some rules of a policy, as far as they are about the pods that `own` asks for."""
        made = {
            way: tuple(self._rule(policy, way, each, actions, own) for each in rules[way])
            for way in Direction
        }
        yield from self._of(where, policy, made, own)

    def _end(
        self, place: TierName, rank: int, policies: Sequence[CalicoPolicy]
    ) -> Iterator[TierPolicy]:
        """Yield the default action of a tier, for the pods that its policies select."""
        for policy in policies:
            rules = {
                way: (TierRule(TierAction.DENY, None, name=ISOLATION, written="spec"),)
                if policy.rules(way) is not None
                else ()
                for way in Direction
            }
            yield from self._of((place, rank, _AT_THE_END), policy, rules, _ANYONE)

    def _of(
        self,
        where: tuple[TierName, int, int],
        policy: CalicoPolicy,
        rules: Mapping[Direction, tuple[TierRule, ...]],
        own: CalicoEnd,
    ) -> Iterator[TierPolicy]:
        place, rank, priority = where
        ingress, egress = rules[Direction.INGRESS], rules[Direction.EGRESS]
        if not ingress and not egress:
            return
        full = policy.full_name.removeprefix(f"Calico {policy.kind} ")
        for subject in self._peers.subjects(policy, own):
            yield TierPolicy(
                f"Calico {policy.kind}",
                full,
                place,
                priority,
                subject,
                ingress,
                egress,
                policy.place,
                rank=rank,
            )

    def _rule(
        self,
        policy: CalicoPolicy,
        direction: Direction,
        rule: CalicoRule,
        actions: Mapping[str, TierAction | Unknown],
        own: CalicoEnd,
    ) -> TierRule:
        here, other = _ends(rule, direction)
        peers, ports = self._peers.of(policy, other, rule.ip_version), rule.ports
        doubts = [*rule.doubts, *other.doubts]
        if here not in {own, _ANYONE}:
            doubts.append("a rule asks for something of the policy's own pods")
        if rule.destination.service is not None and direction is Direction.EGRESS:
            ports = _common(ports, self._peers.ports(other))
        if doubts:
            peers = perhaps(peers, Unknown(doubts[0]))
        written = f"spec.{direction.field}[{rule.index}]"
        return TierRule(actions[rule.action], peers, ports, written=written)


_ANYONE: Final = CalicoEnd()
_Ports = tuple[PortRule | Unknown, ...] | None


def _ends(rule: CalicoRule, direction: Direction) -> tuple[CalicoEnd, CalicoEnd]:
    """Return what a rule asks of the policy's own pods, and of the other end."""
    ends = (rule.source, rule.destination)
    return ends if direction is Direction.EGRESS else ends[::-1]


def _cuts(
    policy: CalicoPolicy,
) -> Iterator[tuple[CalicoEnd, dict[Direction, tuple[CalicoRule, ...]]]]:
    """Yield the rules of a policy in parts, in order: those that ask the same of its own pods.

    What is asked by way of a service, or may be asked, is no part of its own.
    """
    for direction in Direction:
        rules = policy.rules(direction) or ()
        for own, some in groupby(rules, key=lambda each: _own(each, direction)):
            yield own, {**dict.fromkeys(Direction, ()), direction: tuple(some)}


def _own(rule: CalicoRule, direction: Direction) -> CalicoEnd:
    here, _ = _ends(rule, direction)
    return here if here.service is None and not here.doubts else _ANYONE


def _common(ports: _Ports, of_service: _Ports) -> _Ports:
    """Return the ports of a service that a rule means: its protocol leaves some of them."""
    if ports is None or of_service is None:
        return ports if of_service is None else of_service
    known = [each.protocol for each in ports if isinstance(each, PortRule)]
    return tuple(each for each in of_service if isinstance(each, Unknown) or each.protocol in known)


_FIRST: Final = "first"
_LAST: Final = "last"
_EITHER: Final = "either"


def _beside(policy: CalicoPolicy, ordinary: Sequence[tuple[str, str]]) -> str:
    """Return whether a policy of order 1000 comes before NetworkPolicies about its pods or after.

    `ordinary` are these by namespace and name.
    """
    theirs = (
        (f"{namespace}/knp.default.{name}",) * 2
        + (f"{name}/{namespace}/KubernetesNetworkPolicy",) * 2
        for namespace, name in ordinary
        if policy.namespace in {None, namespace}
    )
    found = {_comes(_sort_keys(policy), each) for each in theirs}
    return next(iter(found), _FIRST) if len(found) < _SEVERAL else _EITHER


_SEVERAL: Final = 2


def _sort_keys(policy: CalicoPolicy) -> tuple[str, ...]:
    """Return by what a policy is sorted, for each way to do so."""
    tier = f"{policy.tier}."
    bare = policy.name.removeprefix(tier)
    there = "" if policy.namespace is None else f"{policy.namespace}/"
    kind = f"{policy.namespace or ''}/{policy.kind}"
    before = (f"{there}{policy.name}", f"{there}{tier}{bare}")
    return (*before, f"{policy.name}/{kind}", f"{bare}/{kind}")


def _comes(one: Sequence[str], other: Sequence[str]) -> str:
    """Return which of two policies of one order comes first, whichever way they are sorted."""
    less = {mine < theirs for mine, theirs in zip(one, other, strict=True)}
    return _EITHER if len(less) > 1 else _FIRST if less.pop() else _LAST


def _stages(policies: Sequence[CalicoPolicy]) -> Iterator[tuple[CalicoPolicy, ...]]:
    """Yield policies in order; those between which there may be none together."""
    ordered = sorted(policies, key=_order)
    for _, group in groupby(ordered, key=_order):
        yield from _by_name(tuple(group))


def _by_name(same: tuple[CalicoPolicy, ...]) -> Iterator[tuple[CalicoPolicy, ...]]:
    """Yield policies of one order by name; all together where it is not sure for two of them."""
    if len(same) == 1:
        yield same
        return
    ordered = sorted(same, key=lambda each: (each.name, each.namespace or "", each.kind))
    for earlier, later in combinations(ordered, 2):
        sorted_so = _comes(_sort_keys(earlier), _sort_keys(later))
        if _may_meet(earlier, later) and sorted_so != _FIRST:
            yield tuple(ordered)
            return
    yield from ((each,) for each in ordered)


def _may_meet(one: CalicoPolicy, other: CalicoPolicy) -> bool:
    """Return whether two policies can be about the same pods."""
    return None in {one.namespace, other.namespace} or one.namespace == other.namespace


def _order(policy: CalicoPolicy) -> float:
    return inf if policy.order is None else policy.order
