"""IP addresses: ip blocks, the parts into which they cut all addresses, and where pods can be.

Both families lie on one line of whole numbers, IPv4 first, so that one set algebra serves both.
Pods whose addresses are known and lie in the same parts are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network, summarize_address_range
from itertools import chain
from typing import Final

import numpy as np

from podwall.engines import BlockMatch, Fact
from podwall.intervals import Ranges, difference, intersection, merged
from podwall.model import IpAddress, IpNetwork, IpPeer, SnapshotWorkload
from podwall.reachability.arrays import Atoms, Csr, IntArray, Registry
from podwall.reachability.matching import Match

__all__ = [
    "UNKNOWN_LOCATION",
    "AddressBounds",
    "PodLocations",
    "address_atoms",
    "address_bounds",
    "at_most",
    "block_ranges",
    "blocks_match",
    "first_address",
    "known_address_bounds",
    "networks",
]


_FIRST_V6: Final = 1 << 32
_END: Final = _FIRST_V6 + (1 << 128)


def _line(network: IpNetwork) -> tuple[int, int]:
    """Return the network's first and last address on the line of all addresses."""
    first = int(network.network_address) + (_FIRST_V6 if network.version == 6 else 0)  # noqa: PLR2004 - the family
    return first, first + network.num_addresses - 1


def block_ranges(blocks: Sequence[IpPeer]) -> Ranges:
    """Return the addresses of ip blocks, each without its exceptions.

    An address excepted in one block and contained in another is in the result.
    """
    return merged(chain.from_iterable(_ranges(block) for block in blocks))


def _ranges(block: IpPeer) -> Ranges:
    return difference((_line(block.network),), merged(map(_line, block.exceptions)))


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


_PRIVATE_V4: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
_PRIVATE_V6: Final = ("fc00::/7",)


def address_bounds(cidrs: Sequence[IpNetwork]) -> AddressBounds:
    """Return where addresses from the given ranges are.

    Without any range: an IPv4 address of a private network, and perhaps an IPv6 one too. Azure
    takes pod addresses from private networks only.
    https://learn.microsoft.com/en-us/azure/aks/azure-cni-overlay
    """
    if cidrs:
        known = merged(map(_line, cidrs))
        return AddressBounds(known, known)
    certain = merged(_line(ip_network(cidr)) for cidr in _PRIVATE_V4)
    possible = (_line(ip_network(cidr)) for cidr in _PRIVATE_V6)
    return AddressBounds(certain, merged((*certain, *possible)))


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


def address_atoms(blocks: Sequence[Ranges]) -> Atoms:
    """Return the parts into which ip blocks cut all addresses; no part mixes the families."""
    return Atoms(blocks, (0, _FIRST_V6, _END))


def first_address(network: IpNetwork) -> int:
    """Return a network's first address as its place on the line of all addresses."""
    return _line(network)[0]


def networks(ranges: Ranges) -> Iterator[IpNetwork]:
    """Yield the fewest networks that make up ranges of addresses, none of which mixes families."""
    return chain.from_iterable(map(_networks, ranges))


def _networks(span: tuple[int, int]) -> Iterator[IpNetwork]:
    first, last = span
    if first < _FIRST_V6:
        return summarize_address_range(IPv4Address(first), IPv4Address(last))
    return summarize_address_range(IPv6Address(first - _FIRST_V6), IPv6Address(last - _FIRST_V6))


UNKNOWN_LOCATION: Final = 0
"""The place of pods whose addresses are not known."""


class PodLocations:
    """Numbers places: the parts of all addresses in which the addresses of a pod lie."""

    def __init__(self, addresses: Atoms) -> None:
        """Begin with the place that is not known."""
        self._addresses = addresses
        self._parts = Registry[tuple[int, ...]]()
        self._parts.number(())

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self._parts.values)

    def number(self, workload: SnapshotWorkload) -> int:
        """Return where a workload is."""
        if not workload.addresses:
            return UNKNOWN_LOCATION
        firsts = (first_address(ip_network(each)) for each in workload.addresses)
        return self._parts.number(tuple(sorted({self._addresses.at(each) for each in firsts})))

    def within(self, parts: IntArray) -> IntArray:
        """Return for each place whether it is in some parts of the addresses, wholly or partly."""
        places = Csr.of_lists([np.array(each, dtype=np.int64) for each in self._parts.values])
        inside = np.zeros(len(self._addresses), dtype=np.int64)
        inside[parts] = 1
        count = np.bincount(places.owners(), weights=inside[places.items], minlength=len(self))
        some = np.where(count > 0, Match.MAYBE, Match.NO)
        return np.where(count == places.lengths, Match.YES, some)
