"""When Azure may upgrade the cluster and its nodes."""

from __future__ import annotations

from pulumi import Resource, ResourceOptions
from pulumi_azure_native.containerservice import (
    MaintenanceConfiguration,
    MaintenanceWindowArgsDict,
    ManagedCluster,
)

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.cluster_properties import Surroundings
from podwall.components.cluster.lifecycle import MaintenanceWindow

__all__ = ["CONFIGURATIONS", "plan_maintenance"]

CONFIGURATIONS = {
    "upgrades": "aksManagedAutoUpgradeSchedule",
    "node-os": "aksManagedNodeOSUpgradeSchedule",
}
"""The two configurations that AKS knows, by what they are for."""


def plan_maintenance(
    name: str,
    args: AksClusterArgs,
    surroundings: Surroundings,
    cluster: ManagedCluster,
    parent: Resource,
) -> None:
    """Hold upgrades of Kubernetes and of the nodes' operating system to the window, if any."""
    if args.lifecycle.maintenance is None:
        return
    for use, configuration in CONFIGURATIONS.items():
        MaintenanceConfiguration(
            f"{name}-{use}",
            config_name=configuration,
            resource_group_name=surroundings.resource_group,
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
