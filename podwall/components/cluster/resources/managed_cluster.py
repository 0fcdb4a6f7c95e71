"""The ManagedCluster resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi import CustomTimeouts, Output, Resource, ResourceOptions, getter
from pulumi_azure_native.containerservice import ManagedCluster
from pulumi_azure_native.containerservice.outputs import (
    ManagedClusterOIDCIssuerProfileResponse,
    UserAssignedIdentityManagedClusterResponse,
)

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.cluster_properties import Surroundings, cluster_properties
from podwall.components.cluster.pools import Autoscale

__all__ = ["issuer_url", "kubelet_object_id", "make_cluster"]


class EchoedCluster(ManagedCluster):
    """A cluster of which a preview may echo the inputs.

    Its identities are sent as a list and come back as a map. A plugin that answers a preview with
    what it was sent makes the SDK fail, because the list is not the map that it expects.
    """

    @property
    @getter
    def identity(self) -> Output:  # type: ignore[type-arg]  # without its type it is not judged
        """What the cluster acts as: a map, or in a preview perhaps the list that was sent."""
        return super().identity


def make_cluster(
    name: str,
    args: AksClusterArgs,
    surroundings: Surroundings,
    parent: Resource,
    prerequisites: Sequence[Resource],
) -> ManagedCluster:
    """Return the cluster, made after its `prerequisites`."""
    return EchoedCluster(
        name,
        **cluster_properties(name, args, surroundings),
        opts=ResourceOptions(
            parent=parent,
            protect=args.protect,
            depends_on=list(prerequisites),
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
