"""Read a NetworkPolicy into what it does: whom it isolates in which direction, what it allows.

The rules are those of the API server's defaulting:
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from podwall.model import IpNetwork, IpPeer, Peer, PodPeer, Policy, Rule, Selector, Unknown
from podwall.policies.addresses import parse_cidr
from podwall.policies.rules import Direction
from podwall.reading.fields import Malformed, field, list_of, mapping, text, texts, within
from podwall.reading.metadata import ManifestObject
from podwall.reading.ports import read_port_rule
from podwall.reading.selectors import read_selector

__all__ = ["read_egress_rule", "read_ingress_rule", "read_policy"]


T = TypeVar("T")
EVERY_POD = Selector()
read_ports = list_of(read_port_rule)


def read_ingress_rule(value: Any) -> Rule | Unknown:
    """Return one rule of `spec.ingress`."""
    return _rule(value, "from")


def read_egress_rule(value: Any) -> Rule | Unknown:
    """Return one rule of `spec.egress`."""
    return _rule(value, "to")


def _rule(value: Any, peers_key: str) -> Rule | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    peers = field(node, peers_key, read_peers, ())
    ports = field(node, "ports", read_ports, ())
    return Rule(_everything_if_empty(peers), _everything_if_empty(ports))


def _everything_if_empty(entries: tuple[T, ...] | Unknown) -> tuple[T, ...] | Unknown | None:
    return None if entries == () else entries


def _peer(value: Any) -> Peer:
    """Return a peer; one with no field, or with both kinds of fields, is refused by the API.

    https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    pods = field(node, "podSelector", read_selector, None)
    namespaces = field(node, "namespaceSelector", read_selector, None)
    block = field(node, "ipBlock", _ip_block, None)
    if block is None and pods is None and namespaces is None:
        raise Malformed("must specify a peer")
    if block is None:
        return PodPeer(EVERY_POD if pods is None else pods, namespaces)
    if pods is not None or namespaces is not None:
        raise Malformed("may not stand beside a selector", "ipBlock")
    return block


read_peers = list_of(_peer)


def _ip_block(value: Any) -> IpPeer | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    cidr = field(node, "cidr", _network, None)
    if cidr is None:
        raise Malformed("is required", "cidr")
    exceptions = field(node, "except", list_of(_network), ())
    if isinstance(cidr, Unknown):
        return cidr
    if isinstance(exceptions, Unknown):
        return exceptions
    known = tuple(item for item in exceptions if not isinstance(item, Unknown))
    unknown = (item for item in exceptions if isinstance(item, Unknown))
    return IpPeer(cidr, known) if len(known) == len(exceptions) else next(unknown)


def _network(value: Any) -> IpNetwork | Unknown:
    """Return the network of a CIDR; host bits are legal and masked, for old objects' sake.

    https://github.com/kubernetes/enhancements/issues/4858
    """
    written = text(value)
    if isinstance(written, Unknown):
        return written
    cidr = parse_cidr(written)
    if cidr is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return cidr.network


Rules = tuple[Rule | Unknown, ...] | Unknown
Isolates = bool | Unknown
_TYPES: Final = tuple(map(str, Direction))
read_ingress = list_of(read_ingress_rule)
read_egress = list_of(read_egress_rule)


def read_policy(item: ManifestObject) -> Policy:
    """Return the policy that the API server would store for a NetworkPolicy."""
    return within(item.manifest, ("spec",), partial(_policy, item))


def _policy(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> Policy:
    if isinstance(spec, Unknown):
        anyone = Selector(unknown=spec)
        return Policy(item.namespace, item.name, anyone, spec, spec, item.place)
    selector = field(spec, "podSelector", read_selector, EVERY_POD)
    ingress = field(spec, "ingress", read_ingress, ())
    egress = field(spec, "egress", read_egress, ())
    isolates = _isolation(field(spec, "policyTypes", texts, ()), egress)
    return Policy(
        item.namespace,
        item.name,
        selector,
        _enforced(ingress, isolates(Direction.INGRESS)),
        _enforced(egress, isolates(Direction.EGRESS)),
        item.place,
        _unlisted(ingress, isolates(Direction.INGRESS)),
        _unlisted(egress, isolates(Direction.EGRESS)),
    )


def _isolation(
    types: tuple[str | Unknown, ...] | Unknown, egress: Rules
) -> Callable[[Direction], Isolates]:
    """Return who is isolated: the listed directions, or ingress and whatever egress has rules."""
    if isinstance(types, Unknown):
        return lambda _: types
    if not types:
        has_egress = egress if isinstance(egress, Unknown) else bool(egress)
        return lambda direction: True if direction is Direction.INGRESS else has_egress
    for index, name in enumerate(types):
        if isinstance(name, str) and name not in _TYPES:
            message = f"must be one of {', '.join(_TYPES)}, is `{name[:60]}`"
            raise Malformed(message, f"policyTypes[{index}]")
    unlisted = next((name for name in types if isinstance(name, Unknown)), False)
    return lambda direction: direction in types or unlisted


def _enforced(rules: Rules, isolates: Isolates) -> Rules | None:
    if isinstance(isolates, Unknown):
        return isolates
    if not isolates:
        return None
    return (rules,) if isinstance(rules, Unknown) else rules


def _unlisted(rules: Rules, isolates: Isolates) -> Rules | None:
    """Return the rules of a direction that `policyTypes` does not list, or perhaps does not."""
    return None if isolates is True or rules == () else rules
