"""The ManagedCluster, its user pools, and the windows in which Azure may upgrade them.

User pools are resources of their own, so that one can come and go alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulumi import CustomTimeouts, Output, Resource, ResourceOptions, getter
from pulumi_azure_native.containerservice import (
    AgentPool,
    MaintenanceConfiguration,
    MaintenanceWindowArgsDict,
    ManagedCluster,
)

from podwall.aks.resource_types import POOL_LEAVES
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.operations import MaintenanceWindow
from podwall.components.cluster.pools import Autoscale, UserPool
from podwall.components.cluster.properties import (
    ClusterPrerequisites,
    cluster_properties,
    pool_properties,
)

if TYPE_CHECKING:
    from pulumi_azure_native.containerservice.outputs import (
        ManagedClusterOIDCIssuerProfileResponse,
        UserAssignedIdentityManagedClusterResponse,
    )

__all__ = [
    "issuer_url",
    "kubelet_object_id",
    "make_cluster",
    "make_pools",
    "plan_maintenance",
]


class EchoedCluster(ManagedCluster):
    """A cluster of which a preview may echo the inputs.

    Its identities are sent as a list and come back as a map. A plugin that answers a preview with
    what it was sent makes the SDK fail, because the list is not the map that it expects.
    """

    @property
    @getter
    def identity(self) -> Output[Any]:
        """What the cluster acts as: a map, or in a preview perhaps the list that was sent.

        Without a type of its own it is not judged.
        """
        return super().identity


def make_cluster(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    parent: Resource,
    wait_for: Sequence[Resource],
) -> ManagedCluster:
    """Return the cluster, made after its prerequisites and what it has to wait for besides."""
    return EchoedCluster(
        name,
        **cluster_properties(name, args, prerequisites),
        opts=ResourceOptions(
            parent=parent,
            protect=args.protect,
            depends_on=list(wait_for),
            ignore_changes=_azures_own(args),
            # A change of the policy engine reimages every node.
            custom_timeouts=CustomTimeouts(create="60m", update="120m", delete="60m"),
        ),
    )


def issuer_url(profile: ManagedClusterOIDCIssuerProfileResponse | None) -> str:
    """Return the issuer of the cluster's tokens; empty while there is none."""
    return "" if profile is None else profile.issuer_url


def kubelet_object_id(
    identities: Mapping[str, UserAssignedIdentityManagedClusterResponse] | None,
) -> str:
    """Return the object id of what nodes act as; empty while there is none."""
    kubelet = (identities or {}).get("kubeletidentity")
    return (kubelet.object_id if kubelet else None) or ""


def _azures_own(args: AksClusterArgs) -> list[str]:
    found = []
    if isinstance(args.system_pool.node_count, Autoscale):
        found.append("agentPoolProfiles[0].count")
    if args.lifecycle.upgrades.chooses_version:
        found.append("kubernetesVersion")
    return found


_INLINE_ONLY = "name"


def make_pools(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    cluster: ManagedCluster,
    parent: Resource,
) -> list[AgentPool]:
    """Return the user pools of `cluster`."""
    return [
        AgentPool(
            f"{name}-{pool.name}",
            resource_group_name=prerequisites.resource_group,
            resource_name_=cluster.name,
            agent_pool_name=pool.name,
            **_pool_inputs(args, pool, prerequisites),
            opts=_pool_options(pool, cluster, parent),
        )
        for pool in args.user_pools
    ]


def _pool_inputs(
    args: AksClusterArgs, pool: UserPool, prerequisites: ClusterPrerequisites
) -> dict[str, Any]:
    inline = pool_properties(args, pool, prerequisites.node_subnet_id, prerequisites.pod_subnet_id)
    return {leaf: value for leaf, value in inline.items() if leaf != _INLINE_ONLY}


def _pool_options(pool: UserPool, cluster: ManagedCluster, parent: Resource) -> ResourceOptions:
    return ResourceOptions(
        parent=parent,
        deleted_with=cluster,
        # The name is fixed, so the new pool has to wait until the old one is gone.
        delete_before_replace=True,
        replace_on_changes=[leaf for leaf in POOL_LEAVES if leaf != _INLINE_ONLY],
        ignore_changes=["count"] if isinstance(pool.node_count, Autoscale) else [],
        custom_timeouts=CustomTimeouts(create="60m", update="120m", delete="60m"),
    )


_CONFIGURATIONS = {
    "upgrades": "aksManagedAutoUpgradeSchedule",
    "node-os": "aksManagedNodeOSUpgradeSchedule",
}
"""The two configurations that AKS knows, by what they are for."""


def plan_maintenance(
    name: str,
    args: AksClusterArgs,
    prerequisites: ClusterPrerequisites,
    cluster: ManagedCluster,
    parent: Resource,
) -> None:
    """Hold upgrades of Kubernetes and of the nodes' operating system to the window, if any."""
    if args.lifecycle.maintenance is None:
        return
    for use, configuration in _CONFIGURATIONS.items():
        MaintenanceConfiguration(
            f"{name}-{use}",
            config_name=configuration,
            resource_group_name=prerequisites.resource_group,
            resource_name_=cluster.name,
            maintenance_window=_window(args.lifecycle.maintenance),
            opts=ResourceOptions(parent=parent, deleted_with=cluster),
        )


def _window(window: MaintenanceWindow) -> MaintenanceWindowArgsDict:
    return {
        "duration_hours": window.hours,
        "start_time": window.start,
        "utc_offset": window.utc_offset,
        "schedule": {
            "weekly": {"day_of_week": window.day.value, "interval_weeks": window.every_weeks}
        },
    }
