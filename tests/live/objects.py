"""Objects of a cluster, as short as tests want to write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def namespace(name: str, **labels: str) -> Object:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(where: str, name: str, *, owner: Object | None = None, **labels: str) -> Object:
    """Return a pod that listens on 8080."""
    metadata: Object = {"name": name, "namespace": where, "labels": labels}
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec()}


def pod_spec(image: str = "lab.local/web:1") -> Object:
    """Return the spec of a pod, with what may be secret in it."""
    container = {
        "name": "main",
        "image": image,
        "env": [{"name": "PASSWORD", "value": "hunter2-hunter2"}],
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    return {"containers": [container]}


def controller(kind: str, where: str, name: str, image: str = "lab.local/web:1") -> Object:
    """Return a Deployment, StatefulSet or DaemonSet."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(image)}
    spec: Object = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def policy(where: str, name: str, spec: Mapping[str, Any] | None = None) -> Object:
    """Return a NetworkPolicy; without a spec nothing reaches any pod."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": where},
        "spec": dict(spec or {"podSelector": {}, "policyTypes": ["Ingress"]}),
    }


def node(name: str, cidr: str = "", address: str = "") -> Object:
    """Return a node."""
    spec = {"podCIDR": cidr, "podCIDRs": [cidr]} if cidr else {}
    found: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}
    if address:
        found["status"] = {"addresses": [{"type": "InternalIP", "address": address}]}
    return found
