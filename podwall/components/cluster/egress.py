"""How nodes and pods reach the internet (`networkProfile.outboundType`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from podwall.components.cluster.refusal import refusal

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "Egress",
    "LoadBalancerEgress",
    "NatGatewayEgress",
    "NoEgress",
    "RouteTableEgress",
    "egress_named",
]

_PAGE = "egress-outboundtype"


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
        _within("egress.public_ips", self.public_ips, range(1, 101))
        _within("egress.idle_minutes", self.idle_minutes, range(4, 121))
        _within("egress.ports_per_node", self.ports_per_node, range(64_001))
        if self.ports_per_node % 8:
            raise refusal(
                "egress.ports_per_node",
                f"`{self.ports_per_node}` is not a multiple of 8",
                "give a multiple of 8, or 0 to let Azure divide the ports",
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
        _PAGE,
    )


def _within(argument: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise refusal(
            argument,
            f"`{value}` is not from {allowed[0]} to {allowed[-1]}",
            "choose a number in that range",
            "load-balancer-standard",
        )
