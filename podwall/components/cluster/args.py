"""The arguments of a cluster: one value, checked where it is written."""

from __future__ import annotations

from dataclasses import dataclass

from podwall.components.cluster.address_rules import address_refusals
from podwall.components.cluster.rules import combination_refusals
from podwall.components.cluster.spec import ClusterSpec

__all__ = ["AksClusterArgs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AksClusterArgs(ClusterSpec):
    """An AKS cluster that is right from the start.

    Only `kubernetes_version` has to be given: a minor version such as `1.36`, or None where
    `lifecycle.upgrades` lets Azure choose. Everything else has a default that works for a newcomer
    and can be kept: Azure CNI overlay with the `azure` engine, a network of its own, three zones,
    a user-assigned identity, workload identity, weekly maintenance.

    `resource_group` names an existing group; left out, one is made. `location` left out is the
    group's, or the provider's. `cluster_name` and `dns_prefix` left out are derived by Pulumi.
    `protect` keeps the cluster from being deleted or replaced by mistake. `engine_change` is what
    to do when the network settings of an existing cluster are changed.

    Raises:
        InvalidValue: Azure would refuse this combination; the message names the argument and the
            reason, the help says what to do.

    >>> AksClusterArgs(kubernetes_version="1.36").engine
    <NetworkEngine.AZURE: 'azure'>
    """

    def __post_init__(self) -> None:
        """Refuse what Azure refuses, the first problem first."""
        # Without arguments `super` would look for the class from before its slots were made.
        ClusterSpec.__post_init__(self)
        for refused in (*combination_refusals(self), *address_refusals(self)):
            raise refused
