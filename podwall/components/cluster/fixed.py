"""What a cluster can't change once it exists, written down so that a change can be noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from podwall.components.cluster.cluster_properties import dns_prefix
from podwall.components.cluster.pod_networks import Overlay
from podwall.components.cluster.replacement import (
    Replacement,
    cluster_replacements,
    pool_replacements,
)

if TYPE_CHECKING:
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["UNSET", "fixed_changes", "fixed_leaves"]

UNSET = "unset"
"""Stands for a leaf that is not sent, because Pulumi would forget an absent one."""

_SYSTEM_POOL = "systemPool"
_INSTEAD_OF_SYSTEM_POOL = (
    "Azure can't change it: `az aks nodepool add --mode System`, delete the old pool, then run"
    " `pulumi refresh` and describe the new pool in `system_pool`"
)


def fixed_leaves(name: str, args: AksClusterArgs) -> dict[str, Any]:
    """Return the leaves of the cluster called `name` that can't change, in Azure's names.

    Only those that the program itself says are there: ids that other resources give are not.
    """
    return {
        "networkProfile": _network(args),
        "dnsPrefix": dns_prefix(name, args) or UNSET,
        "location": args.location or UNSET,
        "resourceName": args.cluster_name or UNSET,
        _SYSTEM_POOL: _system_pool(args),
    }


def fixed_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Replacement, ...]:
    """Return what has changed between two answers of `fixed_leaves`.

    What was not written down then is not compared.
    """
    pools = pool_replacements(old.get(_SYSTEM_POOL) or {}, new.get(_SYSTEM_POOL) or {})
    found = cluster_replacements(old, new) + tuple(
        replace(each, path=f"{_SYSTEM_POOL}.{each.path}", instead=_INSTEAD_OF_SYSTEM_POOL)
        for each in pools
    )
    return tuple(each for each in found if each.old is not None)


def _network(args: AksClusterArgs) -> dict[str, str]:
    overlay = args.pod_network if isinstance(args.pod_network, Overlay) else None
    return {
        "networkPlugin": args.engine.plugin,
        "networkPluginMode": UNSET if overlay is None else overlay.plugin_mode,
        "networkDataplane": args.engine.dataplane,
        "networkPolicy": args.engine.policy,
        "podCidr": UNSET if overlay is None else overlay.pod_cidr,
        "serviceCidr": args.services.cidr,
        "dnsServiceIP": args.services.dns_ip,
        "outboundType": args.egress.outbound_type,
    }


def _system_pool(args: AksClusterArgs) -> dict[str, Any]:
    pool = args.system_pool
    return {
        "name": pool.name,
        "vmSize": pool.vm_size,
        "maxPods": args.max_pods(pool),
        "availabilityZones": list(pool.zones),
        "osDiskType": pool.os_disk.kind,
        "osDiskSizeGB": pool.os_disk.size_gb,
        "enableEncryptionAtHost": pool.encryption_at_host,
    }
