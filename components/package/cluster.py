"""The cluster component at the edge of the package: everything that configuration can say."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NotRequired, TypedDict

from pulumi import Output, ResourceOptions

from components.reading import read, snake_case
from components.settings import ClusterChoice, ClusterSettings, PodNetworking
from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster import args as cluster_args
from podwall.components.cluster.access import LoginMode
from podwall.components.cluster.aks_cluster import AksCluster as AksClusterComponent
from podwall.components.cluster.operations import (
    EngineChange,
    LocalDns,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
    Weekday,
)
from podwall.components.cluster.pools import OsSku
from podwall.policies.errors import InvalidValue, Place

__all__ = ["AksCluster", "AksClusterInputs", "Entra", "Maintenance", "Network", "Pool", "UserPool"]


class Entra(TypedDict):
    """Sign-in with Entra ID and Azure roles."""

    admin_groups: list[str]
    """Object ids of the groups that administer the cluster, at least one."""
    tenant_id: NotRequired[str]
    """The tenant of the groups; the subscription's if left out."""
    local_accounts: NotRequired[bool]
    """Keeps the sign-in that no log names a person for; false if left out."""
    login: NotRequired[LoginMode]
    """How `kubelogin` signs in where the kubeconfig is used; `azurecli` if left out."""


class Pool(TypedDict):
    """The nodes of the cluster's own pods."""

    vm_size: NotRequired[str]
    """An Azure VM size; `Standard_D4ds_v5` if left out."""
    min_nodes: NotRequired[int]
    """The autoscaler keeps at least so many; 3 if left out."""
    max_nodes: NotRequired[int]
    """And at most so many; 5 if left out."""
    zones: NotRequired[list[str]]
    """Availability zones; all three if left out, `none` alone for a region without zones."""
    os_sku: NotRequired[OsSku]
    """The operating system; `Ubuntu` if left out."""
    max_pods: NotRequired[int]
    """Pods of one node; the pod network's default if left out."""


class UserPool(TypedDict):
    """The nodes of workloads."""

    name: str
    """At most 12 lower case letters and digits."""
    vm_size: NotRequired[str]
    """An Azure VM size; `Standard_D4ds_v5` if left out."""
    min_nodes: NotRequired[int]
    """The autoscaler keeps at least so many; 2 if left out."""
    max_nodes: NotRequired[int]
    """And at most so many; 5 if left out."""
    zones: NotRequired[list[str]]
    """Availability zones; all three if left out, `none` alone for a region without zones."""
    os_sku: NotRequired[OsSku]
    """The operating system; `Ubuntu` if left out."""
    max_pods: NotRequired[int]
    """Pods of one node; the pod network's default if left out."""
    labels: NotRequired[dict[str, str]]
    """Labels of the nodes."""
    taints: NotRequired[list[str]]
    """Such as `dedicated=batch:NoSchedule`."""


class Maintenance(TypedDict):
    """When Azure may upgrade the cluster and its nodes."""

    day: NotRequired[Weekday]
    """`Sunday` if left out."""
    start: NotRequired[str]
    """Local time; `01:00` if left out."""
    hours: NotRequired[int]
    """4 to 24; 6 if left out."""
    utc_offset: NotRequired[str]
    """Of the local time; `+00:00` if left out."""
    every_weeks: NotRequired[int]
    """1 if left out."""


class Network(TypedDict):
    """The ranges of the virtual network that the cluster makes."""

    address_space: NotRequired[str]
    """All of it; `10.224.0.0/16` if left out."""
    node_subnet: NotRequired[str]
    """`10.224.0.0/20` if left out."""
    pod_subnet: NotRequired[str]
    """`10.224.128.0/17` if left out; made for `pod-subnet` only."""
    api_server_subnet: NotRequired[str]
    """`10.224.16.0/28` if left out; made for `vnetIntegration` only."""
    also_in_use: NotRequired[list[str]]
    """Ranges that the cluster can reach and must not use itself."""


class AksClusterInputs(TypedDict):
    """An AKS cluster that is right from the start; what is left out has a default to keep."""

    engine: NotRequired[NetworkEngine]
    """What enforces network policies, for the cluster's life; `azure` if left out."""
    pod_networking: NotRequired[PodNetworking]
    """Where pods get their addresses, for the cluster's life; `overlay` if left out."""
    kubernetes_version: NotRequired[str]
    """A minor version, or `automatic` where `upgrades` chooses one; `1.36` if left out."""
    location: NotRequired[str]
    """The Azure region; the provider's if left out."""
    name: NotRequired[str]
    """The name in Azure; Pulumi chooses if left out."""
    resource_group: NotRequired[str]
    """An existing group; one is made if left out."""
    tags: NotRequired[dict[str, str]]
    """On every Azure resource."""
    protect: NotRequired[bool]
    """Pulumi refuses to delete or replace the cluster; true if left out."""
    engine_change: NotRequired[EngineChange]
    """What a change of an existing cluster's network settings does; `refuse` if left out."""
    private: NotRequired[bool]
    """The API server has an address in the virtual network only; false if left out."""
    authorized_ip_ranges: NotRequired[list[str]]
    """Who may call a public API server; anyone if left out."""
    vnet_integration: NotRequired[bool]
    """Nodes reach the API server without leaving the network; false if left out."""
    entra: NotRequired[Entra]
    """Sign-in with Entra ID; local accounts if left out."""
    system_pool: NotRequired[Pool]
    """The nodes of the cluster's own pods."""
    user_pools: NotRequired[list[UserPool]]
    """The nodes of workloads; the system pool takes them if left out."""
    tier: NotRequired[Tier]
    """The SLA that is paid for; `Standard` if left out."""
    upgrades: NotRequired[UpgradeChannel]
    """Who chooses the Kubernetes version; `patch` if left out."""
    node_os: NotRequired[NodeOsChannel]
    """How nodes get their security updates; `NodeImage` if left out."""
    maintenance: NotRequired[Maintenance]
    """When upgrades may happen; Sundays from 01:00 if left out."""
    network: NotRequired[Network]
    """The ranges of the virtual network."""
    pod_cidr: NotRequired[str]
    """The range of an overlay; `10.244.0.0/16` if left out."""
    local_dns: NotRequired[LocalDns]
    """Whether pods ask a DNS proxy on their own node; `Disabled` if left out."""
    key_vault_secrets: NotRequired[bool]
    """Mounts secrets of Key Vault; false if left out."""
    monitoring_workspace_id: NotRequired[str]
    """Where logs go; nowhere if left out."""
    defender_workspace_id: NotRequired[str]
    """Turns Microsoft Defender on, with that workspace; off if left out."""


class AksCluster(AksClusterComponent):
    """An AKS cluster with its network, its node pools, its identities and their roles."""

    name: Output[str]
    """The name in Azure."""
    cluster_id: Output[str]
    """The resource id."""
    fqdn: Output[str]
    """The name of the API server."""
    resource_group: Output[str]
    """The name of the resource group that the cluster is in."""
    node_resource_group: Output[str]
    """The name of the resource group that AKS keeps the nodes in."""
    node_subnet_id: Output[str]
    """The id of the subnet that the nodes are in."""
    oidc_issuer_url: Output[str]
    """The issuer to name in federated credentials of workload identities."""
    kubelet_identity_object_id: Output[str]
    """The object id of what nodes act as."""
    kubeconfig: Output[str]
    """How to reach the cluster; a secret."""

    def __init__(
        self, name: str, args: AksClusterInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the arguments and make the cluster."""
        choice = {field.name for field in fields(ClusterChoice)}
        chosen = read(ClusterChoice, _only(args, choice), "", snake_case)
        rest = read(ClusterSettings, _only(args, set(args) - choice), "", snake_case)
        super().__init__(name, _cluster_args(rest, chosen), opts)


def _cluster_args(settings: ClusterSettings, choice: ClusterChoice) -> cluster_args.AksClusterArgs:
    """Make the arguments; here nothing stands between the cluster and its properties."""
    try:
        return settings.args(choice)
    except InvalidValue as error:
        place = Place(path=error.place.path.removeprefix("cluster."))
        raise InvalidValue(error.message, help=error.help, place=place) from error


def _only(args: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name in names}
