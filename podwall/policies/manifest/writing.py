"""Writes the Kubernetes document of a policy, in one form."""

from __future__ import annotations

from typing import Any, Final, assert_never

from podwall.policies.addresses import Anywhere, IpBlock
from podwall.policies.labels import LabelSelector, Requirement
from podwall.policies.peers import Namespace, Namespaces, Peer, Pods, PodsIn
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import Port, Ports
from podwall.policies.rules import Direction, Rule

__all__ = [
    "API_VERSION",
    "KIND",
    "peer_manifest",
    "ports_manifest",
    "selector_manifest",
    "to_manifest",
]

Document = dict[str, Any]

API_VERSION: Final = "networking.k8s.io/v1"
KIND: Final = "NetworkPolicy"


def to_manifest(policy: NetworkPolicy) -> Document:
    """Return the document of a policy: plain dicts, lists, texts and numbers.

    `policyTypes` is always written; a direction in which nothing is allowed has no list of rules,
    as in the examples of the Kubernetes documentation.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": _metadata(policy),
        "spec": _spec(policy),
    }


def _metadata(policy: NetworkPolicy) -> Document:
    metadata: Document = {"name": policy.name, "namespace": policy.namespace}
    if policy.labels:
        metadata["labels"] = dict(policy.labels)
    if policy.annotations:
        metadata["annotations"] = dict(policy.annotations)
    return metadata


def _spec(policy: NetworkPolicy) -> Document:
    spec: Document = {
        "podSelector": selector_manifest(policy.pod_selector.selector),
        "policyTypes": [str(direction) for direction in policy.policy_types],
    }
    for direction in policy.policy_types:
        if rules := policy.rules(direction):
            spec[direction.lower()] = [_rule(rule, direction) for rule in rules]
    return spec


def _rule(rule: Rule, direction: Direction) -> Document:
    written: Document = {}
    if not isinstance(rule.peers, Anywhere):
        end = "from" if direction is Direction.INGRESS else "to"
        written[end] = [peer_manifest(peer) for peer in rule.peers]
    if rule.ports.entries is not None:
        written["ports"] = ports_manifest(rule.ports)
    return written


def peer_manifest(peer: Peer) -> Document:
    """Return the document of one element of `from` or `to`."""
    match peer:
        case Pods(selector):
            return {"podSelector": selector_manifest(selector)}
        case Namespace() | Namespaces():
            return {"namespaceSelector": selector_manifest(peer.selector)}
        case PodsIn(namespaces, Pods(selector)):
            return peer_manifest(namespaces) | {"podSelector": selector_manifest(selector)}
        case IpBlock(cidr, exceptions):
            block: Document = {"cidr": str(cidr)}
            if exceptions:
                block["except"] = [str(exception) for exception in exceptions]
            return {"ipBlock": block}
        case _:
            assert_never(peer)


def ports_manifest(ports: Ports) -> list[Document]:
    """Return the list of port entries; it is empty for `ALL_PORTS`, which Kubernetes leaves out."""
    return [_port(entry) for entry in ports.entries or ()]


def _port(entry: Port) -> Document:
    written: Document = {"protocol": str(entry.protocol)}
    if entry.port is not None:
        written["port"] = entry.port
    if entry.end_port is not None:
        written["endPort"] = entry.end_port
    return written


def selector_manifest(selector: LabelSelector) -> Document:
    """Return the document of a label selector; an empty one selects everything."""
    written: Document = {}
    if selector.match_labels:
        written["matchLabels"] = dict(selector.match_labels)
    if selector.match_expressions:
        written["matchExpressions"] = [_requirement(each) for each in selector.match_expressions]
    return written


def _requirement(requirement: Requirement) -> Document:
    written: Document = {"key": requirement.key, "operator": str(requirement.operator)}
    if requirement.values:
        written["values"] = list(requirement.values)
    return written
