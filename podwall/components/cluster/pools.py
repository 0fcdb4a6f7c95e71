"""Node pools: how many nodes, of which size, with which disk, and what AKS refuses of one pool."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from podwall.aks import limits
from podwall.aks.limits import VmSize, refusal
from podwall.quick_dataclass import dataclass

__all__ = [
    "Autoscale",
    "EphemeralDisk",
    "FixedCount",
    "ManagedDisk",
    "NodeCount",
    "NodePool",
    "NodeProvisioning",
    "OsDisk",
    "OsSku",
    "Priority",
    "SystemPool",
    "UserPool",
    "check_ephemeral_disk",
    "check_labels",
    "check_managed_disk",
    "check_max_pods",
    "check_name",
    "check_surge",
    "check_system_pool",
    "check_taints",
    "check_zones",
    "surge_nodes",
]


_SURGE = re.compile(r"[1-9]\d{0,2}%?")
_NAMES = {
    "Linux": (limits.LINUX_POOL_NAME, limits.LONGEST_LINUX_POOL_NAME),
    "Windows": (limits.WINDOWS_POOL_NAME, limits.LONGEST_WINDOWS_POOL_NAME),
}
_TAINT = re.compile(
    r"[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?(=[\w.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)",
    re.ASCII,
)


def check_name(name: str, os_type: str, argument: str) -> None:
    """Refuse names that AKS can't make host names of."""
    allowed, longest = _NAMES[os_type]
    if allowed.fullmatch(name) is None:
        raise refusal(
            f"{argument}.name",
            f"`{name}` can't be the name of a {os_type} node pool",
            f"use up to {longest} lower-case letters and digits, a letter first",
            "create-node-pools#limitations",
        )


def check_zones(zones: Iterable[str], argument: str) -> None:
    """Refuse zones that no region has, and the same zone twice."""
    named = tuple(zones)
    if set(named) - set(limits.AVAILABILITY_ZONES) or len(set(named)) != len(named):
        raise refusal(
            f"{argument}.zones",
            f"`{', '.join(named)}` is not a set of availability zones",
            'choose from "1", "2" and "3", or leave it empty in a region without zones',
            "availability-zones-overview",
        )


def check_ephemeral_disk(size_gb: int, vm_size: str, argument: str) -> None:
    """Refuse an ephemeral OS disk on a VM size that has no place for one."""
    if VmSize(vm_size).lacks_local_disk:
        raise refusal(
            f"{argument}.os_disk",
            f"`{vm_size}` has no local disk that could hold an ephemeral OS disk",
            "choose a size with a `d`, such as `Standard_D4ds_v5`, or a `ManagedDisk`",
            "concepts-storage#ephemeral-os-disk",
        )
    check_managed_disk(size_gb, argument)


def check_managed_disk(size_gb: int, argument: str) -> None:
    """Refuse OS disk sizes that AKS does not offer."""
    if size_gb not in limits.OS_DISK_GB:
        raise refusal(
            f"{argument}.os_disk",
            f"`{size_gb}` GB is not possible",
            f"give {limits.OS_DISK_GB[0]} to {limits.OS_DISK_GB[-1]} GB",
            "concepts-storage",
        )


def check_max_pods(max_pods: int | None, most_nodes: int, argument: str) -> None:
    """Refuse fewer than 10 or more than 250 pods on a node, and pools for fewer than 30 pods."""
    if max_pods is None:
        return
    if max_pods not in limits.MAX_PODS:
        raise refusal(
            f"{argument}.max_pods",
            f"`{max_pods}` pods on a node is not possible",
            f"choose from {limits.MAX_PODS[0]} to {limits.MAX_PODS[-1]}; it can't change later",
            "concepts-network-ip-address-planning",
        )
    if max_pods * most_nodes < limits.PODS_OF_A_POOL:
        raise refusal(
            f"{argument}.max_pods",
            f"{most_nodes} nodes of `{max_pods}` pods are fewer than {limits.PODS_OF_A_POOL} pods",
            f"a pool has to offer {limits.PODS_OF_A_POOL} pods; raise `max_pods` or the node count",
            "concepts-network-ip-address-planning",
        )


def check_surge(max_surge: str, argument: str) -> None:
    """Refuse what is neither a number of nodes nor a share of them."""
    if _SURGE.fullmatch(max_surge) is None or surge_nodes(max_surge, 100) > 100:  # noqa: PLR2004 - one hundred per cent
        raise refusal(
            f"{argument}.max_surge",
            f"`{max_surge}` is neither a number of nodes nor a share of them",
            "write `1` to `100`, or `1%` to `100%`; Microsoft recommends `33%` for production",
            "upgrade-aks-node-pools-rolling",
        )


def surge_nodes(max_surge: str, nodes: int) -> int:
    """Return how many nodes an upgrade adds to a pool of `nodes`; shares are rounded up.

    >>> surge_nodes("33%", 5), surge_nodes("1", 5)
    (2, 1)
    """
    if max_surge.endswith("%"):
        return -(-nodes * int(max_surge[:-1]) // 100)
    return int(max_surge)


def check_labels(labels: Mapping[str, str], argument: str) -> None:
    """Refuse labels in the name space that AKS keeps for itself."""
    for label in labels:
        if label.startswith(limits.RESERVED_LABEL_PREFIX):
            raise refusal(
                f"{argument}.labels",
                f"`{label}` belongs to AKS",
                f"use a prefix of your own instead of `{limits.RESERVED_LABEL_PREFIX}`",
                "use-labels#reserved-prefixes",
            )


def check_taints(taints: Iterable[str], argument: str) -> None:
    """Refuse taints that are not written as `key=value:Effect`."""
    for taint in taints:
        if _TAINT.fullmatch(taint) is None:
            raise refusal(
                f"{argument}.taints",
                f"`{taint}` is not a taint",
                "write `key=value:NoSchedule`, or the effect `PreferNoSchedule` or `NoExecute`",
                "use-node-taints",
            )


def check_system_pool(os_type: str, fewest_nodes: int, vm_size: str, max_pods: int | None) -> None:
    """Refuse system pools that could not run the cluster's own pods."""
    if os_type != "Linux":
        raise _no_system("os_sku", "a system pool runs Linux", "move Windows to a user pool")
    if fewest_nodes < limits.SYSTEM_POOL_NODES:
        raise _no_system(
            "node_count",
            f"`{fewest_nodes}` nodes can't keep the cluster's own pods running",
            f"keep at least {limits.SYSTEM_POOL_NODES} nodes, 3 in production",
        )
    _check_system_size(VmSize(vm_size))
    if max_pods is not None and max_pods < limits.PODS_OF_A_POOL:
        raise _no_system(
            "max_pods",
            f"`{max_pods}` is fewer than the {limits.PODS_OF_A_POOL} pods of a system node",
            f"allow at least {limits.PODS_OF_A_POOL}",
        )


def _check_system_size(size: VmSize) -> None:
    if size.is_burstable:
        raise _no_system(
            "vm_size",
            f"`{size.name}` is burstable, and a system pool must not run out of credit",
            "choose a size such as `Standard_D4ds_v5`",
        )
    if size.cores is not None and size.cores < limits.SYSTEM_POOL_CORES:
        raise _no_system(
            "vm_size",
            f"`{size.name}` has {size.cores} cores",
            f"choose a size with at least {limits.SYSTEM_POOL_CORES}, such as `Standard_D4ds_v5`",
        )


def _no_system(leaf: str, reason: str, remedy: str) -> Exception:
    return refusal(f"system_pool.{leaf}", reason, remedy, "use-system-pools")


ALL_ZONES = ("1", "2", "3")


class OsSku(StrEnum):
    """The operating system of a pool's nodes.

    Unversioned names follow AKS: `UBUNTU` is 24.04 from Kubernetes 1.35, `AZURE_LINUX` is 3.0.
    Retired ones (`CBLMariner`, `Windows2019`, Flatcar) are not offered.
    """

    UBUNTU = "Ubuntu"
    AZURE_LINUX = "AzureLinux"
    WINDOWS_2022 = "Windows2022"

    @property
    def os_type(self) -> str:
        """`Linux` or `Windows`."""
        return "Windows" if self is OsSku.WINDOWS_2022 else "Linux"


class Priority(StrEnum):
    """`SPOT` nodes are cheaper and may be taken away at any time; AKS taints and labels them."""

    REGULAR = "Regular"
    SPOT = "Spot"


class NodeProvisioning(StrEnum):
    """Who makes nodes: `MANUAL` the pools of the program, `AUTO` Azure, to fit the pods.

    `AUTO` is node auto-provisioning (Karpenter). The pools that are left have fixed counts.
    See https://learn.microsoft.com/azure/aks/node-autoprovision.
    """

    MANUAL = "Manual"
    AUTO = "Auto"


@dataclass(frozen=True, slots=True)
class Autoscale:
    """The cluster autoscaler keeps between `minimum` and `maximum` nodes.

    The count of the moment is Azure's afterwards: the component ignores changes to it.
    """

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        """Refuse negative and contrary bounds, and more nodes than a pool can have."""
        if not 0 <= self.minimum <= self.maximum <= limits.NODES_OF_A_POOL or self.maximum == 0:
            raise refusal(
                "node_count",
                f"`{self.minimum}` to `{self.maximum}` nodes is not possible",
                f"give a minimum, then a maximum from 1 to {limits.NODES_OF_A_POOL}",
                "quotas-skus-regions",
            )

    @property
    def initial(self) -> int:
        """How many nodes there are at creation, where AKS needs a number all the same."""
        return self.minimum


@dataclass(frozen=True, slots=True)
class FixedCount:
    """Always `nodes` nodes."""

    nodes: int

    def __post_init__(self) -> None:
        """Refuse negative numbers and more nodes than a pool can have."""
        if not 0 <= self.nodes <= limits.NODES_OF_A_POOL:
            raise refusal(
                "node_count",
                f"`{self.nodes}` nodes are not possible",
                f"give a number from 0 to {limits.NODES_OF_A_POOL}",
                "quotas-skus-regions",
            )

    @property
    def initial(self) -> int:
        """How many nodes there are at creation."""
        return self.nodes

    @property
    def minimum(self) -> int:
        """The same as `nodes`."""
        return self.nodes

    @property
    def maximum(self) -> int:
        """The same as `nodes`."""
        return self.nodes


NodeCount = Autoscale | FixedCount
"""How many nodes a pool has."""


@dataclass(frozen=True, slots=True)
class EphemeralDisk:
    """The OS disk is on the VM host: faster, free, and lost with the node.

    `size_gb` must fit the VM size's temporary disk or cache and can't change; `Standard_D4ds_v5`
    has 150 GB.
    """

    size_gb: int = 128

    kind: ClassVar[str] = "Ephemeral"

    def check(self, vm_size: str, argument: str) -> None:
        """Refuse the disk on a VM size that has no place for it."""
        check_ephemeral_disk(self.size_gb, vm_size, argument)


@dataclass(frozen=True, slots=True)
class ManagedDisk:
    """The OS disk is an Azure managed disk, 30 to 2,048 GB."""

    size_gb: int = 128

    kind: ClassVar[str] = "Managed"

    def check(self, vm_size: str, argument: str) -> None:  # noqa: ARG002 - the same call as above
        """Refuse sizes that AKS does not offer."""
        check_managed_disk(self.size_gb, argument)


OsDisk = EphemeralDisk | ManagedDisk
"""Where a node's operating system lives; fixed when the pool is created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """What system and user pools have in common.

    `max_pods` left out is the pod network's default (250 overlay, 110 pod subnet, 30 node subnet).
    `zones` are fixed when the pool is created; leave them empty in a region that has none.
    `max_surge` is how many extra nodes an upgrade may add, a number or a share such as `33%`.
    """

    vm_size: str = "Standard_D4ds_v5"
    node_count: NodeCount = Autoscale(2, 5)
    zones: tuple[str, ...] = ALL_ZONES
    os_sku: OsSku = OsSku.UBUNTU
    os_disk: OsDisk = EphemeralDisk()
    max_pods: int | None = None
    max_surge: str = "33%"
    labels: Mapping[str, str] = field(default_factory=dict)
    encryption_at_host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPool(NodePool):
    """The pool of the cluster's own pods; it is part of the cluster resource.

    Linux, at least two nodes of 4 cores, no B-series. Where there are user pools it is kept for the
    cluster's own pods by the taint `CriticalAddonsOnly=true:NoSchedule`; where there are none,
    everything runs here. See https://learn.microsoft.com/azure/aks/use-system-pools.
    """

    name: str = "system"
    node_count: NodeCount = Autoscale(3, 5)

    mode: ClassVar[str] = "System"

    def __post_init__(self) -> None:
        """Refuse what AKS refuses for system pools."""
        _check(self, self.argument)
        check_system_pool(self.os_sku.os_type, self.node_count.minimum, self.vm_size, self.max_pods)

    @property
    def argument(self) -> str:
        """How messages call this pool."""
        return "system_pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPool(NodePool):
    """A pool of workloads: a resource of its own, that can come and go.

    `taints` read `key=value:Effect`. `name` has at most 12 lower-case letters and digits (6 with
    Windows), because AKS makes host names of it.
    """

    name: str
    taints: tuple[str, ...] = ()
    priority: Priority = Priority.REGULAR

    mode: ClassVar[str] = "User"

    def __post_init__(self) -> None:
        """Refuse what AKS refuses for user pools."""
        _check(self, self.argument)
        check_taints(self.taints, self.argument)

    @property
    def argument(self) -> str:
        """How messages call this pool."""
        return f"user_pools[{self.name}]"


def _check(pool: SystemPool | UserPool, argument: str) -> None:
    object.__setattr__(pool, "labels", MappingProxyType(dict(pool.labels)))
    check_name(pool.name, pool.os_sku.os_type, argument)
    check_zones(pool.zones, argument)
    pool.os_disk.check(pool.vm_size, argument)
    check_max_pods(pool.max_pods, pool.node_count.maximum, argument)
    check_surge(pool.max_surge, argument)
    check_labels(pool.labels, argument)
