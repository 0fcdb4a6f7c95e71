"""Where pods get their addresses: an overlay, the nodes' subnet, or a subnet of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import ClassVar

from podwall.components.cluster.addresses import ipv6_range, not_reserved
from podwall.components.cluster.refusal import refusal

__all__ = ["DualStack", "NodeSubnet", "Overlay", "PodAllocation", "PodNetwork", "PodSubnet"]

_OVERLAY_RANGES = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_NODE_BLOCK = 24


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
    default_max_pods: ClassVar[int] = 250

    def __post_init__(self) -> None:
        """Refuse ranges that are public, reserved, or too small for one node."""
        found = not_reserved(self.pod_cidr, "pod_network.pod_cidr")
        if not any(found.subnet_of(private) for private in _OVERLAY_RANGES):
            raise refusal(
                "pod_network.pod_cidr",
                f"`{self.pod_cidr}` is not a private range",
                "choose a part of `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` or"
                " `100.64.0.0/10` (RFC 1918, RFC 6598)",
                "azure-cni-overlay",
            )
        if found.prefixlen > _NODE_BLOCK:
            raise refusal(
                "pod_network.pod_cidr",
                f"`{self.pod_cidr}` is too small: every node takes a `/{_NODE_BLOCK}`",
                f"give at least a `/{_NODE_BLOCK}` for each node, `/16` is enough for 256",
                "azure-cni-overlay",
            )

    @property
    def range(self) -> IPv4Network:
        """`pod_cidr` as a range."""
        return IPv4Network(self.pod_cidr)

    @property
    def nodes(self) -> int:
        """How many nodes the range has blocks for."""
        return int(2 ** (_NODE_BLOCK - self.range.prefixlen))


@dataclass(frozen=True, slots=True)
class NodeSubnet:
    """Pods get addresses of the subnet that their node is in (the older flat network).

    Each node reserves `max_pods` addresses when it is created, so the subnet must be large; the
    default is 30 pods on a node. See https://learn.microsoft.com/azure/aks/configure-azure-cni.
    """

    plugin_mode: ClassVar[None] = None
    default_max_pods: ClassVar[int] = 30


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
    default_max_pods: ClassVar[int] = 110


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
        if ipv6_range(self.service_cidr, "ipv6.service_cidr").prefixlen < _LARGEST_IPV6_SERVICES:
            raise refusal(
                "ipv6.service_cidr",
                f"`{self.service_cidr}` is larger than `/{_LARGEST_IPV6_SERVICES}`",
                f"give a `/{_LARGEST_IPV6_SERVICES}` or smaller",
                "azure-cni-overlay",
            )
        if subnet.prefixlen != _AZURE_IPV6_SUBNET or not subnet.subnet_of(space):
            raise refusal(
                "ipv6.node_subnet",
                f"`{self.node_subnet}` is not a `/{_AZURE_IPV6_SUBNET}` of `{space}`",
                "an IPv6 subnet of Azure is a `/64` inside the network's address space",
            )


_LARGEST_IPV6_SERVICES = 108
_AZURE_IPV6_SUBNET = 64
