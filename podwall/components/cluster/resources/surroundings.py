"""Everything that has to exist before a cluster does."""

from __future__ import annotations

from pulumi import Resource

from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.cluster_properties import Surroundings
from podwall.components.cluster.resources.cluster_network import make_subnets
from podwall.components.cluster.resources.group import find_or_make_group
from podwall.components.cluster.resources.identities import (
    assign_before_cluster,
    find_or_make_identity,
)

__all__ = ["surround"]


def surround(
    name: str, args: AksClusterArgs, parent: Resource
) -> tuple[Surroundings, list[Resource]]:
    """Return the ids of what the cluster stands on, and what it has to wait for besides.

    It waits for the roles of its identity, which no id of its own arguments speaks of.
    """
    group = find_or_make_group(name, args, parent)
    subnets = make_subnets(name, args, group, parent)
    identity = find_or_make_identity(name, args, group, parent)
    kubelet = args.identities.kubelet
    surroundings = Surroundings(
        resource_group=group.name,
        location=group.location,
        node_subnet_id=subnets.nodes,
        pod_subnet_id=subnets.pods,
        api_server_subnet_id=subnets.api_server,
        identity_id=identity.resource_id,
        kubelet_identity_id=None if kubelet is None else kubelet.resource_id,
    )
    return surroundings, assign_before_cluster(name, args, identity, subnets, parent)
