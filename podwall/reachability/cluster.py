"""A snapshot as one engine reads it: what acts, and everything that rules can speak about.

Shared by the analysis of all pairs and by the replay of a single pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.engines import Treatment
from podwall.model import IpPeer, Rule, Selector, Unknown
from podwall.reachability.addresses import whereabouts
from podwall.reachability.namespaces import NamespaceLabels
from podwall.reachability.port_rules import Direction, PortReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.engines import Engine
    from podwall.model import Policy, Service, Snapshot, Workload

__all__ = ["Cluster", "Rules", "rules_of", "unknown_direction"]

Rules = tuple[Rule | Unknown, ...]


class Cluster:
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
        self.pods_at = whereabouts(snapshot.pod_cidrs)
        self.nodes_at = whereabouts(())

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


def _last_of_each(snapshot: Snapshot) -> tuple[Workload, ...]:
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
    return tuple(each for each in policies if not any(map(_is_ipv6, _blocks(each))))


def _last_policies(snapshot: Snapshot) -> tuple[Policy, ...]:
    last = {(each.namespace, each.name): each for each in snapshot.policies}
    if len(last) == len(snapshot.policies):
        return snapshot.policies
    return tuple(
        each
        for each in snapshot.policies
        if isinstance(each.namespace, Unknown) or last[each.namespace, each.name] is each
    )


def _is_ipv6(block: IpPeer) -> bool:
    return block.network.version == 6  # noqa: PLR2004 - the family


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
        if outside and rewrites and service.selector not in {None, Selector()}:
            yield service
