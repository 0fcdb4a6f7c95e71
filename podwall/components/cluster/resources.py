"""The resources around a cluster: group, network, identities with their roles, and the kubeconfig.

`pulumi_azure_native.network` is 124 resources and 90,000 lines in one import, which takes as long
as Pulumi and every other SDK module of this component together (0.6 s each, bytecode cached). Two
resources with a few properties do not need it. Types, properties and defaults are the SDK's own; a
test holds them to it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import yaml
from pulumi import CustomResource, Input, InvokeOutputOptions, Output, Resource, ResourceOptions

from podwall.components.cluster.access import (
    Entra,
    ExistingIdentity,
    LoginMode,
    Principal,
    PrincipalType,
    PrivateApiServer,
    Role,
    SignIn,
)
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import NatGatewayEgress, PodSubnet, RouteTableEgress
from podwall.components.cluster.networks import ExistingNetwork, NewNetwork
from podwall.on_demand import alone
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi_azure_native.authorization import RoleAssignment
    from pulumi_azure_native.containerservice import (
        ManagedCluster,
        list_managed_cluster_user_credentials_output,
    )
    from pulumi_azure_native.managedidentity import UserAssignedIdentity
    from pulumi_azure_native.resources import ResourceGroup
else:
    _SDK = "pulumi_azure_native"
    RoleAssignment = alone(f"{_SDK}.authorization.role_assignment", "RoleAssignment")
    list_managed_cluster_user_credentials_output = alone(
        f"{_SDK}.containerservice.list_managed_cluster_user_credentials",
        "list_managed_cluster_user_credentials_output",
    )
    UserAssignedIdentity = alone(
        f"{_SDK}.managedidentity.user_assigned_identity", "UserAssignedIdentity"
    )
    ResourceGroup = alone(f"{_SDK}.resources.resource_group", "ResourceGroup")

__all__ = [
    "ClusterResourceGroup",
    "Subnet",
    "Subnets",
    "VirtualNetwork",
    "assign_after_cluster",
    "assign_before_cluster",
    "find_or_make_group",
    "find_or_make_identity",
    "kubeconfig_of",
    "make_subnets",
    "with_login",
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


_Properties = Mapping[str, Any]
"""The properties of a resource, in Azure's spelling."""


class VirtualNetwork(CustomResource):
    """An Azure virtual network (`azure-native:network:VirtualNetwork`)."""

    name: Output[str]

    def __init__(self, name: str, properties: _Properties, opts: ResourceOptions) -> None:
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

    def __init__(self, name: str, properties: _Properties, opts: ResourceOptions) -> None:
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


def _new_subnets(args: AksClusterArgs, network: NewNetwork) -> dict[str, _Properties]:
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


def _node_subnet(args: AksClusterArgs, network: NewNetwork) -> _Properties:
    ranges = [network.node_subnet, *([] if args.ipv6 is None else [args.ipv6.node_subnet])]
    return {"addressPrefixes": ranges, **_way_out(args)}


def _way_out(args: AksClusterArgs) -> _Properties:
    if isinstance(args.egress, NatGatewayEgress):
        return {"natGateway": {"id": args.egress.nat_gateway_id}}
    if isinstance(args.egress, RouteTableEgress):
        return {"routeTable": {"id": args.egress.route_table_id}}
    return {}


def _assign(
    name: str, role: Role, principal: Principal, scope: Input[str], parent: Resource
) -> RoleAssignment:
    """Give `principal` the `role` on everything below `scope`, an Azure resource id.

    The principal's type is sent so that Azure does not look up an identity that was made a moment
    ago and is not everywhere yet.
    """
    return RoleAssignment(
        name,
        scope=scope,
        role_definition_id=Output.from_input(scope).apply(
            lambda found: _role_definition(found, role)
        ),
        principal_id=principal.object_id,
        principal_type=principal.type.value,
        opts=ResourceOptions(parent=parent),
    )


def _role_definition(scope: str, role: Role) -> str:
    """Return the id of a built-in role in the subscription that `scope` is in.

    >>> _role_definition("/subscriptions/s/resourceGroups/g", Role.ACR_PULL)
    '/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d'
    """
    subscription = "/".join(scope.split("/")[:3])
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def find_or_make_identity(
    name: str, args: AksClusterArgs, group: ClusterResourceGroup, parent: Resource
) -> ExistingIdentity:
    """Return what the control plane acts as, and make it where none is given."""
    if args.identities.cluster is not None:
        return args.identities.cluster
    made = UserAssignedIdentity(
        name,
        resource_group_name=group.name,
        location=group.location,
        tags=dict(args.tags),
        opts=ResourceOptions(parent=parent),
    )
    return ExistingIdentity(made.id, made.principal_id)


def assign_before_cluster(
    name: str,
    args: AksClusterArgs,
    identity: ExistingIdentity,
    subnets: Subnets,
    parent: Resource,
) -> list[Resource]:
    """Return the role assignments without which Azure would not make the cluster.

    `az aks create` makes them by itself; nobody does it for a program.
    """
    principal = Principal(identity.principal_id, PrincipalType.SERVICE_PRINCIPAL)
    wanted = [
        (f"{name}-join-{use}", Role.NETWORK_CONTRIBUTOR, scope)
        for use, scope in _scopes(args, subnets).items()
    ]
    if args.identities.kubelet is not None:
        kubelet = args.identities.kubelet.resource_id
        wanted.append((f"{name}-kubelet", Role.MANAGED_IDENTITY_OPERATOR, kubelet))
    zone = _own_zone(args)
    if zone is not None:
        wanted.append((f"{name}-zone", Role.PRIVATE_DNS_ZONE_CONTRIBUTOR, zone))
    return [_assign(logical, role, principal, scope, parent) for logical, role, scope in wanted]


def assign_after_cluster(
    name: str,
    args: AksClusterArgs,
    cluster: ManagedCluster,
    kubelet: Output[str],
    parent: Resource,
) -> list[Resource]:
    """Return the role assignments that speak of the cluster, or of the identity AKS made for it.

    `kubelet` is the object id of what nodes act as.
    """
    nodes = Principal(kubelet, PrincipalType.SERVICE_PRINCIPAL)
    pulls = [
        _assign(f"{name}-pull-{number}", Role.ACR_PULL, nodes, registry, parent)
        for number, registry in enumerate(args.identities.registries, start=1)
    ]
    sign_in = args.access.sign_in
    if not isinstance(sign_in, Entra):
        return [*pulls]
    people = [
        _assign(f"{name}-{use}-{number}", role, who, cluster.id, parent)
        for use, role, principals in (
            ("admin", Role.CLUSTER_ADMIN, sign_in.admins),
            ("user", Role.CLUSTER_USER, sign_in.users),
        )
        for number, who in enumerate(principals, start=1)
    ]
    return [*pulls, *people]


def _scopes(args: AksClusterArgs, subnets: Subnets) -> dict[str, Input[str]]:
    # Tying a zone of yours to the network is a right on the whole network.
    if _own_zone(args) is not None:
        return {"network": subnets.network}
    return subnets.by_use


def _own_zone(args: AksClusterArgs) -> Input[str] | None:
    api_server = args.access.api_server
    if isinstance(api_server, PrivateApiServer) and api_server.has_own_zone:
        return api_server.private_dns_zone
    return None


_OF_THE_BROWSER = ("--client-id", "--tenant-id")


def with_login(kubeconfig: str, mode: LoginMode) -> str:
    """Return `kubeconfig` with every `kubelogin` user signing in as `mode` says.

    AKS writes `devicecode`, which waits for a person and a browser; this does what
    `kubelogin convert-kubeconfig -l <mode>` would do.
    """
    document: dict[str, Any] = yaml.safe_load(kubeconfig)
    for user in document.get("users") or []:
        command = user.get("user", {}).get("exec")
        if command is not None and command.get("command") == "kubelogin":
            command["args"] = _login_arguments(command.get("args") or [], mode)
    return yaml.safe_dump(document, sort_keys=False)


def _login_arguments(arguments: list[str], mode: LoginMode) -> list[str]:
    """Return the arguments of `kubelogin get-token` for `mode`.

    The ids of AKS's own browser client are left out where another client signs in.

    >>> _login_arguments(["--login", "devicecode", "--client-id", "c"], LoginMode.AZURE_CLI)
    ['--login', 'azurecli']
    """
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--login":
            kept += ["--login", mode.value]
            next(rest, None)
        elif argument in _OF_THE_BROWSER and mode is not LoginMode.DEVICE_CODE:
            next(rest, None)
        else:
            kept.append(argument)
    return kept


def kubeconfig_of(cluster: ManagedCluster, group: Input[str], sign_in: SignIn) -> Output[str]:
    """Return the kubeconfig that signs in as `sign_in` says, as a secret.

    The name is an output of the cluster, so that a first preview does not ask Azure for the
    credentials of a cluster that is not there yet.
    """
    credentials = list_managed_cluster_user_credentials_output(
        resource_group_name=group,
        resource_name=cluster.name,
        format="exec",
        opts=InvokeOutputOptions(parent=cluster, depends_on=[cluster]),
    )
    return Output.secret(
        credentials.apply(lambda found: _kubeconfig(found.kubeconfigs[0].value, sign_in))
    )


def _kubeconfig(encoded: str, sign_in: SignIn) -> str:
    text = base64.b64decode(encoded).decode()
    return with_login(text, sign_in.login) if isinstance(sign_in, Entra) else text
