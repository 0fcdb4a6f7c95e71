"""Read Cilium's rules: whom they are about, on which ports, and on which conditions.

https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from podwall.model import IpProtocol, Peer, PortRule, Rule, TierAction, TierRule, Unknown
from podwall.policies.rules import Direction
from podwall.policies.syntax import digits, port_name_problem, written_number
from podwall.policies.validation.parts import fields_of, items_of
from podwall.reading.cilium_peers import (
    is_plain_selector,
    read_cidr,
    read_cidr_set,
    read_cloud_group,
    read_endpoint,
    read_entities,
    read_names,
    read_service,
    read_subject,
)
from podwall.reading.fields import Malformed, NotEnforced, field, list_of, mapping, number, text

__all__ = ["is_plain", "read_deny_rules", "read_rules", "read_subject"]

_PEERS: Final = ("Endpoints", "Entities", "CIDR", "CIDRSet", "Groups")
_EGRESS_PEERS: Final = ("Services", "FQDNs")
_SELECTING: Final = frozenset({"Endpoints", "Entities", "CIDR", "CIDRSet"})
"""Lists that mean nobody where they are there and empty; of the others such a list is none."""
_OTHER_FIELDS: Final = frozenset({"toPorts", "icmps", "authentication"})


def _peer_fields(direction: Direction) -> dict[str, str]:
    """Return the fields of peers in a direction, by what they are called in both."""
    ingress = direction is Direction.INGRESS
    kinds = _PEERS if ingress else (*_PEERS, *_EGRESS_PEERS)
    return {kind: f"{'from' if ingress else 'to'}{kind}" for kind in kinds}


def is_plain(spec: Mapping[str, Any]) -> bool:
    """Return whether all fields and labels of a rule are those that are read here."""
    if not is_plain_selector(spec.get("endpointSelector"), peer=False):
        return False
    for direction in Direction:
        fields = _peer_fields(direction)
        known = {*fields.values(), *_OTHER_FIELDS}
        for key in (direction.field, f"{direction.field}Deny"):
            for rule in map(fields_of, items_of(spec.get(key))):
                peers = items_of(rule.get(fields["Endpoints"]))
                if not rule.keys() <= known or not all(is_plain_selector(p) for p in peers):
                    return False
                if not all(map(_are_plain_requests, items_of(rule.get("toPorts")))):
                    return False
                if _FROM_CILIUM_1_20 in items_of(rule.get(fields["Entities"])):
                    return False
    return True


_FROM_CILIUM_1_20: Final = "cluster-mesh"
"""An entity that the schema of earlier versions refuses; whom it means is in no cluster's objects.

https://docs.cilium.io/en/stable/security/policy/language/#entities-based
"""

_NOT_IN_GO: Final = re.compile(r"\(\?(=|!|<[=!])|\\[1-9]")


def _are_plain_requests(value: object) -> bool:
    """Return whether Cilium can read the patterns of requests: one that it can't voids the policy.

    https://pkg.go.dev/regexp/syntax
    """
    requests = map(fields_of, items_of(fields_of(fields_of(value).get("rules")).get("http")))
    patterns = (each.get(key) for each in requests for key in ("path", "method", "host"))
    return all(_is_pattern(each) for each in patterns if isinstance(each, str))


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return _NOT_IN_GO.search(text) is None


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
    ports = _ports(direction, node)
    if peers == () or ports == () or (peers is None and ports is None):
        return None
    condition = _authentication(node)
    return Rule(peers, ports if condition is None else _only(ports, condition))


def _authentication(node: Mapping[str, Any]) -> Unknown | None:
    """Return the condition that both ends prove who they are, if it is one."""
    asked = field(node, "authentication", mapping, None)
    if asked is None or isinstance(asked, Unknown):
        return asked
    mode = field(asked, "mode", text, "")
    if isinstance(mode, Unknown):
        return mode
    return None if mode in {"", "disabled"} else Unknown("if both ends authenticate")


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
    """Return the peers of a rule: None where it has none, empty where one of its lists is."""
    fields = _peer_fields(direction)
    present = {
        kind: key
        for kind, key in fields.items()
        if node.get(key) or (node.get(key) is not None and kind in _SELECTING)
    }
    if not present:
        return None
    _refuse_mixed(present, node)
    if not all(node[key] for key in present.values()):
        return ()
    readers = _READERS | {"Endpoints": partial(read_endpoint, namespace)}
    found: list[Peer] = []
    for kind, key in present.items():
        if isinstance(node[key], Unknown):
            found.append(node[key])
        elif kind == "Entities":
            found += field(node, key, read_entities, ())
        else:
            read = field(node, key, list_of(readers[kind]), ())
            assert not isinstance(read, Unknown)
            found += read
    return tuple(found)


def _refuse_mixed(present: Mapping[str, str], node: Mapping[str, Any]) -> None:
    """Refuse a rule with peers of two kinds: Cilium enforces nothing of such a policy."""
    some = [key for key in present.values() if node[key]]
    if len(some) > 1:
        message = f"stands beside `{some[0]}`, and a rule may have peers of one kind only"
        raise NotEnforced(message, some[1])


_READERS: Final[dict[str, Callable[[Any], Peer]]] = {
    "CIDR": read_cidr,
    "CIDRSet": read_cidr_set,
    "Groups": read_cloud_group,
    "Services": read_service,
    "FQDNs": read_names,
}

_Ports = tuple[PortRule | Unknown, ...] | Unknown | None


def _ports(direction: Direction, node: Mapping[str, Any]) -> _Ports:
    """Return the ports of a rule: None where it lists none, empty where what it lists is empty."""
    listed, icmps = node.get("toPorts"), node.get("icmps")
    if not listed and not icmps:
        return None
    if listed and icmps:
        raise NotEnforced("stands beside `toPorts`, and a rule may have one of the two", "icmps")
    if isinstance(listed, Unknown):
        return listed
    if icmps:
        _check_icmps(icmps)
        types = icmps if isinstance(icmps, Unknown) else Unknown("only ICMP of the listed types")
        return (PortRule(IpProtocol.OTHER, condition=types),)
    entries = field(node, "toPorts", list_of(partial(_entry, direction)), ())
    assert not isinstance(entries, Unknown)
    return tuple(port for each in entries for port in each)


_MOST_PORTS: Final = 40


def _check_icmps(icmps: Any) -> None:
    """Refuse lists of ICMP types that Cilium finds invalid."""
    for each in items_of(icmps):
        fields = [fields_of(one) for one in items_of(fields_of(each).get("fields"))]
        if len(fields) > _MOST_PORTS:
            raise NotEnforced(f"must be at most {_MOST_PORTS}, are {len(fields)}", "icmps")
        for one in fields:
            try:
                family = field(one, "family", text, "")
            except Malformed as problem:
                raise problem.inside("icmps") from None
            if isinstance(family, str) and family not in {"", "IPv4", "IPv6"}:
                raise Malformed("must be of the family IPv4 or IPv6", "icmps")


def _entry(direction: Direction, value: Any) -> tuple[PortRule | Unknown, ...]:
    """Return the ports of an element of `toPorts`, and on which condition they are open."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return (node,)
    condition = _condition(node)
    _check_requests(direction, node)
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


def _check_requests(direction: Direction, node: Mapping[str, Any]) -> None:
    """Refuse what Cilium does not take: an entry asks for requests of one sort, as they can be."""
    rules = fields_of(node.get("rules"))
    lists = {each: rules[each] for each in ("http", "kafka", "dns", "l7") if rules.get(each)}
    sorts = [each for each in ("http", "kafka", "dns", "l7proto") if rules.get(each) is not None]
    names = items_of(node.get("serverNames"))
    if "" in names:
        raise NotEnforced("must have no empty name", "serverNames")
    if node.get("listener") and (lists or direction is Direction.INGRESS):
        raise NotEnforced("stands in a rule of egress without requests only", "listener")
    if not lists:
        return
    if names and node.get("terminatingTLS") is None:
        raise NotEnforced("stands beside requests, which TLS hides", "serverNames")
    if "dns" in lists and direction is Direction.INGRESS:
        raise NotEnforced("stands in a rule of egress only", "rules.dns")
    if "dns" in lists and not node.get("ports"):
        raise NotEnforced("has to name a port, as `dns` stands beside it", "ports")
    if len(sorts) > 1:
        raise NotEnforced(f"stands beside `{sorts[0]}`", f"rules.{sorts[1]}")
    if "l7" in lists and "l7proto" not in sorts:
        raise NotEnforced("has no `l7proto` beside it", "rules.l7")


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
    if isinstance(last, int) and not 0 <= last <= _LAST:
        raise Malformed(f"must be 0 to {_LAST}, is {written_number(last)}", "endPort")
    _check_port(requests, port, last, protocol)
    if isinstance(port, int) and isinstance(last, int) and last <= port:
        last = None  # Cilium takes the first number alone
    if port == 0:
        port, last = (None, None) if last in {None, _LAST} else (1, last)
    if isinstance(protocol, Unknown):
        return (PortRule(protocol, port, last),)
    return tuple(PortRule(each, port, last) for each in _PROTOCOLS[protocol.upper()])


def _check_port(
    requests: Mapping[str, Any],
    port: int | str | Unknown,
    last: int | Unknown | None,
    protocol: str | Unknown,
) -> None:
    """Refuse a port that no requests can be asked for on."""
    asked = [each for each in ("http", "kafka", "dns", "l7") if requests.get(each)]
    if not asked:
        return
    if port == 0:
        raise NotEnforced(f"must be one port, as `{asked[0]}` stands beside it", "port")
    if "dns" not in asked and isinstance(protocol, str) and protocol.upper() != "TCP":
        raise NotEnforced(f"must be TCP, as `{asked[0]}` stands beside it", "protocol")
    if "dns" in asked and isinstance(port, int) and isinstance(last, int) and last > port:
        raise NotEnforced("must be one port, as `dns` stands beside it", "endPort")


def _number_or_name(value: Any) -> int | str | Unknown:
    """Return a port, which is written as text: a number from 0, octal after a 0, or a name."""
    written = text(value)
    if isinstance(written, Unknown):
        return written
    if written.isascii() and written.isdigit():
        octal = written.startswith("0") and len(written) > 1
        number = digits(written)
        if number is None or (octal and set(written) & set("89")):
            raise NotEnforced(f"must be 0 to {_LAST}, is `{written[:20]}`")
        number = int(str(number), 8) if octal else number
        if number > _LAST:
            raise NotEnforced(f"must be 0 to {_LAST}, is `{written[:20]}`")
        return number
    problem = port_name_problem(written.lower())
    if problem:
        raise NotEnforced(f"must be a port number or a port name, is `{written[:60]}`: {problem}")
    return written.lower()
