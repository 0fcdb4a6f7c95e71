"""The stack: configuration, then components, then exports."""

from pulumi import ResourceOptions, export

from components import AksCluster, Namespace, NetworkPolicies, Workload
from components.settings import read_settings, refusals_in_one_line

with refusals_in_one_line():
    settings = read_settings()
    application = settings.application

    cluster = AksCluster("podwall", settings.cluster_args)
    on_cluster = ResourceOptions(provider=cluster.kubernetes, deleted_with=cluster.resource)

    namespaces = [Namespace(each.name, each, on_cluster) for each in application.namespaces]
    in_namespaces = ResourceOptions.merge(on_cluster, ResourceOptions(depends_on=namespaces))

    policies = [
        NetworkPolicies(namespace, written, opts=in_namespaces)
        for namespace, written in application.policies_by_namespace.items()
    ]
    protected = ResourceOptions.merge(in_namespaces, ResourceOptions(depends_on=policies))

    for workload in application.workloads:
        Workload(workload.id, workload, protected)

    export("cluster", cluster.name)
    export("kubeconfig", cluster.kubeconfig)
    export("engine", settings.engine.value)
    export("step", settings.step.value)
    export("namespaces", [each.name for each in application.namespaces])
