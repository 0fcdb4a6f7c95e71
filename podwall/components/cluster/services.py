"""The addresses of Kubernetes Services: a range that exists only inside the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from podwall.components.cluster.addresses import not_reserved
from podwall.components.cluster.refusal import refusal

__all__ = ["ServiceNetwork"]

_LARGEST_PREFIX = 12
_SMALLEST_PREFIX = 28
_PAGE = "concepts-network-ip-address-planning"


@dataclass(frozen=True, slots=True)
class ServiceNetwork:
    """The range of Service addresses and, inside it, the address of the cluster's DNS.

    Neither can ever change without replacing the cluster. `dns_ip` left out is the tenth address of
    the range, as is the custom; the first one belongs to the `kubernetes` Service.

    >>> ServiceNetwork("172.20.0.0/16").dns_ip
    '172.20.0.10'
    """

    cidr: str = "10.0.0.0/16"
    dns_ip: str = ""

    def __post_init__(self) -> None:
        """Refuse ranges of `/12` and larger, and a DNS address outside the range or first in it."""
        services = not_reserved(self.cidr, "services.cidr")
        if services.prefixlen <= _LARGEST_PREFIX:
            raise refusal(
                "services.cidr",
                f"`{self.cidr}` is not smaller than `/{_LARGEST_PREFIX}`",
                "give a smaller range; `/16` has 65,536 Services",
                _PAGE,
            )
        if services.prefixlen > _SMALLEST_PREFIX:
            raise refusal(
                "services.cidr",
                f"`{self.cidr}` has no tenth address, where the cluster's DNS lives",
                f"give a `/{_SMALLEST_PREFIX}` or larger",
                _PAGE,
            )
        if not self.dns_ip:
            object.__setattr__(self, "dns_ip", str(services[10]))
        _check_dns_ip(self.dns_ip, services)

    @property
    def range(self) -> IPv4Network:
        """`cidr` as a range."""
        return IPv4Network(self.cidr)


def _check_dns_ip(text: str, services: IPv4Network) -> None:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise refusal(
            "services.dns_ip", f"`{text}` is not an IPv4 address", f"try `{services[10]}`"
        ) from None
    if address not in services or address in (services[0], services[1], services[-1]):
        raise refusal(
            "services.dns_ip",
            f"`{text}` is not a free address inside `{services}`",
            f"choose one after `{services[1]}`, which belongs to the `kubernetes` Service",
            _PAGE,
        )
