"""The identities of a cluster and their roles, and the kubeconfig by which people sign in."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from pulumi import Input, InvokeOutputOptions, Output, Resource, ResourceOptions
from pulumi_azure_native.authorization import RoleAssignment
from pulumi_azure_native.containerservice import (
    ManagedCluster,
    list_managed_cluster_user_credentials_output,
)
from pulumi_azure_native.managedidentity import UserAssignedIdentity

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
from podwall.components.cluster.resources.network import ClusterResourceGroup, Subnets

__all__ = [
    "assign",
    "assign_after_cluster",
    "assign_before_cluster",
    "find_or_make_identity",
    "kubeconfig_of",
    "login_arguments",
    "role_definition",
    "with_login",
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
            command["args"] = login_arguments(command.get("args") or [], mode)
    return yaml.safe_dump(document, sort_keys=False)


def login_arguments(arguments: list[str], mode: LoginMode) -> list[str]:
    """Return the arguments of `kubelogin get-token` for `mode`.

    The ids of AKS's own browser client are left out where another client signs in.

    >>> login_arguments(["--login", "devicecode", "--client-id", "c"], LoginMode.AZURE_CLI)
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
