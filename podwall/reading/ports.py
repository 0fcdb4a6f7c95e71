"""Read the ports of rules, containers and services."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from podwall.model import PortRule, Protocol, Unknown, WorkloadPort
from podwall.reading.fields import Malformed, field, mapping, member, number, number_or_text, text

__all__ = ["PROTOCOL", "read_container_port", "read_port_rule"]

PROTOCOL = member((Protocol.TCP, Protocol.UDP, Protocol.SCTP))
LAST_PORT = 65535


def read_port_rule(value: Any) -> PortRule | Unknown:
    """Return one entry of a rule's `ports`; a protocol that is left out is TCP."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    port = field(node, "port", number_or_text, None)
    end_port = field(node, "endPort", number, None)
    protocol = field(node, "protocol", PROTOCOL, Protocol.TCP)
    _within(port, "port")
    _within(end_port, "endPort")
    return _port_rule(protocol, port, end_port)


@lru_cache(maxsize=65536)
def _port_rule(
    protocol: Protocol | Unknown, port: int | str | Unknown | None, end_port: int | Unknown | None
) -> PortRule:
    """Return the rule; policies repeat them, so one value serves them all."""
    return PortRule(protocol, port, end_port)


def read_container_port(value: Any) -> WorkloadPort | Unknown:
    """Return one declared port of a container, or the unknown that hides part of it."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    name = field(node, "name", text, None)
    protocol = field(node, "protocol", PROTOCOL, Protocol.TCP)
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
    if isinstance(port, int) and not 1 <= port <= LAST_PORT:
        raise Malformed(f"must be between 1 and {LAST_PORT}, is `{port}`", key)
