"""A snapshot in which everything is known, written as the documents that would make it."""

from __future__ import annotations

from typing import Any

from podwall.model import (
    EntityPeer,
    IpPeer,
    LabelMap,
    Peer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)

__all__ = ["documents"]

Json = dict[str, Any]


def documents(snapshot: Snapshot) -> list[Json]:
    """Return the namespaces, workloads and policies as Kubernetes objects."""
    return [
        *map(_namespace, snapshot.namespaces),
        *map(_workload, snapshot.workloads),
        *map(_policy, snapshot.policies),
    ]


def _namespace(namespace: SnapshotNamespace) -> Json:
    metadata = {"name": namespace.name, "labels": _labels(namespace.labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _workload(workload: SnapshotWorkload) -> Json:
    # The API server refuses a Deployment whose selector is empty; no rule mentions this label.
    labels = _labels(workload.labels) or {"workload": workload.name}
    containers = [
        {"name": f"c{number}", "image": "server", "ports": [_container_port(port)]}
        for number, port in enumerate(workload.ports)
    ]
    pod = {"containers": containers or [{"name": "c", "image": "server"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container_port(port: WorkloadPort) -> Json:
    written = {"containerPort": port.number, "protocol": str(port.protocol)}
    return written if port.name is None else {"name": port.name, **written}


def _policy(policy: Policy) -> Json:
    spec: Json = {"podSelector": _selector(policy.pod_selector), "policyTypes": []}
    for kind, peers, rules in (
        ("Ingress", "from", policy.ingress),
        ("Egress", "to", policy.egress),
    ):
        if isinstance(rules, tuple):
            spec["policyTypes"].append(kind)
            spec[kind.lower()] = [_rule(each, peers) for each in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": policy.name, "namespace": policy.namespace},
        "spec": spec,
    }


def _rule(rule: Rule | Unknown, peers: str) -> Json:
    assert isinstance(rule, Rule)
    written = {}
    if isinstance(rule.peers, tuple):
        written[peers] = [_peer(each) for each in rule.peers]
    if isinstance(rule.ports, tuple):
        written["ports"] = [_port(each) for each in rule.ports]
    return written


def _peer(peer: Peer) -> Json:
    assert not isinstance(peer, Unknown | EntityPeer)
    if isinstance(peer, IpPeer):
        block: Json = {"cidr": str(peer.network)}
        if peer.exceptions:
            block["except"] = [str(each) for each in peer.exceptions]
        return {"ipBlock": block}
    if peer.namespaces is None:
        return {"podSelector": _selector(peer.pods)}
    return {
        "podSelector": _selector(peer.pods),
        "namespaceSelector": _selector(peer.namespaces),
    }


def _port(entry: PortRule | Unknown) -> Json:
    assert isinstance(entry, PortRule)
    fields = {"port": entry.port, "endPort": entry.end_port}
    known = {key: value for key, value in fields.items() if value is not None}
    return {"protocol": str(entry.protocol), **known}


def _selector(selector: Selector) -> Json:
    expressions = [
        {
            "key": each.key,
            "operator": str(each.operator),
            **({"values": list(each.values)} if each.values else {}),
        }
        for each in selector.requirements
    ]
    return {"matchExpressions": expressions} if expressions else {}


def _labels(labels: LabelMap) -> dict[str, Any]:
    return dict(labels.items)
