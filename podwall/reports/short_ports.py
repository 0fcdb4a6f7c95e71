"""Write a set of ports in the few characters that a cell has."""

from __future__ import annotations

from typing import Final

from podwall.model import Protocol
from podwall.portset import ALL_PORTS, FIRST_PORT, LAST_PORT, PortSet

__all__ = ["short_ports"]

_SUFFIXES: Final = {Protocol.TCP: "", Protocol.UDP: "/udp", Protocol.SCTP: "/sctp"}
_ENOUGH: Final = 3


def short_ports(ports: PortSet, more: str = "…") -> str:
    """Return ports in short: TCP goes without saying, and `more` stands for what is too much.

    >>> from podwall.model import Protocol
    >>> web, dns = PortSet.of(Protocol.TCP, 80), PortSet.of(Protocol.UDP, 53)
    >>> short_ports(web | dns), short_ports(ALL_PORTS), short_ports(ALL_PORTS - web)
    ('80 53/udp', 'all', '1-79 81-65535 all/udp …')
    """
    if ports == ALL_PORTS:
        return "all"
    words = [
        f"{_range(first, last)}{suffix}"
        for protocol, suffix in _SUFFIXES.items()
        for first, last in ports.ranges(protocol)
    ]
    if ports.other:
        words.append("other")
    return " ".join([*words[:_ENOUGH], *([more] if len(words) > _ENOUGH else [])])


def _range(first: int, last: int) -> str:
    if (first, last) == (FIRST_PORT, LAST_PORT):
        return "all"
    return str(first) if first == last else f"{first}-{last}"
