"""Start here: one pair of endpoints taken through every policy and rule, one after another.

This is what NetworkPolicies mean, written so that it can be read:

0. Policies with tiers come first and last: what the Admin tier decides is final, what no policy
   isolates is for the Baseline tier to decide (`tier_replay`).
1. A pod is isolated in a direction if some policy of that direction selects it; else all passes.
2. A rule allows its ports if one of its peers is the other end; a policy allows what its rules do.
3. All policies that isolate the pod add up, together with what passes whatever they say.
4. A connection needs the egress side of the source and the ingress side of the destination.
5. What a policy that is not read may overrule is certain no more, whatever the others say.

Something unknown makes two bounds of every step. The analysis of all pairs (`analysis`) has to
give the same answers, which tests compare; the replay also says why, so `explain` is built on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import partial, reduce
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

from podwall.engines import Engine, Treatment
from podwall.model import (
    EntityPeer,
    IpPeer,
    PodPeer,
    Policy,
    Rule,
    Service,
    SnapshotWorkload,
    Unknown,
    UnreadPolicy,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability.cluster import (
    NO,
    YES,
    EnforcedCluster,
    MatchAnswer,
    MatchAnswers,
    group_key,
    rules_of,
    unknown_direction,
)
from podwall.reachability.matching import (
    FAMILIES,
    Match,
    host_match,
    is_ipv6,
    is_local_dns,
    network_ranges,
)
from podwall.reachability.policy_reader import overruled, overruling
from podwall.reachability.port_rules import (
    FROM_OWN_NODE,
    OWN_NODE,
    OWN_NODE_LINK,
    UNSEEN_PORTS,
    NamedPorts,
    exposed_ports,
    hides_clients,
    opens,
    passes_own_node,
)
from podwall.reachability.replayed import (
    Doubt,
    Exemption,
    PairReplay,
    PeerReplay,
    PolicyReplay,
    RecentNumbers,
    RuleReplay,
    SideReplay,
    stated_by,
)
from podwall.reachability.tier_replay import (
    TierOutcome,
    TierReplays,
    TierSideReplay,
    outcome_around,
)
from podwall.reachability.values import (
    ALL,
    NOTHING,
    AnyEndpoint,
    Bounds,
    ExternalRange,
    HidingNode,
    NodeEndpoint,
    UnseenPods,
    WorkloadEndpoint,
    known_addresses,
)

__all__ = [
    "Doubt",
    "Exemption",
    "PairReplay",
    "PeerReplay",
    "PolicyReplay",
    "Replay",
    "RuleReplay",
    "SideReplay",
    "stated_by",
]


T = TypeVar("T")

_MOST_KEPT: Final = 1 << 14


class _BoundedCache(Generic[T]):
    """Answers that the pairs of a large cluster ask for again and again, while there is room."""

    def __init__(self) -> None:
        self._known: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = self._known[key] = make()
        return found


class _Ruled(NamedTuple):
    """The rules of a policy about an end, and what they allow together."""

    rules: tuple[RuleReplay, ...]
    allowed: Bounds


class Replay:
    """Replays pairs of endpoints of one cluster under one engine."""

    def __init__(self, cluster: EnforcedCluster) -> None:
        """Sort the policies by namespace."""
        self._cluster = cluster
        self._answers = MatchAnswers(cluster)
        self._tiers = TierReplays(cluster, self._answers)
        self._replayed = _BoundedCache["_Ruled"]()
        self._sides = _BoundedCache[SideReplay]()
        self._ports = _BoundedCache[Bounds]()
        self._numbers = RecentNumbers(_MOST_KEPT)
        self._policies: defaultdict[str | Unknown, list[Policy]] = defaultdict(list)
        for policy in cluster.policies:
            self._policies[policy.namespace].append(policy)
        self._anywhere = _of_unknown_namespaces(self._policies)
        self._isolating = _BoundedCache["tuple[tuple[Policy, MatchAnswer], ...]"]()

    def instead(self, known: Policy | None, other: Policy | None) -> Replay:
        """Return a replay with another policy in the place of one; None is no policy."""
        found = copy(self)
        there = found._policies = self._policies.copy()  # noqa: SLF001 - its own copy, as below
        for each in (known, other):
            if each is not None:
                there[each.namespace] = [one for one in there[each.namespace] if one is not known]
        if other is not None:
            there[other.namespace].append(other)
        found._anywhere = _of_unknown_namespaces(there)  # noqa: SLF001
        found._isolating = _BoundedCache()  # noqa: SLF001
        return found

    def pair(self, source: AnyEndpoint, destination: AnyEndpoint) -> PairReplay:
        """Replay what may pass from one endpoint to another, or between two pods of one."""
        return PairReplay(
            source,
            destination,
            self.side(Direction.EGRESS, source, destination),
            self.side(Direction.INGRESS, destination, source),
        )

    def side(self, direction: Direction, subject: AnyEndpoint, other: AnyEndpoint) -> SideReplay:
        """Replay the rules about one end of a pair: of the source to send, or the other's."""
        if isinstance(subject, ExternalRange):
            return SideReplay(direction, subject, (), (), ALL)
        is_shown = bool(namespaces_of(subject))
        policies = tuple(self._consulted(direction, subject, other)) if is_shown else ()
        unread = tuple(self._unread(direction, subject)) if is_shown else ()
        tiers = self._tiers_around(direction, subject, other)
        if not policies and not unread and not tiers:
            return SideReplay(direction, subject, (), (), ALL)
        exempt = tuple(self._exemptions(direction, subject, other))
        by = overruling(unread)
        stated = overruled(stated_by(policies, tiers), by)
        hidden: tuple[Exemption, ...] = ()
        if direction is Direction.INGRESS and isinstance(other, ExternalRange):
            node = HidingNode(FAMILIES[is_ipv6(other.network)])
            seen = tuple(self._consulted(direction, subject, node)) if is_shown else ()
            at_node = self._tiers_around(direction, subject, node)
            as_node = overruled(stated_by(seen, at_node), by)
            apart = _first_tiers(tiers).differs_from(_first_tiers(at_node))
            unlike = (stated.must - as_node.must) | (as_node.may - stated.may) | apart
            hidden = tuple(self._hidden(subject, unlike))
            lost = PortSet.union(each.allowed.may for each in hidden)
            may = stated.may | (lost & (as_node.may | apart))
            stated = Bounds(stated.must - lost, may, stated.causes)
        allowed = stated | Bounds.union(each.allowed for each in exempt)
        return SideReplay(direction, subject, policies, exempt, allowed, unread, hidden, tiers)

    def passing(self, source: AnyEndpoint, destination: AnyEndpoint) -> Bounds:
        """Return what both sides of a pair allow, each kept for whoever asks for it again.

        It is kept by the policies that isolate an end, so that replays with another policy instead
        of one share what that policy has nothing to do with.
        """
        sent = self._kept_side(Direction.EGRESS, source, destination)
        return sent.allowed & self._kept_side(Direction.INGRESS, destination, source).allowed

    def _kept_side(
        self, direction: Direction, subject: AnyEndpoint, other: AnyEndpoint
    ) -> SideReplay:
        isolating = () if isinstance(subject, ExternalRange) else self.isolating(direction, subject)
        policies = tuple(id(policy) for policy, _ in isolating)
        return self._sides.get(
            (direction, self._key(subject), self._key(other), policies),
            partial(self.side, direction, subject, other),
        )

    def _hidden(
        self, subject: WorkloadEndpoint | UnseenPods, ports: PortSet
    ) -> Iterator[Exemption]:
        """Yield the services that hide clients on some of the ports, which nodes use otherwise."""
        engine = self._cluster.engine
        for service in self._cluster.services if ports and hides_clients(engine) else ():
            for each in self._exposed(service, subject):
                if lost := each.allowed.may & ports:
                    causes = (f"service `{service.name}`: {engine.cluster_services.says}",)
                    yield replace(each, allowed=Bounds.perhaps(lost, *causes))

    def _tiers_around(
        self, direction: Direction, subject: AnyEndpoint, other: AnyEndpoint | HidingNode
    ) -> tuple[TierSideReplay, ...]:
        if not self._cluster.tiers:
            return ()
        names = _names(subject if direction is Direction.INGRESS else other)
        return self._tiers.side(direction, subject, other, names)

    def _unread(
        self, direction: Direction, subject: WorkloadEndpoint | UnseenPods
    ) -> Iterator[UnreadPolicy]:
        """Yield the policies that are not read and may be about the subject."""
        for policy in self._cluster.unread:
            if direction not in policy.directions:
                continue
            if self._answers.pods_of_unread(policy, _pods(subject)).match is not Match.NO:
                yield policy

    def _consulted(
        self,
        direction: Direction,
        subject: WorkloadEndpoint | UnseenPods,
        other: AnyEndpoint | HidingNode,
    ) -> Iterator[PolicyReplay]:
        """Yield the policies that isolate the subject, or may do so."""
        names = _names(subject if direction is Direction.INGRESS else other)
        for policy, selects in self.isolating(direction, subject):
            replayed = self._rules_on(policy, direction, other, names)
            group = group_key(policy, direction, (policy.namespace, policy.pod_selector))
            yield PolicyReplay(policy, selects, replayed.rules, group, replayed.allowed)

    def isolating(
        self, direction: Direction, subject: WorkloadEndpoint | UnseenPods
    ) -> tuple[tuple[Policy, MatchAnswer], ...]:
        """Return the policies that isolate a pod or may do so, and whether they do."""
        return self._isolating.get(
            (direction, self._key(subject)), lambda: tuple(self._selecting(direction, subject))
        )

    def rules(
        self,
        policy: Policy,
        direction: Direction,
        subject: WorkloadEndpoint | UnseenPods,
        other: AnyEndpoint,
    ) -> tuple[RuleReplay, ...]:
        """Return each rule of a policy that isolates the subject, with what it allows the other."""
        names = _names(subject if direction is Direction.INGRESS else other)
        return self._rules_on(policy, direction, other, names).rules

    def allowed_by(
        self,
        policy: Policy,
        direction: Direction,
        subject: WorkloadEndpoint | UnseenPods,
        other: AnyEndpoint,
    ) -> Bounds:
        """Return what a policy allows the other end, should it isolate the subject."""
        names = _names(subject if direction is Direction.INGRESS else other)
        return self._rules_on(policy, direction, other, names).allowed

    def _rules_on(
        self,
        policy: Policy,
        direction: Direction,
        other: AnyEndpoint | HidingNode,
        names: NamedPorts,
    ) -> _Ruled:
        return self._replayed.get(
            (direction, id(policy), self._key(other), self._named(names)),
            partial(self._rules, policy, direction, other, names),
        )

    def _selecting(
        self, direction: Direction, subject: WorkloadEndpoint | UnseenPods
    ) -> Iterator[tuple[Policy, MatchAnswer]]:
        """Yield the policies that isolate a pod or may do so, and whether they do."""
        for policy in self._policies_around(subject):
            if rules_of(policy, direction) is not None:
                selects = self._selects(policy, direction, subject)
                if selects.match is not Match.NO:
                    yield policy, selects

    def _rules(
        self,
        policy: Policy,
        direction: Direction,
        other: AnyEndpoint | HidingNode,
        names: NamedPorts,
    ) -> _Ruled:
        """Return each rule of a policy, with what it allows the other end."""
        rules = enumerate(rules_of(policy, direction) or ())
        found = tuple(self._rule(policy, direction, each, other, names) for each in rules)
        return _Ruled(found, Bounds.union(each.allowed for each in found))

    def _policies_around(self, subject: WorkloadEndpoint | UnseenPods) -> Iterator[Policy]:
        """Yield the policies that may be in the namespace of pods."""
        names = namespaces_of(subject)
        if any(isinstance(each, Unknown) for each in names):
            yield from chain.from_iterable(self._policies.values())
        else:
            yield from chain.from_iterable(self._policies.get(each, ()) for each in names)
            yield from self._anywhere

    def _selects(
        self, policy: Policy, direction: Direction, subject: WorkloadEndpoint | UnseenPods
    ) -> MatchAnswer:
        pods = self._answers.pods(policy.namespace, policy.pod_selector, _pods(subject))
        unknown = unknown_direction(policy, direction)
        return pods if unknown is None else pods & MatchAnswer(Match.MAYBE, (unknown.cause,))

    def _rule(
        self,
        policy: Policy,
        direction: Direction,
        numbered: tuple[int, Rule | Unknown],
        other: AnyEndpoint | HidingNode,
        names: NamedPorts,
    ) -> RuleReplay:
        index, rule = numbered
        if isinstance(rule, Unknown):
            doubt = MatchAnswer(Match.MAYBE, (rule.cause,))
            allowed = Bounds.perhaps(ALL_PORTS, rule.cause)
            return RuleReplay(index, rule, (), doubt, ALL, allowed)
        peers = tuple(self._peers(policy, rule, other))
        matches = reduce(MatchAnswer.__or__, (each.answer for each in peers), NO)
        if rule.peers is None:
            matches = YES
        ports = self._ports.get(
            (self._numbers.of(rule.ports), self._named(names), direction),
            partial(self._cluster.ports.bounds, rule.ports, names, direction),
        )
        return RuleReplay(index, rule, peers, matches, ports, _allowed(matches, ports))

    def _key(self, end: AnyEndpoint | HidingNode) -> Hashable:
        return self._numbers.of(end) if isinstance(end, HidingNode | UnseenPods) else end.id

    def _named(self, names: NamedPorts) -> tuple[int, int]:
        """Return numbers that are equal for ends that name their ports alike."""
        return self._numbers.of(names.ports), self._numbers.of(names.open)

    def _peers(
        self, policy: Policy, rule: Rule, other: AnyEndpoint | HidingNode
    ) -> Iterator[PeerReplay]:
        if isinstance(rule.peers, Unknown):
            yield PeerReplay(rule.peers, MatchAnswer(Match.MAYBE, (rule.peers.cause,)))
            return
        for peer in rule.peers or ():
            if isinstance(peer, Unknown):
                yield PeerReplay(peer, MatchAnswer(Match.MAYBE, (peer.cause,)))
            elif isinstance(peer, EntityPeer):
                yield PeerReplay(peer, self._answers.entity(peer, other))
            elif isinstance(peer, PodPeer):
                yield PeerReplay(peer, self._pods(policy, peer, other))
        blocks = tuple(peer for peer in rule.peers or () if isinstance(peer, IpPeer))
        if blocks:
            yield PeerReplay(blocks, self._answers.blocks(blocks, other))

    def _pods(self, policy: Policy, peer: PodPeer, other: AnyEndpoint | HidingNode) -> MatchAnswer:
        if isinstance(other, ExternalRange | HidingNode):
            return NO
        return self._answers.peer(policy.namespace, peer, _pods(other))

    def _exemptions(
        self, direction: Direction, subject: WorkloadEndpoint | UnseenPods, other: AnyEndpoint
    ) -> Iterator[Exemption]:
        engine = self._cluster.engine
        if isinstance(other, ExternalRange):
            on_host = self._cluster.are_nodes(network_ranges(other.network))
        else:
            on_host = isinstance(other, WorkloadEndpoint) and bool(host_match(other.workload))
        if on_host and passes_own_node(engine, direction):
            yield from _own_node(engine, direction, subject, other)
        backend = subject if direction is Direction.INGRESS else other
        if not isinstance(backend, ExternalRange) and opens(engine, direction):
            for service in self._cluster.services:
                yield from self._exposed(service, backend)

    def _exposed(
        self, service: Service, backend: WorkloadEndpoint | UnseenPods
    ) -> Iterator[Exemption]:
        """Yield the ports that a service opens on a backend, if it is one."""
        assert service.selector is not None
        engine = self._cluster.engine
        selects = self._answers.pods(service.namespace, service.selector, _pods(backend))
        if selects.match is not Match.NO:
            found = exposed_ports(service, selects.match, _names(backend), engine)
            ports = Bounds(found.must, found.may, (*found.causes, *selects.causes))
            fact = engine.cluster_services
            yield Exemption(f"service `{service.name}`: {fact.says}", fact.link, ports)


def _of_unknown_namespaces(policies: Mapping[str | Unknown, list[Policy]]) -> list[Policy]:
    """Return the policies that may be in any namespace."""
    unknown = (each for name, each in policies.items() if isinstance(name, Unknown))
    return list(chain.from_iterable(unknown))


def _pods(end: WorkloadEndpoint | UnseenPods) -> SnapshotWorkload | UnseenPods:
    return end if isinstance(end, UnseenPods) else end.workload


def namespaces_of(pods: WorkloadEndpoint | UnseenPods) -> tuple[str | Unknown, ...]:
    """Return the namespaces in which pods may be, as far as they are shown."""
    if isinstance(pods, WorkloadEndpoint):
        return (pods.workload.namespace,)
    return pods.namespaces if isinstance(pods.namespaces, tuple) else ()


def _own_node(
    engine: Engine, direction: Direction, subject: AnyEndpoint, other: AnyEndpoint
) -> Iterator[Exemption]:
    """Yield that a pod's own node passes, unless it is known to run on another one.

    Of pods on the host network that is not looked at: the same holds for all of a workload. That
    LocalDNS is on the own node is known, but not whether it is there.
    """
    if is_local_dns(network_ranges(*known_addresses(other))):
        fact = engine.local_dns
        if direction is Direction.EGRESS and fact.value is Treatment.OPEN:
            yield Exemption(fact.says, fact.link, Bounds.perhaps(ALL_PORTS, fact.says))
        return
    node = subject.workload.node if isinstance(subject, WorkloadEndpoint) else None
    if not isinstance(other, NodeEndpoint) or node is None:
        yield Exemption(OWN_NODE, OWN_NODE_LINK, Bounds.perhaps(ALL_PORTS, OWN_NODE))
    elif node == other.workload.node:
        fact = engine.own_node_egress
        if direction is Direction.INGRESS:
            yield Exemption(FROM_OWN_NODE, OWN_NODE_LINK, ALL)
        elif fact.value is Treatment.OPEN:
            yield Exemption(fact.says, fact.link, ALL)
        else:
            yield Exemption(fact.says, fact.link, Bounds.perhaps(ALL_PORTS, fact.says))


def _names(endpoint: AnyEndpoint | HidingNode) -> NamedPorts:
    """Return the names of an endpoint's ports; addresses and nodes have none."""
    if isinstance(endpoint, UnseenPods):
        return UNSEEN_PORTS
    if isinstance(endpoint, ExternalRange | HidingNode):
        return NamedPorts()
    if host_match(endpoint.workload) is Match.YES:
        return NamedPorts()
    return NamedPorts(endpoint.workload.ports, endpoint.workload.open_ports)


def _allowed(matches: MatchAnswer, ports: Bounds) -> Bounds:
    """Return what a rule allows whose peers match so surely."""
    match matches.match:
        case Match.YES:
            return ports
        case Match.MAYBE:
            return Bounds.perhaps(ports.may, *matches.causes, *ports.causes)
        case Match.NO:
            return NOTHING


def _first_tiers(tiers: tuple[TierSideReplay, ...]) -> TierOutcome:
    return outcome_around({each.where: each.outcome for each in tiers}, first=True)
