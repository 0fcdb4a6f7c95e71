"""Node pools: how many nodes, of which size, with which disk, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from podwall.components.cluster import pool_rules as rules
from podwall.components.cluster.refusal import refusal

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
]

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
        if not 0 <= self.minimum <= self.maximum <= _MOST_NODES or self.maximum == 0:
            raise refusal(
                "node_count",
                f"`{self.minimum}` to `{self.maximum}` nodes is not possible",
                f"give a minimum, then a maximum from 1 to {_MOST_NODES}",
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
        if not 0 <= self.nodes <= _MOST_NODES:
            raise refusal(
                "node_count",
                f"`{self.nodes}` nodes are not possible",
                f"give a number from 0 to {_MOST_NODES}",
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

_MOST_NODES = 1000


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
        rules.check_ephemeral_disk(self.size_gb, vm_size, argument)


@dataclass(frozen=True, slots=True)
class ManagedDisk:
    """The OS disk is an Azure managed disk, 30 to 2,048 GB."""

    size_gb: int = 128

    kind: ClassVar[str] = "Managed"

    def check(self, vm_size: str, argument: str) -> None:  # noqa: ARG002 - the same call as above
        """Refuse sizes that AKS does not offer."""
        rules.check_managed_disk(self.size_gb, argument)


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
        rules.check_system_pool(
            self.os_sku.os_type, self.node_count.minimum, self.vm_size, self.max_pods
        )

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
        rules.check_taints(self.taints, self.argument)

    @property
    def argument(self) -> str:
        """How messages call this pool."""
        return f"user_pools[{self.name}]"


def _check(pool: SystemPool | UserPool, argument: str) -> None:
    object.__setattr__(pool, "labels", MappingProxyType(dict(pool.labels)))
    rules.check_name(pool.name, pool.os_sku.os_type, argument)
    rules.check_zones(pool.zones, argument)
    pool.os_disk.check(pool.vm_size, argument)
    rules.check_max_pods(pool.max_pods, pool.node_count.maximum, argument)
    rules.check_surge(pool.max_surge, argument)
    rules.check_labels(pool.labels, argument)
