"""Read the ports of rules, containers and services, and Services themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from podwall.model import (
    IpProtocol,
    PortRule,
    Selector,
    Service,
    ServicePort,
    Unknown,
    WorkloadPort,
)
from podwall.policies.ports import FIRST_PORT, LAST_PORT
from podwall.reading.fields import (
    Malformed,
    field,
    flag,
    list_of,
    mapping,
    number,
    number_or_text,
    one_of,
    text,
    texts,
    within,
)
from podwall.reading.metadata import ManifestObject
from podwall.reading.selectors import read_plain_selector

__all__ = ["PROTOCOL", "read_container_port", "read_port_rule", "read_service"]


PROTOCOL = one_of((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP))


def _own_protocol(value: Any) -> IpProtocol | Unknown:
    """Return the protocol of a container's or a service's port: an empty one is TCP, as in Go."""
    return IpProtocol.TCP if value == "" else PROTOCOL(value)


def read_port_rule(value: Any) -> PortRule | Unknown:
    """Return one entry of a rule's `ports`; a protocol that is left out is TCP."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    port = field(node, "port", number_or_text, None)
    end_port = field(node, "endPort", number, None)
    protocol = field(node, "protocol", PROTOCOL, IpProtocol.TCP)
    _within(port, "port")
    _within(end_port, "endPort")
    return _port_rule(protocol, port, end_port)


@lru_cache(maxsize=65536)
def _port_rule(
    protocol: IpProtocol | Unknown, port: int | str | Unknown | None, end_port: int | Unknown | None
) -> PortRule:
    """Return the rule; policies repeat them, so one value serves them all."""
    return PortRule(protocol, port, end_port)


def read_container_port(value: Any) -> WorkloadPort | Unknown:
    """Return one declared port of a container, or the unknown that hides part of it."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    name = field(node, "name", text, None)
    protocol = field(node, "protocol", _own_protocol, IpProtocol.TCP)
    port = _required_port(node)
    if isinstance(port, Unknown):
        return port
    if isinstance(protocol, Unknown):
        return protocol
    return name if isinstance(name, Unknown) else WorkloadPort(port, protocol, name)


def _required_port(node: Mapping[str, Any]) -> int | Unknown:
    port = field(node, "containerPort", number, None)
    if port is None:
        raise Malformed("is required", "containerPort")
    _within(port, "containerPort")
    return port


def _within(port: int | str | Unknown | None, key: str) -> None:
    if isinstance(port, int) and not FIRST_PORT <= port <= LAST_PORT:
        raise Malformed(f"must be between {FIRST_PORT} and {LAST_PORT}, is `{port}`", key)


def read_service(item: ManifestObject) -> Service:
    """Return a service; the type is `ClusterIP` and the target the port itself by default."""
    return within(item.manifest, ("spec",), partial(_service, item))


def _service(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> Service:
    if isinstance(spec, Unknown):
        anyone = Selector(unknown=spec)
        return Service(item.namespace, item.name, spec, anyone, (), spec, item.place)
    return Service(
        item.namespace,
        item.name,
        field(spec, "type", text, "ClusterIP"),
        field(spec, "selector", _selector, None),
        field(spec, "ports", _ports, ()),
        field(spec, "externalTrafficPolicy", text, "Cluster"),
        item.place,
        field(spec, "loadBalancerSourceRanges", texts, ()),
        field(spec, "allocateLoadBalancerNodePorts", flag, True),
        field(spec, "externalIPs", _has_any, False),
    )


def _has_any(value: Any) -> bool | Unknown:
    found = texts(value)
    return found if isinstance(found, Unknown) else bool(found)


def _selector(value: Any) -> Selector | None:
    """Return the selector; an empty one selects no pods, unlike a policy's."""
    selector = read_plain_selector(value)
    return None if selector == Selector() else selector


def _ports(value: Any) -> tuple[ServicePort, ...]:
    ports = list_of(_port)(value)
    return (ServicePort(ports, ports, ports, ports),) if isinstance(ports, Unknown) else ports


def _port(value: Any) -> ServicePort:
    node = mapping(value)
    if isinstance(node, Unknown):
        return ServicePort(node, node, node, node)
    port = field(node, "port", number, None)
    if port is None:
        raise Malformed("is required", "port")
    target = field(node, "targetPort", number_or_text, port)
    protocol = field(node, "protocol", _own_protocol, IpProtocol.TCP)
    return ServicePort(port, target or port, protocol, field(node, "nodePort", number, None))
