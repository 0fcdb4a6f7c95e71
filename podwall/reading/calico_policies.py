"""Read Calico's NetworkPolicies, GlobalNetworkPolicies, Tiers and sets of networks.

What is written to `crd.projectcalico.org` nobody validates before Calico itself, which then drops
the whole object, and a missing `types` means both directions there. `projectcalico.org/v3` is
checked by an API server, which fills `types` in from the rules.

https://docs.tigera.io/calico/latest/reference/resources/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

from podwall.calico import (
    EVERYTHING,
    CalicoEnd,
    CalicoPolicy,
    CalicoRule,
    CalicoSet,
    CalicoTier,
    Expression,
    parsed,
)
from podwall.model import IpNetwork, IpProtocol, PortRule, Unknown
from podwall.policies.addresses import unmapped
from podwall.policies.ports import FIRST_PORT, LAST_PORT
from podwall.policies.rules import Direction
from podwall.policies.validation.shapes import fields_of, items_of
from podwall.reading.fields import Malformed, field, list_of, mapping, text, within
from podwall.reading.metadata import ManifestObject

__all__ = ["CalicoPart", "is_calico_object", "read_calico_object"]

CalicoPart = CalicoPolicy | CalicoTier | CalicoSet

_V3: Final = ("projectcalico.org", "v3")
_CRD: Final = ("crd.projectcalico.org", "v1")
_END_FIELDS: Final = frozenset({
    "selector", "notSelector", "namespaceSelector", "nets", "notNets", "ports", "notPorts",
    "serviceAccounts", "services",
})  # fmt: skip
_RULE_FIELDS: Final = frozenset({
    "action", "protocol", "notProtocol", "icmp", "notICMP", "ipVersion", "http", "source",
    "destination", "metadata",
})  # fmt: skip
_NAMESPACED: Final = frozenset({
    "tier", "order", "selector", "serviceAccountSelector", "types", "ingress", "egress",
    "performanceHints",
})  # fmt: skip
_OF_HOSTS: Final = ("applyOnForward", "doNotTrack", "preDNAT")
_SPECS: Final = {
    "NetworkPolicy": _NAMESPACED,
    "GlobalNetworkPolicy": _NAMESPACED | {"namespaceSelector", "applyOnForward", "preDNAT",
                                          "doNotTrack"},
    "Tier": frozenset({"order", "defaultAction"}),
    "NetworkSet": frozenset({"nets"}),
    "GlobalNetworkSet": frozenset({"nets"}),
}  # fmt: skip
_ACTIONS: Final = ("Allow", "Deny", "Log", "Pass")
_TRANSPORTS: Final = {
    "TCP": IpProtocol.TCP,
    "UDP": IpProtocol.UDP,
    "SCTP": IpProtocol.SCTP,
    "6": IpProtocol.TCP,
    "17": IpProtocol.UDP,
    "132": IpProtocol.SCTP,
}
_OTHERS: Final = ("ICMP", "ICMPv6", "UDPLite")
_LAST_PROTOCOL: Final = 255


def is_calico_object(item: ManifestObject) -> bool:
    """Return whether an object is of Calico's and has no word or value but those read here.

    What any other may decide stays undetermined, such as one of which a part is not known yet, or
    one that is about hosts as well (`applyOnForward`, `doNotTrack`, `preDNAT`).
    """
    if (item.group, item.version) not in {_V3, _CRD} or item.kind not in _SPECS:
        return False
    spec = item.manifest.get("spec")
    if _has_unknown(spec) or _has_unknown(fields_of(item.manifest.get("metadata")).get("labels")):
        return False
    written = fields_of(spec)
    if not written.keys() <= _SPECS[item.kind] or any(map(written.get, _OF_HOSTS)):
        return False
    rules = [fields_of(each) for way in Direction for each in items_of(written.get(way.field))]
    ends = [fields_of(each.get(end)) for each in rules for end in ("source", "destination")]
    return all(each.keys() <= _RULE_FIELDS for each in rules) and all(
        each.keys() <= _END_FIELDS for each in ends
    )


def _has_unknown(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_unknown, value))
    return isinstance(value, Unknown)


def read_calico_object(item: ManifestObject) -> CalicoPart:
    """Return the policy, tier or set that an object is.

    Raises:
        Malformed: it is refused or, in the group of definitions, enforced in no part.
    """
    return within(item.manifest, ("spec",), partial(_part, item))


def _part(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> CalicoPart:
    assert not isinstance(spec, Unknown), "of such an object nothing is read"
    if item.kind == "Tier":
        default = field(spec, "defaultAction", text, "Deny")
        if default not in {"Deny", "Pass"}:
            raise Malformed(f"must be `Deny` or `Pass`, is `{default}`", "defaultAction")
        order = field(spec, "order", _order, None)
        return CalicoTier(_name(item), order, default == "Pass", item.place)
    namespace = None if item.kind.startswith("Global") else _namespace(item)
    if item.kind.endswith("Set"):
        labels = fields_of(fields_of(item.manifest.get("metadata")).get("labels"))
        written = tuple(sorted((str(key), str(each)) for key, each in labels.items()))
        return CalicoSet(_name(item), namespace, written, _nets(spec, "nets"), item.place)
    return _policy(item, namespace, spec)


def _name(item: ManifestObject) -> str:
    assert isinstance(item.name, str)
    return item.name


def _namespace(item: ManifestObject) -> str:
    assert isinstance(item.namespace, str), "an object in a namespace that is not known is not read"
    return item.namespace


def _policy(item: ManifestObject, namespace: str | None, spec: Mapping[str, Any]) -> CalicoPolicy:
    rules = {way: field(spec, way.field, list_of(partial(_rule, way)), ()) for way in Direction}
    types = _types(item, spec)
    ingress, egress = (
        _acting(rules[way]) if way.value in types else None
        for way in (Direction.INGRESS, Direction.EGRESS)
    )
    return CalicoPolicy(
        item.kind,
        _name(item),
        namespace,
        str(field(spec, "tier", text, "default")) or "default",
        field(spec, "order", _order, None),
        _selector(spec, "selector") or EVERYTHING,
        _selector(spec, "namespaceSelector") or EVERYTHING,
        ingress,
        egress,
        bool(field(spec, "serviceAccountSelector", text, "")),
        item.place,
    )


def _acting(rules: object) -> tuple[CalicoRule, ...]:
    """Return the rules without those that only log."""
    assert isinstance(rules, tuple)
    return tuple(
        CalicoRule(each.action, each.source, each.destination, each.ports, index, each.doubts)
        for index, each in enumerate(rules)
        if each.action != "Log"
    )


def _types(item: ManifestObject, spec: Mapping[str, Any]) -> frozenset[str]:
    """Return the directions of a policy: what the API server fills in, and Calico otherwise."""
    given = field(spec, "types", list_of(text), ())
    assert not isinstance(given, Unknown)
    wrong = [each for each in given if each not in {"Ingress", "Egress"}]
    if wrong:
        raise Malformed(f"must be of `Ingress` and `Egress`, not `{wrong[0]}`", "types")
    if given:
        return frozenset(str(each) for each in given)
    if (item.group, item.version) == _CRD:
        return frozenset({"Ingress", "Egress"})
    if not items_of(spec.get("egress")):
        return frozenset({"Ingress"})
    return frozenset({"Ingress", "Egress"} if items_of(spec.get("ingress")) else {"Egress"})


def _order(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed("must be a number")
    return float(value)


def _selector(node: Mapping[str, Any], key: str) -> Expression | None:
    """Return a selector that is written; an empty text says nothing."""
    written = field(node, key, text, "")
    assert not isinstance(written, Unknown)
    if not written.strip():
        return None
    try:
        return parsed(written)
    except ValueError as problem:
        raise Malformed(f"is no selector: {problem}", key) from None


def _rule(direction: Direction, value: Any) -> CalicoRule:
    node = mapping(value)
    assert not isinstance(node, Unknown)
    action = field(node, "action", text, None)
    if action not in _ACTIONS:
        raise Malformed(f"must be one of {', '.join(_ACTIONS)}, is `{action}`", "action")
    source = field(node, "source", partial(_end, direction), CalicoEnd())
    destination = field(node, "destination", partial(_end, direction), CalicoEnd())
    doubts = []
    if node.get("http") is not None:
        doubts.append("requests are told apart only where application layer policy is on")
    if node.get("ipVersion") is not None:
        doubts.append("a rule is for one IP version")
    if fields_of(node.get("source")).get("ports") or fields_of(node.get("source")).get("notPorts"):
        doubts.append("a rule asks for ports of the source")
    return CalicoRule(str(action), source, destination, _ports(node), 0, tuple(doubts))


def _end(direction: Direction, value: Any) -> CalicoEnd:
    node = mapping(value)
    assert not isinstance(node, Unknown)
    del direction
    doubts = []
    if node.get("serviceAccounts") is not None:
        doubts.append("the service accounts of pods are not read")
    if node.get("services") is not None:
        doubts.append("the endpoints of a service are known only in the cluster")
    return CalicoEnd(
        _selector(node, "selector"),
        _selector(node, "notSelector"),
        _selector(node, "namespaceSelector"),
        _nets(node, "nets"),
        _nets(node, "notNets"),
        node.get("serviceAccounts") is not None,
        tuple(doubts),
    )


def _nets(node: Mapping[str, Any], key: str) -> tuple[IpNetwork, ...]:
    found = field(node, key, list_of(_net), ())
    assert not isinstance(found, Unknown)
    return found


def _net(value: Any) -> IpNetwork:
    written = text(value)
    assert not isinstance(written, Unknown)
    try:
        return unmapped(ip_network(written, strict=False))
    except ValueError:
        raise Malformed(f"must be a CIDR or an address, is `{written[:60]}`") from None


_Entry = PortRule | Unknown


def _ports(node: Mapping[str, Any]) -> tuple[_Entry, ...] | None:
    """Return what a rule says of protocols and of the destination's ports; None is everything."""
    there = fields_of(node.get("destination"))
    listed, left_out = items_of(there.get("ports")), items_of(there.get("notPorts"))
    protocol, other = node.get("protocol"), node.get("notProtocol")
    if (listed or left_out) and _transport(protocol) is None:
        problem = "needs `protocol` TCP, UDP or SCTP beside it"
        raise Malformed(problem, f"destination.{'ports' if listed else 'notPorts'}")
    if protocol is None and other is None:
        return None if node.get("icmp") is None and node.get("notICMP") is None else (_icmp(),)
    if protocol is None:
        return tuple(_all_but(other))
    transport = _transport(protocol)
    if transport is None:
        return (_icmp(f"only protocol {protocol}"),)
    if other is not None and _transport(other) is transport:
        return ()
    return tuple(_of_transport(transport, listed, left_out))


def _icmp(says: str = "only ICMP of some types") -> PortRule:
    return PortRule(IpProtocol.OTHER, condition=Unknown(says))


def _transport(protocol: object) -> IpProtocol | None:
    """Return the protocol that has ports; None of another."""
    if protocol is None:
        return None
    word = str(protocol)
    known = {each.upper(): each for each in (*_TRANSPORTS, *_OTHERS)}
    if word.upper() in known:
        return _TRANSPORTS.get(known[word.upper()])
    if word.isdigit() and 1 <= int(word) <= _LAST_PROTOCOL:
        return None
    raise Malformed(f"must be a protocol such as `TCP`, is `{word[:40]}`", "protocol")


def _all_but(protocol: object) -> Iterator[_Entry]:
    left_out = _transport(protocol)
    for each in (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP):
        if each is not left_out:
            yield PortRule(each)
    if left_out is None:
        yield _icmp(f"all but protocol {protocol}")
    else:
        yield PortRule(IpProtocol.OTHER)


def _of_transport(
    protocol: IpProtocol, listed: Sequence[Any], left_out: Sequence[Any]
) -> Iterator[_Entry]:
    ranges = [_port(each, "ports") for each in listed] or [(FIRST_PORT, LAST_PORT)]
    gaps = [_port(each, "notPorts") for each in left_out]
    if any(isinstance(each, str) for each in gaps):
        yield PortRule(protocol, condition=Unknown("a rule leaves out ports by name"))
        return
    for each in ranges:
        if isinstance(each, str):
            condition = Unknown("a rule leaves out ports") if gaps else None
            yield PortRule(protocol, each, condition=condition)
            continue
        for first, last in _without(each, [gap for gap in gaps if not isinstance(gap, str)]):
            whole = (first, last) == (FIRST_PORT, LAST_PORT)
            end = None if first == last else last
            yield PortRule(protocol) if whole else PortRule(protocol, first, end)


def _without(whole: tuple[int, int], gaps: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first, end = whole
    for low, high in sorted(gaps):
        if low > first:
            yield first, min(end, low - 1)
        first = max(first, high + 1)
        if first > end:
            return
    if first <= end:
        yield first, end


def _port(value: object, path: str) -> tuple[int, int] | str:
    """Return a port, a range such as `79:81`, or a name."""
    written = str(value)
    low, colon, high = written.partition(":")
    if low.isdigit() and (high.isdigit() if colon else not high):
        first, last = int(low), int(high or low)
        if 0 <= first <= last <= LAST_PORT:
            return max(first, FIRST_PORT), last
    elif not colon and isinstance(value, str) and written:
        return written
    raise Malformed(f"must be a port, a range such as `79:81` or a name, is `{written[:40]}`",
                    f"destination.{path}")  # fmt: skip
