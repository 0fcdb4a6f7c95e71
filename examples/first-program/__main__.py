"""Two workloads in a closed namespace, and the one connection between them."""

from pulumi import ResourceOptions

from podwall.components import (
    AksCluster,
    AksClusterArgs,
    ContainerPort,
    Namespace,
    NamespaceArgs,
    NetworkEngine,
    NetworkPolicies,
    Workload,
    WorkloadArgs,
)
from podwall.policies import connection, tcp

web = WorkloadArgs(name="web", namespace="shop", labels={"app": "web"}, image="example.com/web:1.4")
api = WorkloadArgs(
    name="api",
    namespace="shop",
    labels={"app": "api"},
    image="example.com/api:2.0",
    ports=(ContainerPort(name="http", number=8080),),
)

cluster = AksCluster("shop", AksClusterArgs(kubernetes_version="1.36", engine=NetworkEngine.CILIUM))
on_cluster = ResourceOptions(provider=cluster.kubernetes, deleted_with=cluster.resource)
shop = Namespace("shop", NamespaceArgs(name="shop"), on_cluster)

inside = ResourceOptions.merge(on_cluster, ResourceOptions(depends_on=[shop]))
allowed = NetworkPolicies("shop", connection(web.peer, api.peer, tcp(8080)), opts=inside)

protected = ResourceOptions.merge(inside, ResourceOptions(depends_on=[allowed]))
for workload in (web, api):
    Workload(workload.id, workload, protected)
