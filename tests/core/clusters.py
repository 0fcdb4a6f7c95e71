"""Random clusters of every feature, small vocabularies so that things meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, TypeVar

from podwall.model import (
    IpPeer,
    IpProtocol,
    LabelMap,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    ServicePort,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from podwall.model import IpNetwork

__all__ = [
    "KNOWN_REPLICAS",
    "POD_CIDR",
    "Size",
    "addressed",
    "exposed",
    "random_cluster",
    "random_policy",
    "random_rule",
]

Value = TypeVar("Value")

POD_CIDR = ip_network("10.244.1.0/24")
"""No block below cuts through it, so that each contains every pod's address or none."""

BLOCKS = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "192.0.0.0/2", "240.0.0.0/4")
BLOCKS_V6 = ("::/0", "8000::/1", "c000::/2")
ADDRESSES = (
    "10.0.0.9",
    "10.244.1.9",
    "130.0.0.1",
    "200.0.0.1",
    "241.0.0.1",
    "::9",
    "9000::1",
    "d000::1",
)
NAMESPACES = ("x", "y", "z")
KEYS = ("app", "tier", "env")
VALUES = ("a", "b", "")
NAMES = ("http", "dns")
NUMBERS = (1, 53, 80, 81, 8080, 65535)
KNOWN_REPLICAS = (1, 1, 2, 3)
REPLICAS_LATER = Unknown("the replicas")
PROTOCOLS = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything, at most."""

    workloads: int = 5
    policies: int = 4
    keys: int = 2
    blocks: bool = True
    ipv6: bool = True
    hosts: bool = True
    replicas: tuple[int | Unknown, ...] = (*KNOWN_REPLICAS, REPLICAS_LATER)


def random_cluster(rng: Random, size: Size) -> Snapshot:
    """Return a cluster in which all that policies look at is known; some replicas are not."""
    count = rng.randint(1, size.workloads)
    workloads = tuple(_workload(rng, number, size) for number in range(count))
    policies = tuple(
        random_policy(rng, number, size) for number in range(rng.randint(0, size.policies))
    )
    declared = rng.sample(NAMESPACES, rng.randint(0, len(NAMESPACES)))
    return Snapshot(
        namespaces=tuple(SnapshotNamespace(name, _labels(rng, size)) for name in declared),
        workloads=workloads,
        policies=policies,
        pod_cidrs=(POD_CIDR,),
        complete=True,
    )


def addressed(rng: Random, snapshot: Snapshot) -> Snapshot:
    """Return the cluster with an address for each single pod, which may be in any block."""
    return replace(
        snapshot,
        workloads=tuple(
            replace(each, addresses=(ip_address(rng.choice(ADDRESSES)),))
            if each.replicas == 1
            else each
            for each in snapshot.workloads
        ),
    )


def exposed(rng: Random, snapshot: Snapshot) -> Snapshot:
    """Return the cluster with pods behind services that may hide their clients, and let some in."""
    backends = [each for each in snapshot.workloads if each.labels.items]
    chosen = [rng.choice(backends) for _ in range(rng.randint(1, 3))] if backends else []
    services = tuple(
        Service(
            backend.namespace,
            f"s{number}",
            rng.choice(("LoadBalancer", "LoadBalancer", "NodePort", "ClusterIP")),
            Selector((_carried(rng, backend),)),
            (ServicePort(80, rng.choice((*NUMBERS, *NAMES)), rng.choice(PROTOCOLS)),),
            rng.choice(("Cluster", "Cluster", "Cluster", "Local")),
        )
        for number, backend in enumerate(chosen)
    )
    clients = tuple(
        Policy(each.namespace, f"clients{number}", Selector(), (Rule((_ip_peer(rng, Size()),)),))
        for number, each in enumerate(chosen)
        if rng.random() < 0.7
    )
    return replace(snapshot, services=services, policies=(*snapshot.policies, *clients))


def _carried(rng: Random, workload: SnapshotWorkload) -> SelectorRequirement:
    key, value = rng.choice(workload.labels.items)
    return SelectorRequirement(key, Operator.IN, (str(value),))


def random_policy(rng: Random, number: int, size: Size) -> Policy:
    """Return a policy; now and then two have the same name."""
    ingress, egress = rng.choice(((True, False), (True, False), (False, True), (True, True)))
    return Policy(
        namespace=rng.choice(NAMESPACES),
        name=f"p{number if rng.random() < 0.9 else 0}",
        pod_selector=_selector(rng, size),
        ingress=_some(rng, 2, lambda: random_rule(rng, size)) if ingress else None,
        egress=_some(rng, 2, lambda: random_rule(rng, size)) if egress else None,
    )


def random_rule(rng: Random, size: Size) -> Rule:
    """Return a rule, sometimes for everyone, sometimes for every port."""
    peers = None if rng.random() < 0.15 else _some(rng, 2, lambda: _peer(rng, size), least=1)
    ports = None if rng.random() < 0.3 else _some(rng, 2, lambda: _port_rule(rng), least=1)
    return Rule(peers, ports)


def _workload(rng: Random, number: int, size: Size) -> SnapshotWorkload:
    return SnapshotWorkload(
        namespace=rng.choice(NAMESPACES),
        name=f"w{number}",
        kind=rng.choice(("Pod", "Deployment")),
        labels=_labels(rng, size),
        ports=_some(rng, 3, lambda: _container_port(rng)),
        replicas=rng.choice(size.replicas),
        host_network=size.hosts and rng.random() < 0.1,
    )


def _container_port(rng: Random) -> WorkloadPort:
    name = rng.choice((*NAMES, None))
    return WorkloadPort(rng.choice(NUMBERS), rng.choice(PROTOCOLS), name)


def _labels(rng: Random, size: Size) -> LabelMap:
    keys = [key for key in KEYS[: size.keys] if rng.random() < 0.7]
    return LabelMap.of({key: rng.choice(VALUES) for key in keys})


def _selector(rng: Random, size: Size) -> Selector:
    return Selector(_some(rng, 2, lambda: _requirement(rng, size)))


def _requirement(rng: Random, size: Size) -> SelectorRequirement:
    operator = rng.choice((Operator.IN, Operator.IN, *Operator))
    key = rng.choice(KEYS[: size.keys])
    if operator in {Operator.EXISTS, Operator.DOES_NOT_EXIST}:
        return SelectorRequirement(key, operator)
    values = rng.sample(VALUES, rng.choice((1, 1, 2)))
    return SelectorRequirement(key, operator, tuple(sorted(values)))


def _namespace_selector(rng: Random, size: Size) -> Selector:
    if rng.random() < 0.5:
        return _selector(rng, size)
    operator = rng.choice((Operator.IN, Operator.IN, Operator.NOT_IN))
    return Selector(
        (SelectorRequirement("kubernetes.io/metadata.name", operator, (rng.choice("xyz"),)),)
    )


def _peer(rng: Random, size: Size) -> Peer:
    if size.blocks and rng.random() < 0.3:
        return _ip_peer(rng, size)
    namespaces = None if rng.random() < 0.4 else _namespace_selector(rng, size)
    return PodPeer(_selector(rng, size), namespaces)


def _ip_peer(rng: Random, size: Size) -> IpPeer:
    blocks = [
        ip_network(each) for each in (BLOCKS_V6 if size.ipv6 and rng.random() < 0.3 else BLOCKS)
    ]
    network = rng.choice(blocks)
    inner = [each for each in blocks if _strictly_inside(each, network)]
    return IpPeer(network, _some(rng, 1, lambda: rng.choice(inner)) if inner else ())


def _strictly_inside(inner: IpNetwork, outer: IpNetwork) -> bool:
    inside = str(inner.network_address) != str(outer.network_address) or inner != outer
    first, last = int(inner.network_address), int(inner.broadcast_address)
    return inside and int(outer.network_address) <= first <= last <= int(outer.broadcast_address)


def _port_rule(rng: Random) -> PortRule:
    protocol = rng.choice((IpProtocol.TCP, *PROTOCOLS))
    kind = rng.random()
    if kind < 0.15:
        return PortRule(protocol)
    if kind < 0.4:
        return PortRule(protocol, rng.choice(NAMES))
    first, last = sorted((rng.choice(NUMBERS), rng.choice(NUMBERS)))
    return PortRule(protocol, first, last if rng.random() < 0.4 else None)


def _some(rng: Random, most: int, make: Callable[[], Value], least: int = 0) -> tuple[Value, ...]:
    return tuple(make() for _ in range(rng.randint(least, most)))
