"""What goes into `networkProfile`: addresses of pods and services, and the way to the internet."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import TYPE_CHECKING, ClassVar

from podwall.aks import limits
from podwall.aks.limits import refusal
from podwall.components.cluster.networks import ipv6_range, not_reserved
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "DualStack",
    "Egress",
    "LoadBalancerEgress",
    "NatGatewayEgress",
    "NoEgress",
    "NodeSubnet",
    "Overlay",
    "PodAllocation",
    "PodNetwork",
    "PodSubnet",
    "RouteTableEgress",
    "ServiceNetwork",
    "egress_named",
]


@dataclass(frozen=True, slots=True)
class Overlay:
    """Pods get addresses from `pod_cidr`, a range that exists only inside the cluster.

    Every node takes a block of 256 addresses, so `/16` is enough for 256 nodes, those that an
    upgrade adds included. The same range may be used again by other clusters.
    See https://learn.microsoft.com/azure/aks/azure-cni-overlay.

    >>> Overlay("10.244.0.0/20").nodes
    16
    """

    pod_cidr: str = "10.244.0.0/16"

    plugin_mode: ClassVar[str] = "overlay"
    default_max_pods: ClassVar[int] = limits.DEFAULT_MAX_PODS_OVERLAY

    def __post_init__(self) -> None:
        """Refuse ranges that are public, reserved, or too small for one node."""
        found = not_reserved(self.pod_cidr, "pod_network.pod_cidr")
        if not any(found.subnet_of(private) for private in limits.OVERLAY_RANGES):
            raise refusal(
                "pod_network.pod_cidr",
                f"`{self.pod_cidr}` is not a private range",
                "choose a part of `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` or"
                " `100.64.0.0/10` (RFC 1918, RFC 6598)",
                "azure-cni-overlay",
            )
        if found.prefixlen > limits.NODE_BLOCK:
            raise refusal(
                "pod_network.pod_cidr",
                f"`{self.pod_cidr}` is too small: every node takes a `/{limits.NODE_BLOCK}`",
                f"give at least a `/{limits.NODE_BLOCK}` for each node, `/16` is enough for 256",
                "azure-cni-overlay",
            )

    @property
    def range(self) -> IPv4Network:
        """`pod_cidr` as a range."""
        return IPv4Network(self.pod_cidr)

    @property
    def nodes(self) -> int:
        """How many nodes the range has blocks for."""
        return int(2 ** (limits.NODE_BLOCK - self.range.prefixlen))


@dataclass(frozen=True, slots=True)
class NodeSubnet:
    """Pods get addresses of the subnet that their node is in (the older flat network).

    Each node reserves `max_pods` addresses when it is created, so the subnet must be large; the
    default is 30 pods on a node. See https://learn.microsoft.com/azure/aks/configure-azure-cni.
    """

    plugin_mode: ClassVar[None] = None
    default_max_pods: ClassVar[int] = limits.DEFAULT_MAX_PODS_NODE_SUBNET


class PodAllocation(StrEnum):
    """How a node takes addresses from the pod subnet.

    `DYNAMIC`: 16 at a time, as pods come. `STATIC_BLOCK`: whole `/28` blocks when the node is
    created; Kubernetes 1.28 and later, and one way only in a subnet.
    """

    DYNAMIC = "DynamicIndividual"
    STATIC_BLOCK = "StaticBlock"


@dataclass(frozen=True, slots=True)
class PodSubnet:
    """Pods get addresses of a subnet that holds nothing but pods.

    The subnet is the network's `pod_subnet`. The default is 110 pods on a node. See
    https://learn.microsoft.com/azure/aks/configure-azure-cni-dynamic-ip-allocation.
    """

    allocation: PodAllocation = PodAllocation.DYNAMIC

    plugin_mode: ClassVar[None] = None
    default_max_pods: ClassVar[int] = limits.DEFAULT_MAX_PODS_POD_SUBNET


PodNetwork = Overlay | NodeSubnet | PodSubnet
"""The three ways in which Azure CNI gives addresses to pods."""


@dataclass(frozen=True, slots=True)
class DualStack:
    """The IPv6 ranges of a cluster that speaks IPv4 and IPv6; the defaults are those of AKS.

    `address_space` and `node_subnet` are used by a network that the component makes; a network of
    your own must be dual-stack already. Needs the overlay and the Cilium engine, and can't leave
    through a NAT gateway.
    See https://learn.microsoft.com/azure/aks/azure-cni-overlay#dual-stack-networking.
    """

    pod_cidr: str = "fd12:3456:789a::/64"
    service_cidr: str = "fd12:3456:789a:1::/108"
    address_space: str = "fd12:3456:789b::/48"
    node_subnet: str = "fd12:3456:789b::/64"

    def __post_init__(self) -> None:
        """Refuse what is not IPv6, service ranges above `/108`, and subnets that are not `/64`."""
        ipv6_range(self.pod_cidr, "ipv6.pod_cidr")
        space = ipv6_range(self.address_space, "ipv6.address_space")
        subnet = ipv6_range(self.node_subnet, "ipv6.node_subnet")
        if (
            ipv6_range(self.service_cidr, "ipv6.service_cidr").prefixlen
            < limits.LARGEST_IPV6_SERVICES
        ):
            raise refusal(
                "ipv6.service_cidr",
                f"`{self.service_cidr}` is larger than `/{limits.LARGEST_IPV6_SERVICES}`",
                f"give a `/{limits.LARGEST_IPV6_SERVICES}` or smaller",
                "azure-cni-overlay",
            )
        if subnet.prefixlen != limits.IPV6_SUBNET or not subnet.subnet_of(space):
            raise refusal(
                "ipv6.node_subnet",
                f"`{self.node_subnet}` is not a `/{limits.IPV6_SUBNET}` of `{space}`",
                "an IPv6 subnet of Azure is a `/64` inside the network's address space",
            )


_SERVICES_PAGE = "concepts-network-ip-address-planning"


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
        if services.prefixlen <= limits.LARGEST_SERVICES:
            raise refusal(
                "services.cidr",
                f"`{self.cidr}` is not smaller than `/{limits.LARGEST_SERVICES}`",
                "give a smaller range; `/16` has 65,536 Services",
                _SERVICES_PAGE,
            )
        if services.prefixlen > limits.SMALLEST_SERVICES:
            raise refusal(
                "services.cidr",
                f"`{self.cidr}` has no tenth address, where the cluster's DNS lives",
                f"give a `/{limits.SMALLEST_SERVICES}` or larger",
                _SERVICES_PAGE,
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
            _SERVICES_PAGE,
        )


_EGRESS_PAGE = "egress-outboundtype"


@dataclass(frozen=True, slots=True)
class LoadBalancerEgress:
    """Through the public IPs of the cluster's load balancer, which Azure makes and manages.

    `public_ips` of them, 1 to 100. `ports_per_node` is the number of outbound ports that each node
    may use; 0 lets Azure divide them. An idle connection is dropped after `idle_minutes`, 4 to 120.
    """

    public_ips: int = 1
    ports_per_node: int = 0
    idle_minutes: int = 30

    outbound_type: ClassVar[str] = "loadBalancer"

    def __post_init__(self) -> None:
        """Refuse numbers that the load balancer does not take."""
        _within("egress.public_ips", self.public_ips, limits.OUTBOUND_IPS)
        _within("egress.idle_minutes", self.idle_minutes, limits.IDLE_MINUTES)
        _within("egress.ports_per_node", self.ports_per_node, limits.OUTBOUND_PORTS_PER_NODE)
        if self.ports_per_node % limits.OUTBOUND_PORTS_STEP:
            raise refusal(
                "egress.ports_per_node",
                f"`{self.ports_per_node}` is not a multiple of {limits.OUTBOUND_PORTS_STEP}",
                "give such a multiple, or 0 to let Azure divide the ports",
                "load-balancer-standard",
            )


@dataclass(frozen=True, slots=True)
class NatGatewayEgress:
    """Through a NAT gateway of yours, which must exist before the cluster.

    Give its id where the component makes the network; it is then tied to the node subnet. With an
    existing network leave it out and tie the gateway to the subnet yourself.
    """

    nat_gateway_id: Input[str] | None = None

    outbound_type: ClassVar[str] = "userAssignedNATGateway"


@dataclass(frozen=True, slots=True)
class RouteTableEgress:
    """Through whatever the subnet's route table says, such as a firewall.

    Give the table's id where the component makes the network. With an existing network leave it out
    and tie the table, with a default route, to the subnet yourself.
    """

    route_table_id: Input[str] | None = None

    outbound_type: ClassVar[str] = "userDefinedRouting"


@dataclass(frozen=True, slots=True)
class NoEgress:
    """Not at all: a network-isolated cluster, whose nodes start from a private registry of yours.

    The registry must hold a cache rule for `mcr.microsoft.com` and be reachable from the nodes. See
    https://learn.microsoft.com/azure/aks/concepts-network-isolated.
    """

    bootstrap_registry_id: Input[str]

    outbound_type: ClassVar[str] = "none"


Egress = LoadBalancerEgress | NatGatewayEgress | RouteTableEgress | NoEgress
"""The four ways out that a cluster in a subnet of its own can have."""

_BY_NAME: dict[str, type[LoadBalancerEgress | NatGatewayEgress | RouteTableEgress]] = {
    "loadbalancer": LoadBalancerEgress,
    "userassignednatgateway": NatGatewayEgress,
    "userdefinedrouting": RouteTableEgress,
}
_REFUSED = {
    "managednatgateway": "needs a virtual network that AKS manages, and this cluster's is its own",
    "managednatgatewayv2": "is a preview, and needs a virtual network that AKS manages",
    "block": "is a preview",
    "none": "needs the registry that nodes start from",
}


def egress_named(text: str, argument: str = "egress") -> Egress:
    """Return the way out that Azure calls `text`, with its default settings.

    >>> egress_named("userDefinedRouting")
    RouteTableEgress(route_table_id=None)

    Raises:
        InvalidValue: Azure knows no such outbound type, or not for this kind of cluster.
    """
    found = _BY_NAME.get(text.lower())
    if found is not None:
        return found()
    reason = _REFUSED.get(text.lower(), "is not an outbound type")
    raise refusal(
        argument,
        f"`{text}` {reason}",
        "choose `loadBalancer`, `userAssignedNATGateway` or `userDefinedRouting`, or say `NoEgress`"
        " with its registry in Python",
        _EGRESS_PAGE,
    )


def _within(argument: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise refusal(
            argument,
            f"`{value}` is not from {allowed[0]} to {allowed[-1]}",
            "choose a number in that range",
            "load-balancer-standard",
        )
