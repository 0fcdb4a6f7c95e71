"""User pools: resources of their own, so that one can come and go alone."""

from __future__ import annotations

from typing import Any

from pulumi import CustomTimeouts, Resource, ResourceOptions
from pulumi_azure_native.containerservice import AgentPool, ManagedCluster

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.cluster_properties import Surroundings
from podwall.components.cluster.pool_properties import pool_properties
from podwall.components.cluster.pools import Autoscale, UserPool
from podwall.components.cluster.replacement import POOL_LEAVES

__all__ = ["make_pools"]

_INLINE_ONLY = "name"


def make_pools(
    name: str,
    args: AksClusterArgs,
    surroundings: Surroundings,
    cluster: ManagedCluster,
    parent: Resource,
) -> list[AgentPool]:
    """Return the user pools of `cluster`."""
    return [
        AgentPool(
            f"{name}-{pool.name}",
            resource_group_name=surroundings.resource_group,
            resource_name_=cluster.name,
            agent_pool_name=pool.name,
            **_properties(args, pool, surroundings),
            opts=_options(pool, cluster, parent),
        )
        for pool in args.user_pools
    ]


def _properties(args: AksClusterArgs, pool: UserPool, surroundings: Surroundings) -> dict[str, Any]:
    inline = pool_properties(args, pool, surroundings.node_subnet_id, surroundings.pod_subnet_id)
    return {leaf: value for leaf, value in inline.items() if leaf != _INLINE_ONLY}


def _options(pool: UserPool, cluster: ManagedCluster, parent: Resource) -> ResourceOptions:
    return ResourceOptions(
        parent=parent,
        deleted_with=cluster,
        # The name is fixed, so the new pool has to wait until the old one is gone.
        delete_before_replace=True,
        replace_on_changes=list(POOL_LEAVES),
        ignore_changes=["count"] if isinstance(pool.node_count, Autoscale) else [],
        custom_timeouts=CustomTimeouts(create="60m", update="120m", delete="60m"),
    )
