"""Random policies with tiers, as manifests, in the vocabulary of the random clusters."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from podwall.model import Operator, Snapshot
from podwall.policies.errors import Severity
from podwall.reading import Document, snapshot
from tests.core.clusters import BLOCKS, BLOCKS_V6, KEYS, NAMES, NAMESPACES, NUMBERS, VALUES

__all__ = ["random_tier_policies", "with_tier_policies"]

Manifest = dict[str, Any]
_PROTOCOLS = ("tcp", "udp", "sctp")


def random_tier_policies(rng: Random, most: int = 4) -> list[Manifest]:
    """Return policies of all kinds; of one priority there are often several."""
    kinds = [rng.choice(("new", "new", "new", "old")) for _ in range(rng.randint(1, most))]
    made = [_cluster(rng, n) if kind == "new" else _admin(rng, n) for n, kind in enumerate(kinds)]
    return [*made, _baseline(rng)] if rng.random() < 0.2 else made


def with_tier_policies(cluster: Snapshot, manifests: list[Manifest]) -> Snapshot:
    """Return a cluster with policies, of which the API server would refuse none."""
    read = snapshot([Document(each) for each in manifests])
    assert [each for each in read.findings if each.severity is Severity.ERROR] == []
    assert len(read.snapshot.tier_policies) == len(manifests)
    return replace(cluster, tier_policies=read.snapshot.tier_policies)


def _object(version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    api = f"policy.networking.k8s.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _cluster(rng: Random, number: int) -> Manifest:
    spec = {
        "tier": rng.choice(("Admin", "Baseline")),
        "priority": rng.choice((0, 1, 1, 2, 1000)),
        "subject": _pods(rng),
        **_rules(rng, ("Accept", "Deny", "Pass"), old=False),
    }
    version = rng.choice(("v1alpha2", "v1beta1"))
    return _object(version, "ClusterNetworkPolicy", f"c{number}", spec)


def _admin(rng: Random, number: int) -> Manifest:
    rules = _rules(rng, ("Allow", "Deny", "Pass"), old=True)
    spec = {"priority": rng.choice((0, 1, 2)), "subject": _pods(rng), **rules}
    return _object("v1alpha1", "AdminNetworkPolicy", f"a{number}", spec)


def _baseline(rng: Random) -> Manifest:
    spec = {"subject": _pods(rng), **_rules(rng, ("Allow", "Deny"), old=True)}
    return _object("v1alpha1", "BaselineAdminNetworkPolicy", "default", spec)


def _rules(rng: Random, actions: tuple[str, ...], *, old: bool) -> Manifest:
    return {
        direction: [
            _rule(rng, peers, rng.choice(actions), old=old) for _ in range(rng.randint(1, 3))
        ]
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        if rng.random() < 0.7
    }


def _rule(rng: Random, peers: str, action: str, *, old: bool) -> Manifest:
    networks = peers == "to" and rng.random() < 0.3
    named = [_networks(rng)] if networks else [_pods(rng) for _ in range(rng.choice((1, 1, 2)))]
    if networks and rng.random() < 0.5:
        named.append(_pods(rng))
    rule: Manifest = {"action": action, peers: named}
    if rng.random() < 0.6:
        entries = [_port(rng, names=not networks, old=old) for _ in range(rng.choice((1, 1, 2)))]
        rule["ports" if old else "protocols"] = entries
    return rule


def _networks(rng: Random) -> Manifest:
    return {"networks": rng.sample((*BLOCKS, *BLOCKS_V6), rng.choice((1, 2)))}


def _pods(rng: Random) -> Manifest:
    if rng.random() < 0.5:
        return {"namespaces": _namespaces(rng)}
    pods: Manifest = {"podSelector": _selector(rng)}
    if rng.random() < 0.6:
        pods["namespaceSelector"] = _namespaces(rng)
    return {"pods": pods}


def _namespaces(rng: Random) -> Manifest:
    if rng.random() < 0.3:
        return _selector(rng)
    if rng.random() < 0.3:
        return {}
    name = "kubernetes.io/metadata.name"
    operator, values = rng.choice(("In", "In", "NotIn")), rng.sample(NAMESPACES, rng.choice((1, 2)))
    return {"matchExpressions": [{"key": name, "operator": operator, "values": values}]}


def _selector(rng: Random) -> Manifest:
    if rng.random() < 0.3:
        return {}
    if rng.random() < 0.5:
        return {"matchLabels": {rng.choice(KEYS[:2]): rng.choice(VALUES)}}
    operator = rng.choice(tuple(Operator))
    expression: Manifest = {"key": rng.choice(KEYS[:2]), "operator": str(operator)}
    if operator in {Operator.IN, Operator.NOT_IN}:
        expression["values"] = rng.sample(VALUES, rng.choice((1, 2)))
    return {"matchExpressions": [expression]}


def _port(rng: Random, *, names: bool, old: bool) -> Manifest:
    if names and rng.random() < 0.3:
        return {"namedPort" if old else "destinationNamedPort": rng.choice(NAMES)}
    start, end = sorted(rng.sample(NUMBERS, 2))
    is_range = rng.random() < 0.4
    protocol = rng.choice(_PROTOCOLS)
    if old:
        written = {"start": start, "end": end} if is_range else {"port": start}
        known = {"protocol": protocol.upper()} if protocol != "tcp" else {}
        return {"portRange" if is_range else "portNumber": {**written, **known}}
    port = {"range": {"start": start, "end": end}} if is_range else {"number": start}
    return {protocol: {"destinationPort": port}}
