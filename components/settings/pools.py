"""Node pools as configuration writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podwall.components.cluster.pools import Autoscale, OsSku, SystemPool, UserPool

__all__ = ["SystemPoolSettings", "UserPoolSettings", "said"]


def said(**choices: Any) -> dict[str, Any]:
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
        own = said(labels=self.labels, taints=self.taints)
        return UserPool(name=self.name, **own, **_nodes(self))


def _nodes(pool: SystemPoolSettings | UserPoolSettings) -> dict[str, Any]:
    zones = {"zones": () if pool.zones == ("none",) else pool.zones} if pool.zones else {}
    return {
        **said(vm_size=pool.vm_size, os_sku=pool.os_sku, max_pods=pool.max_pods),
        **zones,
        "node_count": Autoscale(pool.min_nodes, pool.max_nodes),
    }
