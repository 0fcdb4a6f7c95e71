"""What reaches Azure for a cluster, in Azure's own names."""

from __future__ import annotations

from typing import Any

from pulumi import ComponentResource

from podwall.components.cluster import AksCluster, AksClusterArgs
from podwall.components.cluster.aks_cluster import make_cluster
from podwall.components.cluster.properties import ClusterPrerequisites
from tests.components.cluster.values import API_SERVER, NODES, PODS
from tests.components.harness import Deployment, deploy

__all__ = ["declared", "sent"]


def declared(args: AksClusterArgs) -> Deployment:
    """Return everything that a cluster called `shop` registers, and all its outputs."""

    def program() -> dict[str, Any]:
        cluster = AksCluster("shop", args)
        return {
            name: getattr(cluster, name) for name in AksCluster.__annotations__ if name[0] != "_"
        }

    return deploy(program)


def sent(args: AksClusterArgs) -> dict[str, Any]:
    """Return the inputs of the ManagedCluster alone, which is quicker."""
    prerequisites = ClusterPrerequisites(
        resource_group="group",
        location=None,
        node_subnet_id=NODES,
        pod_subnet_id=PODS,
        api_server_subnet_id=API_SERVER if args.access.vnet_integration else None,
        identity_id="identity",
        kubelet_identity_id=None,
    )

    def program() -> None:
        make_cluster(
            "shop", args, prerequisites, ComponentResource("tests:index:Parent", "parent"), []
        )

    return deploy(program).one("ManagedCluster").inputs
