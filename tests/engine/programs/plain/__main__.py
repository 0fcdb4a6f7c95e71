"""A shop with a web and an api, and a scanner beside it, in raw SDK objects."""

import base64

import pulumi
from pulumi_azure_native.containerservice import (
    ManagedCluster,
    list_managed_cluster_user_credentials_output,
)
from pulumi_azure_native.resources import ResourceGroup
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgs
from pulumi_kubernetes.core.v1 import (
    ContainerArgs,
    ContainerPortArgs,
    Namespace,
    PodSpecArgs,
    PodTemplateSpecArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.provider import Provider

config = pulumi.Config()
engine = config.require("engine")

group = ResourceGroup("rg", location="westeurope")
cluster = ManagedCluster(
    "aks",
    resource_group_name=group.name,
    resource_name_="aks-dev",
    dns_prefix="aks",
    network_profile={
        "network_plugin": "azure",
        "network_plugin_mode": "overlay",
        "network_dataplane": "cilium" if engine == "cilium" else "azure",
        "network_policy": engine,
    },
)
credentials = list_managed_cluster_user_credentials_output(
    resource_group_name=group.name, resource_name=cluster.name
)
decoded = credentials.kubeconfigs.apply(lambda found: base64.b64decode(found[0].value).decode())
kubeconfig: pulumi.Output[str] = pulumi.Output.secret(decoded)
inside = pulumi.ResourceOptions(
    provider=Provider("k8s", kubeconfig=kubeconfig, cluster_identifier=cluster.id)
)

shop = Namespace("shop", metadata={"name": "shop"}, opts=inside)
tools = Namespace("tools", opts=inside)  # named by the provider


def deployment(app: str, namespace: pulumi.Output[str]) -> None:
    """Run two pods of `app` that listen on the port `http`."""
    port = ContainerPortArgs(name="http", container_port=8080)
    container = ContainerArgs(name="main", image=f"example.test/{app}:1", ports=[port])
    labelled = LabelSelectorArgs(match_labels={"app": app})
    pods = PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels={"app": app}), spec=PodSpecArgs(containers=[container])
    )
    Deployment(
        app,
        metadata=ObjectMetaArgs(name=app, namespace=namespace),
        spec=DeploymentSpecArgs(replicas=2, selector=labelled, template=pods),
        opts=inside,
    )


NetworkPolicy(
    "deny",
    metadata={"name": config.require("deny"), "namespace": "shop"},
    spec={"pod_selector": {}, "policy_types": ["Ingress"]},
    opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[shop])),
)
if config.require_bool("allow"):
    NetworkPolicy(
        "allow-web",
        metadata={"name": "allow-web", "namespace": shop.metadata["name"]},
        spec={
            "pod_selector": {"match_labels": {"app": "api"}},
            "policy_types": ["Ingress"],
            "ingress": [
                {
                    "from_": [{"pod_selector": {"match_labels": {"app": "web"}}}],
                    "ports": [{"port": "http"}],
                }
            ],
        },
        opts=inside,
    )
deployment("web", shop.metadata["name"])
deployment("api", shop.metadata["name"])
deployment("scan", tools.metadata["name"])
pulumi.export("kubeconfig", kubeconfig)
