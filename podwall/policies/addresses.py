"""Addresses outside the cluster: ip blocks with exceptions, and anywhere.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-ipblock-selectors
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from podwall.policies.cidrs import IpNetwork, is_strictly_inside, unmapped
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import shown

__all__ = ["ANYWHERE", "Anywhere", "IpBlock", "IpNetwork", "ip_block"]


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
        raise _refused("ipBlock.except", except_, "is not a list", f'write `except_=["{except_}"]`')
    exceptions: list[IpNetwork] = []
    for index, text in enumerate(except_):
        path = f"ipBlock.except[{index}]"
        exception = _network(text, path)
        if exception in exceptions:
            raise _refused(path, text, "is given twice", "give each exception once")
        exceptions.append(exception)
    return IpBlock(_network(cidr, "ipBlock.cidr"), tuple(exceptions))


def _network(cidr: object, path: str) -> IpNetwork:
    network = cidr if isinstance(cidr, IPv4Network | IPv6Network) else _parsed(cidr, path)
    if unmapped(network) != network:
        raise _refused(
            path, cidr, "is an IPv4 block written as IPv6", f"did you mean `{unmapped(network)}`?"
        )
    return network


def _parsed(cidr: object, path: str) -> IpNetwork:
    text = cidr if isinstance(cidr, str) else ""
    address, slash, length = text.partition("/")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _refused(path, cidr, "is not a CIDR", _EXAMPLE) from None
    single = f"{address}/{network.max_prefixlen}"
    if not slash:
        raise _refused(path, cidr, "has no prefix length", f"did you mean `{single}`?")
    if length != str(network.prefixlen) or "%" in address:
        raise _refused(path, cidr, "is not a CIDR", f"did you mean `{network}`?")
    if ip_address(address) != network.network_address:
        raise _refused(path, cidr, "has host bits set", f"did you mean `{network}` or `{single}`?")
    return network


_EXAMPLE = "write an address and a prefix length, such as `10.0.0.0/8` or `2001:db8::/32`"


def _check_inside(exception: IpNetwork, cidr: IpNetwork, path: str) -> None:
    if not is_strictly_inside(exception, cidr):
        raise _refused(
            path,
            str(exception),
            f"is not strictly inside `{cidr}`",
            "an exception is a smaller block inside the CIDR; to allow nothing, leave it out",
        )


def _refused(path: str, value: object, problem: str, help_: str) -> InvalidValue:
    return InvalidValue(
        f"{shown(value)} {problem}", help=help_, place=Place(path=path), value=value
    )
