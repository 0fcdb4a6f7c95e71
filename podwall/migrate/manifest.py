"""A policy of the model as the manifest, and as the typed Python, that means it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from podwall.model import IpPeer, Operator, Peer, PodPeer, Policy, PortRule, Rule, Selector, Unknown
from podwall.policies.manifest import (
    API_VERSION,
    KIND,
    block_manifest,
    port_manifest,
    requirement_manifest,
)
from podwall.policies.rules import Direction
from podwall.python_code import imports, policy_code, source_of

__all__ = ["manifest_code", "policy_manifest", "python_code", "python_script"]

T = TypeVar("T")


def policy_manifest(policy: Policy) -> dict[str, Any]:
    """Return the manifest of a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> policy_manifest(Policy("shop", "deny", Selector(), ingress=()))["spec"]
    {'podSelector': {}, 'policyTypes': ['Ingress'], 'ingress': []}
    """
    spec: dict[str, Any] = {"podSelector": _selector(policy.pod_selector), "policyTypes": []}
    for direction, rules in zip(Direction, (policy.ingress, policy.egress), strict=True):
        if isinstance(rules, tuple):
            spec["policyTypes"].append(str(direction))
            written = (_rule(each, direction) for each in rules if isinstance(each, Rule))
            spec[direction.field] = [each for each in written if each is not None]
    metadata = {"name": policy.name}
    if isinstance(policy.namespace, str):
        metadata["namespace"] = policy.namespace
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": spec,
    }


def _selector(selector: Selector) -> dict[str, Any]:
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for each in dict.fromkeys(selector.requirements):
        if each.operator is Operator.IN and len(each.values) == 1 and each.key not in labels:
            labels[each.key] = each.values[0]
        else:
            expressions.append(requirement_manifest(each.key, each.operator, each.values))
    found: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return {**found, "matchExpressions": expressions} if expressions else found


def _rule(rule: Rule, direction: Direction) -> dict[str, Any] | None:
    """Return the document of what is known of a rule; None where a list would allow everything."""
    lists: dict[str, list[dict[str, Any]]] = {}
    if rule.peers is not None:
        lists[direction.peers_field] = [
            _peer(each) for each in _known(rule.peers) if _is_known_peer(each)
        ]
    if rule.ports is not None:
        entries = [each for each in _known(rule.ports) if isinstance(each, PortRule)]
        lists["ports"] = [_port(each) for each in entries if each.is_known]
    return lists if all(lists.values()) else None


def _known(parts: tuple[T, ...] | Unknown) -> tuple[T, ...]:
    return () if isinstance(parts, Unknown) else parts


def _is_known_peer(peer: Peer) -> bool:
    if isinstance(peer, PodPeer):
        return peer.pods.is_known and (peer.namespaces is None or peer.namespaces.is_known)
    return isinstance(peer, IpPeer)


def _peer(peer: Peer) -> dict[str, Any]:
    if isinstance(peer, IpPeer):
        return block_manifest(peer.network, peer.exceptions)
    assert isinstance(peer, PodPeer)
    if peer.namespaces is None:
        return {"podSelector": _selector(peer.pods)}
    found = {"namespaceSelector": _selector(peer.namespaces)}
    return {**found, "podSelector": _selector(peer.pods)} if peer.pods.requirements else found


def _port(entry: PortRule) -> dict[str, Any]:
    return port_manifest(entry.protocol, entry.port, entry.end_port)


def python_code(policy: Policy) -> str:
    """Return the expression that makes a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> print(python_code(Policy("shop", "deny", Selector(), ingress=())))
    NetworkPolicy(
        name="deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
    )
    """
    return manifest_code(policy_manifest(policy))


def manifest_code(manifest: Mapping[str, Any]) -> str:
    """Return the expression that makes the policy of a manifest."""
    return source_of(policy_code(manifest))


def python_script(manifests: Sequence[Mapping[str, Any]]) -> str:
    """Return the expressions that make policies, below the import of what they mention."""
    made = [policy_code(each) for each in manifests]
    return "\n\n".join([imports(made), *map(source_of, made)]) + "\n" if made else ""
