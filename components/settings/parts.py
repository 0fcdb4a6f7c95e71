"""The parts of a cluster as configuration writes them: pools, sign-in, identities, the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from components.reading import InputText, without_none
from podwall.components.checks import refused
from podwall.components.cluster.access import (
    Entra,
    ExistingIdentity,
    Identities,
    LoginMode,
    Principal,
    PrincipalType,
)
from podwall.components.cluster.network_profile import (
    Egress,
    LoadBalancerEgress,
    NatGatewayEgress,
    NoEgress,
    RouteTableEgress,
)
from podwall.components.cluster.networks import ExistingNetwork, Network, NewNetwork
from podwall.components.cluster.pools import (
    Autoscale,
    EphemeralDisk,
    FixedCount,
    ManagedDisk,
    NodeCount,
    OsDisk,
    OsSku,
    Priority,
    SystemPool,
    UserPool,
)
from podwall.policies.errors import InvalidValue, Place

__all__ = [
    "DiskKind",
    "DiskSettings",
    "EgressSettings",
    "EntraSettings",
    "IdentitiesSettings",
    "IdentitySettings",
    "NetworkSettings",
    "PrincipalSettings",
    "SystemPoolSettings",
    "UserPoolSettings",
    "WayOut",
]


class DiskKind(StrEnum):
    """Where a node's operating system lives: on the VM host, or on a managed disk."""

    EPHEMERAL = "Ephemeral"
    MANAGED = "Managed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSettings:
    """The disk of a node's operating system, `Ephemeral` and 128 GB if left out."""

    kind: DiskKind = DiskKind.EPHEMERAL
    size_gb: int = 128

    @property
    def disk(self) -> OsDisk:
        """Return the disk."""
        if self.kind is DiskKind.MANAGED:
            return ManagedDisk(self.size_gb)
        return EphemeralDisk(self.size_gb)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPoolSettings:
    """The nodes of the cluster's own pods.

    Attributes:
        name: the pool's name; `system` if left out.
        vm_size: an Azure VM size; the cluster's default if left out.
        nodes: always so many, in place of an autoscaler's bounds.
        min_nodes: the autoscaler keeps at least so many; 3 if left out.
        max_nodes: and at most so many; 5 if left out.
        zones: availability zones; `none` alone where the region has no zones, all three if left
            out.
        os_sku: the operating system.
        os_disk: where it lives.
        max_pods: pods of one node; the pod network's default if left out.
        max_surge: how many nodes an upgrade adds, a number or a share; `33%` if left out.
        labels: labels of the nodes.
        encryption_at_host: disks are encrypted on the VM host too.
    """

    name: str | None = None
    vm_size: str | None = None
    nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    zones: tuple[str, ...] = ()
    os_sku: OsSku | None = None
    os_disk: DiskSettings | None = None
    max_pods: int | None = None
    max_surge: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    encryption_at_host: bool = False

    @property
    def pool(self) -> SystemPool:
        """Return the pool."""
        with _nodes_at_their_keys(self, "system_pool"):
            return SystemPool(**without_none(name=self.name), **_nodes(self, 3, "system_pool"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPoolSettings:
    """The nodes of workloads; see `SystemPoolSettings` for what both have.

    Attributes:
        name: at most 12 lower case letters and digits.
        min_nodes: 2 if left out.
        taints: such as `dedicated=batch:NoSchedule`.
        priority: `Spot` nodes are cheaper, and may be taken away.
    """

    name: str
    vm_size: str | None = None
    nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    zones: tuple[str, ...] = ()
    os_sku: OsSku | None = None
    os_disk: DiskSettings | None = None
    max_pods: int | None = None
    max_surge: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    encryption_at_host: bool = False
    taints: tuple[str, ...] = ()
    priority: Priority = Priority.REGULAR

    @property
    def pool(self) -> UserPool:
        """Return the pool."""
        argument = f"user_pools[{self.name}]"
        own: dict[str, Any] = {
            "name": self.name,
            "taints": self.taints,
            "priority": self.priority,
        }
        with _nodes_at_their_keys(self, argument):
            return UserPool(**own, **_nodes(self, 2, argument))


@contextmanager
def _nodes_at_their_keys(
    pool: SystemPoolSettings | UserPoolSettings, argument: str
) -> Iterator[None]:
    """Say of a refused number of nodes which key has it: a pool has one argument for three."""
    try:
        yield
    except InvalidValue as problem:
        if problem.place.path.rpartition(".")[2] != "node_count":
            raise
        given = (each for each in ("nodes", "min_nodes", "max_nodes") if getattr(pool, each))
        place = Place(path=f"{argument}.{next(given, 'min_nodes')}")
        raise InvalidValue(problem.message, help=problem.help, place=place) from problem


def _nodes(
    pool: SystemPoolSettings | UserPoolSettings, fewest: int, argument: str
) -> dict[str, Any]:
    zones = {"zones": () if pool.zones == ("none",) else pool.zones} if pool.zones else {}
    chosen = {name: getattr(pool, name) for name in ("vm_size", "os_sku", "max_pods", "max_surge")}
    return {
        **without_none(**chosen, labels=pool.labels),
        **without_none(os_disk=pool.os_disk and pool.os_disk.disk),
        **zones,
        "encryption_at_host": pool.encryption_at_host,
        "node_count": _node_count(pool, fewest, argument),
    }


def _node_count(
    pool: SystemPoolSettings | UserPoolSettings, fewest: int, argument: str
) -> NodeCount:
    bounds = (pool.min_nodes, pool.max_nodes)
    if pool.nodes is not None:
        if bounds != (None, None):
            remedy = "leave `nodes` out, or both bounds"
            raise refused(f"{argument}.nodes", "a fixed number has no bounds", remedy)
        return FixedCount(pool.nodes)
    low = fewest if pool.min_nodes is None else pool.min_nodes
    return Autoscale(low, 5 if pool.max_nodes is None else pool.max_nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalSettings:
    """Someone or something in Entra ID, by its object id; a group unless said otherwise."""

    object_id: InputText
    type: PrincipalType = PrincipalType.GROUP

    @property
    def principal(self) -> Principal:
        """Return who it is."""
        return Principal(self.object_id, self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraSettings:
    """Sign-in with Entra ID and Azure roles.

    Attributes:
        admin_groups: object ids of the groups that administer the cluster.
        admins: who gets the role of an administrator on this cluster.
        users: who may download the kubeconfig.
        tenant_id: the tenant of the groups; the subscription's if left out.
        azure_rbac: Azure roles say who may do what inside.
        local_accounts: keeps the sign-in that no log names a person for.
        login: how `kubelogin` signs in where the kubeconfig is used.
    """

    admin_groups: tuple[InputText, ...] = ()
    admins: tuple[PrincipalSettings, ...] = ()
    users: tuple[PrincipalSettings, ...] = ()
    tenant_id: str | None = None
    azure_rbac: bool = True
    local_accounts: bool = False
    login: LoginMode = LoginMode.AZURE_CLI

    @property
    def sign_in(self) -> Entra:
        """Return the sign-in."""
        return Entra(
            admin_groups=self.admin_groups,
            admins=tuple(each.principal for each in self.admins),
            users=tuple(each.principal for each in self.users),
            tenant_id=self.tenant_id,
            azure_rbac=self.azure_rbac,
            local_accounts=self.local_accounts,
            login=self.login,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """A user-assigned managed identity that exists, by its resource id and its principal id."""

    resource_id: InputText
    principal_id: InputText

    @property
    def identity(self) -> ExistingIdentity:
        """Return the identity."""
        return ExistingIdentity(self.resource_id, self.principal_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitiesSettings:
    """Who the control plane and the nodes are, each made if left out, and where nodes may pull."""

    cluster: IdentitySettings | None = None
    kubelet: IdentitySettings | None = None
    registries: tuple[InputText, ...] = ()

    @property
    def identities(self) -> Identities:
        """Return the identities."""
        return Identities(
            cluster=None if self.cluster is None else self.cluster.identity,
            kubelet=None if self.kubelet is None else self.kubelet.identity,
            registries=self.registries,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The virtual network: ranges of one that is made, or ids of subnets that exist.

    Attributes:
        address_space, node_subnet, pod_subnet, api_server_subnet: see `NewNetwork`.
        also_in_use: ranges that the cluster can reach and must not use itself.
        node_subnet_id, pod_subnet_id, api_server_subnet_id: see `ExistingNetwork`.
    """

    address_space: str | None = None
    node_subnet: str | None = None
    pod_subnet: str | None = None
    api_server_subnet: str | None = None
    also_in_use: tuple[str, ...] = ()
    node_subnet_id: InputText | None = None
    pod_subnet_id: InputText | None = None
    api_server_subnet_id: InputText | None = None

    @property
    def network(self) -> Network:
        """Return the network."""
        if self.node_subnet_id is None:
            _refuse_given(
                self, ("pod_subnet_id", "api_server_subnet_id"), "it needs `nodeSubnetId`"
            )
            return NewNetwork(**_given(self))
        made = ("address_space", "api_server_subnet")
        _refuse_given(self, made, "it is the range of a new network, beside `nodeSubnetId`")
        return ExistingNetwork(**_given(self))


class WayOut(StrEnum):
    """How pods and nodes reach the internet, in Azure's words for it.

    Source: https://learn.microsoft.com/azure/aks/egress-outboundtype
    """

    LOAD_BALANCER = "loadBalancer"
    NAT_GATEWAY = "userAssignedNATGateway"
    ROUTE_TABLE = "userDefinedRouting"
    NONE = "none"


_WAYS_OUT: Mapping[WayOut, type[Egress]] = {
    WayOut.LOAD_BALANCER: LoadBalancerEgress,
    WayOut.NAT_GATEWAY: NatGatewayEgress,
    WayOut.ROUTE_TABLE: RouteTableEgress,
    WayOut.NONE: NoEgress,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressSettings:
    """The way out; `type` says which of the other keys have a meaning."""

    type: WayOut = WayOut.LOAD_BALANCER
    public_ips: int | None = None
    ports_per_node: int | None = None
    idle_minutes: int | None = None
    nat_gateway_id: InputText | None = None
    route_table_id: InputText | None = None
    bootstrap_registry_id: InputText | None = None

    @property
    def egress(self) -> Egress:
        """Return the way out."""
        kind = _WAYS_OUT[self.type]
        known = {each.name for each in fields(kind)}
        chosen = {name: value for name, value in _given(self).items() if name != "type"}
        for name in chosen:
            if name not in known:
                message = f"the way out `{self.type}` has none"
                raise refused(f"egress.{name}", message, "leave it out, or choose another `type`")
        if kind is NoEgress and self.bootstrap_registry_id is None:
            message = "without a way out nodes start from a registry of yours, and none is given"
            raise refused("egress.bootstrap_registry_id", message, "give its id")
        return kind(**chosen)


def _given(settings: NetworkSettings | EgressSettings) -> dict[str, Any]:
    return without_none(**{each.name: getattr(settings, each.name) for each in fields(settings)})


def _refuse_given(settings: NetworkSettings, names: tuple[str, ...], reason: str) -> None:
    for name in names:
        if getattr(settings, name) is not None:
            remedy = "give the ids of subnets that exist, or the ranges of a network that is made"
            raise refused(f"network.{name}", reason, remedy)
