"""The resource group, virtual network and subnets of a cluster: made here, or brought along.

`pulumi_azure_native.network` is 124 resources and 90,000 lines in one import, which takes as long
as Pulumi and every other SDK module of this component together (0.6 s each, bytecode cached). Two
resources with a few properties do not need it. Types, properties and defaults are the SDK's own; a
test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from pulumi import CustomResource, Input, Output, Resource, ResourceOptions
from pulumi_azure_native.resources import ResourceGroup

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import NatGatewayEgress, PodSubnet, RouteTableEgress
from podwall.components.cluster.networks import ExistingNetwork, NewNetwork

__all__ = [
    "ClusterResourceGroup",
    "Properties",
    "Subnet",
    "Subnets",
    "VirtualNetwork",
    "find_or_make_group",
    "make_subnets",
]


@dataclass(frozen=True, slots=True)
class ClusterResourceGroup:
    """A resource group's name and the location of what is put into it."""

    name: Input[str]
    location: Input[str] | None


def find_or_make_group(name: str, args: AksClusterArgs, parent: Resource) -> ClusterResourceGroup:
    """Return the resource group, and make it where none is named.

    Without a location the provider's own is used.
    """
    if args.resource_group is not None:
        return ClusterResourceGroup(args.resource_group, args.location)
    made = ResourceGroup(
        name,
        location=args.location,
        tags=dict(args.tags),
        opts=ResourceOptions(parent=parent),
    )
    return ClusterResourceGroup(made.name, made.location)


Properties = Mapping[str, Any]
"""The properties of a resource, in Azure's spelling."""


class VirtualNetwork(CustomResource):
    """An Azure virtual network (`azure-native:network:VirtualNetwork`)."""

    name: Output[str]

    def __init__(self, name: str, properties: Properties, opts: ResourceOptions) -> None:
        """Declare the network; its subnets are resources of their own."""
        defaults = {"enableDdosProtection": False, "enableVmProtection": False, "name": None}
        super().__init__(
            "azure-native:network:VirtualNetwork",
            name,
            {**defaults, **properties},
            _with_version(opts),
        )


class Subnet(CustomResource):
    """A subnet of a virtual network (`azure-native:network:Subnet`).

    Nothing leaves it by Azure's default way out, which can be set at creation only.
    """

    def __init__(self, name: str, properties: Properties, opts: ResourceOptions) -> None:
        """Declare the subnet."""
        defaults = {
            "defaultOutboundAccess": False,
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        }
        super().__init__(
            "azure-native:network:Subnet", name, {**defaults, **properties}, _with_version(opts)
        )


def _with_version(opts: ResourceOptions) -> ResourceOptions:
    return ResourceOptions.merge(opts, ResourceOptions(version=_sdk_version()))


@cache
def _sdk_version() -> str:
    return version("pulumi_azure_native")


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


def make_subnets(
    name: str, args: AksClusterArgs, group: ClusterResourceGroup, parent: Resource
) -> Subnets:
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
    name: str,
    args: AksClusterArgs,
    network: NewNetwork,
    group: ClusterResourceGroup,
    parent: Resource,
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
