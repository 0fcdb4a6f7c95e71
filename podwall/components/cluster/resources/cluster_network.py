"""The subnets of a cluster: made here, or brought along."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import Input, Output, Resource, ResourceOptions

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.egress import NatGatewayEgress, RouteTableEgress
from podwall.components.cluster.networks import ExistingNetwork, NewNetwork
from podwall.components.cluster.pod_networks import PodSubnet
from podwall.components.cluster.resources.group import Group
from podwall.components.cluster.resources.virtual_network import Properties, Subnet, VirtualNetwork

__all__ = ["Subnets", "make_subnets"]

NODES, PODS, API_SERVER = "nodes", "pods", "api-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnets:
    """The ids of the subnets that the cluster uses."""

    nodes: Input[str]
    pods: Input[str] | None = None
    api_server: Input[str] | None = None

    @property
    def by_use(self) -> dict[str, Input[str]]:
        """The subnets that there are, by what is in them."""
        found = {NODES: self.nodes, PODS: self.pods, API_SERVER: self.api_server}
        return {use: subnet for use, subnet in found.items() if subnet is not None}

    @property
    def network(self) -> Output[str]:
        """The id of the virtual network that the nodes are in."""
        return Output.from_input(self.nodes).apply(lambda found: found.split("/subnets/")[0])


def make_subnets(name: str, args: AksClusterArgs, group: Group, parent: Resource) -> Subnets:
    """Return the cluster's subnets, and make them and their network where they are new."""
    if isinstance(args.network, ExistingNetwork):
        return Subnets(
            nodes=args.network.node_subnet_id,
            pods=args.network.pod_subnet_id,
            api_server=args.network.api_server_subnet_id,
        )
    network = _new_network(name, args, args.network, group, parent)
    made: dict[str, Subnet] = {}
    for use, properties in _new_subnets(args, args.network).items():
        made[use] = Subnet(
            f"{name}-{use}",
            {
                "resourceGroupName": group.name,
                "virtualNetworkName": network.name,
                "subnetName": use,
                **properties,
            },
            # Azure changes one subnet of a network at a time.
            ResourceOptions(parent=network, depends_on=list(made.values())),
        )
    ids = {use: subnet.id for use, subnet in made.items()}
    return Subnets(nodes=ids[NODES], pods=ids.get(PODS), api_server=ids.get(API_SERVER))


def _new_network(
    name: str, args: AksClusterArgs, network: NewNetwork, group: Group, parent: Resource
) -> VirtualNetwork:
    ranges = [network.address_space, *([] if args.ipv6 is None else [args.ipv6.address_space])]
    return VirtualNetwork(
        name,
        {
            "resourceGroupName": group.name,
            "location": group.location,
            "addressSpace": {"addressPrefixes": ranges},
            "tags": dict(args.tags),
        },
        ResourceOptions(parent=parent),
    )


def _new_subnets(args: AksClusterArgs, network: NewNetwork) -> dict[str, Properties]:
    found = {NODES: _node_subnet(args, network)}
    if isinstance(args.pod_network, PodSubnet):
        found[PODS] = {"addressPrefixes": [network.pod_subnet], **_way_out(args)}
    if args.access.vnet_integration:
        delegation = {"name": "aks", "serviceName": "Microsoft.ContainerService/managedClusters"}
        found[API_SERVER] = {
            "addressPrefixes": [network.api_server_subnet],
            "delegations": [delegation],
        }
    return found


def _node_subnet(args: AksClusterArgs, network: NewNetwork) -> Properties:
    ranges = [network.node_subnet, *([] if args.ipv6 is None else [args.ipv6.node_subnet])]
    return {"addressPrefixes": ranges, **_way_out(args)}


def _way_out(args: AksClusterArgs) -> Properties:
    if isinstance(args.egress, NatGatewayEgress):
        return {"natGateway": {"id": args.egress.nat_gateway_id}}
    if isinstance(args.egress, RouteTableEgress):
        return {"routeTable": {"id": args.egress.route_table_id}}
    return {}
