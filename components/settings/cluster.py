"""The cluster as configuration writes it: flat and plain; what is left out has the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from components.reading import camel_case
from podwall.aks.network_engine import NetworkEngine
from podwall.components.checks import refused
from podwall.components.cluster.access import (
    Access,
    ApiServer,
    Entra,
    LocalAccounts,
    LoginMode,
    PrivateApiServer,
    PublicApiServer,
    SignIn,
)
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import NodeSubnet, Overlay, PodNetwork, PodSubnet
from podwall.components.cluster.networks import NewNetwork
from podwall.components.cluster.operations import (
    AddOns,
    EngineChange,
    Lifecycle,
    LocalDns,
    MaintenanceWindow,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
)
from podwall.components.cluster.pools import Autoscale, OsSku, SystemPool, UserPool
from podwall.policies.errors import InvalidValue, Place

__all__ = [
    "ClusterChoice",
    "ClusterSettings",
    "EntraSettings",
    "PodNetworking",
    "SystemPoolSettings",
    "UserPoolSettings",
    "key_of",
    "without_none",
]


_TOP_LEVEL = ("engine", "kubernetes_version", "location")
_PARTS = {
    "access.api_server.": "",
    "access.sign_in.": "entra.",
    "access.": "",
    "addons.": "",
    "lifecycle.": "",
    "pod_network.": "",
    "cluster_name": "name",
}


def key_of(argument: str) -> str:
    """Return the configuration key of a cluster argument.

    >>> key_of("engine"), key_of("pod_network")
    ('engine', 'podNetworking')
    >>> key_of("access.sign_in.admin_groups"), key_of("user_pools[batch].zones")
    ('cluster.entra.adminGroups', 'cluster.userPools[batch].zones')
    """
    if argument in _TOP_LEVEL:
        return camel_case(argument)
    if argument == "pod_network":
        return "podNetworking"
    part = next((part for part in _PARTS if argument.startswith(part)), "")
    inside = _PARTS.get(part, "") + argument.removeprefix(part)
    return ".".join(["cluster", *map(camel_case, inside.split("."))])


def without_none(**choices: Any) -> dict[str, Any]:
    """Return the choices that were made; the cluster has its own defaults for the others."""
    return {name: choice for name, choice in choices.items() if choice not in (None, {}, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPoolSettings:
    """The nodes of the cluster's own pods.

    Attributes:
        vm_size: an Azure VM size; the cluster's default if left out.
        min_nodes: the autoscaler keeps at least so many.
        max_nodes: and at most so many.
        zones: availability zones; `none` alone where the region has no zones, all three if left
            out.
        os_sku: the operating system.
        max_pods: pods of one node; the pod network's default if left out.
    """

    vm_size: str | None = None
    min_nodes: int = 3
    max_nodes: int = 5
    zones: tuple[str, ...] = ()
    os_sku: OsSku | None = None
    max_pods: int | None = None

    @property
    def pool(self) -> SystemPool:
        """Return the pool."""
        return SystemPool(**_nodes(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPoolSettings:
    """The nodes of workloads; see `SystemPoolSettings` for what both have.

    Attributes:
        name: at most 12 lower case letters and digits.
        labels: labels of the nodes.
        taints: such as `dedicated=batch:NoSchedule`.
    """

    name: str
    vm_size: str | None = None
    min_nodes: int = 2
    max_nodes: int = 5
    zones: tuple[str, ...] = ()
    os_sku: OsSku | None = None
    max_pods: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()

    @property
    def pool(self) -> UserPool:
        """Return the pool."""
        own = without_none(labels=self.labels, taints=self.taints)
        return UserPool(name=self.name, **own, **_nodes(self))


def _nodes(pool: SystemPoolSettings | UserPoolSettings) -> dict[str, Any]:
    zones = {"zones": () if pool.zones == ("none",) else pool.zones} if pool.zones else {}
    return {
        **without_none(vm_size=pool.vm_size, os_sku=pool.os_sku, max_pods=pool.max_pods),
        **zones,
        "node_count": Autoscale(pool.min_nodes, pool.max_nodes),
    }


_AUTOMATIC = "automatic"


class PodNetworking(StrEnum):
    """Where pods get their addresses: inside the cluster, from the nodes' subnet, or their own.

    Source: https://learn.microsoft.com/azure/aks/concepts-network-cni-overview
    """

    OVERLAY = "overlay"
    NODE_SUBNET = "node-subnet"
    POD_SUBNET = "pod-subnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraSettings:
    """Sign-in with Entra ID and Azure roles.

    Attributes:
        admin_groups: object ids of the groups that administer the cluster, at least one.
        tenant_id: the tenant of the groups; the subscription's if left out.
        local_accounts: keeps the sign-in that no log names a person for.
        login: how `kubelogin` signs in where the kubeconfig is used.
    """

    admin_groups: tuple[str, ...]
    tenant_id: str | None = None
    local_accounts: bool = False
    login: LoginMode = LoginMode.AZURE_CLI

    @property
    def sign_in(self) -> Entra:
        """Return the sign-in."""
        return Entra(
            admin_groups=self.admin_groups,
            tenant_id=self.tenant_id,
            local_accounts=self.local_accounts,
            login=self.login,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """What is chosen first about a cluster.

    Attributes:
        engine: what enforces network policies, for the cluster's life.
        pod_networking: where pods get their addresses, for the cluster's life.
        kubernetes_version: a minor version such as `1.36`, or `automatic` where `upgrades` is a
            channel that chooses one.
        location: the Azure region; the provider's if left out.
    """

    engine: NetworkEngine = NetworkEngine.AZURE
    pod_networking: PodNetworking = PodNetworking.OVERLAY
    kubernetes_version: str = "1.36"
    location: str | None = None

    @property
    def version(self) -> str | None:
        """Return the version; None where Azure chooses."""
        return None if self.kubernetes_version == _AUTOMATIC else self.kubernetes_version


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """A cluster, without its engine, its pod networking, its version and its place.

    Attributes:
        name: its name in Azure; Pulumi chooses if left out.
        resource_group: an existing group; one is made if left out.
        tags: on every Azure resource.
        protect: Pulumi refuses to delete or replace the cluster.
        engine_change: what a change of the network settings of an existing cluster does.
        private: the API server has an address in the virtual network only.
        authorized_ip_ranges: who may call a public API server; anyone if left out.
        vnet_integration: nodes reach the API server without leaving the network.
        entra: sign-in with Entra ID; local accounts if left out.
        system_pool: the nodes of the cluster's own pods.
        user_pools: the nodes of workloads; the system pool takes them if left out.
        tier: the SLA that is paid for.
        upgrades: who chooses the Kubernetes version.
        node_os: how nodes get their security updates.
        maintenance: when upgrades may happen.
        network: the ranges of the virtual network.
        pod_cidr: the range of an overlay.
        local_dns: whether pods ask a DNS proxy on their own node.
        key_vault_secrets: mounts secrets of Key Vault.
        monitoring_workspace_id: where logs go; nowhere if left out.
        defender_workspace_id: turns Microsoft Defender on, with that workspace.
    """

    name: str | None = None
    resource_group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    protect: bool = True
    engine_change: EngineChange = EngineChange.REFUSE
    private: bool = False
    authorized_ip_ranges: tuple[str, ...] = ()
    vnet_integration: bool = False
    entra: EntraSettings | None = None
    system_pool: SystemPoolSettings = field(default_factory=SystemPoolSettings)
    user_pools: tuple[UserPoolSettings, ...] = ()
    tier: Tier | None = None
    upgrades: UpgradeChannel | None = None
    node_os: NodeOsChannel | None = None
    maintenance: MaintenanceWindow | None = None
    network: NewNetwork = field(default_factory=NewNetwork)
    pod_cidr: str | None = None
    local_dns: LocalDns = LocalDns.DISABLED
    key_vault_secrets: bool = False
    monitoring_workspace_id: str | None = None
    defender_workspace_id: str | None = None

    def args(self, choice: ClusterChoice) -> AksClusterArgs:
        """Return the arguments of the cluster.

        Raises:
            InvalidValue: Azure would refuse the combination; the place is the configuration key.
        """
        try:
            return self._args(choice)
        except InvalidValue as error:
            place = Place(path=key_of(error.place.path))
            raise InvalidValue(error.message, help=error.help, place=place) from error

    def _args(self, choice: ClusterChoice) -> AksClusterArgs:
        return AksClusterArgs(
            kubernetes_version=choice.version,
            engine=choice.engine,
            pod_network=self._pod_network(choice.pod_networking),
            network=self.network,
            system_pool=self.system_pool.pool,
            user_pools=tuple(each.pool for each in self.user_pools),
            access=self._access,
            lifecycle=self._lifecycle,
            addons=self._addons,
            resource_group=self.resource_group,
            location=choice.location,
            cluster_name=self.name,
            tags=self.tags,
            protect=self.protect,
            engine_change=self.engine_change,
        )

    def _pod_network(self, networking: PodNetworking) -> PodNetwork:
        if self.pod_cidr and networking is not PodNetworking.OVERLAY:
            remedy = "leave it out, or choose `overlay`"
            raise refused("pod_cidr", f"`{networking}` has no range of its own", remedy)
        match networking:
            case PodNetworking.OVERLAY:
                return Overlay(**without_none(pod_cidr=self.pod_cidr))
            case PodNetworking.NODE_SUBNET:
                return NodeSubnet()
            case PodNetworking.POD_SUBNET:
                return PodSubnet()
            case _:
                assert_never(networking)

    @property
    def _access(self) -> Access:
        sign_in: SignIn = self.entra.sign_in if self.entra else LocalAccounts()
        return Access(
            api_server=self._api_server, vnet_integration=self.vnet_integration, sign_in=sign_in
        )

    @property
    def _api_server(self) -> ApiServer:
        if not self.private:
            return PublicApiServer(self.authorized_ip_ranges)
        if self.authorized_ip_ranges:
            message = "a private API server has no public address to restrict"
            raise refused(
                "authorized_ip_ranges", message, "leave it out, or set `private` to false"
            )
        return PrivateApiServer()

    @property
    def _lifecycle(self) -> Lifecycle:
        chosen = without_none(tier=self.tier, upgrades=self.upgrades, node_os=self.node_os)
        return Lifecycle(**chosen, **without_none(maintenance=self.maintenance))

    @property
    def _addons(self) -> AddOns:
        return AddOns(
            local_dns=self.local_dns,
            key_vault_secrets=self.key_vault_secrets,
            monitoring_workspace_id=self.monitoring_workspace_id,
            defender_workspace_id=self.defender_workspace_id,
        )
