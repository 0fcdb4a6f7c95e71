"""Which running pods stand for workloads as servers, and which services would take in a client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from podwall.live.objects import SpecObject
from podwall.model import SnapshotWorkload
from podwall.reading.workloads import KEYS
from podwall.verify.pods import RunningPod
from podwall.verify.probe import RUN_LABEL

__all__ = ["ServerPod", "publishing_service", "server_of"]


@dataclass(frozen=True, slots=True)
class ServerPod:
    """A pod that is connected to, and its address."""

    namespace: str
    name: str
    address: str


def server_of(workload: SnapshotWorkload, pods: Iterable[RunningPod]) -> ServerPod | None:
    """Return a ready pod of a workload, None where there is none.

    Pods of a workload have its labels, and are known by their name where several workloads have
    the same labels.
    """
    wanted = _own_labels(dict(workload.labels.items))
    ready = (each for each in pods if each.is_ready and RUN_LABEL not in _labels(each))
    alike = [each for each in ready if _labels(each) == wanted]
    inside = [each for each in alike if each.metadata.namespace == workload.namespace]
    own = [each for each in inside if each.metadata.name.startswith(workload.real_name)]
    chosen = min(own or inside, key=lambda each: each.metadata.name, default=None)
    if chosen is None:
        return None
    return ServerPod(chosen.metadata.namespace, chosen.metadata.name, chosen.status.pod_ip)


def _labels(pod: RunningPod) -> Mapping[str, object]:
    return _own_labels(pod.metadata.labels or {})


def _own_labels(labels: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in labels.items() if key not in KEYS}


def publishing_service(
    workload: SnapshotWorkload, services: Sequence[SpecObject]
) -> SpecObject | None:
    """Return a service that would publish a client of a workload although it is never ready."""
    labels = dict(workload.labels.items)
    for each in services:
        spec = each.spec or {}
        chosen = spec.get("selector") or {}
        inside = each.metadata.namespace == workload.namespace
        takes = bool(chosen) and chosen.items() <= labels.items()
        if inside and takes and spec.get("publishNotReadyAddresses"):
            return each
    return None
