"""The identities of a cluster and the roles that it, its nodes and its people are given."""

from __future__ import annotations

from pulumi import Input, Output, Resource, ResourceOptions
from pulumi_azure_native.authorization import RoleAssignment
from pulumi_azure_native.containerservice import ManagedCluster
from pulumi_azure_native.managedidentity import UserAssignedIdentity

from podwall.components.cluster.access import (
    Entra,
    ExistingIdentity,
    Principal,
    PrincipalType,
    PrivateApiServer,
    Role,
)
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.resources.network import ClusterResourceGroup, Subnets

__all__ = [
    "assign",
    "assign_after_cluster",
    "assign_before_cluster",
    "find_or_make_identity",
    "role_definition",
]


def assign(
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
            lambda found: role_definition(found, role)
        ),
        principal_id=principal.object_id,
        principal_type=principal.type.value,
        opts=ResourceOptions(parent=parent),
    )


def role_definition(scope: str, role: Role) -> str:
    """Return the id of a built-in role in the subscription that `scope` is in.

    >>> role_definition("/subscriptions/s/resourceGroups/g", Role.ACR_PULL)
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
    return [assign(logical, role, principal, scope, parent) for logical, role, scope in wanted]


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
        assign(f"{name}-pull-{number}", Role.ACR_PULL, nodes, registry, parent)
        for number, registry in enumerate(args.identities.registries, start=1)
    ]
    sign_in = args.access.sign_in
    if not isinstance(sign_in, Entra):
        return [*pulls]
    people = [
        assign(f"{name}-{use}-{number}", role, who, cluster.id, parent)
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
