"""The cluster component at the edge of the package: every argument that Python callers have.

What decides about the plan is plain, so that a preview knows it. Ids and names that another
resource of the program gives, such as a group's or a subnet's, may be outputs.
"""

# Without postponed annotations, as `kubernetes`: Pulumi reads them as types, to make its schema.
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NotRequired, TypedDict

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes.provider import Provider

from components.reading import read, snake_case
from components.settings import ClusterChoice, ClusterSettings, PodNetworking
from components.settings.parts import DiskKind, WayOut
from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster import args as cluster_args
from podwall.components.cluster.access import LoginMode, PrincipalType
from podwall.components.cluster.aks_cluster import AksCluster as AksClusterComponent
from podwall.components.cluster.network_profile import PodAllocation
from podwall.components.cluster.operations import (
    AdvancedPolicies,
    EngineChange,
    LocalDns,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
    Weekday,
)
from podwall.components.cluster.pools import NodeProvisioning, OsSku, Priority
from podwall.policies.errors import InvalidValue, Place

__all__ = [
    "AdvancedNetworking",
    "AksCluster",
    "AksClusterInputs",
    "Disk",
    "DualStack",
    "Egress",
    "Entra",
    "Identities",
    "Maintenance",
    "ManagedIdentity",
    "Network",
    "Pool",
    "Principal",
    "ServiceNetwork",
    "UserPool",
]


class Principal(TypedDict):
    """Someone or something in Entra ID."""

    object_id: Input[str]
    """Its object id."""
    type: NotRequired[PrincipalType]
    """What it is; a group if left out."""


class Entra(TypedDict):
    """Sign-in with Entra ID and Azure roles; at least one group or person administers."""

    admin_groups: NotRequired[list[Input[str]]]
    """Object ids of the groups that administer the cluster."""
    admins: NotRequired[list[Principal]]
    """Who gets the role of an administrator on this cluster."""
    users: NotRequired[list[Principal]]
    """Who may download the kubeconfig."""
    tenant_id: NotRequired[str]
    """The tenant of the groups; the subscription's if left out."""
    azure_rbac: NotRequired[bool]
    """Azure roles say who may do what inside; true if left out."""
    local_accounts: NotRequired[bool]
    """Keeps the sign-in that no log names a person for; false if left out."""
    login: NotRequired[LoginMode]
    """How `kubelogin` signs in where the kubeconfig is used; `azurecli` if left out."""


class ManagedIdentity(TypedDict):
    """A user-assigned managed identity that exists."""

    resource_id: Input[str]
    """Its resource id."""
    principal_id: Input[str]
    """The object id of its service principal."""


class Identities(TypedDict):
    """Who the cluster and its nodes are; what is left out is made."""

    cluster: NotRequired[ManagedIdentity]
    """What the control plane acts as."""
    kubelet: NotRequired[ManagedIdentity]
    """What nodes act as."""
    registries: NotRequired[list[Input[str]]]
    """Ids of container registries that nodes may pull from."""


class Disk(TypedDict):
    """The disk of a node's operating system."""

    kind: NotRequired[DiskKind]
    """On the VM host or a managed disk; `Ephemeral` if left out."""
    size_gb: NotRequired[int]
    """30 to 2048; 128 if left out."""


class Pool(TypedDict):
    """The nodes of the cluster's own pods."""

    name: NotRequired[str]
    """At most 12 lower case letters and digits; `system` if left out."""
    vm_size: NotRequired[str]
    """An Azure VM size; `Standard_D4ds_v5` if left out."""
    nodes: NotRequired[int]
    """Always so many, in place of an autoscaler's bounds."""
    min_nodes: NotRequired[int]
    """The autoscaler keeps at least so many; 3 if left out."""
    max_nodes: NotRequired[int]
    """And at most so many; 5 if left out."""
    zones: NotRequired[list[str]]
    """Availability zones; all three if left out, `none` alone for a region without zones."""
    os_sku: NotRequired[OsSku]
    """The operating system; `Ubuntu` if left out."""
    os_disk: NotRequired[Disk]
    """Where the operating system lives."""
    max_pods: NotRequired[int]
    """Pods of one node; the pod network's default if left out."""
    max_surge: NotRequired[str]
    """How many nodes an upgrade adds, a number or a share; `33%` if left out."""
    labels: NotRequired[dict[str, str]]
    """Labels of the nodes."""
    encryption_at_host: NotRequired[bool]
    """Disks are encrypted on the VM host too; false if left out."""


class UserPool(TypedDict):
    """The nodes of workloads."""

    name: str
    """At most 12 lower case letters and digits."""
    vm_size: NotRequired[str]
    """An Azure VM size; `Standard_D4ds_v5` if left out."""
    nodes: NotRequired[int]
    """Always so many, in place of an autoscaler's bounds."""
    min_nodes: NotRequired[int]
    """The autoscaler keeps at least so many; 2 if left out."""
    max_nodes: NotRequired[int]
    """And at most so many; 5 if left out."""
    zones: NotRequired[list[str]]
    """Availability zones; all three if left out, `none` alone for a region without zones."""
    os_sku: NotRequired[OsSku]
    """The operating system; `Ubuntu` if left out."""
    os_disk: NotRequired[Disk]
    """Where the operating system lives."""
    max_pods: NotRequired[int]
    """Pods of one node; the pod network's default if left out."""
    max_surge: NotRequired[str]
    """How many nodes an upgrade adds, a number or a share; `33%` if left out."""
    labels: NotRequired[dict[str, str]]
    """Labels of the nodes."""
    encryption_at_host: NotRequired[bool]
    """Disks are encrypted on the VM host too; false if left out."""
    taints: NotRequired[list[str]]
    """Such as `dedicated=batch:NoSchedule`."""
    priority: NotRequired[Priority]
    """`Spot` nodes are cheaper, and may be taken away; `Regular` if left out."""


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
    """The virtual network: ranges of one that is made, or ids of subnets that exist."""

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
    node_subnet_id: NotRequired[Input[str]]
    """A subnet that exists, for the nodes; then no network is made."""
    pod_subnet_id: NotRequired[Input[str]]
    """A subnet of the same network, for `pod-subnet` only."""
    api_server_subnet_id: NotRequired[Input[str]]
    """A subnet of the same network, for `vnetIntegration` only."""


class Egress(TypedDict):
    """How pods and nodes reach the internet."""

    type: NotRequired[WayOut]
    """In Azure's words; `loadBalancer` if left out."""
    public_ips: NotRequired[int]
    """Of the load balancer, 1 to 100; 1 if left out."""
    ports_per_node: NotRequired[int]
    """Outbound ports of the load balancer for each node; Azure divides them if left out."""
    idle_minutes: NotRequired[int]
    """The load balancer drops an idle connection after 4 to 120; 30 if left out."""
    nat_gateway_id: NotRequired[Input[str]]
    """The NAT gateway of a network that is made."""
    route_table_id: NotRequired[Input[str]]
    """The route table of a network that is made."""
    bootstrap_registry_id: NotRequired[Input[str]]
    """Of a cluster without a way out: the registry that its nodes start from."""


class ServiceNetwork(TypedDict):
    """The range of Services, for the cluster's life."""

    cidr: NotRequired[str]
    """`10.0.0.0/16` if left out."""
    dns_ip: NotRequired[str]
    """The address of the cluster's DNS; the tenth of the range if left out."""


class DualStack(TypedDict):
    """The IPv6 ranges of a cluster that speaks IPv4 and IPv6."""

    pod_cidr: NotRequired[str]
    """`fd12:3456:789a::/64` if left out."""
    service_cidr: NotRequired[str]
    """`fd12:3456:789a:1::/108` if left out."""
    address_space: NotRequired[str]
    """Of a network that is made; `fd12:3456:789b::/48` if left out."""
    node_subnet: NotRequired[str]
    """Of a network that is made; `fd12:3456:789b::/64` if left out."""


class AdvancedNetworking(TypedDict):
    """What Advanced Container Networking Services do, which cost extra."""

    observability: NotRequired[bool]
    """Flows are recorded; true if left out."""
    policies: NotRequired[AdvancedPolicies]
    """Which policies are added to the standard ones; `None` if left out."""


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
    resource_group: NotRequired[Input[str]]
    """The name of an existing group; one is made if left out."""
    dns_prefix: NotRequired[str]
    """Begins the API server's name; derived from the resource's name if left out."""
    tags: NotRequired[dict[str, str]]
    """On every Azure resource."""
    protect: NotRequired[bool]
    """Pulumi refuses to delete or replace the cluster; true if left out."""
    engine_change: NotRequired[EngineChange]
    """What a change of an existing cluster's network settings does; `refuse` if left out."""
    private: NotRequired[bool]
    """The API server has an address in the virtual network only; false if left out."""
    private_dns_zone: NotRequired[Input[str]]
    """`system`, `none`, or the id of a private zone; `system` if left out."""
    public_fqdn: NotRequired[bool]
    """A private API server has a public name too; false if left out."""
    fqdn_subdomain: NotRequired[str]
    """The cluster's name below a private zone of yours."""
    authorized_ip_ranges: NotRequired[list[str]]
    """Who may call a public API server; anyone if left out."""
    vnet_integration: NotRequired[bool]
    """Nodes reach the API server without leaving the network; false if left out."""
    run_command: NotRequired[bool]
    """Allows `az aks command invoke`, a way around every network rule; false if left out."""
    entra: NotRequired[Entra]
    """Sign-in with Entra ID; local accounts if left out."""
    identities: NotRequired[Identities]
    """Who the cluster and its nodes are, and where nodes may pull images."""
    system_pool: NotRequired[Pool]
    """The nodes of the cluster's own pods."""
    user_pools: NotRequired[list[UserPool]]
    """The nodes of workloads; the system pool takes them if left out."""
    node_provisioning: NotRequired[NodeProvisioning]
    """Who makes nodes, the pools or Azure; `Manual` if left out."""
    tier: NotRequired[Tier]
    """The SLA that is paid for; `Standard` if left out."""
    upgrades: NotRequired[UpgradeChannel]
    """Who chooses the Kubernetes version; `patch` if left out."""
    node_os: NotRequired[NodeOsChannel]
    """How nodes get their security updates; `NodeImage` if left out."""
    maintenance: NotRequired[Maintenance]
    """When upgrades may happen; Sundays from 01:00 if left out."""
    any_time: NotRequired[bool]
    """Upgrades may happen at any time, and there is no window; false if left out."""
    network: NotRequired[Network]
    """The virtual network; one is made if no subnet is given."""
    egress: NotRequired[Egress]
    """How pods and nodes reach the internet; a load balancer if left out."""
    services: NotRequired[ServiceNetwork]
    """The range of Services, for the cluster's life."""
    ipv6: NotRequired[DualStack]
    """The ranges of a cluster that speaks IPv4 and IPv6; IPv4 alone if left out."""
    pod_cidr: NotRequired[str]
    """The range of an overlay; `10.244.0.0/16` if left out."""
    pod_allocation: NotRequired[PodAllocation]
    """How nodes take addresses of a pod subnet; `DynamicIndividual` if left out."""
    local_dns: NotRequired[LocalDns]
    """Whether pods ask a DNS proxy on their own node; `Disabled` if left out."""
    azure_policy: NotRequired[bool]
    """Turns the Azure Policy add-on on; true if left out."""
    image_cleaner_hours: NotRequired[int]
    """Unused images are removed as often; never if 0, 168 if left out."""
    advanced_networking: NotRequired[AdvancedNetworking]
    """What Advanced Container Networking Services do; off if left out."""
    key_vault_secrets: NotRequired[bool]
    """Mounts secrets of Key Vault; false if left out."""
    monitoring_workspace_id: NotRequired[Input[str]]
    """The id of the workspace where logs go; nowhere if left out."""
    defender_workspace_id: NotRequired[Input[str]]
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
    identity_id: Output[str]
    """The resource id of what the control plane acts as."""
    identity_principal_id: Output[str]
    """The object id of what the control plane acts as, to be given further roles."""
    kubelet_identity_object_id: Output[str]
    """The object id of what nodes act as."""
    kubelet_identity_client_id: Output[str]
    """The client id of what nodes act as, for drivers and pods that name it."""
    kubeconfig: Output[str]
    """How to reach the cluster; a secret."""
    kubernetes_provider: Provider
    """The provider for everything in the cluster, to be used inside an `apply`."""

    def __init__(
        self, name: str, args: AksClusterInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the arguments and make the cluster."""
        choice = {field.name for field in fields(ClusterChoice)}
        chosen = read(ClusterChoice, _only(args, choice), "", snake_case)
        rest = read(ClusterSettings, _only(args, set(args) - choice), "", snake_case)
        super().__init__(name, _cluster_args(rest, chosen), opts)
        self.kubernetes_provider = self.kubernetes


def _cluster_args(settings: ClusterSettings, choice: ClusterChoice) -> cluster_args.AksClusterArgs:
    """Make the arguments; here nothing stands between the cluster and its properties."""
    try:
        return settings.args(choice)
    except InvalidValue as error:
        place = Place(path=error.place.path.removeprefix("cluster."))
        raise InvalidValue(error.message, help=error.help, place=place) from error


def _only(args: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name in names}
