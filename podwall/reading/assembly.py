"""Make the snapshot: every object once, and none that another one stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from podwall.model import Namespace, Policy, Service, Snapshot, Unknown, Workload
from podwall.policies.findings import Finding
from podwall.reading.controller_labels import with_controller_labels
from podwall.reading.document import Cluster, Document
from podwall.reading.fields import Malformed
from podwall.reading.flatten import single_objects
from podwall.reading.metadata import KubernetesObject, read_object
from podwall.reading.namespaces import undeclared
from podwall.reading.objects import Part, malformed, read_part
from podwall.reading.repetitions import last_of_each, with_distinct_names, without_owned

__all__ = ["Reading", "snapshot"]

P = TypeVar("P", bound=Part)
ANY_CLUSTER: Final = Cluster()


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot, the findings on its documents, and how many of which kind are not part of it."""

    snapshot: Snapshot
    findings: tuple[Finding, ...] = ()
    ignored: tuple[tuple[str, int], ...] = ()


def snapshot(
    documents: Iterable[Document], *, complete: bool = False, cluster: Cluster = ANY_CLUSTER
) -> Reading:
    """Return what a cluster will contain once these documents are applied to it.

    Objects that the API server would refuse are left out, each with a finding, and the rest is
    read. `complete` says that what is not here does not exist (a live cluster).

    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    >>> [workload.name for workload in snapshot([Document(pod)]).snapshot.workloads]
    ['web']
    """
    objects, findings = _objects(documents)
    reads = [read_part(item) for item in with_distinct_names(objects)]
    ignored = Counter(read.item.kind for read in reads if read.part is None and not read.findings)
    kept, repeated = last_of_each(read for read in reads if read.part is not None)
    parts = [read.part for read in without_owned(kept) if read.part is not None]
    findings += [finding for read in reads for finding in read.findings]
    return Reading(
        _snapshot(parts, cluster, complete=complete),
        (*findings, *repeated),
        tuple(sorted(ignored.items())),
    )


def _objects(documents: Iterable[Document]) -> tuple[list[KubernetesObject], list[Finding]]:
    objects, findings = [], []
    for document in single_objects(documents):
        try:
            objects.append(read_object(document.manifest, document.place))
        except Malformed as problem:
            findings.append(malformed(problem, document.place))
    return objects, findings


def _snapshot(parts: list[Part], cluster: Cluster, *, complete: bool) -> Snapshot:
    policies = tuple(part for part in parts if isinstance(part, Policy))
    services = tuple(part for part in parts if isinstance(part, Service))
    written = tuple(part for part in parts if isinstance(part, Workload))
    workloads = with_controller_labels(written, policies, services)
    declared = [part for part in parts if isinstance(part, Namespace)]
    used: set[str | Unknown] = {
        *(workload.namespace for workload in workloads),
        *(policy.namespace for policy in policies),
        *(service.namespace for service in services),
    }
    missing = sorted(
        name for name in used - {item.name for item in declared} if isinstance(name, str)
    )
    return Snapshot(
        namespaces=(*declared, *(undeclared(name, complete=complete) for name in missing)),
        workloads=workloads,
        policies=policies,
        services=services,
        engine=cluster.engine,
        kubernetes_version=cluster.kubernetes_version,
        pod_cidrs=cluster.pod_cidrs,
        complete=complete,
    )
