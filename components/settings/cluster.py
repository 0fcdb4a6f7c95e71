"""The cluster as configuration writes it: flat and plain; what is left out has the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from components.reading import InputText, camel_case, without_none
from components.settings.parts import (
    EgressSettings,
    EntraSettings,
    IdentitiesSettings,
    NetworkSettings,
    SystemPoolSettings,
    UserPoolSettings,
)
from podwall.aks.network_engine import NetworkEngine
from podwall.components.checks import refused
from podwall.components.cluster.access import (
    Access,
    ApiServer,
    LocalAccounts,
    PrivateApiServer,
    PublicApiServer,
    SignIn,
)
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import (
    DualStack,
    NodeSubnet,
    Overlay,
    PodAllocation,
    PodNetwork,
    PodSubnet,
    ServiceNetwork,
)
from podwall.components.cluster.operations import (
    AddOns,
    AdvancedNetworking,
    EngineChange,
    Lifecycle,
    LocalDns,
    MaintenanceWindow,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
)
from podwall.components.cluster.pools import (
    NodeProvisioning,
)
from podwall.policies.errors import InvalidValue, Place

__all__ = [
    "ClusterChoice",
    "ClusterSettings",
    "PodNetworking",
    "key_of",
]


_TOP_LEVEL = ("engine", "kubernetes_version", "location")
_PARTS = {
    "access.api_server.": "",
    "access.sign_in.": "entra.",
    "access.": "",
    "addons.": "",
    "lifecycle.": "",
    "pod_network.allocation": "pod_allocation",
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


_AUTOMATIC = "automatic"


class PodNetworking(StrEnum):
    """Where pods get their addresses: inside the cluster, from the nodes' subnet, or their own.

    Source: https://learn.microsoft.com/azure/aks/concepts-network-cni-overview
    """

    OVERLAY = "overlay"
    NODE_SUBNET = "node-subnet"
    POD_SUBNET = "pod-subnet"


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
        dns_prefix: begins the API server's name; derived from the cluster's if left out.
        tags: on every Azure resource.
        protect: Pulumi refuses to delete or replace the cluster.
        engine_change: what a change of the network settings of an existing cluster does.
        private: the API server has an address in the virtual network only.
        private_dns_zone: `system`, `none`, or the id of a zone; `system` if left out.
        public_fqdn: a private API server has a public name too.
        fqdn_subdomain: the cluster's name below a private zone of yours.
        authorized_ip_ranges: who may call a public API server; anyone if left out.
        vnet_integration: nodes reach the API server without leaving the network.
        run_command: allows `az aks command invoke`, a way around every network rule.
        entra: sign-in with Entra ID; local accounts if left out.
        identities: who the cluster and its nodes are.
        system_pool: the nodes of the cluster's own pods.
        user_pools: the nodes of workloads; the system pool takes them if left out.
        node_provisioning: who makes nodes, the pools or Azure.
        tier: the SLA that is paid for.
        upgrades: who chooses the Kubernetes version.
        node_os: how nodes get their security updates.
        maintenance: when upgrades may happen.
        any_time: upgrades may happen at any time, and there is no window.
        network: the virtual network.
        egress: how pods and nodes reach the internet; a load balancer if left out.
        services: the range of Services.
        ipv6: the ranges of a cluster that speaks IPv4 and IPv6.
        pod_cidr: the range of an overlay.
        pod_allocation: how nodes take addresses from a pod subnet.
        local_dns: whether pods ask a DNS proxy on their own node.
        azure_policy: turns the Azure Policy add-on on.
        image_cleaner_hours: unused images are removed as often; never if 0, weekly if left out.
        advanced_networking: what Advanced Container Networking Services do; off if left out.
        key_vault_secrets: mounts secrets of Key Vault.
        monitoring_workspace_id: where logs go; nowhere if left out.
        defender_workspace_id: turns Microsoft Defender on, with that workspace.
    """

    name: str | None = None
    resource_group: InputText | None = None
    dns_prefix: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    protect: bool = True
    engine_change: EngineChange = EngineChange.REFUSE
    private: bool = False
    private_dns_zone: InputText | None = None
    public_fqdn: bool = False
    fqdn_subdomain: str | None = None
    authorized_ip_ranges: tuple[str, ...] = ()
    vnet_integration: bool = False
    run_command: bool = False
    entra: EntraSettings | None = None
    identities: IdentitiesSettings = field(default_factory=IdentitiesSettings)
    system_pool: SystemPoolSettings = field(default_factory=SystemPoolSettings)
    user_pools: tuple[UserPoolSettings, ...] = ()
    node_provisioning: NodeProvisioning = NodeProvisioning.MANUAL
    tier: Tier | None = None
    upgrades: UpgradeChannel | None = None
    node_os: NodeOsChannel | None = None
    maintenance: MaintenanceWindow | None = None
    any_time: bool = False
    network: NetworkSettings = field(default_factory=NetworkSettings)
    egress: EgressSettings = field(default_factory=EgressSettings)
    services: ServiceNetwork = field(default_factory=ServiceNetwork)
    ipv6: DualStack | None = None
    pod_cidr: str | None = None
    pod_allocation: PodAllocation | None = None
    local_dns: LocalDns = LocalDns.DISABLED
    azure_policy: bool = True
    image_cleaner_hours: int | None = None
    advanced_networking: AdvancedNetworking | None = None
    key_vault_secrets: bool = False
    monitoring_workspace_id: InputText | None = None
    defender_workspace_id: InputText | None = None

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
            services=self.services,
            ipv6=self.ipv6,
            network=self.network.network,
            egress=self.egress.egress,
            system_pool=self.system_pool.pool,
            user_pools=tuple(each.pool for each in self.user_pools),
            node_provisioning=self.node_provisioning,
            identities=self.identities.identities,
            access=self._access,
            lifecycle=self._lifecycle,
            addons=self._addons,
            resource_group=self.resource_group,
            location=choice.location,
            cluster_name=self.name,
            dns_prefix=self.dns_prefix,
            tags=self.tags,
            protect=self.protect,
            engine_change=self.engine_change,
        )

    def _pod_network(self, networking: PodNetworking) -> PodNetwork:
        for key, networks, what in (
            ("pod_cidr", PodNetworking.OVERLAY, "range of its own"),
            ("pod_allocation", PodNetworking.POD_SUBNET, "pod subnet"),
        ):
            if getattr(self, key) is not None and networking is not networks:
                remedy = f"leave it out, or choose `{networks}`"
                raise refused(key, f"`{networking}` has no {what}", remedy)
        match networking:
            case PodNetworking.OVERLAY:
                return Overlay(**without_none(pod_cidr=self.pod_cidr))
            case PodNetworking.NODE_SUBNET:
                return NodeSubnet()
            case PodNetworking.POD_SUBNET:
                return PodSubnet(**without_none(allocation=self.pod_allocation))
            case _:
                assert_never(networking)

    @property
    def _access(self) -> Access:
        sign_in: SignIn = self.entra.sign_in if self.entra else LocalAccounts()
        return Access(
            api_server=self._api_server,
            vnet_integration=self.vnet_integration,
            run_command=self.run_command,
            sign_in=sign_in,
        )

    @property
    def _api_server(self) -> ApiServer:
        if not self.private:
            for key in ("private_dns_zone", "public_fqdn", "fqdn_subdomain"):
                if getattr(self, key) not in (None, False):
                    remedy = "leave it out, or set `private` to true"
                    raise refused(key, "it is for a private API server", remedy)
            return PublicApiServer(self.authorized_ip_ranges)
        if self.authorized_ip_ranges:
            message = "a private API server has no public address to restrict"
            raise refused(
                "authorized_ip_ranges", message, "leave it out, or set `private` to false"
            )
        return PrivateApiServer(
            **without_none(private_dns_zone=self.private_dns_zone),
            public_fqdn=self.public_fqdn,
            fqdn_subdomain=self.fqdn_subdomain,
        )

    @property
    def _lifecycle(self) -> Lifecycle:
        chosen = without_none(tier=self.tier, upgrades=self.upgrades, node_os=self.node_os)
        if not self.any_time:
            return Lifecycle(**chosen, **without_none(maintenance=self.maintenance))
        if self.maintenance is not None:
            remedy = "leave out the window, or `any_time`"
            raise refused("any_time", "a window and any time are given", remedy)
        return Lifecycle(**chosen, maintenance=None)

    @property
    def _addons(self) -> AddOns:
        hours = self.image_cleaner_hours
        cleaner = {} if hours is None else {"image_cleaner_hours": hours or None}
        return AddOns(
            azure_policy=self.azure_policy,
            **cleaner,
            local_dns=self.local_dns,
            advanced_networking=self.advanced_networking,
            key_vault_secrets=self.key_vault_secrets,
            monitoring_workspace_id=self.monitoring_workspace_id,
            defender_workspace_id=self.defender_workspace_id,
        )
