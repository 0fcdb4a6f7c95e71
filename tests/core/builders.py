"""Short ways to write clusters in tests, in the words of the specification."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from zlib import crc32

from podwall.engines import AZURE, CALICO, CILIUM, NONE, SPEC
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
from podwall.reachability import Reachability, Verdict, reachability

if TYPE_CHECKING:
    from podwall.engines import Engine

__all__ = [
    "COLUMNS",
    "EVERYTHING",
    "allow",
    "block",
    "cluster",
    "column",
    "load_balancer",
    "named",
    "namespace",
    "peers",
    "pod",
    "policy",
    "reaches",
    "selector",
    "tcp",
    "verdict",
]

EVERYTHING = Selector()
"""The empty selector: every pod, or every namespace."""


def namespace(name: str, **labels: str) -> SnapshotNamespace:
    """Return a namespace with labels."""
    return SnapshotNamespace(name, LabelMap.of(dict(labels)))


def pod(
    id_: str, *ports: WorkloadPort, labels: dict[str, Any] | None = None, **more: Any
) -> SnapshotWorkload:
    """Return a pod, `namespace/name`, labelled `app=<name>` if it is not told otherwise."""
    where, name = id_.split("/")
    labels = {"app": name} if labels is None else labels
    return replace(SnapshotWorkload(where, name, "Pod", LabelMap.of(labels), ports), **more)


def named(name: str, number: int, protocol: IpProtocol = IpProtocol.TCP) -> WorkloadPort:
    """Return a container port with a name."""
    return WorkloadPort(number, protocol, name)


def selector(*requirements: SelectorRequirement, **labels: str) -> Selector:
    """Return a selector of labels and further requirements."""
    equal = (SelectorRequirement(key, Operator.IN, (value,)) for key, value in labels.items())
    return Selector((*equal, *requirements))


def peers(**labels: str) -> PodPeer:
    """Return the pods with some labels in the policy's own namespace."""
    return PodPeer(selector(**labels))


def block(cidr: str, *exceptions: str) -> IpPeer:
    """Return an ip block."""
    return IpPeer(ip_network(cidr), tuple(ip_network(each) for each in exceptions))


def tcp(first: int | str, last: int | None = None) -> PortRule:
    """Return a TCP port of a rule."""
    return PortRule(IpProtocol.TCP, first, last)


def allow(*from_or_to: Peer | Unknown, ports: tuple[PortRule | Unknown, ...] = ()) -> Rule:
    """Return a rule; without peers for everyone, without ports for all of them."""
    return Rule(from_or_to or None, ports or None)


def policy(where: str, pods: Selector = EVERYTHING, name: str = "", **directions: Any) -> Policy:
    """Return a policy of a namespace; its name is unique unless it is given."""
    unique = name or f"p{crc32(repr((where, pods, directions)).encode())}"
    return Policy(where, unique, pods, **directions)


def load_balancer(id_: str, target: int | str, pods: Selector, **more: Any) -> Service:
    """Return a service of type LoadBalancer with externalTrafficPolicy Cluster."""
    where, name = id_.split("/")
    service = Service(where, name, "LoadBalancer", pods, (ServicePort(80, target),))
    return replace(service, **more)


def cluster(
    *parts: SnapshotNamespace | SnapshotWorkload | Policy | Service, **more: Any
) -> Snapshot:
    """Return a snapshot of everything there is; without pods, those of x and y named a and b."""
    workloads = tuple(part for part in parts if isinstance(part, SnapshotWorkload))
    snapshot = Snapshot(
        namespaces=tuple(part for part in parts if isinstance(part, SnapshotNamespace)),
        workloads=workloads or tuple(pod(f"{where}/{name}") for where in "xy" for name in "ab"),
        policies=tuple(part for part in parts if isinstance(part, Policy)),
        services=tuple(part for part in parts if isinstance(part, Service)),
        pod_cidrs=(ip_network("10.244.0.0/16"),),
        complete=True,
    )
    return replace(snapshot, **more)


def verdict(
    snapshot: Snapshot | Reachability,
    flow: str,
    port: int = 80,
    protocol: IpProtocol = IpProtocol.TCP,
    engine: Engine | None = None,
) -> Verdict:
    """Return the verdict on a flow, `source -> destination`."""
    found = snapshot if isinstance(snapshot, Reachability) else reachability(snapshot, engine)
    source, destination = flow.split(" -> ")
    return found.verdict(source, destination, protocol, port)


COLUMNS = (SPEC, AZURE, CALICO, CILIUM, NONE)
_LETTERS = {Verdict.ALLOWED: "y", Verdict.DENIED: "n", Verdict.UNDETERMINED: "?"}


def column(
    snapshot: Snapshot, flow: str, port: int = 80, protocol: IpProtocol = IpProtocol.TCP
) -> str:
    """Return the verdicts of spec, azure, calico, cilium and none: y, n or ? for each."""
    return "".join(_LETTERS[verdict(snapshot, flow, port, protocol, each)] for each in COLUMNS)


def reaches(
    snapshot: Snapshot, flow: str, port: int = 80, protocol: IpProtocol = IpProtocol.TCP
) -> bool:
    """Say whether a flow passes; it must not be undetermined."""
    found = verdict(snapshot, flow, port, protocol)
    assert found is not Verdict.UNDETERMINED
    return found is Verdict.ALLOWED
