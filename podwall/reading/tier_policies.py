"""Read ClusterNetworkPolicies and their predecessors: their tier, their subject and their rules.

The newer kind has `protocols` where the older ones have `ports`, in which a missing protocol is
TCP. A selector of pods without one of namespaces is about all namespaces: there is no own one.

https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    IpNetwork,
    IpPeer,
    IpProtocol,
    Peer,
    PodPeer,
    PortRule,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.addresses import parse_cidr
from podwall.policies.validation.parts import fields_of, items_of
from podwall.reading.fields import (
    Malformed,
    field,
    list_of,
    mapping,
    number,
    one_of,
    text,
    texts,
    within,
)
from podwall.reading.metadata import ManifestObject, read_selector

__all__ = [
    "CLUSTER",
    "GROUP",
    "KINDS",
    "PEERS",
    "PORTS",
    "PROTOCOLS",
    "is_tier_policy",
    "read_tier_policy",
]

GROUP: Final = "policy.networking.k8s.io"
CLUSTER: Final = "ClusterNetworkPolicy"
KINDS: Final = {
    CLUSTER: frozenset({"v1alpha2", "v1beta1"}),
    "AdminNetworkPolicy": frozenset({"v1alpha1"}),
    "BaselineAdminNetworkPolicy": frozenset({"v1alpha1"}),
}
"""The kinds that are read, each with the versions of it."""

PEERS: Final = frozenset({"namespaces", "pods", "networks", "nodes", "domainNames"})
PROTOCOLS: Final = frozenset({"tcp", "udp", "sctp", "destinationNamedPort"})
PORTS: Final = frozenset({"portNumber", "portRange", "namedPort"})
"""What a peer, a protocol and, in the older kinds, a port is one of."""

_TIERS: Final = {
    "AdminNetworkPolicy": TierName.ADMIN,
    "BaselineAdminNetworkPolicy": TierName.BASELINE,
}
_OLD_ACTIONS: Final = {"Allow": TierAction.ACCEPT, "Deny": TierAction.DENY, "Pass": TierAction.PASS}
_TIER: Final = one_of((TierName.ADMIN, TierName.BASELINE))
_ACTION: Final = one_of(tuple(TierAction))


def is_tier_policy(item: ManifestObject) -> bool:
    """Return whether an object is a policy with a tier, all of whose words are those read here.

    A peer or a port of a kind that came later is not, and neither is a tier that is not known yet:
    what such a policy may decide stays undetermined.
    """
    if item.group != GROUP or item.version not in KINDS.get(item.kind, ()):
        return False
    spec = item.manifest.get("spec")
    if isinstance(spec, Unknown) or isinstance(fields_of(spec).get("tier"), Unknown):
        return False
    rules = [each for key in ("ingress", "egress") for each in items_of(fields_of(spec).get(key))]
    return not any(_is_newer(fields_of(each)) for each in rules)


def _is_newer(rule: Mapping[str, Any]) -> bool:
    known = {"from": PEERS, "to": PEERS, "protocols": PROTOCOLS, "ports": PORTS}
    return any(
        fields_of(each) and not fields_of(each).keys() & fields
        for key, fields in known.items()
        for each in items_of(rule.get(key))
    )


def read_tier_policy(item: ManifestObject) -> TierPolicy:
    """Return the policy that an object is."""
    return within(item.manifest, ("spec",), partial(_policy, item))


def _policy(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> TierPolicy:
    assert not isinstance(spec, Unknown), "of such an object nothing is read"
    tier = _TIERS.get(item.kind) or field(spec, "tier", _TIER, None)
    if not isinstance(tier, TierName):
        raise Malformed("is required", "tier")
    ports = ("protocols", _read_protocols) if item.kind == CLUSTER else ("ports", _read_ports)
    subject = field(spec, "subject", _pods, None)
    if subject is None:
        raise Malformed("is required", "subject")
    return TierPolicy(
        item.kind,
        item.name,
        tier,
        field(spec, "priority", number, 0),
        subject,
        field(spec, "ingress", list_of(partial(_rule, "from", *ports)), ()),
        field(spec, "egress", list_of(partial(_rule, "to", *ports)), ()),
        item.place,
    )


def _pods(value: Any) -> PodPeer | Unknown:
    """Return the pods of a subject, or of a peer of pods."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    namespaces = field(node, "namespaces", read_selector, None)
    if namespaces is not None:
        return PodPeer(EMPTY_SELECTOR, namespaces)
    pods = field(node, "pods", mapping, None)
    if pods is None:
        raise Malformed("must have `namespaces` or `pods`")
    if isinstance(pods, Unknown):
        return pods
    try:
        selected = field(pods, "podSelector", read_selector, EMPTY_SELECTOR)
        return PodPeer(selected, field(pods, "namespaceSelector", read_selector, EMPTY_SELECTOR))
    except Malformed as problem:
        raise problem.inside("pods") from None


_Ports = tuple[PortRule | Unknown, ...] | Unknown


def _rule(
    peers_field: str, ports_field: str, read_ports: Callable[[Any], _Ports], value: Any
) -> TierRule | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    action = field(node, "action", _action, None)
    if action is None:
        raise Malformed("is required", "action")
    peers = field(node, peers_field, list_of(_peers), ())
    name = field(node, "name", text, "")
    listed = peers if isinstance(peers, Unknown) else tuple(each for some in peers for each in some)
    ports = field(node, ports_field, read_ports, ()) or None
    return TierRule(action, listed, ports, name if isinstance(name, str) else "")


def _action(value: Any) -> TierAction | Unknown:
    written = text(value)
    if isinstance(written, str) and written in _OLD_ACTIONS:
        return _OLD_ACTIONS[written]
    return _ACTION(written)


def _peers(value: Any) -> tuple[Peer | AddressPeer, ...]:
    """Return what one element of `from` or `to` means, which may be several networks."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    if node.get("networks") is not None:
        blocks = field(node, "networks", list_of(_block), ())
        return (blocks,) if isinstance(blocks, Unknown) else blocks
    if node.get("nodes") is not None:
        return (AddressPeer("the addresses of nodes are known only in the cluster"),)
    if node.get("domainNames") is not None:
        names = field(node, "domainNames", texts, ())
        known = [] if isinstance(names, Unknown) else [f"`{each}`" for each in names]
        return (AddressPeer(f"the addresses of {', '.join(known) or 'names'} are learnt by DNS"),)
    return (_pods(node),)


def _block(value: Any) -> IpPeer | Unknown:
    network = _network(value)
    return network if isinstance(network, Unknown) else IpPeer(network)


def _network(value: Any) -> IpNetwork | Unknown:
    written = text(value)
    if isinstance(written, Unknown):
        return written
    cidr = parse_cidr(written)
    if cidr is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return cidr.network


_TRANSPORTS: Final = {"tcp": IpProtocol.TCP, "udp": IpProtocol.UDP, "sctp": IpProtocol.SCTP}
_PROTOCOL: Final = one_of((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP))


def _read_protocols(value: Any) -> _Ports:
    return _flat(list_of(_protocol)(value))


def _read_ports(value: Any) -> _Ports:
    return _flat(list_of(_port)(value))


def _flat(entries: tuple[tuple[PortRule | Unknown, ...], ...] | Unknown) -> _Ports:
    if isinstance(entries, Unknown):
        return entries
    return tuple(each for some in entries for each in some)


def _protocol(value: Any) -> tuple[PortRule | Unknown, ...]:
    """Return one element of `protocols`; a name stands for the port of any protocol."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    if node.get("destinationNamedPort") is not None:
        return _named(field(node, "destinationNamedPort", text, ""))
    for key, protocol in _TRANSPORTS.items():
        if node.get(key) is not None:
            return (field(node, key, partial(_transport, protocol), PortRule(protocol)),)
    raise Malformed("must have one of `tcp`, `udp`, `sctp` and `destinationNamedPort`")


def _named(name: str | Unknown) -> tuple[PortRule, ...]:
    return tuple(PortRule(protocol, name) for protocol in _TRANSPORTS.values())


def _transport(protocol: IpProtocol, value: Any) -> PortRule | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return PortRule(protocol, node)
    return field(node, "destinationPort", partial(_numbers, protocol), PortRule(protocol))


def _numbers(protocol: IpProtocol, value: Any) -> PortRule:
    node = mapping(value)
    if isinstance(node, Unknown):
        return PortRule(protocol, node)
    if node.get("range") is not None:
        return field(node, "range", partial(_range, protocol), PortRule(protocol))
    return PortRule(protocol, field(node, "number", number, None))


def _range(protocol: IpProtocol | Unknown, value: Any) -> PortRule:
    node = mapping(value)
    if isinstance(node, Unknown):
        return PortRule(protocol, node)
    return PortRule(protocol, field(node, "start", number, None), field(node, "end", number, None))


def _port(value: Any) -> tuple[PortRule | Unknown, ...]:
    """Return one element of the older kinds' `ports`, in which a missing protocol is TCP."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    if node.get("namedPort") is not None:
        return _named(field(node, "namedPort", text, ""))
    for key in ("portNumber", "portRange"):
        if node.get(key) is not None:
            return (field(node, key, partial(_old_numbers, key), PortRule()),)
    raise Malformed("must have one of `portNumber`, `portRange` and `namedPort`")


def _old_numbers(key: str, value: Any) -> PortRule | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    protocol = field(node, "protocol", _PROTOCOL, IpProtocol.TCP)
    if key == "portRange":
        return _range(protocol, node)
    return PortRule(protocol, field(node, "port", number, None))
