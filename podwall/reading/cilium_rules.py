"""Read the selectors, peers and ports of Cilium's rules.

A label may name its source, as `k8s:app` does; labels of the source `reserved` stand for entities.
https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

from podwall.model import (
    EMPTY_SELECTOR,
    EntityPeer,
    IpNetwork,
    IpPeer,
    IpProtocol,
    Operator,
    Peer,
    PodPeer,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    TierAction,
    TierRule,
    Unknown,
)
from podwall.policies.addresses import parse_cidr
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.policies.syntax import port_name_problem
from podwall.policies.validation.parts import fields_of, items_of
from podwall.policies.wording import did_you_mean
from podwall.reading.cilium_references import read_cidr_group, read_service, unknown_addresses
from podwall.reading.fields import Malformed, field, list_of, mapping, number, text, texts
from podwall.reading.metadata import read_selector

__all__ = ["NotEnforced", "is_plain", "read_deny_rules", "read_rules", "read_subject"]


class NotEnforced(Malformed):
    """A policy that the API server stores, and that Cilium finds invalid: it enforces no part."""


_PEERS: Final = ("Endpoints", "Entities", "CIDR", "CIDRSet", "Groups")
_EGRESS_PEERS: Final = ("Services", "FQDNs")
_OTHER_FIELDS: Final = frozenset({"toPorts", "icmps", "authentication"})
_POD_NAMESPACE: Final = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."
_IN_RUN: Final = ("io.cilium.",)
_ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
_RESERVED: Final = "reserved:"
_SOURCES: Final = ("k8s:", "any:")


def _peer_fields(direction: Direction) -> dict[str, str]:
    """Return the fields of peers in a direction, by what they are called in both."""
    ingress = direction is Direction.INGRESS
    kinds = _PEERS if ingress else (*_PEERS, *_EGRESS_PEERS)
    return {kind: f"{'from' if ingress else 'to'}{kind}" for kind in kinds}


def is_plain(spec: Mapping[str, Any]) -> bool:
    """Return whether all fields and labels of a rule are those that are read here."""
    if not _is_plain_selector(spec.get("endpointSelector"), peer=False):
        return False
    for direction in Direction:
        fields = _peer_fields(direction)
        known = {*fields.values(), *_OTHER_FIELDS}
        for key in (direction.field, f"{direction.field}Deny"):
            for rule in map(fields_of, items_of(spec.get(key))):
                peers = items_of(rule.get(fields["Endpoints"]))
                if not rule.keys() <= known or not all(_is_plain_selector(p) for p in peers):
                    return False
    return True


def _is_plain_selector(value: object, *, peer: bool = True) -> bool:
    keys = list(_keys(fields_of(value)))
    reserved = [each for each in keys if each.startswith(_RESERVED)]
    if reserved:
        return peer and len(keys) == 1 and reserved[0].removeprefix(_RESERVED) in _ENTITIES
    return not any(":" in each.removeprefix(source) for each in keys for source in [_source(each)])


def _keys(selector: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(each) for each in fields_of(selector.get("matchLabels")))
    expressions = map(fields_of, items_of(selector.get("matchExpressions")))
    yield from (str(each.get("key", "")) for each in expressions)


def _source(key: str) -> str:
    return next((each for each in _SOURCES if key.startswith(each)), "")


def read_subject(namespace: str | Unknown | None, value: Any) -> PodPeer:
    """Return the pods that a rule is about; `namespaces` None: those of the policy's namespace.

    A namespace in the labels of a policy of a namespace is replaced by that of the policy.
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        anyone = Selector(unknown=node)
        return PodPeer(anyone, EMPTY_SELECTOR if namespace is None else None)
    if namespace is not None:
        labels = fields_of(node.get("matchLabels"))
        kept = {key: each for key, each in labels.items() if key != f"k8s:{_POD_NAMESPACE}"}
        node = {**node, "matchLabels": kept}
    peer = _split(read_selector(node))
    if namespace is None:
        return peer if peer.namespaces is not None else replace(peer, namespaces=EMPTY_SELECTOR)
    if peer.namespaces is None:
        return peer
    own = SelectorRequirement(METADATA_NAME, Operator.IN, _known(namespace), _unknown(namespace))
    return replace(peer, namespaces=_with(peer.namespaces, own))


def _known(value: str | Unknown) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else ()


def _unknown(value: str | Unknown) -> Unknown | None:
    return value if isinstance(value, Unknown) else None


def _with(selector: Selector, requirement: SelectorRequirement) -> Selector:
    return replace(selector, requirements=(*selector.requirements, requirement))


def _split(selector: Selector) -> PodPeer:
    """Return what a selector asks of pods, and of their namespaces (None: nothing)."""
    pods: list[SelectorRequirement] = []
    spaces: list[SelectorRequirement] = []
    doubt = selector.unknown
    for each in selector.requirements:
        key = each.key.removeprefix(_source(each.key))
        if key == _POD_NAMESPACE:
            spaces.append(replace(each, key=METADATA_NAME))
        elif key.startswith(_NAMESPACE_LABELS):
            spaces.append(replace(each, key=key.removeprefix(_NAMESPACE_LABELS)))
        elif key.startswith(_IN_RUN) and key != _ACCOUNT:
            doubt = doubt or Unknown(f"the label `{key}`, which Cilium sets in the cluster")
        else:
            pods.append(replace(each, key=key))
    return PodPeer(Selector(tuple(pods), doubt), Selector(tuple(spaces)) if spaces else None)


_Allowed = tuple[Rule | Unknown, ...]


def read_rules(
    direction: Direction, namespace: str | Unknown | None, path: str, value: Any
) -> _Allowed:
    """Return what the rules of a direction allow; one that is about nobody is left out."""
    if isinstance(value, Unknown):
        return (value,)
    read = list_of(partial(_rule, direction, namespace))(value)
    assert not isinstance(read, Unknown)
    return tuple(
        replace(rule, written=f"{path}[{index}]") if isinstance(rule, Rule) else rule
        for index, rule in enumerate(read)
        if rule is not None
    )


def read_deny_rules(
    direction: Direction, namespace: str | Unknown | None, path: str, value: Any
) -> tuple[TierRule, ...]:
    """Return what the deny rules of a direction deny."""
    return tuple(
        TierRule(TierAction.DENY, each, None, written=path)
        if isinstance(each, Unknown)
        else TierRule(TierAction.DENY, each.peers, each.ports, written=each.written)
        for each in read_rules(direction, namespace, path, value)
    )


def _rule(
    direction: Direction, namespace: str | Unknown | None, value: Any
) -> Rule | Unknown | None:
    """Return what one rule allows; None where it is about nobody."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    peers = _peers(direction, namespace, node)
    ports = _ports(node)
    if peers == () or ports == () or (peers is None and ports is None):
        return None
    condition = _authentication(node)
    return Rule(peers, ports if condition is None else _only(ports, condition))


def _authentication(node: Mapping[str, Any]) -> Unknown | None:
    """Return the condition that both ends prove who they are, if it is one."""
    asked = field(node, "authentication", mapping, None)
    if asked is None or isinstance(asked, Unknown):
        return asked
    mode = asked.get("mode")
    if isinstance(mode, Unknown):
        return mode
    return None if mode in {None, "", "disabled"} else Unknown("if both ends authenticate")


def _only(
    ports: tuple[PortRule | Unknown, ...] | Unknown | None, condition: Unknown
) -> tuple[PortRule | Unknown, ...] | Unknown:
    """Return ports on which a condition has to hold."""
    if isinstance(ports, Unknown):
        return ports
    if ports is None:
        ports = tuple(PortRule(each) for each in IpProtocol)
    return tuple(
        replace(each, condition=each.condition or condition) if isinstance(each, PortRule) else each
        for each in ports
    )


def _peers(
    direction: Direction, namespace: str | Unknown | None, node: Mapping[str, Any]
) -> tuple[Peer, ...] | None:
    """Return the peers of a rule: None where it has none, empty where its lists are empty."""
    fields = _peer_fields(direction)
    present = {kind: key for kind, key in fields.items() if node.get(key) is not None}
    if not present:
        return None
    _refuse_mixed(present, node)
    readers = _READERS | {"Endpoints": partial(_endpoint, namespace)}
    found: list[Peer] = []
    for kind, key in present.items():
        if isinstance(node[key], Unknown):
            found.append(node[key])
        elif kind == "Entities":
            found += field(node, key, _entities, ())
        else:
            read = field(node, key, list_of(readers[kind]), ())
            assert not isinstance(read, Unknown)
            found += read
    return tuple(found)


def _refuse_mixed(present: Mapping[str, str], node: Mapping[str, Any]) -> None:
    """Refuse a rule with peers of two kinds: Cilium enforces nothing of such a policy."""
    some = [key for kind, key in present.items() if kind != "Services" and node[key]]
    if len(some) > 1:
        message = f"stands beside `{some[0]}`, and a rule may have peers of one kind only"
        raise NotEnforced(message, some[1])


def _endpoint(namespace: str | Unknown | None, value: Any) -> Peer:
    """Return the pods that an element of `fromEndpoints` or `toEndpoints` means."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    reserved = [each.removeprefix(_RESERVED) for each in _keys(node) if each.startswith(_RESERVED)]
    if reserved:
        return _ENTITIES[reserved[0]]
    peer = _split(read_selector(node))
    if peer.namespaces is None and namespace is None:
        return replace(peer, namespaces=EMPTY_SELECTOR)
    return peer


_API_SERVER: Final = Unknown("which addresses are the API server's is known only in the cluster")
_NODE: Final = Unknown("which node a pod runs on is not known")


def _entity(name: str, **meant: bool | Unknown) -> EntityPeer:
    return EntityPeer(f"the entity `{name}`", **meant)


_ENTITIES: Final = {
    "all": _entity("all", pods=True, nodes=True, ipv4=True, ipv6=True),
    "world": _entity("world", ipv4=True, ipv6=True),
    "world-ipv4": _entity("world-ipv4", ipv4=True),
    "world-ipv6": _entity("world-ipv6", ipv6=True),
    "cluster": _entity("cluster", pods=True, nodes=True),
    "host": _entity("host", nodes=_NODE),
    "remote-node": _entity("remote-node", nodes=_NODE),
    "kube-apiserver": _entity(
        "kube-apiserver", nodes=_API_SERVER, ipv4=_API_SERVER, ipv6=_API_SERVER
    ),
    **{each: _entity(each) for each in ("health", "ingress", "init", "none", "unmanaged")},
}
"""Who is meant by an entity; the last ones are none of the ends that a source can show."""


def _entities(value: Any) -> tuple[Peer, ...]:
    """Return the entities of a list: both sorts of nodes together are every node."""
    names = texts(value)
    if isinstance(names, Unknown):
        return (names,)
    for index, name in enumerate(names):
        if isinstance(name, str) and name not in _ENTITIES:
            help_ = did_you_mean(name, _ENTITIES)
            raise Malformed(f"`{name[:60]}` is no entity; {help_}", f"[{index}]")
    nodes = {"host", "remote-node"} <= set(names)
    every = [EntityPeer("the entities `host` and `remote-node`", nodes=True)] if nodes else []
    each = (name if isinstance(name, Unknown) else _ENTITIES[name] for name in names)
    return (*every, *each)


def _network(value: Any) -> IpNetwork | Unknown:
    written = text(value)
    if isinstance(written, Unknown):
        return written
    cidr = parse_cidr(written)
    if cidr is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return cidr.network


def _cidr(value: Any) -> Peer:
    """Return an element of `toCIDR`, which may be an address."""
    written = text(value)
    if isinstance(written, Unknown):
        return written
    try:
        network = _network(written) if "/" in written else ip_network(written)
    except ValueError:
        raise Malformed(f"must be an address or a CIDR, is `{written[:60]}`") from None
    return network if isinstance(network, Unknown) else IpPeer(network)


def _cidr_set(value: Any) -> Peer:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    kinds = [each for each in ("cidr", "cidrGroupRef", "cidrGroupSelector") if node.get(each)]
    if len(kinds) != 1:
        raise NotEnforced("must have one of `cidr`, `cidrGroupRef` and `cidrGroupSelector`")
    if kinds != ["cidr"]:
        return read_cidr_group(node)
    network = field(node, "cidr", _network, None)
    exceptions = field(node, "except", list_of(_network), ())
    if isinstance(network, Unknown):
        return network
    return exceptions if isinstance(exceptions, Unknown) else _without(network, exceptions)


def _without(network: Any, exceptions: tuple[IpNetwork | Unknown, ...]) -> Peer:
    """Return a block without exceptions, each of which has to be inside of it."""
    known = []
    for index, each in enumerate(exceptions):
        if isinstance(each, Unknown):
            return each
        if each.version != network.version or not each.subnet_of(network):
            raise NotEnforced(f"`{each}` is not part of `{network}`", f"except[{index}]")
        known.append(each)
    return IpPeer(network, tuple(known))


def _group(_: Any) -> Peer:
    return unknown_addresses(
        "a group of a cloud", "the addresses of a group are known only in the cloud"
    )


def _names(value: Any) -> Peer:
    node = fields_of(value)
    name = node.get("matchName") or node.get("matchPattern")
    which = f"`{name}`" if isinstance(name, str) else "names"
    cause = Unknown(f"only for these names: the addresses of {which} are learnt by DNS")
    return EntityPeer(f"the addresses of {which}", nodes=cause, ipv4=cause, ipv6=cause)


_READERS: Final[dict[str, Callable[[Any], Peer]]] = {
    "CIDR": _cidr,
    "CIDRSet": _cidr_set,
    "Groups": _group,
    "Services": read_service,
    "FQDNs": _names,
}

_Ports = tuple[PortRule | Unknown, ...] | Unknown | None


def _ports(node: Mapping[str, Any]) -> _Ports:
    """Return the ports of a rule: None where it lists none, empty where what it lists is empty."""
    listed, icmps = node.get("toPorts"), node.get("icmps")
    if not listed and not icmps:
        return None
    if listed and icmps:
        raise NotEnforced("stands beside `toPorts`, and a rule may have one of the two", "icmps")
    if isinstance(listed, Unknown):
        return listed
    if icmps:
        types = icmps if isinstance(icmps, Unknown) else Unknown("only ICMP of the listed types")
        return (PortRule(IpProtocol.OTHER, condition=types),)
    entries = field(node, "toPorts", list_of(_entry), ())
    assert not isinstance(entries, Unknown)
    return tuple(port for each in entries for port in each)


_MOST_PORTS: Final = 40


def _entry(value: Any) -> tuple[PortRule | Unknown, ...]:
    """Return the ports of an element of `toPorts`, and on which condition they are open."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    condition = _condition(node)
    ports = field(node, "ports", list_of(partial(_port, fields_of(node.get("rules")))), ())
    if isinstance(ports, Unknown):
        return (ports,)
    if len(ports) > _MOST_PORTS:
        raise NotEnforced(f"must be at most {_MOST_PORTS}, are {len(ports)}", "ports")
    return tuple(
        replace(port, condition=condition) if isinstance(port, PortRule) else port
        for each in ports
        for port in each
    )


def _condition(node: Mapping[str, Any]) -> Unknown | None:
    """Return why not everything passes on a port: what is asked of requests, or of names."""
    rules = field(node, "rules", mapping, None)
    if isinstance(rules, Unknown):
        return rules
    if rules and any(rules.get(each) for each in ("http", "kafka", "l7")):
        return Unknown("only for the requests that the rule lists")
    if rules and (rules.get("dns") or "l7proto" in rules) and not _asks_any_name(rules):
        return Unknown("only for the names that the rule lists")
    if node.get("serverNames"):
        return Unknown("only for the TLS server names that the rule lists")
    return Unknown("if the Envoy listener lets it pass") if node.get("listener") else None


def _asks_any_name(rules: Mapping[str, Any]) -> bool:
    return any(fields_of(each).get("matchPattern") == "*" for each in items_of(rules.get("dns")))


_PROTOCOLS: Final = {
    "": (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP),
    "ANY": (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP),
    "TCP": (IpProtocol.TCP,),
    "UDP": (IpProtocol.UDP,),
    "SCTP": (IpProtocol.SCTP,),
}
_LAST: Final = 65535


def _port(requests: Mapping[str, Any], value: Any) -> tuple[PortRule | Unknown, ...]:
    """Return one port of all its protocols; a missing one, and `ANY`, is every protocol."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    protocol = field(node, "protocol", text, "")
    if isinstance(protocol, str) and protocol.upper() not in _PROTOCOLS:
        raise Malformed(f"must be one of TCP, UDP, SCTP and ANY, is `{protocol[:60]}`", "protocol")
    port = field(node, "port", _number_or_name, None)
    if port is None:
        raise Malformed("is required", "port")
    last = field(node, "endPort", number, None) if not isinstance(port, str) else None
    if isinstance(port, int) and isinstance(last, int):
        if last and not port <= last <= _LAST:
            raise NotEnforced(f"must be {port} to {_LAST}, is {last}", "endPort")
        last = last or None
    if requests.get("http") and (port == 0 or protocol not in {"TCP", "", "ANY"}):
        raise NotEnforced("must be a port of TCP, as `http` stands beside it", "port")
    if isinstance(protocol, Unknown):
        return (PortRule(protocol, port, last),)
    number_ = None if port == 0 else port
    return tuple(PortRule(each, number_, last) for each in _PROTOCOLS[protocol.upper()])


def _number_or_name(value: Any) -> int | str | Unknown:
    """Return a port, which is written as text: a number from 0, or a name."""
    written = text(value)
    if isinstance(written, Unknown):
        return written
    if written.isascii() and written.isdigit():
        if int(written) > _LAST:
            raise NotEnforced(f"must be 0 to {_LAST}, is `{written[:20]}`")
        return int(written)
    problem = port_name_problem(written.lower())
    if problem:
        raise NotEnforced(f"must be a port number or a port name, is `{written[:60]}`: {problem}")
    return written.lower()
