"""Workloads that may not ask for names, over UDP or over TCP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from podwall.lint.cluster_dns import may_be_cluster_dns
from podwall.lint.lint import Lint, Said
from podwall.lint.scene import Scene
from podwall.model import (
    IpPeer,
    Peer,
    Policy,
    PortRule,
    Protocol,
    Rule,
    Unknown,
)
from podwall.policies.findings import Severity

__all__ = ["LINTS"]

DNS_PORT: Final = 53
DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
HELP: Final = (
    "allow egress to pods with `k8s-app=kube-dns` in `kube-system`, ports 53/UDP and 53/TCP, "
    "and on AKS with LocalDNS to 169.254.10.10 and 169.254.10.11"
)


def _without(protocol: Protocol, scene: Scene) -> Iterator[Said]:
    for policies, workloads in _isolated(scene).items():
        allowed = [rule for policy in policies for rule in _rules(policy)]
        if any(_allows_dns(scene, each, protocol) for each in allowed):
            continue
        severity = None if any(_rules(policy) for policy in policies) else Severity.INFO
        yield Said(
            policies[0].place.at("spec.egress"),
            f"{scene.pods.names(workloads)} may not ask for names over {protocol}: "
            "no egress rule allows port 53 to the cluster's DNS",
            severity=severity,
        )


def _isolated(scene: Scene) -> dict[tuple[Policy, ...], list[int]]:
    """Return the workloads whose egress is certainly isolated, by the policies that apply."""
    acting: dict[int, list[int]] = defaultdict(list)
    policies = scene.snapshot.policies
    for number, policy in enumerate(policies):
        if isinstance(policy.egress, tuple):
            for workload in scene.pods.of_policy(policy).must:
                if scene.snapshot.workloads[workload].host_network is False:
                    acting[workload].append(number)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for workload, numbers in acting.items():
        groups[tuple(numbers)].append(workload)
    return {tuple(policies[n] for n in key): found for key, found in groups.items()}


def _rules(policy: Policy) -> Sequence[Rule | Unknown]:
    return policy.egress if isinstance(policy.egress, tuple) else ()


def _allows_dns(scene: Scene, at: Rule | Unknown, protocol: Protocol) -> bool:
    if isinstance(at, Unknown):
        return True
    ports = at.ports
    if isinstance(ports, tuple) and not any(_is_dns_port(port, protocol) for port in ports):
        return False
    peers = at.peers
    return not isinstance(peers, tuple) or any(_may_be_dns(scene, peer) for peer in peers)


def _is_dns_port(port: PortRule | Unknown, protocol: Protocol) -> bool:
    if isinstance(port, Unknown) or isinstance(port.protocol, Unknown):
        return True
    if port.protocol is not protocol:
        return False
    if not isinstance(port.port, int):
        return True
    last = port.port if port.end_port is None else port.end_port
    return port.port <= DNS_PORT and (isinstance(last, Unknown) or last >= DNS_PORT)


def _may_be_dns(scene: Scene, peer: Peer) -> bool:
    """Say whether a peer may be the cluster's DNS; an ip block may be LocalDNS or a server's."""
    if isinstance(peer, IpPeer | Unknown):
        return True
    return may_be_cluster_dns(scene, peer)


LINTS: Final = (
    Lint("dns-blocked", Severity.WARNING, partial(_without, Protocol.UDP), HELP, DOC),
    Lint("dns-over-tcp-blocked", Severity.INFO, partial(_without, Protocol.TCP), HELP, DOC),
)
