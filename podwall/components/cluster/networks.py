"""The virtual network of the nodes: one that is made, or one that exists; and its address ranges.

How a range is written, which ranges AKS keeps for itself, and which overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain, combinations, product
from typing import TYPE_CHECKING, ClassVar

from podwall.aks import limits
from podwall.aks.limits import refusal
from podwall.policies.errors import InvalidValue
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "ExistingNetwork",
    "NamedRange",
    "Network",
    "NewNetwork",
    "ipv4_range",
    "ipv6_range",
    "not_reserved",
    "overlaps",
]


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
    for kept in limits.RESERVED_RANGES:
        if found.overlaps(kept):
            raise refusal(
                argument,
                f"`{text}` overlaps `{kept}`, which AKS keeps for itself",
                "choose a range outside "
                + ", ".join(f"`{each}`" for each in limits.RESERVED_RANGES),
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


_SUBNET_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/virtualNetworks/(?P<network>[^/]+)/subnets/(?P<subnet>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNetwork:
    """A virtual network that the component makes, with the subnets that the cluster needs.

    `node_subnet` is always made, `pod_subnet` for `PodSubnet` only, `api_server_subnet` where the
    API server is put into the network. Subnets are made without Azure's default way out
    (`defaultOutboundAccess: false`), which can be set at creation only.

    `also_in_use` names ranges outside this network that the cluster has to reach, such as peered
    networks and those on premises: no range of the cluster may overlap them.

    >>> NewNetwork().node_subnet
    '10.224.0.0/20'
    """

    address_space: str = "10.224.0.0/16"
    node_subnet: str = "10.224.0.0/20"
    pod_subnet: str = "10.224.128.0/17"
    api_server_subnet: str = "10.224.16.0/28"
    also_in_use: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse reserved ranges, subnets outside the address space, and subnets that overlap."""
        space = not_reserved(self.address_space, "network.address_space")
        for argument, subnet in self.subnets.items():
            _check_subnet(argument, subnet, space)
        for text in self.also_in_use:
            ipv4_range(text, "network.also_in_use")
        if self.subnets["network.api_server_subnet"].prefixlen > limits.SMALLEST_API_SERVER_SUBNET:
            raise refusal(
                "network.api_server_subnet",
                f"`{self.api_server_subnet}` is too small for the API server",
                f"give a `/{limits.SMALLEST_API_SERVER_SUBNET}` or larger",
                "api-server-vnet-integration",
            )

    @property
    def subnets(self) -> dict[str, IPv4Network]:
        """Every subnet that may be made, by the argument that gives it."""
        return {
            f"network.{name}": ipv4_range(text, f"network.{name}")
            for name, text in (
                ("node_subnet", self.node_subnet),
                ("pod_subnet", self.pod_subnet),
                ("api_server_subnet", self.api_server_subnet),
            )
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingNetwork:
    """Subnets of yours, by their ids; the cluster's identity becomes Network Contributor on them.

    The ranges are optional, but what is not given can't be checked: with `node_subnet` and
    `pod_subnet` the sizes are checked, and with `also_in_use` (the network's own address space and
    everything that is peered with it) overlaps are. `api_server_subnet_id` must be delegated to
    `Microsoft.ContainerService/managedClusters`; `node_subnet_id` must not be delegated at all.
    """

    node_subnet_id: Input[str]
    pod_subnet_id: Input[str] | None = None
    api_server_subnet_id: Input[str] | None = None
    node_subnet: str | None = None
    pod_subnet: str | None = None
    also_in_use: tuple[str, ...] = ()

    id_arguments: ClassVar[tuple[str, ...]] = (
        "node_subnet_id",
        "pod_subnet_id",
        "api_server_subnet_id",
    )

    def __post_init__(self) -> None:
        """Refuse ids that are not subnets of one network, and names too long for nodes' labels."""
        for name in self.id_arguments:
            _check_subnet_id(f"network.{name}", getattr(self, name))
        _check_one_network(
            {
                f"network.{name}": subnet.lower()
                for name in self.id_arguments
                if isinstance(subnet := getattr(self, name), str)
            }
        )
        for text in self.also_in_use:
            ipv4_range(text, "network.also_in_use")
        _ = self.subnets

    @property
    def subnets(self) -> dict[str, IPv4Network]:
        """The subnets whose ranges are known, by the argument that gives them."""
        return {
            f"network.{name}": not_reserved(text, f"network.{name}")
            for name, text in (("node_subnet", self.node_subnet), ("pod_subnet", self.pod_subnet))
            if text is not None
        }


Network = NewNetwork | ExistingNetwork
"""A network that the component makes, or one that exists."""


def _check_subnet(argument: str, subnet: IPv4Network, space: IPv4Network) -> None:
    if not subnet.subnet_of(space):
        raise refusal(
            argument,
            f"`{subnet}` is outside the network's address space `{space}`",
            "choose a part of the address space",
        )
    if subnet.prefixlen > limits.SMALLEST_SUBNET:
        raise refusal(
            argument,
            f"`{subnet}` is too small: Azure keeps {limits.AZURE_KEEPS} addresses of every subnet",
            f"give a `/{limits.SMALLEST_SUBNET}` or larger",
        )


def _check_subnet_id(argument: str, subnet_id: object) -> None:
    if not isinstance(subnet_id, str):
        return  # absent, or known only after deployment
    found = _SUBNET_ID.fullmatch(subnet_id)
    if found is None:
        raise refusal(
            argument,
            f"`{subnet_id}` is not the id of a subnet",
            "an id reads `/subscriptions/…/resourceGroups/…/providers/Microsoft.Network"
            "/virtualNetworks/…/subnets/…`",
        )
    for part, name in found.groupdict().items():
        if len(name) > limits.LONGEST_LABEL:
            raise refusal(
                argument,
                f"the name of its {part}, `{name}`, is longer than {limits.LONGEST_LABEL}"
                " characters",
                "AKS puts the names into labels of nodes; use a network with shorter names",
                "azure-cni-overlay",
            )


def _check_one_network(subnets: Mapping[str, str]) -> None:
    for (_, first), (argument, second) in combinations(subnets.items(), 2):
        if first == second:
            raise refusal(
                argument,
                f"`{second}` is the node subnet or another one of the cluster's",
                "give nodes, pods and API server a subnet each",
                "configure-azure-cni-dynamic-ip-allocation",
            )
        if first.partition("/subnets/")[0] != second.partition("/subnets/")[0]:
            raise refusal(
                argument,
                f"`{second}` is in another virtual network than the nodes",
                "choose a subnet of the same network",
                "configure-azure-cni-dynamic-ip-allocation",
            )
