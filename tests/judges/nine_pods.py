"""The cluster of the upstream suite: pods a, b and c in each of the namespaces x, y and z."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network
from itertools import product
from typing import Any

from podwall.model import Snapshot
from podwall.policies import Severity
from podwall.reading import DeclaredCluster, Document, snapshot

__all__ = ["PODS", "NinePods"]

POD_CIDR = ip_network("10.244.0.0/24")
PODS = [f"{namespace}/{pod}" for namespace, pod in product("xyz", "abc")]
Labels = dict[str, str]


@dataclass(slots=True)
class NinePods:
    """The cluster while a case changes it; where it is `running`, pods have addresses."""

    running: bool = False
    policies: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)

    def changed(self, step: dict[str, Any]) -> None:
        """Apply what a step changes: a policy that becomes None is deleted."""
        self.policies.update(step.get("policies", {}))
        self.labels.update(step.get("labels", {}))

    def snapshot(self) -> Snapshot:
        """Return what the documents say, all pods having an address of `POD_CIDR`."""
        written = [*map(self._namespace, "xyz"), *map(self._pod, PODS), *self._policies()]
        reading = snapshot(
            [Document(each) for each in written],
            complete=True,
            cluster=DeclaredCluster(pod_cidrs=(POD_CIDR,)),
        )
        assert all(each.severity is not Severity.ERROR for each in reading.findings)
        return reading.snapshot

    def _namespace(self, name: str) -> dict[str, Any]:
        labels = {"ns": name, **self.labels.get(name, {})}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(name, labels)}

    def _pod(self, pod: str) -> dict[str, Any]:
        namespace, name = pod.split("/")
        metadata = _metadata(name, {"pod": name, **self.labels.get(pod, {})}, namespace)
        spec = {"containers": [{"name": "server", "image": "server", "ports": _PORTS}]}
        status = {"podIP": str(address(pod))} if self.running else {}
        written = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        return {**written, "status": status}

    def _policies(self) -> list[dict[str, Any]]:
        return [
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": dict(zip(("namespace", "name"), name.split("/"), strict=True)),
                "spec": spec,
            }
            for name, spec in self.policies.items()
            if spec is not None
        ]


def address(pod: str) -> IPv4Address:
    """Return the address of a pod.

    >>> address("y/b")
    IPv4Address('10.244.0.5')
    """
    return IPv4Address("10.244.0.1") + PODS.index(pod)


def _metadata(name: str, labels: Labels, namespace: str | None = None) -> dict[str, Any]:
    return {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}


_PORTS = [
    {"name": f"serve-{number}-{protocol.lower()}", "containerPort": number, "protocol": protocol}
    for number, protocol in product((80, 81), ("TCP", "UDP", "SCTP"))
]
