"""CIDRs as the API server reads them in an ip block: more leniently than it recommends.

It accepts host bits (and masks them), leading zeros, and IPv4 addresses written as IPv6, and warns:
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

__all__ = ["Cidr", "IpNetwork", "is_strictly_inside", "parsed", "unmapped"]

IpNetwork = IPv4Network | IPv6Network

_MAPPED = 96
_LONG_GROUP = re.compile(r"(?<![0-9a-fA-F])0+([0-9a-fA-F]{4})(?![0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class Cidr:
    """What a text means as a CIDR, and in which ways it is not written as it should be.

    `length` is the prefix length as it is written: of an IPv4-mapped block, that in IPv6.
    """

    network: IpNetwork
    length: int
    has_host_bits: bool = False
    is_standard: bool = True

    def is_except_of(self, block: Cidr) -> bool:
        """Tell whether the API server takes this for a strict subset of a block.

        It compares the prefix lengths as they are written, so an exception in IPv4 is refused in a
        block that is written as IPv6.
        """
        return self.length > block.length and is_strictly_inside(self.network, block.network)


@lru_cache(4096)
def parsed(text: str) -> Cidr | None:
    """Return what the API server takes a text for, or None where it refuses it.

    >>> parsed("010.1.2.3/8")
    Cidr(network=IPv4Network('10.0.0.0/8'), length=8, has_host_bits=True, is_standard=False)
    >>> parsed("10.0.0.1")
    """
    address, slash, length = text.partition("/")
    if not slash or not (length.isascii() and length.isdigit()) or "%" in address:
        return None
    plain = _without_leading_zeros(address)
    prefix = length.lstrip("0") or "0"
    try:
        network = ip_network(f"{plain}/{prefix}", strict=False)
    except ValueError:
        return None
    written = unmapped(network)
    return Cidr(
        network=written,
        length=network.prefixlen,
        has_host_bits=ip_address(plain) != network.network_address,
        is_standard=(plain, prefix, network) == (address, length, written),
    )


def unmapped(network: IpNetwork) -> IpNetwork:
    """Return the IPv4 network that an IPv4-mapped IPv6 network stands for; any other as it is.

    >>> unmapped(ip_network("::ffff:10.0.0.0/104"))
    IPv4Network('10.0.0.0/8')
    """
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED))


def is_strictly_inside(inner: IpNetwork, outer: IpNetwork) -> bool:
    """Tell whether a network is a smaller part of another, of the same address family."""
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner != outer and inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner != outer and inner.subnet_of(outer)
    return False


def _without_leading_zeros(address: str) -> str:
    # Go reads any number of zeros, in the octets of IPv4 and in the groups of IPv6.
    groups, colon, last = address.rpartition(":")
    octets = ".".join(octet.lstrip("0") or octet[:1] for octet in last.split("."))
    return _LONG_GROUP.sub(r"\1", groups + colon + (octets if "." in last else last))
