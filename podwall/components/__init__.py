"""What is deployed: Pulumi components for AKS clusters, namespaces, workloads and policies.

Arguments are frozen values that need no Pulumi: what Kubernetes or Azure would refuse is refused
where it is written. A workload is a peer of connections, and waits for the policies it depends on:

    web = WorkloadArgs(name="web", namespace="shop", labels={"app": "web"}, image="shop/web:1.4")
    api = WorkloadArgs(name="api", namespace="shop", labels={"app": "api"}, image="shop/api:2.0")

    shop = Namespace("shop", NamespaceArgs(name="shop"))
    policies = NetworkPolicies("shop", connection(web.peer, api.peer, tcp(8080)))
    Workload(api.id, api, ResourceOptions(depends_on=[shop, policies]))
"""

from __future__ import annotations

from podwall.components.cluster import AksCluster, AksClusterArgs, NetworkEngine
from podwall.components.kubernetes import (
    ContainerPort,
    Namespace,
    NetworkPolicies,
    Probe,
    Workload,
    WorkloadArgs,
    WorkloadKind,
)
from podwall.components.namespace_args import NamespaceArgs, PodSecurity, Quota
from podwall.components.workload_args import Resources

__all__ = [
    "AksCluster",
    "AksClusterArgs",
    "ContainerPort",
    "Namespace",
    "NamespaceArgs",
    "NetworkEngine",
    "NetworkPolicies",
    "PodSecurity",
    "Probe",
    "Quota",
    "Resources",
    "Workload",
    "WorkloadArgs",
    "WorkloadKind",
]
