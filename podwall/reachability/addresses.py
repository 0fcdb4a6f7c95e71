"""IP addresses: what ip blocks contain, and where the addresses of pods and nodes can be.

Both families lie on one line of whole numbers, IPv4 first, so that one set algebra serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network, summarize_address_range
from itertools import chain
from typing import Final

from podwall.engines import BlockMatch, Fact
from podwall.model import IpAddress, IpNetwork, IpPeer
from podwall.portset import Ranges, difference, intersection, merged
from podwall.quick_dataclass import dataclass
from podwall.reachability.matching import Match

__all__ = [
    "END",
    "FAMILIES",
    "FIRST_V6",
    "AddressBounds",
    "address_bounds",
    "at_most",
    "block_ranges",
    "blocks_match",
    "first_address",
    "is_ipv6",
    "known_address_bounds",
    "network_ranges",
    "networks",
]


FIRST_V6: Final = 1 << 32
END: Final = FIRST_V6 + (1 << 128)
"""The line of all addresses goes from 0 to before this; IPv6 begins at `FIRST_V6`."""

FAMILIES: Final[tuple[IpNetwork, ...]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def is_ipv6(network: IpNetwork) -> bool:
    """Return whether a network is one of IPv6."""
    return isinstance(network, IPv6Network)


def _line(network: IpNetwork) -> tuple[int, int]:
    """Return the network's first and last address on the line of all addresses."""
    first = int(network.network_address) + (FIRST_V6 if isinstance(network, IPv6Network) else 0)
    return first, first + (1 << (network.max_prefixlen - network.prefixlen)) - 1


def network_ranges(*networks: IpNetwork) -> Ranges:
    """Return the addresses of networks as ranges on the line of all addresses."""
    return merged(map(_line, networks))


@lru_cache(maxsize=1_024)
def block_ranges(blocks: tuple[IpPeer, ...]) -> Ranges:
    """Return the addresses of ip blocks, each without its exceptions.

    An address excepted in one block and contained in another is in the result. A replay asks for
    the blocks of one rule again for each pair.
    """
    return merged(chain.from_iterable(_ranges(block) for block in blocks))


def _ranges(block: IpPeer) -> Ranges:
    return difference((_line(block.network),), network_ranges(*block.exceptions))


@dataclass(frozen=True, slots=True)
class AddressBounds:
    """Where addresses of pods (or nodes) are: each has one in `certain`, and all in `possible`.

    Of a pod whose addresses are known, both are these: a block means it for certain with all.
    """

    certain: Ranges
    possible: Ranges

    def within(self, addresses: Ranges) -> Match:
        """Return whether an address that can be anywhere here is among `addresses`."""
        if not difference(self.certain, addresses):
            return Match.YES
        return Match.MAYBE if intersection(self.possible, addresses) else Match.NO


_NO_HOST: Final = (
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"),
    *("::/127", "fe80::/10", "ff00::/8"),
)
"""This network, the host itself, what no router forwards, and groups: no pod or node is there."""


def address_bounds(
    cidrs: Sequence[IpNetwork], families: Sequence[IpNetwork] = FAMILIES
) -> AddressBounds:
    """Return where addresses from the given ranges are.

    Without any range that is not known: any address of `families` that a host can have. Pods get
    public ones, too, where their network has some.
    https://learn.microsoft.com/en-us/azure/aks/concepts-network-cni-overview
    """
    if cidrs:
        known = network_ranges(*cidrs)
    else:
        known = difference(network_ranges(*families), network_ranges(*map(ip_network, _NO_HOST)))
    return AddressBounds(known, known)


def known_address_bounds(addresses: Sequence[IpAddress]) -> AddressBounds:
    """Return where a pod is that has just these addresses."""
    return address_bounds([ip_network(each) for each in addresses])


_AT_MOST: Final = {
    BlockMatch.NEVER: Match.NO,
    BlockMatch.BY_ADDRESS: Match.YES,
    BlockMatch.UNDEFINED: Match.MAYBE,
}


def at_most(fact: Fact[BlockMatch]) -> Match:
    """Return how surely a block means a pod (or node) under an engine that has its addresses."""
    return _AT_MOST[fact.value]


def blocks_match(fact: Fact[BlockMatch], addresses: Ranges, where: AddressBounds) -> Match:
    """Return whether ip blocks of these addresses match pods (or nodes) under an engine."""
    most = at_most(fact)
    return min(where.within(addresses), most) if most else most


def first_address(network: IpNetwork) -> int:
    """Return a network's first address as its number on the line of all addresses."""
    return _line(network)[0]


def networks(ranges: Ranges) -> Iterator[IpNetwork]:
    """Yield the fewest networks that make up ranges of addresses, none of which mixes families."""
    return chain.from_iterable(map(_networks, ranges))


def _networks(span: tuple[int, int]) -> Iterator[IpNetwork]:
    first, last = span
    if first < FIRST_V6:
        return summarize_address_range(IPv4Address(first), IPv4Address(last))
    return summarize_address_range(IPv6Address(first - FIRST_V6), IPv6Address(last - FIRST_V6))
