"""The judge: the NetworkPolicy specification, read naively, one packet at a time, no shared code.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple

from podwall.model import IpPeer, LabelMap, Protocol, Requirement, Selector, Snapshot, Workload

Address = IPv4Address | IPv6Address


class Pod(NamedTuple):
    """One pod of a workload; ip blocks can speak of it only if it has an `address`."""

    workload: Workload
    number: int = 0
    address: Address | None = None
    node: str = "a"


class Packet(NamedTuple):
    """The first packet of a connection (replies need no rule), to a port of the destination."""

    source: Pod | Address
    destination: Pod | Address
    protocol: Protocol
    port: int


def passes(cluster: Snapshot, packet: Packet) -> bool:
    """Both ends must agree: the source's egress rules and the destination's ingress rules."""
    source, destination = packet.source, packet.destination
    return source == destination or (  # a pod always reaches itself
        _agrees(cluster, "egress", source, destination, packet)
        and _agrees(cluster, "ingress", destination, source, packet)
    )


def _agrees(cluster: Snapshot, direction: str, subject: Any, peer: Any, packet: Packet) -> bool:
    if not isinstance(subject, Pod) or subject.workload.host_network:
        return True  # policies isolate pods; an address is none, and a pod on the host is a node
    if isinstance(peer, Pod) and peer.workload.host_network and peer.node == subject.node:
        return True  # a pod and its own node always reach each other
    policies = {(p.namespace, p.name): p for p in cluster.policies}  # of equal names, the last
    isolating = [
        policy
        for policy in policies.values()
        if policy.namespace == subject.workload.namespace
        and getattr(policy, direction) is not None
        and _selects(policy.pod_selector, subject.workload.labels)
    ]
    return not isolating or any(
        (rule.peers is None or any(_is(cluster, policy, each, peer) for each in rule.peers))
        and (rule.ports is None or any(_covers(entry, packet) for entry in rule.ports))
        for policy in isolating
        for rule in getattr(policy, direction)
    )


def _is(cluster: Snapshot, policy: Any, peer: Any, end: Any) -> bool:
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
        there = _selects(peer.namespaces, LabelMap.of(labels))
    return there and _selects(peer.pods, end.workload.labels)


def _selects(selector: Selector, labels: LabelMap) -> bool:
    return all(_fulfils(requirement, dict(labels.items)) for requirement in selector.requirements)


def _fulfils(requirement: Requirement, labels: dict[str, Any]) -> bool:
    present = requirement.key in labels
    listed = present and labels[requirement.key] in requirement.values
    said = {"In": listed, "NotIn": not listed, "Exists": present, "DoesNotExist": not present}
    return said[requirement.operator.value]


def _covers(entry: Any, packet: Packet) -> bool:
    if entry.protocol != packet.protocol or entry.port is None:
        return bool(entry.protocol == packet.protocol)  # without a port: all of the protocol
    if isinstance(entry.port, int):
        return bool(entry.port <= packet.port <= (entry.end_port or entry.port))
    end = packet.destination  # a port's name means what the destination pod declares
    if not isinstance(end, Pod) or end.workload.host_network:
        return False
    declared = [(port.name, port.protocol, port.number) for port in end.workload.ports]
    return (entry.port, packet.protocol, packet.port) in declared
