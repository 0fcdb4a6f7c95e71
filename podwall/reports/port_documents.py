"""Sets of ports as JSON: what the formats of several commands have in common."""

from __future__ import annotations

from typing import Any, Final

from podwall.model import Protocol
from podwall.portset import PortSet

__all__ = ["port_documents"]

_PROTOCOLS: Final = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)


def port_documents(ports: PortSet) -> list[dict[str, Any]]:
    """Return one object for each protocol; ranges are inclusive, sorted and merged.

    >>> port_documents(PortSet.of(Protocol.TCP, 80, 81))
    [{'protocol': 'TCP', 'ports': [[80, 81]]}]
    """
    return [
        {"protocol": protocol.value, "ports": [list(each) for each in ports.ranges(protocol)]}
        for protocol in _PROTOCOLS
        if ports.ranges(protocol)
    ]
