"""A guarded cluster in three policies: an Admin tier, an application's own policy, a baseline.

The cluster's engine implements ClusterNetworkPolicy; no engine of AKS up to Kubernetes 1.36 does.
"""

from pulumi import ResourceOptions

from podwall.components import (
    ClusterNetworkPolicies,
    ContainerPort,
    Namespace,
    NamespaceArgs,
    NetworkPolicies,
    Workload,
    WorkloadArgs,
)
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PORTS,
    ClusterNetworkPolicy,
    NetworkPolicy,
    PolicyTier,
    accept_from,
    allow_from,
    deny_from,
    namespace,
    pods,
    tcp,
)


def application(name: str, where: str, *ports: ContainerPort) -> WorkloadArgs:
    """Return a workload whose image and label are called as it is."""
    image = f"example.com/{name}:1.4"
    return WorkloadArgs(name=name, namespace=where, labels={"app": name}, image=image, ports=ports)


web = application("web", "shop")
db = application("db", "shop", ContainerPort(name="sql", number=5432))
teller = application("teller", "bank")
prometheus = application("prometheus", "monitoring")

guard = ClusterNetworkPolicy(
    name="guard",
    tier=PolicyTier.ADMIN,
    priority=10,
    subject=namespace("shop"),
    ingress=[
        deny_from(namespace("bank"), ports=tcp(22), name="nobody-administers-from-elsewhere"),
        accept_from(namespace("monitoring"), ports=tcp(9090), name="monitoring-always-gets-in"),
    ],
)
db_from_web = NetworkPolicy(
    name="db-from-web",
    namespace="shop",
    pod_selector=pods(app="db"),
    ingress=[allow_from(pods(app="web"), ports=tcp(5432))],
)
deny_by_default = ClusterNetworkPolicy(
    name="deny-by-default",
    tier=PolicyTier.BASELINE,
    priority=100,
    subject=namespace("shop"),
    ingress=[
        accept_from(namespace("shop"), ports=ALL_PORTS, name="within-the-namespace"),
        deny_from(ALL_NAMESPACES, ports=ALL_PORTS, name="nobody-else"),
    ],
)

guarding = ClusterNetworkPolicies("cluster", [guard, deny_by_default], engine="spec")
guarded = ResourceOptions(depends_on=[guarding])
for name in ("shop", "bank", "monitoring"):
    open_ = NamespaceArgs(name=name, deny_ingress=False, deny_egress=False)
    Namespace(name, open_, guarded)
protected = ResourceOptions(depends_on=[NetworkPolicies("shop", [db_from_web], opts=guarded)])
for workload in (web, db, teller, prometheus):
    Workload(workload.id, workload, protected)
