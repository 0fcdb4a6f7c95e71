"""Small programs of each kind that a test can be about: the same shop, written in several ways."""

from __future__ import annotations

import textwrap
from pathlib import Path

from podwall.testing import Reach, reach_of_source

__all__ = [
    "BASELINE",
    "COMPONENTS",
    "FILES",
    "FIRST_FILES",
    "LONELY",
    "OPEN",
    "PROJECT",
    "RAW",
    "project",
    "with_policies",
]

PROJECT = "name: shop\nruntime: python\n"

RAW = textwrap.dedent("""
    import pulumi
    from pulumi_kubernetes.core.v1 import Namespace, Pod
    from pulumi_kubernetes.networking.v1 import NetworkPolicy

    shop = Namespace("shop", metadata={"name": "shop"})
    for name, port in {"web": 8080, "api": 8080, "db": 5432}.items():
        Pod(
            name,
            metadata={"name": name, "namespace": shop.metadata.name, "labels": {"app": name}},
            spec={"containers": [{
                "name": name, "image": name, "ports": [{"name": "main", "container_port": port}],
            }]},
        )

    def closed(name, rules):
        NetworkPolicy(
            name,
            metadata={"name": name, "namespace": "shop"},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"], **rules},
        )

    def opened(server, client, port):
        NetworkPolicy(
            server,
            metadata={"name": server, "namespace": "shop"},
            spec={
                "pod_selector": {"match_labels": {"app": server}},
                "policy_types": ["Ingress"],
                "ingress": [{
                    "from_": [{"pod_selector": {"match_labels": {"app": client}}}],
                    "ports": [{"port": port}],
                }],
            },
        )

    closed("closed", {"egress": [{"to": [{"pod_selector": {}}]}]})
    opened("api", "web", 8080)
    opened("db", pulumi.Config().get("client") or "api", "main")
""")

BASELINE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web, ports: [{name: main, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {containers: [{name: api, image: api, ports: [{name: main, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db, ports: [{name: main, containerPort: 5432}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: [{to: [{podSelector: {}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: api}}}]
    ports: [{port: main}]
"""

FILES = """
from pulumi_kubernetes.yaml.v2 import ConfigGroup
ConfigGroup("shop", files=["*.manifests.yaml"])
"""

FIRST_FILES = """
from pulumi_kubernetes.yaml import ConfigFile
ConfigFile("shop", file="shop.manifests.yaml")
"""

COMPONENTS = """
from podwall.components import Namespace, NamespaceArgs, NetworkPolicies, Workload, WorkloadArgs
from podwall.components import ContainerPort
from podwall.policies import NetworkPolicy, allow_from, connection, pods, tcp

Namespace("shop", NamespaceArgs(name="shop"))
made = {
    name: WorkloadArgs(
        name=name, namespace="shop", labels={"app": name}, image=f"example.com/{name}:1",
        ports=(ContainerPort(name="main", number=port),),
    )
    for name, port in {"web": 8080, "api": 8080, "db": 5432}.items()
}
NetworkPolicies("shop", [
    *connection(made["web"].peer, made["api"].peer, tcp(8080)),
    *connection(made["api"].peer, made["db"].peer, tcp(5432)),
])
for each in made.values():
    Workload(each.id, each)
"""

OPEN = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{}]}
"""
LONELY = """
apiVersion: v1
kind: Pod
metadata: {name: lonely, namespace: other}
spec: {containers: [{name: a, image: b}]}
"""


def project(folder: Path, program: str) -> Path:
    """Write a project into a folder, and return the folder."""
    for name, text in {
        "Pulumi.yaml": PROJECT,
        "__main__.py": program,
        "shop.manifests.yaml": BASELINE,
    }.items():
        folder.joinpath(name).write_text(text, encoding="utf-8")
    return folder


def with_policies(folder: Path, *documents: str) -> Reach:
    """Return who reaches whom in the shop with more documents."""
    path = folder / "shop.yaml"
    path.write_text("---\n".join([BASELINE, *documents]), encoding="utf-8")
    return reach_of_source(path)
