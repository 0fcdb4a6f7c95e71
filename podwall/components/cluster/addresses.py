"""Address ranges as AKS reads them: how one is written, what is reserved, what overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain, combinations, product

from podwall.components.cluster.refusal import refusal
from podwall.policies.errors import InvalidValue

__all__ = ["RESERVED", "NamedRange", "ipv4_range", "ipv6_range", "not_reserved", "overlaps"]

RESERVED = tuple(
    IPv4Network(text)
    for text in ("169.254.0.0/16", "192.0.2.0/24", "172.30.0.0/16", "172.31.0.0/16")
)
"""Ranges that AKS keeps for itself: no pod, service or virtual network range may touch them.

See https://learn.microsoft.com/azure/aks/concepts-network-cni-overview.
"""


@dataclass(frozen=True, slots=True)
class NamedRange:
    """An address range together with the argument that gave it."""

    argument: str
    range: IPv4Network | IPv6Network


def ipv4_range(text: str, argument: str) -> IPv4Network:
    """Return the IPv4 range written as `text`.

    Raises:
        InvalidValue: not a CIDR, has host bits set, or is IPv6.
    """
    found = _range(text, argument)
    if isinstance(found, IPv4Network):
        return found
    raise refusal(argument, f"`{text}` is IPv6", "give an IPv4 range, such as `10.244.0.0/16`")


def ipv6_range(text: str, argument: str) -> IPv6Network:
    """Return the IPv6 range written as `text`.

    Raises:
        InvalidValue: not a CIDR, has host bits set, or is IPv4.
    """
    found = _range(text, argument)
    if isinstance(found, IPv6Network):
        return found
    raise refusal(argument, f"`{text}` is IPv4", "give an IPv6 range, such as `fd12::/64`")


def not_reserved(text: str, argument: str) -> IPv4Network:
    """Return the IPv4 range written as `text` unless AKS keeps a part of it for itself.

    >>> not_reserved("10.244.0.0/16", "pod_network.pod_cidr")
    IPv4Network('10.244.0.0/16')
    """
    found = ipv4_range(text, argument)
    for kept in RESERVED:
        if found.overlaps(kept):
            raise refusal(
                argument,
                f"`{text}` overlaps `{kept}`, which AKS keeps for itself",
                "choose a range outside " + ", ".join(f"`{each}`" for each in RESERVED),
                "concepts-network-cni-overview",
            )
    return found


def overlaps(
    ranges: Iterable[NamedRange], others: Iterable[NamedRange] = ()
) -> Iterator[InvalidValue]:
    """Yield a refusal for every two of `ranges`, and each of them and one of `others`, that meet.

    `others` may overlap each other, as a network and its subnets do.
    """
    own = tuple(ranges)
    for first, second in chain(combinations(own, 2), product(own, others)):
        if _share_addresses(first.range, second.range):
            yield refusal(
                second.argument,
                f"`{second.range}` overlaps `{first.range}` of `{first.argument}`",
                "give every range addresses of its own",
                "concepts-network-cni-overview",
            )


def _share_addresses(a: IPv4Network | IPv6Network, b: IPv4Network | IPv6Network) -> bool:
    return a.version == b.version and a.overlaps(b)


def _range(text: str, argument: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise refusal(argument, f"`{text}` is not an address range", _written(text)) from None


def _written(text: str) -> str:
    try:
        return f"did you mean `{ip_network(text, strict=False)}`?"
    except ValueError:
        return "write a network address and a prefix length, such as `10.224.0.0/16`"
