"""Calico's own policies as policies with tiers, which stand around NetworkPolicies.

How it works: Calico goes through tiers in order, and in the tier `default` through its own policies
and NetworkPolicies, which have order 1000 there. A NetworkPolicy only allows, so that what comes
after it in the tier decides the same whether it is asked before or after, as long as what it denies
is left to the NetworkPolicies:

    order < 1000    first:  Allow -> Accept    Deny -> Deny    Pass -> Accept, nothing comes after
    order > 1000    then:   Allow -> Accept    Deny -> Pass    Pass -> Accept
    (NetworkPolicies)
    the end         last:   Deny of all that the policies select, as a tier's default action is

A selector is written as the ways in which it holds, each of which is a selector of Kubernetes; what
is said otherwise is perhaps. Policies of one order are gone through by name; of a global one and
one of a namespace that is not sure, so that there is no order between them.
https://docs.tigera.io/calico/latest/reference/resources/tier
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import inf
from typing import Final

from podwall.calico import (
    EVERYTHING,
    OUTSIDE_OF_NAMESPACES,
    AllOf,
    CalicoEnd,
    CalicoPolicy,
    CalicoRule,
    CalicoSet,
    CalicoTier,
    Expression,
    LabelTest,
    Not,
    alternatives,
    holds,
)
from podwall.model import (
    EMPTY_SELECTOR,
    ISOLATION,
    EntityPeer,
    IpNetwork,
    IpPeer,
    Operator,
    Peer,
    PodPeer,
    Selector,
    SelectorRequirement,
    Snapshot,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.addresses import is_strictly_inside
from podwall.policies.peers import METADATA_NAME
from podwall.policies.rules import Direction
from podwall.reachability.addresses import FAMILIES

__all__ = ["calico_tiers", "unplaced"]

_DEFAULT: Final = "default"
_NETWORK_POLICIES: Final = 1000.0
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


class _Maker:
    """Makes the policies of one cluster."""

    def __init__(
        self, snapshot: Snapshot, sets: Sequence[CalicoSet], policies: Sequence[CalicoPolicy]
    ) -> None:
        self._peers = _Peers(snapshot, sets)
        self._policies = policies

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
        first = [each for each, order in pairs if order < _NETWORK_POLICIES]
        equal = [each for each, order in pairs if order == _NETWORK_POLICIES]
        last = [each for each, order in pairs if order > _NETWORK_POLICIES]
        yield from self._ordered(TierName.CALICO, _LAST_RANK, first, before)
        beside: dict[str, TierAction | Unknown] = {
            "Allow": TierAction.ACCEPT,
            "Deny": same,
            "Pass": same,
        }
        yield from self._ordered(TierName.CALICO, _LAST_RANK + 1, equal, beside)
        yield from self._ordered(TierName.CALICO, _LAST_RANK + 2, last, after)
        yield from self._end(TierName.CALICO_LAST, 0, policies)

    def _ordered(
        self,
        place: TierName,
        rank: int,
        policies: Sequence[CalicoPolicy],
        actions: Mapping[str, TierAction | Unknown],
    ) -> Iterator[TierPolicy]:
        for priority, same in enumerate(_stages(policies)):
            for policy in same:
                rules = {
                    way: tuple(
                        self._rule(policy, way, rule, actions) for rule in policy.rules(way) or ()
                    )
                    for way in Direction
                }
                yield from self._of(place, rank, priority, policy, rules)

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
            yield from self._of(place, rank, len(policies) + 1, policy, rules)

    def _of(
        self,
        place: TierName,
        rank: int,
        priority: int,
        policy: CalicoPolicy,
        rules: Mapping[Direction, tuple[TierRule, ...]],
    ) -> Iterator[TierPolicy]:
        ingress, egress = rules[Direction.INGRESS], rules[Direction.EGRESS]
        if not ingress and not egress:
            return
        full = policy.full_name.removeprefix(f"Calico {policy.kind} ")
        for subject in self._peers.subjects(policy):
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
    ) -> TierRule:
        ends = (rule.source, rule.destination)
        other, own = ends if direction is Direction.INGRESS else ends[::-1]
        peers = self._peers.of(policy, other)
        doubts = [*rule.doubts, *other.doubts]
        if not own.is_anyone:
            doubts.append("a rule asks for something of the policy's own pods")
        if doubts:
            peers = _perhaps(peers, Unknown(doubts[0]))
        written = f"spec.{direction.field}[{rule.index}]"
        return TierRule(actions[rule.action], peers, rule.ports, written=written)


def _stages(policies: Sequence[CalicoPolicy]) -> Iterator[tuple[CalicoPolicy, ...]]:
    """Yield policies in order; those between which there may be none together."""
    ordered = sorted(policies, key=_order)
    for _, group in groupby(ordered, key=_order):
        same = sorted(group, key=lambda each: each.name)
        if len({each.namespace is None for each in same}) > 1:
            yield tuple(same)
        else:
            yield from ((each,) for each in same)


def _order(policy: CalicoPolicy) -> float:
    return inf if policy.order is None else policy.order


_Peers_ = tuple[Peer, ...] | None


def _perhaps(peers: _Peers_, why: Unknown) -> tuple[Peer, ...]:
    """Return peers of which it is not known whether they are meant."""
    if peers is None:
        return (why,)
    return tuple(
        replace(each, pods=replace(each.pods, unknown=why)) if isinstance(each, PodPeer) else why
        for each in peers
    )


class _Peers:
    """Whom selectors and networks mean."""

    def __init__(self, snapshot: Snapshot, sets: Sequence[CalicoSet]) -> None:
        self._sets = sets
        self._labels = {each.name: dict(each.labels.items) for each in snapshot.namespaces}

    def subjects(self, policy: CalicoPolicy) -> tuple[PodPeer, ...]:
        """Return the pods that a policy is about, as one or several selectors."""
        spaces = policy.namespaces if policy.namespace is None else _named(policy.namespace)
        found = tuple(_pods(policy.selector, spaces))
        if not policy.by_account:
            return found
        why = Unknown("the service accounts of pods are not read")
        return tuple(replace(each, pods=replace(each.pods, unknown=why)) for each in found)

    def of(self, policy: CalicoPolicy, end: CalicoEnd) -> _Peers_:
        """Return whom the source or the destination of a rule means; None is everyone."""
        selectors = (end.selector, end.not_selector, end.namespaces)
        if not end.pods_only and all(each is None for each in selectors):
            return _blocks(end.nets, end.not_nets)
        peers = tuple(self._selected(policy, end))
        if end.nets or end.not_nets:
            return _perhaps(peers, Unknown("a rule asks for addresses beside labels"))
        return peers

    def _selected(self, policy: CalicoPolicy, end: CalicoEnd) -> Iterator[Peer]:
        wanted = AllOf((end.selector or EVERYTHING, Not(end.not_selector or Not(EVERYTHING))))
        spaces = end.namespaces
        if spaces is None and policy.namespace is not None:
            spaces = _named(policy.namespace)
        if spaces != OUTSIDE_OF_NAMESPACES:
            yield from _pods(wanted, spaces or EVERYTHING)
        for each in self._sets:
            chosen = holds(wanted, dict(each.labels)) and self._is_in(each, spaces)
            yield from (IpPeer(net) for net in each.nets if chosen)
        if spaces is None and end.selector is None and not end.pods_only:
            yield from self._everything_else(end)

    def _is_in(self, each: CalicoSet, spaces: Expression | None) -> bool:
        """Return whether a set stands where a selector of namespaces says."""
        if each.namespace is None:
            return spaces is None or spaces == OUTSIDE_OF_NAMESPACES
        if spaces is None:
            return True
        labels = {**self._labels.get(each.namespace, {}), METADATA_NAME: each.namespace}
        known = {key: value for key, value in labels.items() if isinstance(value, str)}
        return spaces != OUTSIDE_OF_NAMESPACES and holds(
            spaces, {**known, _CALICO_NAME: each.namespace}
        )

    def _everything_else(self, end: CalicoEnd) -> Iterator[Peer]:
        """Yield what is no pod, of which a `notSelector` alone leaves out nothing but sets."""
        assert end.not_selector is not None
        left_out = [each for each in self._sets if holds(end.not_selector, dict(each.labels))]
        meant: bool | Unknown = True
        if left_out:
            meant = Unknown(f"a rule leaves out the networks of `{left_out[0].name}`")
        yield EntityPeer("everything that is no pod", False, meant, meant, meant)


_CALICO_NAME: Final = "projectcalico.org/name"
_CALICO_NAMESPACE: Final = "projectcalico.org/namespace"
_OF_NAMESPACE: Final = "pcns."
_ORCHESTRATOR: Final = "projectcalico.org/orchestrator"
_OF_ACCOUNT: Final = ("projectcalico.org/serviceaccount", "pcsa.")


def _named(namespace: str) -> Expression:
    return LabelTest(METADATA_NAME, "in", (namespace,))


def _blocks(nets: Iterable[IpNetwork], left_out: Iterable[IpNetwork]) -> _Peers_:
    """Return addresses, those of pods and nodes included; None is everyone."""
    listed, gaps = tuple(nets), tuple(left_out)
    if not listed and not gaps:
        return None
    return tuple(
        IpPeer(net, tuple(each for each in gaps if is_strictly_inside(each, net)))
        for net in listed or FAMILIES
        if not any(each == net or is_strictly_inside(net, each) for each in gaps)
    )


def _pods(pods: Expression, spaces: Expression) -> Iterator[PodPeer]:
    """Yield selectors of pods and namespaces which together mean what two expressions mean."""
    of_pods, of_spaces = alternatives(pods), alternatives(spaces)
    if of_pods is None or of_spaces is None:
        yield _doubtful("a selector holds in too many ways")
        return
    for way in of_pods:
        for space in of_spaces:
            found = _pod_peer(way, space)
            if found is not None:
                yield found


def _doubtful(cause: str) -> PodPeer:
    return PodPeer(Selector((), Unknown(cause)), EMPTY_SELECTOR)


def _pod_peer(
    way: Iterable[tuple[Expression, bool]], space: Iterable[tuple[Expression, bool]]
) -> PodPeer | None:
    """Return the pods of one way in which two expressions hold; None if no pod can be."""
    own: list[SelectorRequirement] = []
    theirs: list[SelectorRequirement] = []
    unknown = None
    tests = [*((each, True, wanted) for each, wanted in way),
             *((each, False, wanted) for each, wanted in space)]  # fmt: skip
    for test, is_pods, wanted in tests:
        if not isinstance(test, LabelTest):
            if wanted:
                return None
            continue
        if is_pods and test.key == _ORCHESTRATOR:
            if holds(test, {_ORCHESTRATOR: "k8s"}) is not wanted:
                return None
            continue
        if is_pods and test.key.startswith(_OF_ACCOUNT):
            unknown = Unknown("the service accounts of pods are not read")
            continue
        key, of_space = _key(test.key, is_pods=is_pods)
        made = _requirement(replace(test, key=key), wanted=wanted)
        if isinstance(made, Unknown):
            unknown = made
        else:
            (theirs if of_space else own).append(made)
    return PodPeer(Selector(tuple(own), unknown), Selector(tuple(theirs)))


def _key(key: str, *, is_pods: bool) -> tuple[str, bool]:
    """Return the label that a key means, and whether it is one of the namespace."""
    if not is_pods:
        return (METADATA_NAME if key == _CALICO_NAME else key), True
    if key == _CALICO_NAMESPACE:
        return METADATA_NAME, True
    if key.startswith(_OF_NAMESPACE):
        return _key(key.removeprefix(_OF_NAMESPACE), is_pods=False)
    return key, False


def _requirement(test: LabelTest, *, wanted: bool) -> SelectorRequirement | Unknown:
    if test.word == "has":
        operator = Operator.EXISTS if wanted else Operator.DOES_NOT_EXIST
        return SelectorRequirement(test.key, operator)
    if test.word == "in" and test.values:
        return SelectorRequirement(
            test.key, Operator.IN if wanted else Operator.NOT_IN, test.values
        )
    return Unknown(f"which pods have a `{test.key}` that {test.word} a text is not compared")
