"""Who can reach whom, one row for each pair that is not denied: what all formats show."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, Reachability
from podwall.reports.words import printable

__all__ = ["HEADER", "Row", "is_told", "reach_rows", "row_of"]


class Row(NamedTuple):
    """A pair of endpoints with what passes, what may pass, and what that depends on."""

    source: str
    destination: str
    allowed: str
    undetermined: str
    because: str


HEADER = Row("source", "destination", "allowed", "undetermined", "because")


def reach_rows(reachability: Reachability) -> Iterator[Row]:
    """Yield the rows by source, then by destination.

    A pair that only ICMP and the like may pass is left out, as in the JSON format.
    """
    return map(row_of, filter(is_told, reachability.connections()))


def is_told(connection: Connection) -> bool:
    """Say whether a connection is worth a row: whether more than ICMP and the like may pass."""
    parts = (connection.allowed, *(part.ports for part in connection.undetermined))
    return any(ports.tcp or ports.udp or ports.sctp for ports in parts)


def row_of(connection: Connection) -> Row:
    """Return the row of a connection."""
    return Row(
        printable(connection.source_id),
        printable(connection.destination_id),
        _ports(connection.allowed),
        " | ".join(_ports(part.ports) for part in connection.undetermined),
        " | ".join(printable(part.because) for part in connection.undetermined),
    )


@lru_cache(maxsize=4096)
def _ports(ports: PortSet) -> str:
    return "" if ports == NO_PORTS else str(ports)
