"""Read a Service: which pods it selects, and whether it opens them to the outside."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from podwall.model import Protocol, Selector, Service, ServicePort, Unknown
from podwall.reading.fields import (
    Malformed,
    field,
    mapping,
    number,
    number_or_text,
    structs,
    text,
    within,
)
from podwall.reading.metadata import KubernetesObject
from podwall.reading.ports import PROTOCOL
from podwall.reading.selectors import read_plain_selector

__all__ = ["read_service"]


def read_service(item: KubernetesObject) -> Service:
    """Return a service; the type is `ClusterIP` and the target the port itself by default."""
    return within(item.manifest, ("spec",), partial(_service, item))


def _service(item: KubernetesObject, spec: Mapping[str, Any] | Unknown) -> Service:
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
    )


def _selector(value: Any) -> Selector | None:
    """Return the selector; an empty one selects no pods, unlike a policy's."""
    selector = read_plain_selector(value)
    return None if selector == Selector() else selector


def _ports(value: Any) -> tuple[ServicePort, ...]:
    ports = structs(_port)(value)
    return (ServicePort(ports, ports, ports, ports),) if isinstance(ports, Unknown) else ports


def _port(value: Any) -> ServicePort:
    node = mapping(value)
    if isinstance(node, Unknown):
        return ServicePort(node, node, node, node)
    port = field(node, "port", number, None)
    if port is None:
        raise Malformed("is required", "port")
    target = field(node, "targetPort", number_or_text, port)
    protocol = field(node, "protocol", PROTOCOL, Protocol.TCP)
    return ServicePort(port, target or port, protocol, field(node, "nodePort", number, None))
