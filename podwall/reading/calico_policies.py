"""Read Calico's NetworkPolicies, GlobalNetworkPolicies, Tiers and sets of networks.

What is written to `crd.projectcalico.org` nobody validates before Calico itself, which then drops
the whole object, and a missing `types` means both directions there. `projectcalico.org/v3` is
checked by an API server, which fills `types` in from the rules.

https://docs.tigera.io/calico/latest/reference/resources/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from podwall.calico import (
    ACCOUNT,
    EVERYTHING,
    OF_ACCOUNT,
    REQUESTS,
    SOURCE_PORTS,
    AllOf,
    CalicoEnd,
    CalicoPolicy,
    CalicoRule,
    CalicoSet,
    CalicoTier,
    Expression,
    LabelTest,
    parsed,
    prefixed,
)
from podwall.model import IpNetwork, IpProtocol, PortRule, Unknown
from podwall.policies.addresses import unmapped
from podwall.policies.ports import FIRST_PORT, LAST_PORT
from podwall.policies.rules import Direction
from podwall.policies.syntax import digits, written_number
from podwall.policies.validation.parts import fields_of, items_of
from podwall.reading.fields import Malformed, field, list_of, mapping, number, text, within
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
_BESIDE_SERVICES: Final = (
    "selector", "notSelector", "namespaceSelector", "nets", "notNets", "serviceAccounts",
)  # fmt: skip
_ICMP: Final = ("ICMP", "ICMPv6", "1", "58")
_VERSIONS: Final = (4, 6)
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
    origin = _Origin(namespace, (item.group, item.version) == _V3)
    rules = {way: field(spec, way.field, list_of(partial(_rule, origin)), ()) for way in Direction}
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
        _both(_selector(spec, "selector"), _of_account(spec, "serviceAccountSelector")),
        _selector(spec, "namespaceSelector") or EVERYTHING,
        ingress,
        egress,
        item.place,
    )


def _both(*parts: Expression | None) -> Expression:
    """Return what all of some selectors say that are written."""
    written = tuple(each for each in parts if each is not None)
    return written[0] if len(written) == 1 else AllOf(written)


def _of_account(node: Mapping[str, Any], key: str) -> Expression | None:
    """Return a selector of service accounts as one of the labels that pods have of these."""
    found = _selector(node, key)
    return None if found is None else prefixed(found, OF_ACCOUNT)


def _acting(rules: object) -> tuple[CalicoRule, ...]:
    """Return the rules without those that only log."""
    assert isinstance(rules, tuple)
    return tuple(
        replace(each, index=index) for index, each in enumerate(rules) if each.action != "Log"
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


class _Origin(NamedTuple):
    """Where a rule is written: in which namespace, and whether an API server has checked it."""

    namespace: str | None
    checked: bool


def _rule(origin: _Origin, value: Any) -> CalicoRule:
    node = mapping(value)
    assert not isinstance(node, Unknown)
    action = field(node, "action", text, None)
    if action not in _ACTIONS:
        raise Malformed(f"must be one of {', '.join(_ACTIONS)}, is `{action}`", "action")
    source = field(node, "source", partial(_end, origin), CalicoEnd())
    destination = field(node, "destination", partial(_end, origin), CalicoEnd())
    version = _ip_version(node)
    if origin.checked:
        _refuse_families((source, destination), version)
        _refuse_icmp(node)
    if destination.service is not None:
        _refuse_ports(node, origin)
    ports, doubts = _ports(node), []
    if node.get("http") is not None:
        doubts.append(REQUESTS)
    if says := _of_source(node):
        doubts.append(says)
    return CalicoRule(str(action), source, destination, ports, 0, tuple(doubts), version)


def _ip_version(node: Mapping[str, Any]) -> int | None:
    version = field(node, "ipVersion", number, None)
    if version not in {None, *_VERSIONS}:
        raise Malformed(f"must be 4 or 6, is `{version}`", "ipVersion")
    assert not isinstance(version, Unknown)
    return version


def _refuse_families(ends: Sequence[CalicoEnd], version: int | None) -> None:
    """Refuse a rule with networks of both versions of IP, or of another than it is for."""
    used = {net.version for end in ends for net in (*end.nets, *end.not_nets)}
    if len(used) > 1:
        raise Malformed("has networks of IPv4 and of IPv6, and a rule may have those of one only")
    if version is not None and used - {version}:
        raise Malformed(f"is {version}, and the networks of the rule are not", "ipVersion")


def _refuse_icmp(node: Mapping[str, Any]) -> None:
    if node.get("icmp") is not None and str(node.get("protocol")) not in _ICMP:
        raise Malformed("needs `protocol` ICMP or ICMPv6 beside it", "icmp")


def _refuse_ports(node: Mapping[str, Any], origin: _Origin) -> None:
    """Refuse ports beside a service that is a destination, whose endpoints have their own."""
    there = fields_of(node.get("destination"))
    found = next((key for key in ("ports", "notPorts") if there.get(key)), None)
    if found is not None and origin.checked:
        raise Malformed("stands beside `services`, which has ports", f"destination.{found}")


def _of_source(node: Mapping[str, Any]) -> str:
    """Return what a rule asks of the source's ports, which is nothing where it lists all."""
    source = fields_of(node.get("source"))
    listed, left_out = items_of(source.get("ports")), items_of(source.get("notPorts"))
    if not listed and not left_out:
        return ""
    path = f"source.{'ports' if listed else 'notPorts'}"
    named = [isinstance(_port(each, path), str) for each in (*listed, *left_out)]
    if _transport(node.get("protocol")) is None and not (
        node.get("protocol") is None and all(named)
    ):
        raise Malformed("needs `protocol` TCP, UDP or SCTP beside it", path)
    if not left_out and (FIRST_PORT, LAST_PORT) in (_port(each, path) for each in listed):
        return ""
    ports = ", ".join(str(each) for each in listed or left_out)
    return f"{SOURCE_PORTS}: {ports if listed else f'all but {ports}'}"


def _end(origin: _Origin, value: Any) -> CalicoEnd:
    node = mapping(value)
    assert not isinstance(node, Unknown)
    beside = [key for key in _BESIDE_SERVICES if node.get(key)] if node.get("services") else []
    if beside and origin.checked:
        raise Malformed("stands beside `services`, which says it all", beside[0])
    return CalicoEnd(
        _selector(node, "selector"),
        _selector(node, "notSelector"),
        _selector(node, "namespaceSelector"),
        _nets(node, "nets"),
        _nets(node, "notNets"),
        field(node, "serviceAccounts", _accounts, None),
        field(node, "services", partial(_service, origin.namespace), None),
        ("a rule asks for more beside a service",) if beside else (),
    )


def _accounts(value: Any) -> Expression | None:
    """Return what is asked of service accounts: to have one of the names, and some labels."""
    node = mapping(value)
    assert not isinstance(node, Unknown)
    names = field(node, "names", list_of(text), ())
    assert not isinstance(names, Unknown)
    listed = tuple(sorted({str(each) for each in names}))
    by_name = LabelTest(ACCOUNT, "in", listed) if listed else None
    by_label = _of_account(node, "selector")
    return None if by_name is None and by_label is None else _both(by_label, by_name)


def _service(namespace: str | None, value: Any) -> tuple[str, str]:
    """Return the namespace and the name of a service: the namespace is the policy's by default."""
    node = mapping(value)
    assert not isinstance(node, Unknown)
    name = field(node, "name", text, "")
    if not name:
        raise Malformed("is required", "name")
    where = field(node, "namespace", text, "") or namespace
    if where is None:
        raise Malformed("is required in a policy of the whole cluster", "namespace")
    return str(where), str(name)


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
    if listed and not left_out and protocol is None and other is None:
        names = [_port(each, "destination.ports") for each in listed]
        if all(isinstance(each, str) for each in names):
            return tuple(_of_any_protocol(names))
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


def _of_any_protocol(names: Iterable[object]) -> Iterator[PortRule]:
    """Yield ports by their names, which older releases of Calico look for among those of TCP."""
    for name in map(str, names):
        yield PortRule(IpProtocol.TCP, name)
        for each in (IpProtocol.UDP, IpProtocol.SCTP):
            says = "before Calico 3.32 a port by its name alone may be one of TCP only"
            yield PortRule(each, name, condition=Unknown(says))


def _icmp(says: str = "only ICMP of some types") -> PortRule:
    return PortRule(IpProtocol.OTHER, condition=Unknown(says))


def _transport(protocol: object) -> IpProtocol | None:
    """Return the protocol that has ports; None of another."""
    if protocol is None:
        return None
    word = written_number(protocol)
    known = {each.upper(): each for each in (*_TRANSPORTS, *_OTHERS)}
    if word.upper() in known:
        return _TRANSPORTS.get(known[word.upper()])
    if 1 <= (digits(word) or 0) <= _LAST_PROTOCOL:
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
    ranges = [_port(each, "destination.ports") for each in listed] or [(FIRST_PORT, LAST_PORT)]
    gaps = [_port(each, "destination.notPorts") for each in left_out]
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
    written = written_number(value)
    low, colon, high = written.partition(":")
    if low.isdigit() and (high.isdigit() if colon else not high):
        first, last = digits(low) or 0, digits(high or low) or 0
        if FIRST_PORT <= first <= last <= LAST_PORT:
            return first, last
    elif not colon and isinstance(value, str) and written:
        return written
    raise Malformed(f"must be a port, a range such as `79:81` or a name, is `{written[:40]}`", path)
