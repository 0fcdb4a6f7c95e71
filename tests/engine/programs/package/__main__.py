"""A cluster in a group, a subnet and an identity of the program, and what comes after it."""

import pulumi
from pulumi_azure_native.authorization import RoleAssignment
from pulumi_azure_native.managedidentity import UserAssignedIdentity
from pulumi_azure_native.resources import ResourceGroup
from pulumi_kubernetes.core.v1 import ConfigMap
from pulumi_kubernetes.provider import Provider
from pulumi_podwall import (  # type: ignore[import-not-found]  # made by the test, of the schema
    AksCluster,
    Namespace,
    NetworkEngine,
    Workload,
)

group = ResourceGroup("rg", location="westeurope")
identity = UserAssignedIdentity("control", resource_group_name=group.name)
network = group.id
subnet = network.apply(
    lambda found: f"{found}/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes"
)
cluster = AksCluster(
    "shop",
    engine=NetworkEngine.CILIUM,
    resource_group=group.name,
    network={"node_subnet_id": subnet},
    identities={"cluster": {"resource_id": identity.id, "principal_id": identity.principal_id}},
    monitoring_workspace_id=network.apply(lambda found: f"{found}/workspaces/logs"),
    protect=False,
)
RoleAssignment(
    "reader",
    scope=group.id,
    principal_id=cluster.identity_principal_id,
    principal_type="ServicePrincipal",
    role_definition_id="reader",
)
inside = pulumi.ResourceOptions(
    providers=[
        Provider(
            "inside",
            kubeconfig=cluster.kubeconfig,
            cluster_identifier=cluster.cluster_id,
            opts=pulumi.ResourceOptions(depends_on=[cluster]),
        )
    ]
)
shop = Namespace("shop", opts=inside)
Workload(
    "api",
    namespace="shop",
    labels={"app": "api"},
    image=group.name.apply(lambda name: f"{name}.azurecr.io/api:1.0"),
    opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[shop])),
)


def by_the_clusters_own(provider: Provider) -> None:
    """Make what is in the cluster by the provider that the component gives back."""
    ConfigMap(
        "settings",
        metadata={"name": "settings", "namespace": "default"},
        opts=pulumi.ResourceOptions(provider=provider),
    )


cluster.kubernetes_provider.apply(by_the_clusters_own)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("issuer", cluster.oidc_issuer_url)
pulumi.export("nodes", cluster.node_resource_group)
