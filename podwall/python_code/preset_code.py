"""Policies that a preset of the language makes, as the call of the preset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.policies import (
    ALL_PODS,
    DNS_PORTS,
    KUBE_DNS,
    LOCAL_DNS,
    EgressRule,
    NetworkPolicy,
    Peer,
    allow_dns,
    default_deny,
)
from podwall.policies.manifest import peer_manifest
from podwall.policies.manifest.writing import selector_manifest
from podwall.python_code.expression import (
    Argument,
    Call,
    Expression,
    Items,
    Name,
    text_literal,
)
from podwall.python_code.policy_code import peer_code, pods_code

__all__ = ["preset_code"]

_ALL_SERVERS: Final = (KUBE_DNS, LOCAL_DNS)


def preset_code(policy: NetworkPolicy) -> Call | None:
    """Return the call of the preset that makes exactly this policy, if there is one.

    >>> preset_code(default_deny("shop")) is None
    False
    """
    return _default_deny(policy) or _allow_dns(policy)


def _default_deny(policy: NetworkPolicy) -> Call | None:
    if policy != default_deny(policy.namespace, name=policy.name):
        return None
    return Call(Name("default_deny"), (_namespace(policy), *_named(policy, "default-deny")))


def _allow_dns(policy: NetworkPolicy) -> Call | None:
    servers, clients = _name_servers(policy), policy.pod_selector
    if not servers or policy != allow_dns(
        policy.namespace, clients=clients, servers=servers, name=policy.name
    ):
        return None
    arguments = [_namespace(policy)]
    if clients != ALL_PODS:
        selector = selector_manifest(clients.selector)
        arguments.append(Argument(pods_code(selector), "clients"))
    if servers != _ALL_SERVERS:
        peers: Iterator[Expression] = (peer_code(peer_manifest(each)) for each in servers)
        arguments.append(Argument(Items(tuple(peers)), "servers"))
    return Call(Name("allow_dns"), (*arguments, *_named(policy, "allow-dns")))


def _name_servers(policy: NetworkPolicy) -> tuple[Peer, ...]:
    """Return whom a policy asks for names, if these are servers that have a name here."""
    match policy.egress:
        case (EgressRule(tuple() as peers, ports),) if ports == DNS_PORTS:
            return peers if set(peers) <= set(_ALL_SERVERS) else ()
        case _:
            return ()


def _namespace(policy: NetworkPolicy) -> Argument:
    return Argument(text_literal(policy.namespace))


def _named(policy: NetworkPolicy, default: str) -> Iterator[Argument]:
    if policy.name != default:
        yield Argument(text_literal(policy.name), "name")
