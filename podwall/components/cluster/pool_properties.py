"""What is sent to Azure for a node pool.

The system pool is sent inside the cluster and every user pool as a resource of its own, with the
same leaves. Every leaf that Azure or the SDK would otherwise fill in is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.components.cluster.addons import LocalDns
from podwall.components.cluster.pod_networks import PodSubnet
from podwall.components.cluster.pools import (
    Autoscale,
    NodeProvisioning,
    Priority,
    SystemPool,
    UserPool,
)

if TYPE_CHECKING:
    from pulumi import Input
    from pulumi_azure_native.containerservice import (
        LocalDNSProfileArgsDict,
        ManagedClusterAgentPoolProfileArgsDict,
    )

    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["SYSTEM_TAINT", "pool_properties"]

SYSTEM_TAINT = "CriticalAddonsOnly=true:NoSchedule"
"""Keeps a system pool for the cluster's own pods."""

_SPOT = "kubernetes.azure.com/scalesetpriority"


def pool_properties(
    args: AksClusterArgs,
    pool: SystemPool | UserPool,
    node_subnet_id: Input[str],
    pod_subnet_id: Input[str] | None,
) -> ManagedClusterAgentPoolProfileArgsDict:
    """Return the properties of `pool` in the given subnets."""
    found: ManagedClusterAgentPoolProfileArgsDict = {
        "name": pool.name,
        "mode": pool.mode,
        "type": "VirtualMachineScaleSets",
        "os_type": pool.os_sku.os_type,
        "os_sku": pool.os_sku.value,
        "vm_size": pool.vm_size,
        "os_disk_type": pool.os_disk.kind,
        "os_disk_size_gb": pool.os_disk.size_gb,
        "max_pods": args.max_pods(pool),
        "vnet_subnet_id": node_subnet_id,
        "enable_node_public_ip": False,
        "enable_encryption_at_host": pool.encryption_at_host,
        "node_labels": _labels(pool),
        "node_taints": _taints(args, pool),
    }
    if pool.zones:
        found["availability_zones"] = list(pool.zones)
    _add_count(found, pool)
    _add_priority(found, pool)
    if isinstance(args.pod_network, PodSubnet) and pod_subnet_id is not None:
        found["pod_subnet_id"] = pod_subnet_id
        found["pod_ip_allocation_mode"] = args.pod_network.allocation.value
    if pool.os_sku.os_type == "Linux":
        found["local_dns_profile"] = _local_dns(args.addons.local_dns)
    return found


def _add_count(found: ManagedClusterAgentPoolProfileArgsDict, pool: SystemPool | UserPool) -> None:
    found["count"] = pool.node_count.initial
    found["enable_auto_scaling"] = isinstance(pool.node_count, Autoscale)
    if isinstance(pool.node_count, Autoscale):
        found["min_count"] = pool.node_count.minimum
        found["max_count"] = pool.node_count.maximum


def _add_priority(
    found: ManagedClusterAgentPoolProfileArgsDict, pool: SystemPool | UserPool
) -> None:
    if _is_spot(pool):
        found["scale_set_priority"] = Priority.SPOT.value
        found["scale_set_eviction_policy"] = "Delete"
        found["spot_max_price"] = -1
    else:
        found["upgrade_settings"] = {"max_surge": pool.max_surge}


def _labels(pool: SystemPool | UserPool) -> dict[str, Input[str]]:
    own: dict[str, Input[str]] = dict(pool.labels)
    # AKS adds these to spot pools by itself; said here, they are no difference to the next preview.
    return {**own, _SPOT: "spot"} if _is_spot(pool) else own


def _taints(args: AksClusterArgs, pool: SystemPool | UserPool) -> list[Input[str]]:
    if isinstance(pool, UserPool):
        return [*pool.taints, *([f"{_SPOT}=spot:NoSchedule"] if _is_spot(pool) else [])]
    elsewhere = args.user_pools or args.node_provisioning is NodeProvisioning.AUTO
    return [SYSTEM_TAINT] if elsewhere else []


def _is_spot(pool: SystemPool | UserPool) -> bool:
    return isinstance(pool, UserPool) and pool.priority is Priority.SPOT


def _local_dns(mode: LocalDns) -> LocalDNSProfileArgsDict:
    # The SDK's class form would send `Preferred`, which reimages every node.
    return {"mode": mode.value}
