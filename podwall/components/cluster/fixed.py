"""What is fixed for a cluster's life: the leaves of what is sent that Azure can't change later.

They are not described a second time, but taken out of the properties that are sent, so that no
argument can change one of them unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from podwall.aks.resource_types import (
    CLUSTER_LEAVES,
    POOL_LEAVES,
    Replacement,
    cluster_replacements,
    leaf,
    pool_replacements,
)
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.networks import ExistingNetwork
from podwall.components.cluster.properties import ClusterPrerequisites, cluster_properties

__all__ = ["MADE_HERE", "UNSET", "fixed_changes", "fixed_leaves", "sdk_name"]

UNSET = "unset"
"""Stands for a leaf that is not sent, because Pulumi would forget an absent one."""

MADE_HERE = "made by the component"
"""Stands for the name or id of what the component makes, which only deployment tells."""

_SYSTEM_POOL = "systemPool"
_INSTEAD_OF_SYSTEM_POOL = (
    "Azure can't change it: `az aks nodepool add --mode System`, delete the old pool, then run"
    " `pulumi refresh` and describe the new pool in `system_pool`"
)


def fixed_leaves(name: str, args: AksClusterArgs) -> dict[str, Any]:
    """Return the leaves of the cluster called `name` that can't change, in Azure's names.

    They are taken out of what is sent, so that no argument can change one of them unseen. What the
    program itself takes from another resource is left out: it is known only after deployment.
    """
    sent = cluster_properties(name, args, _known_prerequisites(args))
    (system_pool,) = sent["agent_pool_profiles"]
    return {
        **_projected(CLUSTER_LEAVES, sent),
        _SYSTEM_POOL: _projected(POOL_LEAVES, system_pool),
    }


def fixed_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Replacement, ...]:
    """Return what has changed between two answers of `fixed_leaves`.

    What one of them left out is not compared, nor what an older version did not write down.
    """
    pools = pool_replacements(old.get(_SYSTEM_POOL) or {}, new.get(_SYSTEM_POOL) or {})
    found = cluster_replacements(old, new) + tuple(
        replace(each, path=f"{_SYSTEM_POOL}.{each.path}", instead=_INSTEAD_OF_SYSTEM_POOL)
        for each in pools
    )
    return tuple(each for each in found if _was_written_down(each))


def _was_written_down(change: Replacement) -> bool:
    # An older version wrote down no zones as an empty list.
    is_another_spelling = change.old == [] and change.new == UNSET
    return change.old is not None and change.new is not None and not is_another_spelling


def _known_prerequisites(args: AksClusterArgs) -> ClusterPrerequisites:
    """Return the prerequisites as far as the arguments name them."""
    network = args.network if isinstance(args.network, ExistingNetwork) else None
    return ClusterPrerequisites(
        resource_group=MADE_HERE if args.resource_group is None else args.resource_group,
        location=args.location,
        node_subnet_id=MADE_HERE if network is None else network.node_subnet_id,
        pod_subnet_id=MADE_HERE if network is None else network.pod_subnet_id,
        api_server_subnet_id=None,
        identity_id=MADE_HERE,
        kubelet_identity_id=None,
    )


def _projected(leaves: Iterable[str], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values at `leaves`, which are Azure's paths, out of the SDK's arguments."""
    found: dict[str, Any] = {}
    for path in leaves:
        value = leaf(sent, ".".join(map(sdk_name, path.split("."))))
        if _is_plain(value):
            *above, last = path.split(".")
            inner = found
            for key in above:
                inner = inner.setdefault(key, {})
            inner[last] = UNSET if value in (None, []) else value
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int)


_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def sdk_name(azure_name: str) -> str:
    """Return what Pulumi's Python SDK calls a property of a cluster or pool.

    >>> sdk_name("dnsServiceIP"), sdk_name("podIPAllocationMode"), sdk_name("resourceName")
    ('dns_service_ip', 'pod_ip_allocation_mode', 'resource_name_')
    """
    # The SDK keeps `resource_name` for the name in the program.
    return "resource_name_" if azure_name == "resourceName" else _WORD.sub("_", azure_name).lower()
