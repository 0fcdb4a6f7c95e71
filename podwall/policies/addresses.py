"""Addresses outside the cluster: CIDRs, ip blocks with exceptions, and anywhere.

`ip_block` is strict. `parse_cidr` reads what the API server accepts in an ip block, which is more
than it recommends: host bits (which it masks), leading zeros, and IPv4 addresses written as IPv6.

Source:
https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-ipblock-selectors
and
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from podwall.policies.wording import refused
from podwall.quick_dataclass import dataclass

__all__ = [
    "ANYWHERE",
    "CIDR_EXAMPLE",
    "Anywhere",
    "Cidr",
    "IpBlock",
    "IpNetwork",
    "ip_block",
    "is_strictly_inside",
    "parse_cidr",
    "unmapped",
]


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
        """Return whether the API server takes this for a strict subset of a block.

        It compares the prefix lengths as they are written, so an exception in IPv4 is refused in a
        block that is written as IPv6.
        """
        return self.length > block.length and is_strictly_inside(self.network, block.network)


@lru_cache(4096)
def parse_cidr(text: str) -> Cidr | None:
    """Return what the API server takes a text for, or None where it refuses it.

    >>> parse_cidr("010.1.2.3/8")
    Cidr(network=IPv4Network('10.0.0.0/8'), length=8, has_host_bits=True, is_standard=False)
    >>> parse_cidr("10.0.0.1")
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
    """Return whether a network is a smaller part of another, of the same address family."""
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


class Anywhere(Enum):
    """The type of `ANYWHERE`."""

    ANYWHERE = "anywhere"


#: Every peer: all pods, all nodes, all addresses outside the cluster, of both address families.
ANYWHERE: Final = Anywhere.ANYWHERE


@dataclass(frozen=True, slots=True)
class IpBlock:
    """The addresses of `cidr` without those of `except_`. Write one with `ip_block`.

    One block is of one address family: `0.0.0.0/0` has no IPv6 address. The exceptions are a set.
    """

    cidr: IpNetwork
    except_: tuple[IpNetwork, ...] = ()

    def __post_init__(self) -> None:
        """Refuse exceptions that are not strictly inside, and order the others."""
        for index, exception in enumerate(self.except_):
            _check_inside(exception, self.cidr, f"ipBlock.except[{index}]")
        ordered = sorted(set(self.except_), key=lambda network: (network[0], network.prefixlen))
        object.__setattr__(self, "except_", tuple(ordered))

    def __str__(self) -> str:
        """Write the block as `10.0.0.0/8 except 10.1.0.0/16`."""
        exceptions = ", ".join(map(str, self.except_))
        return f"{self.cidr} except {exceptions}" if exceptions else str(self.cidr)


def ip_block(cidr: str | IpNetwork, /, *, except_: Sequence[str | IpNetwork] = ()) -> IpBlock:
    """Return the addresses of a CIDR, without those of the CIDRs in `except_`.

    Kubernetes masks host bits that are set, and engines have disagreed on what such a CIDR means;
    so they are refused here. Meant for addresses outside the cluster: whether an ip block can match
    a pod depends on the engine.

    >>> print(ip_block("203.0.113.0/24", except_=["203.0.113.7/32"]))
    203.0.113.0/24 except 203.0.113.7/32
    """
    if isinstance(except_, str):
        raise refused("ipBlock.except", except_, "is not a list", f'write `except_=["{except_}"]`')
    exceptions: list[IpNetwork] = []
    for index, text in enumerate(except_):
        path = f"ipBlock.except[{index}]"
        exception = _network(text, path)
        if exception in exceptions:
            raise refused(path, text, "is given twice", "give each exception once")
        exceptions.append(exception)
    return IpBlock(_network(cidr, "ipBlock.cidr"), tuple(exceptions))


def _network(cidr: object, path: str) -> IpNetwork:
    network = cidr if isinstance(cidr, IPv4Network | IPv6Network) else _strict_network(cidr, path)
    if unmapped(network) != network:
        raise refused(
            path, cidr, "is an IPv4 block written as IPv6", f"did you mean `{unmapped(network)}`?"
        )
    return network


def _strict_network(cidr: object, path: str) -> IpNetwork:
    text = cidr if isinstance(cidr, str) else ""
    address, slash, length = text.partition("/")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise refused(path, cidr, "is not a CIDR", CIDR_EXAMPLE) from None
    single = f"{address}/{network.max_prefixlen}"
    if not slash:
        raise refused(path, cidr, "has no prefix length", f"did you mean `{single}`?")
    if length != str(network.prefixlen) or "%" in address:
        raise refused(path, cidr, "is not a CIDR", f"did you mean `{network}`?")
    if ip_address(address) != network.network_address:
        raise refused(path, cidr, "has host bits set", f"did you mean `{network}` or `{single}`?")
    return network


CIDR_EXAMPLE: Final = (
    "write an address and a prefix length, such as `10.0.0.0/8` or `2001:db8::/32`"
)


def _check_inside(exception: IpNetwork, cidr: IpNetwork, path: str) -> None:
    if not is_strictly_inside(exception, cidr):
        raise refused(
            path,
            str(exception),
            f"is not strictly inside `{cidr}`",
            "an exception is a smaller block inside the CIDR; to allow nothing, leave it out",
        )
