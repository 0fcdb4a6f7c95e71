"""What rows of addresses outside the cluster are called."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

__all__ = ["OUTSIDE", "external_names"]

OUTSIDE: Final = "outside"
_ENOUGH: Final = 2

IpNetwork = IPv4Network | IPv6Network


def external_names(rows: Sequence[Sequence[IpNetwork]]) -> list[str]:
    """Return a name for each row: its networks, or `outside` for whatever has no other row.

    Where most of IPv4 and most of IPv6 are different rows, no row is called `outside`, as a reader
    takes the word for both.

    >>> from ipaddress import ip_network
    >>> all4, all6, office = map(ip_network, ("0.0.0.0/1", "::/0", "203.0.113.0/24"))
    >>> external_names([[all4, all6], [office]])
    ['outside', '203.0.113.0/24']
    >>> external_names([[all4], [all6, office]])
    ['0.0.0.0/1', '::/0, 203.0.113.0/24']
    """
    widest = _widest(rows)
    return [OUTSIDE if widest <= set(networks) else _name(networks) for networks in rows]


def _widest(rows: Sequence[Sequence[IpNetwork]]) -> set[IpNetwork]:
    """Return the widest network of IPv4 and that of IPv6, as far as there are any."""
    found: dict[int, IpNetwork] = {}
    for network in (network for networks in rows for network in networks):
        known = found.setdefault(network.version, network)
        if network.prefixlen < known.prefixlen:
            found[network.version] = network
    return set(found.values())


def _name(networks: Sequence[IpNetwork]) -> str:
    more = f" +{len(networks) - _ENOUGH}" if len(networks) > _ENOUGH else ""
    return f"{', '.join(map(str, networks[:_ENOUGH]))}{more}"
