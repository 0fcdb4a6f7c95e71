"""The judge: the NetworkPolicy specification, read naively, one pair at a time, no shared code.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple

from podwall.model import (
    IpPeer,
    IpProtocol,
    LabelMap,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
)

Address = IPv4Address | IPv6Address


class Pod(NamedTuple):
    """One pod of a workload; ip blocks can speak of it only if it has an `address`."""

    workload: SnapshotWorkload
    number: int = 0
    address: Address | None = None
    node: str = "a"


End = Pod | Address
Probe = tuple[IpProtocol, int]
Probes = frozenset[Probe]


def passing(cluster: Snapshot, source: End, destination: End, probes: Iterable[Probe]) -> Probes:
    """Return the probes that pass: both ends must agree, by egress and by ingress rules.

    A probe is the first packet of a connection (replies need no rule), to a destination port.
    """
    if source == destination:
        return frozenset(probes)  # a pod always reaches itself
    sides = (
        consulted(cluster, "egress", source, destination),
        consulted(cluster, "ingress", destination, source),
    )
    return frozenset(
        probe
        for probe in probes
        if all(rules is None or covers_any(rules, destination, *probe) for rules in sides)
    )


def exposed(cluster: Snapshot, backend: End, probes: Iterable[Probe]) -> Probes:
    """Return the probes for which a service that may hide its clients leads to a pod."""
    if not isinstance(backend, Pod) or backend.workload.host_network:
        return frozenset()
    targets = [
        (port.protocol, port.target)
        for service in cluster.services
        if service.type in {"LoadBalancer", "NodePort"}
        and service.external_traffic_policy == "Cluster"
        and service.selector is not None
        and service.selector.requirements
        and service.namespace == backend.workload.namespace
        and selects(service.selector, backend.workload.labels)
        for port in service.ports
    ]
    named = [(p.protocol, p.name, p.number) for p in backend.workload.ports]
    numbers = {(proto, n) for proto, name, n in named if (proto, name) in targets}
    return frozenset(each for each in probes if each in targets or each in numbers)


def certain(cluster: Snapshot, source: End, destination: End, probes: Iterable[Probe]) -> Probes:
    """Return the probes that pass also where a service puts a node's address before the source.

    No ip block means a node for certain: only a rule for everyone lets it in.
    """
    passed = passing(cluster, source, destination, probes)
    if isinstance(source, Pod):
        return passed
    hidden = exposed(cluster, destination, passed)
    node = Pod(SnapshotWorkload("", "node", "Node", LabelMap(), host_network=True), node="another")
    return passed - hidden | passing(cluster, node, destination, hidden)


def consulted(cluster: Snapshot, direction: str, subject: End, peer: End) -> list[Any] | None:
    """Return the rules that speak of the peer; None where no policy isolates the subject."""
    if not isinstance(subject, Pod) or subject.workload.host_network:
        return None  # policies isolate pods; an address is none, and a pod on the host is a node
    if isinstance(peer, Pod) and peer.workload.host_network and peer.node == subject.node:
        return None  # a pod and its own node always reach each other
    policies = isolating(cluster, direction, subject)
    rules = [
        rule
        for policy in policies
        for rule in getattr(policy, direction)
        if rule.peers is None or any(is_meant(cluster, policy, each, peer) for each in rule.peers)
    ]
    return rules if policies else None


def isolating(cluster: Snapshot, direction: str, subject: Pod) -> list[Any]:
    """Return the policies that isolate a pod in a direction."""
    policies = {(p.namespace, p.name): p for p in cluster.policies}  # of equal names, the last
    return [
        policy
        for policy in policies.values()
        if policy.namespace == subject.workload.namespace
        and getattr(policy, direction) is not None
        and selects(policy.pod_selector, subject.workload.labels)
    ]


def covers_any(rules: list[Any], destination: End, protocol: IpProtocol, port: int) -> bool:
    """Say whether one of the rules speaks of a port."""
    return any(
        rule.ports is None
        or any(_covers(entry, destination, protocol, port) for entry in rule.ports)
        for rule in rules
    )


def is_meant(cluster: Snapshot, policy: Any, peer: Any, end: End) -> bool:
    """Say whether a peer of a policy's rule means an end."""
    if isinstance(peer, IpPeer):
        address = end.address if isinstance(end, Pod) else end
        inside = address is not None and address in peer.network
        return inside and not any(address in exception for exception in peer.exceptions)
    if not isinstance(end, Pod) or end.workload.host_network:
        return False  # selectors speak of pods, not of addresses or nodes
    if peer.namespaces is None:
        there = end.workload.namespace == policy.namespace
    else:
        name = str(end.workload.namespace)
        declared = (dict(each.labels.items) for each in cluster.namespaces if each.name == name)
        labels = {**next(declared, {}), "kubernetes.io/metadata.name": name}
        there = selects(peer.namespaces, LabelMap.of(labels))
    return there and selects(peer.pods, end.workload.labels)


def selects(selector: Selector, labels: LabelMap) -> bool:
    return all(_fulfils(requirement, dict(labels.items)) for requirement in selector.requirements)


def _fulfils(requirement: SelectorRequirement, labels: dict[str, Any]) -> bool:
    present = requirement.key in labels
    listed = present and labels[requirement.key] in requirement.values
    said = {"In": listed, "NotIn": not listed, "Exists": present, "DoesNotExist": not present}
    return said[requirement.operator.value]


def _covers(entry: Any, destination: End, protocol: IpProtocol, port: int) -> bool:
    if entry.protocol != protocol or entry.port is None:
        return bool(entry.protocol == protocol)  # without a port: all of the protocol
    if isinstance(entry.port, int):
        return bool(entry.port <= port <= (entry.end_port or entry.port))
    if not isinstance(destination, Pod) or destination.workload.host_network:
        return False  # a port's name means what the destination pod declares
    declared = [(each.name, each.protocol, each.number) for each in destination.workload.ports]
    return (entry.port, protocol, port) in declared
