"""A snapshot as the manifests that people would keep: what whole commands are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podwall.migrate.edits import policy_manifest
from podwall.model import LabelMap, Snapshot, SnapshotNamespace, SnapshotWorkload

__all__ = ["manifests"]


def manifests(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield the objects of a snapshot: namespaces, workloads, then policies."""
    yield from map(_namespace, snapshot.namespaces)
    yield from map(_workload, snapshot.workloads)
    yield from map(policy_manifest, snapshot.policies)


def _namespace(namespace: SnapshotNamespace) -> dict[str, Any]:
    metadata = {"name": namespace.name, "labels": _labels(namespace.labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _workload(workload: SnapshotWorkload) -> dict[str, Any]:
    metadata = {"name": workload.name, "namespace": workload.namespace}
    labels = _labels(workload.labels)
    if workload.kind == "Pod":
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": labels}}
        return {**pod, "spec": _pod(workload)}
    spec: dict[str, Any] = {
        "replicas": workload.replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod(workload)},
    }
    if workload.kind == "StatefulSet":
        spec["serviceName"] = workload.name
    return {"apiVersion": "apps/v1", "kind": workload.kind, "metadata": metadata, "spec": spec}


def _pod(workload: SnapshotWorkload) -> dict[str, Any]:
    ports = [
        {"containerPort": port.number, "protocol": port.protocol.value, "name": port.name}
        for port in workload.ports
    ]
    container: dict[str, Any] = {"name": "main", "image": "registry.example/app:1.4.2"}
    spec: dict[str, Any] = {"containers": [{**container, "ports": ports} if ports else container]}
    return {**spec, "hostNetwork": True} if workload.host_network is True else spec


def _labels(labels: LabelMap) -> dict[str, Any]:
    return dict(labels.items)
