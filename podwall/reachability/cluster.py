"""A snapshot as one engine reads it: which policies and services act, and whom they match.

The analysis of all pairs and the replay of one pair both start from here. `MatchAnswers` answers
whether a single selector, peer or list of ip blocks matches one endpoint, and why that is in doubt.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final

from podwall.engines import BlockMatch, Engine, Fact, Treatment
from podwall.intervals import Ranges, includes
from podwall.model import (
    EMPTY_SELECTOR,
    IpPeer,
    LabelMap,
    PodPeer,
    Policy,
    Rule,
    Selector,
    Service,
    Snapshot,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.reachability.addresses import (
    AddressBounds,
    address_bounds,
    block_ranges,
    blocks_match,
    first_address,
    is_ipv6,
    known_address_bounds,
)
from podwall.reachability.matching import (
    Match,
    NamespaceLabels,
    doubts_of,
    host_match,
    labels_match,
)
from podwall.reachability.port_rules import PortReader
from podwall.reachability.values import Endpoint, ExternalRange

__all__ = [
    "NO",
    "YES",
    "EnforcedCluster",
    "MatchAnswer",
    "MatchAnswers",
    "Rules",
    "group_key",
    "rules_of",
    "same_namespace",
    "unknown_direction",
]


Rules = tuple[Rule | Unknown, ...]


class EnforcedCluster:
    """The acting policies and services of a snapshot under one engine.

    Of objects with the same kind, namespace and name the last one counts, as in a cluster.
    """

    def __init__(self, snapshot: Snapshot, engine: Engine) -> None:
        """Leave out what does not act."""
        self.snapshot = snapshot
        self.engine = engine
        self.workloads = _last_of_each(snapshot)
        self.policies = _acting(snapshot, engine)
        self.services = tuple(_exposing(snapshot, engine))
        self.namespaces = NamespaceLabels(snapshot)
        self.ports = PortReader(snapshot, engine)
        self.pods_at = address_bounds(snapshot.pod_cidrs)
        self.nodes_at = address_bounds(())

    def idle_blocks(self) -> set[IpPeer]:
        """Return the ip blocks of policies that do not act: they cut the outside all the same."""
        acting = {id(policy) for policy in self.policies}
        idle = (policy for policy in self.snapshot.policies if id(policy) not in acting)
        return {block for policy in idle for block in _blocks(policy)}


def rules_of(policy: Policy, direction: Direction) -> Rules | None:
    """Return a policy's rules in a direction, None where it does not isolate it.

    A direction that is not known yet may isolate and allow anything: one unknown rule.
    """
    rules = policy.ingress if direction is Direction.INGRESS else policy.egress
    return (rules,) if isinstance(rules, Unknown) else rules


def unknown_direction(policy: Policy, direction: Direction) -> Unknown | None:
    """Return why it is not known whether a policy isolates in a direction, if it is not."""
    rules = policy.ingress if direction is Direction.INGRESS else policy.egress
    return rules if isinstance(rules, Unknown) else None


def group_key(policy: Policy, direction: Direction, target: Hashable) -> Hashable:
    """Return a key that is equal for policies that certainly isolate the same pods.

    `target` differs where the policies' namespaces or selectors do. Two equal ones with something
    unknown in them need not turn out equal.
    """
    known = (
        policy.pod_selector.is_known
        and isinstance(policy.namespace, str)
        and unknown_direction(policy, direction) is None
    )
    return target if known else (id(policy), None)


def _last_of_each(snapshot: Snapshot) -> tuple[SnapshotWorkload, ...]:
    last = {
        (each.namespace, each.kind, each.name): number
        for number, each in enumerate(snapshot.workloads)
    }
    if len(last) == len(snapshot.workloads):
        return snapshot.workloads
    return tuple(
        each
        for number, each in enumerate(snapshot.workloads)
        if isinstance(each.namespace, Unknown)
        or last[each.namespace, each.kind, each.name] == number
    )


def _acting(snapshot: Snapshot, engine: Engine) -> tuple[Policy, ...]:
    """Return the policies that the engine enforces.

    An engine that ignores policies with IPv6 blocks runs in clusters without IPv6 only, so that a
    peer that is not known yet is none of these.
    """
    if not engine.enforces:
        return ()
    policies = _last_policies(snapshot)
    if engine.ipv6_blocks.value is not Treatment.IGNORED:
        return policies
    return tuple(
        each for each in policies if not any(is_ipv6(block.network) for block in _blocks(each))
    )


def _last_policies(snapshot: Snapshot) -> tuple[Policy, ...]:
    last = {(each.namespace, each.name): each for each in snapshot.policies}
    if len(last) == len(snapshot.policies):
        return snapshot.policies
    return tuple(
        each
        for each in snapshot.policies
        if isinstance(each.namespace, Unknown) or last[each.namespace, each.name] is each
    )


def _blocks(policy: Policy) -> Iterator[IpPeer]:
    """Yield the ip blocks of a policy's rules."""
    for direction in Direction:
        for rule in rules_of(policy, direction) or ():
            peers = rule.peers if isinstance(rule, Rule) else None
            for peer in peers if isinstance(peers, tuple) else ():
                if isinstance(peer, IpPeer):
                    yield peer


def _exposing(snapshot: Snapshot, engine: Engine) -> Iterator[Service]:
    """Yield the services through which traffic may reach pods past the rules."""
    if not engine.enforces or engine.cluster_services.value is Treatment.ENFORCED:
        return
    for service in snapshot.services:
        outside = isinstance(service.type, Unknown) or service.type in {"NodePort", "LoadBalancer"}
        policy = service.external_traffic_policy
        rewrites = isinstance(policy, Unknown) or policy == "Cluster"
        if outside and rewrites and service.selector not in {None, EMPTY_SELECTOR}:
            yield service


@dataclass(frozen=True, slots=True)
class MatchAnswer:
    """Whether something matches; for maybe, the causes of the doubt in words."""

    match: Match
    causes: tuple[str, ...] = ()

    def __and__(self, other: MatchAnswer) -> MatchAnswer:
        """Return the answer to whether both match."""
        return self._with(other, min(self.match, other.match))

    def __or__(self, other: MatchAnswer) -> MatchAnswer:
        """Return the answer to whether one of them matches."""
        return self._with(other, max(self.match, other.match))

    def _with(self, other: MatchAnswer, match: Match) -> MatchAnswer:
        causes = dict.fromkeys((*self.causes, *other.causes))
        return MatchAnswer(match, tuple(causes) if match is Match.MAYBE else ())


YES: Final = MatchAnswer(Match.YES)
NO: Final = MatchAnswer(Match.NO)


class MatchAnswers:
    """Answers for one cluster under one engine."""

    def __init__(self, cluster: EnforcedCluster) -> None:
        """Keep what the answers depend on."""
        self._cluster = cluster

    def pods(
        self, namespace: str | Unknown, selector: Selector, workload: SnapshotWorkload
    ) -> MatchAnswer:
        """Answer whether a selector that is applied to a namespace selects a workload's pods."""
        own = same_namespace(namespace, workload.namespace)
        return _on_pod_network(workload) & own & _selected(selector, workload.labels)

    def peer(
        self, namespace: str | Unknown, peer: PodPeer, workload: SnapshotWorkload
    ) -> MatchAnswer:
        """Answer whether a peer in a policy of `namespace` means a workload's pods."""
        if peer.namespaces is None:
            return self.pods(namespace, peer.pods, workload)
        labels = self._cluster.namespaces.of(workload.namespace)
        there = _selected(peer.namespaces, labels)
        return _on_pod_network(workload) & there & _selected(peer.pods, workload.labels)

    def blocks(self, blocks: tuple[IpPeer, ...], endpoint: Endpoint) -> MatchAnswer:
        """Answer whether the ip blocks of a rule mean an endpoint."""
        ranges = block_ranges(blocks)
        if isinstance(endpoint, ExternalRange):
            return YES if includes(ranges, first_address(endpoint.network)) else NO
        engine, cluster = self._cluster.engine, self._cluster
        known = endpoint.workload.addresses
        at = known_address_bounds(known) if known else None
        pod = _by_block(engine.pods_by_block, ranges, at or cluster.pods_at, blocks)
        node = _by_block(engine.nodes_by_block, ranges, at or cluster.nodes_at, blocks)
        host = host_match(endpoint.workload)
        if host is Match.MAYBE and pod.match is not node.match:
            return MatchAnswer(Match.MAYBE, (_host_cause(endpoint.workload),))
        return node if host is Match.YES else pod


def same_namespace(left: str | Unknown, right: str | Unknown) -> MatchAnswer:
    """Answer whether two namespaces are one."""
    causes = tuple(each.cause for each in (left, right) if isinstance(each, Unknown))
    if causes:
        return MatchAnswer(Match.MAYBE, causes)
    return YES if left == right else NO


def _selected(selector: Selector, labels: LabelMap) -> MatchAnswer:
    match = labels_match(selector, labels)
    if match is not Match.MAYBE:
        return MatchAnswer(match)
    return MatchAnswer(
        match, tuple(dict.fromkeys(each.cause for each in doubts_of(selector, labels)))
    )


def _on_pod_network(workload: SnapshotWorkload) -> MatchAnswer:
    """Answer whether selectors see a workload's pods; on the host network they never do."""
    host = host_match(workload)
    if host is Match.MAYBE:
        return MatchAnswer(host, (_host_cause(workload),))
    return NO if host is Match.YES else YES


def _host_cause(workload: SnapshotWorkload) -> str:
    host = workload.host_network
    return host.cause if isinstance(host, Unknown) else ""


def _by_block(
    fact: Fact[BlockMatch], ranges: Ranges, where: AddressBounds, blocks: tuple[IpPeer, ...]
) -> MatchAnswer:
    match = blocks_match(fact, ranges, where)
    if match is not Match.MAYBE:
        return MatchAnswer(match)
    written = ", ".join(f"`{block.network}`" for block in blocks)
    return MatchAnswer(match, (f"ip block {written}: {fact.says}",))
