"""A small shop of plain Kubernetes objects. Nothing here knows podwall: its tests do."""

import pulumi
from pulumi import ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.yaml.v2 import ConfigGroup

config = pulumi.Config()

shop = Namespace("shop", metadata={"name": "shop"})
monitoring = Namespace("monitoring", metadata={"name": "monitoring"})

# Closed by default, and names are resolved: manifests/baseline.yaml.
baseline = ConfigGroup(
    "baseline", files=["manifests/*.yaml"], opts=ResourceOptions(depends_on=[shop])
)


def deployment(namespace: Namespace, name: str, **ports: int) -> Deployment:
    """Run one container that listens on the named ports."""
    labels = {"app": name}
    container = {
        "name": name,
        "image": f"example.com/{name}:1.0",
        "ports": [{"name": key, "container_port": number} for key, number in ports.items()],
    }
    return Deployment(
        name,
        metadata={"name": name, "namespace": namespace.metadata.name, "labels": labels},
        spec={
            "selector": {"match_labels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        opts=ResourceOptions(depends_on=[baseline]),
    )


def from_app(name: str, **elsewhere: dict) -> dict:
    """Return the peer that is the application of that name."""
    return {"pod_selector": {"match_labels": {"app": name}}, **elsewhere}


def open_to(name: str, peers: list[dict], port: str) -> NetworkPolicy:
    """Let peers reach an application of the shop on a port."""
    return NetworkPolicy(
        name,
        metadata={"name": name, "namespace": shop.metadata.name},
        spec={
            "pod_selector": {"match_labels": {"app": name}},
            "policy_types": ["Ingress"],
            "ingress": [{"from_": peers, "ports": [{"port": port}]}],
        },
    )


deployment(shop, "web", http=8080)
deployment(shop, "api", http=8080)
deployment(shop, "db", postgres=5432)
deployment(monitoring, "prometheus")

open_to("api", [from_app("web")], "http")
open_to("db", [from_app("api")], "postgres")

if config.get_bool("monitored"):
    there = {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "monitoring"}}}
    open_to("web", [from_app("prometheus", **there)], "http")
