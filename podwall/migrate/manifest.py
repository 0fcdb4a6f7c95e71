"""A policy of the model as the manifest, and as the typed Python, that means it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podwall.model import IpPeer, Operator, PodPeer, PortRule, Rule, Unknown
from podwall.python_code import imports, policy_code, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.model import Peer, Policy, Selector

__all__ = ["policy_manifest", "python_code", "python_script"]


def policy_manifest(policy: Policy) -> dict[str, Any]:
    """Return the manifest of a policy; parts that are not known yet are left out.

    >>> from podwall.model import Policy, Selector
    >>> policy_manifest(Policy("shop", "deny", Selector(), ingress=()))["spec"]
    {'podSelector': {}, 'policyTypes': ['Ingress'], 'ingress': []}
    """
    spec: dict[str, Any] = {"podSelector": _selector(policy.pod_selector), "policyTypes": []}
    sides = (("Ingress", "from", policy.ingress), ("Egress", "to", policy.egress))
    for name, key, rules in sides:
        if isinstance(rules, tuple):
            spec["policyTypes"].append(name)
            known = (each for each in rules if isinstance(each, Rule))
            told = (each for each in known if _is_known(each.peers) and _is_known(each.ports))
            spec[name.lower()] = [_rule(each, key) for each in told]
    metadata = {"name": policy.name}
    if isinstance(policy.namespace, str):
        metadata["namespace"] = policy.namespace
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
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
            values = {"values": list(each.values)} if each.values else {}
            expressions.append({"key": each.key, "operator": each.operator.value, **values})
    found: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return {**found, "matchExpressions": expressions} if expressions else found


def _is_known(parts: tuple[object, ...] | Unknown | None) -> bool:
    """Tell whether a part of a list is known: a rule without any would allow everything."""
    if isinstance(parts, tuple):
        return any(not isinstance(each, Unknown) for each in parts)
    return parts is None


def _rule(rule: Rule, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(rule.peers, tuple):
        found[key] = [_peer(each) for each in rule.peers if not isinstance(each, Unknown)]
    if isinstance(rule.ports, tuple):
        found["ports"] = [_port(each) for each in rule.ports if isinstance(each, PortRule)]
    return found


def _peer(peer: Peer) -> dict[str, Any]:
    if isinstance(peer, IpPeer):
        exceptions = {"except": [str(each) for each in peer.exceptions]} if peer.exceptions else {}
        return {"ipBlock": {"cidr": str(peer.network), **exceptions}}
    assert isinstance(peer, PodPeer)
    if peer.namespaces is None:
        return {"podSelector": _selector(peer.pods)}
    found = {"namespaceSelector": _selector(peer.namespaces)}
    return {**found, "podSelector": _selector(peer.pods)} if peer.pods.requirements else found


def _port(entry: PortRule) -> dict[str, Any]:
    values = {"protocol": str(entry.protocol), "port": entry.port, "endPort": entry.end_port}
    return {key: value for key, value in values.items() if value is not None}


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
    return source_of(policy_code(policy_manifest(policy)))


def python_script(policies: Sequence[Policy]) -> str:
    """Return the expressions that make policies, below the import of what they mention."""
    made = [policy_code(policy_manifest(policy)) for policy in policies]
    return "\n\n".join([imports(made), *map(source_of, made)]) + "\n" if made else ""
