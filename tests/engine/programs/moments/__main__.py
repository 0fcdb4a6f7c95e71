"""Two workloads behind a default deny, which a change of the configuration replaces."""

import json

import pulumi
from pulumi_kubernetes.core.v1 import Namespace, Pod
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.provider import Provider

CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "it",
    "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
    "clusters": [{"name": "it", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {}}],
}

config = pulumi.Config()
inside = pulumi.ResourceOptions(provider=Provider("k8s", kubeconfig=json.dumps(CLUSTER)))
shop = Namespace("shop", metadata={"name": "shop"}, opts=inside)
own = pulumi.ResourceOptions(
    depends_on=[shop],
    delete_before_replace=config.require_bool("first") or None,
    replace_on_changes=["spec"] if config.require_bool("strict") else None,
)
deny = NetworkPolicy(
    config.require("resource"),
    metadata={"name": config.require("deny"), "namespace": "shop"},
    spec={"pod_selector": {}, "policy_types": config.require("types").split(",")},
    opts=pulumi.ResourceOptions.merge(inside, own),
)
for app in ("web", "api"):
    Pod(
        app,
        metadata={"name": app, "namespace": "shop", "labels": {"app": app}},
        spec={"containers": [{"name": "main", "image": f"example.test/{app}:1"}]},
        opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[shop])),
    )
