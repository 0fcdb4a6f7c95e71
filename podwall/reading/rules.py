"""Read the rules of a NetworkPolicy: their peers and their ports."""

from __future__ import annotations

from typing import Any, TypeVar

from podwall.model import IpNetwork, IpPeer, Peer, PodPeer, Rule, Selector, Unknown
from podwall.policies.cidrs import parsed
from podwall.reading.fields import Malformed, field, mapping, structs, text
from podwall.reading.ports import read_port_rule
from podwall.reading.selectors import read_selector

__all__ = ["read_egress_rule", "read_ingress_rule"]

T = TypeVar("T")
EVERY_POD = Selector()
read_ports = structs(read_port_rule)


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


read_peers = structs(_peer)


def _ip_block(value: Any) -> IpPeer | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    cidr = field(node, "cidr", _network, None)
    if cidr is None:
        raise Malformed("is required", "cidr")
    exceptions = field(node, "except", structs(_network), ())
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
    cidr = parsed(written)
    if cidr is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return cidr.network
