"""What is deployed: Pulumi components for AKS clusters, namespaces, workloads and policies.

Arguments are frozen values, and what Kubernetes or Azure would refuse is refused where it is
written. Only the components themselves need Pulumi, which `podwall[pulumi]` brings, and
`AksCluster` the Azure SDK (`podwall[azure]`); they are imported when they are first used.

A workload is a peer of connections, and waits for the policies it depends on:

    web = WorkloadArgs(name="web", namespace="shop", labels={"app": "web"}, image="shop/web:1.4")
    api = WorkloadArgs(name="api", namespace="shop", labels={"app": "api"}, image="shop/api:2.0")

    shop = Namespace("shop", NamespaceArgs(name="shop"))
    policies = NetworkPolicies("shop", connection(web.peer, api.peer, tcp(8080)))
    Workload(api.id, api, ResourceOptions(depends_on=[shop, policies]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.components.cluster import AksClusterArgs, NetworkEngine
from podwall.components.namespace_args import NamespaceArgs, PodSecurity, Quota
from podwall.components.workload_args import (
    ContainerPort,
    Probe,
    Resources,
    WorkloadArgs,
    WorkloadKind,
)
from podwall.on_demand import on_first_use

if TYPE_CHECKING:
    from podwall.components.cluster import AksCluster
    from podwall.components.kubernetes import (
        CiliumNetworkPolicies,
        ClusterNetworkPolicies,
        Namespace,
        NetworkPolicies,
        Workload,
    )

__all__ = [
    "AksCluster",
    "AksClusterArgs",
    "CiliumNetworkPolicies",
    "ClusterNetworkPolicies",
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

_MODULES: Final = {
    "AksCluster": f"{__name__}.cluster.aks_cluster",
    "CiliumNetworkPolicies": f"{__name__}.kubernetes",
    "ClusterNetworkPolicies": f"{__name__}.kubernetes",
    "Namespace": f"{__name__}.kubernetes",
    "NetworkPolicies": f"{__name__}.kubernetes",
    "Workload": f"{__name__}.kubernetes",
}
_EXTRAS: Final = {name: "azure" if name == "AksCluster" else "pulumi" for name in _MODULES}

if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = on_first_use(__name__, _MODULES, _EXTRAS)
