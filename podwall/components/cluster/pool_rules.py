"""What AKS refuses of a single node pool, whatever the rest of the cluster looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from podwall.components.cluster.refusal import refusal
from podwall.components.cluster.vm_sizes import VmSize

__all__ = [
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

_LINUX_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
_WINDOWS_NAME = re.compile(r"[a-z][a-z0-9]{0,5}")
_SURGE = re.compile(r"[1-9]\d{0,2}%?")
_TAINT = re.compile(
    r"[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?(=[\w.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)",
    re.ASCII,
)
_AZURE_LABELS = "kubernetes.azure.com/"
_ZONES = ("1", "2", "3")
_FEWEST_PODS, _MOST_PODS, _PODS_OF_A_POOL = 10, 250, 30
_SYSTEM_NODES, _SYSTEM_CORES = 2, 4


def check_name(name: str, os_type: str, argument: str) -> None:
    """Refuse names that AKS can't make host names of."""
    allowed, longest = (_WINDOWS_NAME, 6) if os_type == "Windows" else (_LINUX_NAME, 12)
    if allowed.fullmatch(name) is None:
        raise refusal(
            f"{argument}.name",
            f"`{name}` can't be the name of a {os_type} node pool",
            f"use up to {longest} lower-case letters and digits, a letter first",
            "create-node-pools#limitations",
        )


def check_zones(zones: Iterable[str], argument: str) -> None:
    """Refuse zones that no region has, and the same zone twice."""
    asked = tuple(zones)
    if set(asked) - set(_ZONES) or len(set(asked)) != len(asked):
        raise refusal(
            f"{argument}.zones",
            f"`{', '.join(asked)}` is not a set of availability zones",
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
    if not 30 <= size_gb <= 2048:  # noqa: PLR2004 - the bounds are said in the message below
        raise refusal(
            f"{argument}.os_disk",
            f"`{size_gb}` GB is not possible",
            "give 30 to 2048 GB",
            "concepts-storage",
        )


def check_max_pods(max_pods: int | None, most_nodes: int, argument: str) -> None:
    """Refuse fewer than 10 or more than 250 pods on a node, and pools for fewer than 30 pods."""
    if max_pods is None:
        return
    if not _FEWEST_PODS <= max_pods <= _MOST_PODS:
        raise refusal(
            f"{argument}.max_pods",
            f"`{max_pods}` pods on a node is not possible",
            f"choose from {_FEWEST_PODS} to {_MOST_PODS}; it can't change after creation",
            "concepts-network-ip-address-planning",
        )
    if max_pods * most_nodes < _PODS_OF_A_POOL:
        raise refusal(
            f"{argument}.max_pods",
            f"{most_nodes} nodes of `{max_pods}` pods are fewer than {_PODS_OF_A_POOL} pods",
            f"a pool has to offer {_PODS_OF_A_POOL} pods; raise `max_pods` or the node count",
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
        if label.startswith(_AZURE_LABELS):
            raise refusal(
                f"{argument}.labels",
                f"`{label}` belongs to AKS",
                f"use a prefix of your own instead of `{_AZURE_LABELS}`",
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
    if fewest_nodes < _SYSTEM_NODES:
        raise _no_system(
            "node_count",
            f"`{fewest_nodes}` nodes can't keep the cluster's own pods running",
            f"keep at least {_SYSTEM_NODES} nodes, 3 in production",
        )
    _check_system_size(VmSize(vm_size))
    if max_pods is not None and max_pods < _PODS_OF_A_POOL:
        raise _no_system(
            "max_pods",
            f"`{max_pods}` is fewer than the {_PODS_OF_A_POOL} pods of a system node",
            f"allow at least {_PODS_OF_A_POOL}",
        )


def _check_system_size(size: VmSize) -> None:
    if size.is_burstable:
        raise _no_system(
            "vm_size",
            f"`{size.name}` is burstable, and a system pool must not run out of credit",
            "choose a size such as `Standard_D4ds_v5`",
        )
    if size.cores is not None and size.cores < _SYSTEM_CORES:
        raise _no_system(
            "vm_size",
            f"`{size.name}` has {size.cores} cores",
            f"choose a size with at least {_SYSTEM_CORES}, such as `Standard_D4ds_v5`",
        )


def _no_system(leaf: str, reason: str, remedy: str) -> Exception:
    return refusal(f"system_pool.{leaf}", reason, remedy, "use-system-pools")
