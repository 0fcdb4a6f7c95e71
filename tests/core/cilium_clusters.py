"""Random policies of Cilium's kinds, as manifests, in the vocabulary of the random clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from podwall.model import Operator, Snapshot
from podwall.policies.errors import Severity
from podwall.reading import Document, snapshot
from tests.core.clusters import BLOCKS, BLOCKS_V6, KEYS, NAMES, NAMESPACES, NUMBERS, VALUES

__all__ = ["random_cilium_policies", "with_cilium_policies"]

Manifest = dict[str, Any]
_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_ENTITIES = ("all", "world", "world-ipv4", "cluster", "host", "remote-node", "none", "health")


def random_cilium_policies(rng: Random, most: int = 4, *, names: bool = True) -> list[Manifest]:
    """Return policies of both kinds, some of them of several rules; `names` of ports, or none."""
    made = [_policy(rng, n) for n in range(rng.randint(1, most))]
    if not names:
        for entry in (port for each in made for port in _ports_of(each)):
            entry["port"] = "80" if entry["port"] in NAMES else entry["port"]
    return made


def _ports_of(policy: Manifest) -> Iterator[Manifest]:
    for spec in policy.get("specs", [policy.get("spec", {})]):
        for section in ("ingress", "egress", "ingressDeny", "egressDeny"):
            for rule in spec.get(section, ()):
                for entry in rule.get("toPorts", ()):
                    yield from entry.get("ports", ())


def with_cilium_policies(cluster: Snapshot, manifests: list[Manifest]) -> Snapshot:
    """Return a cluster with policies, of which Cilium would refuse none."""
    read = snapshot([Document(each) for each in manifests])
    assert [each for each in read.findings if each.severity is Severity.ERROR] == []
    assert len(read.snapshot.cilium_policies) == len(manifests), read.ledger
    return replace(cluster, cilium_policies=read.snapshot.cilium_policies)


def _policy(rng: Random, number: int) -> Manifest:
    wide = rng.random() < 0.4
    kind = "CiliumClusterwideNetworkPolicy" if wide else "CiliumNetworkPolicy"
    metadata = {"name": f"c{number}"}
    if not wide:
        metadata["namespace"] = rng.choice(NAMESPACES)
    found = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata}
    if rng.random() < 0.2:
        return {**found, "specs": [_spec(rng, wide=wide) for _ in range(2)]}
    return {**found, "spec": _spec(rng, wide=wide)}


def _spec(rng: Random, *, wide: bool) -> Manifest:
    sections = {
        key: [_rule(rng, key, wide=wide) for _ in range(rng.choice((1, 1, 2)))]
        for key in ("ingress", "egress", "ingressDeny", "egressDeny")
        if rng.random() < (0.3 if key.endswith("Deny") else 0.6)
    }
    spec = {"endpointSelector": _selector(rng, wide=wide), **(sections or {"ingress": [{}]})}
    if rng.random() < 0.25:
        spec["enableDefaultDeny"] = {
            key: rng.choice((True, False))
            for key in ("ingress", "egress")
            if rng.random() < 0.7 and (key in sections or f"{key}Deny" in sections)
        }
    return spec


def _rule(rng: Random, section: str, *, wide: bool) -> Manifest:
    way = "from" if section.startswith("ingress") else "to"
    rule: Manifest = {}
    match rng.choice(("Endpoints", "Endpoints", "Entities", "CIDR", "CIDRSet", "", "empty")):
        case "Endpoints":
            rule[f"{way}Endpoints"] = [
                _selector(rng, wide=wide, spaces=True) for _ in range(rng.choice((1, 2)))
            ]
        case "Entities":
            rule[f"{way}Entities"] = rng.sample(_ENTITIES, rng.choice((1, 1, 2)))
        case "CIDR":
            rule[f"{way}CIDR"] = rng.sample((*BLOCKS, *BLOCKS_V6), rng.choice((1, 2)))
        case "CIDRSet":
            rule[f"{way}CIDRSet"] = [{"cidr": "10.0.0.0/8", "except": ["10.4.0.0/16"]}]
        case "empty":
            rule[f"{way}Endpoints"] = []
        case _:
            pass
    if rng.random() < 0.6:
        entries = [_port(rng) for _ in range(rng.choice((1, 1, 2)))]
        rule["toPorts"] = [{"ports": entries}]
    elif rng.random() < 0.1:
        rule["toPorts"] = [{}]
    return rule


def _port(rng: Random) -> Manifest:
    start, end = sorted(rng.sample(NUMBERS, 2))
    protocol = rng.choice(("TCP", "TCP", "UDP", "ANY", ""))
    port: Manifest = {"port": str(start)}
    if rng.random() < 0.2:
        port = {"port": rng.choice(NAMES)}
    elif rng.random() < 0.4:
        port["endPort"] = end
    elif rng.random() < 0.1:
        port = {"port": "0"}
    return {**port, "protocol": protocol} if protocol else port


def _selector(rng: Random, *, wide: bool, spaces: bool = False) -> Manifest:
    found: Manifest = {}
    if rng.random() < 0.5:
        prefix = rng.choice(("", "k8s:", "any:"))
        found["matchLabels"] = {f"{prefix}{rng.choice(KEYS[:2])}": rng.choice(VALUES)}
    elif rng.random() < 0.4:
        found["matchExpressions"] = [_expression(rng, rng.choice(KEYS[:2]), VALUES)]
    if (spaces or wide) and rng.random() < 0.5:
        more = [_expression(rng, _NAMESPACE, NAMESPACES)]
        found["matchExpressions"] = [*found.get("matchExpressions", ()), *more]
    return found


def _expression(rng: Random, key: str, values: Any) -> Manifest:
    operator = rng.choice(tuple(Operator))
    expression: Manifest = {"key": key, "operator": str(operator)}
    if operator in {Operator.IN, Operator.NOT_IN}:
        expression["values"] = rng.sample(values, rng.choice((1, 2)))
    return expression
