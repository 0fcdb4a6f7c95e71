"""How many addresses a cluster needs at its largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwall.components.cluster.pool_rules import surge_nodes

if TYPE_CHECKING:
    from podwall.components.cluster.args import AksClusterArgs

__all__ = [
    "AZURE_KEEPS",
    "PoolSize",
    "dynamic_pod_addresses",
    "node_addresses",
    "pool_sizes",
    "static_pod_addresses",
]

AZURE_KEEPS = 5
"""Addresses of every subnet that Azure keeps for itself."""

_BATCH = 16
_FREE_BEFORE_NEXT_BATCH = 8


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A pool at its largest: `nodes` and the `surge` nodes of an upgrade, `pods` on each."""

    nodes: int
    surge: int
    pods: int

    @property
    def machines(self) -> int:
        """Nodes while an upgrade runs."""
        return self.nodes + self.surge


def pool_sizes(args: AksClusterArgs) -> tuple[PoolSize, ...]:
    """Return every pool at its largest."""
    return tuple(
        PoolSize(
            nodes=pool.node_count.maximum,
            surge=surge_nodes(pool.max_surge, pool.node_count.maximum),
            pods=args.max_pods(pool),
        )
        for pool in args.pools
    )


def node_addresses(sizes: tuple[PoolSize, ...], *, flat: bool) -> int:
    """Return how many addresses the node subnet needs, Azure's own included.

    One for each node, and in a flat network (`NodeSubnet`) one for each of its pods as well. Every
    internal load balancer takes one more.
    See https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning.

    >>> node_addresses((PoolSize(nodes=50, surge=1, pods=30),), flat=True)
    1586
    """
    return AZURE_KEEPS + sum(
        size.machines * (1 + size.pods) if flat else size.machines for size in sizes
    )


def dynamic_pod_addresses(sizes: tuple[PoolSize, ...]) -> int:
    """Return how many addresses the pod subnet needs when every node is full.

    Nodes take 16 at a time and ask for more while fewer than 8 are free.

    >>> dynamic_pod_addresses((PoolSize(nodes=1, surge=0, pods=110),))
    133
    """
    return AZURE_KEEPS + sum(
        size.machines * _BATCH * _ceil_div(size.pods + _FREE_BEFORE_NEXT_BATCH, _BATCH)
        for size in sizes
    )


def static_pod_addresses(sizes: tuple[PoolSize, ...]) -> int:
    """Return how many addresses the pod subnet needs where nodes take whole `/28` blocks.

    A block holds 16 addresses and a node keeps one of its own, so 15, 31, 47 ... pods waste none.

    >>> static_pod_addresses((PoolSize(nodes=1, surge=0, pods=31),))
    37
    """
    return AZURE_KEEPS + sum(
        size.machines * _BATCH * _ceil_div(size.pods + 1, _BATCH) for size in sizes
    )


def _ceil_div(number: int, by: int) -> int:
    return -(-number // by)
