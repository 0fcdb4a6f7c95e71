"""Read one object into the part of the snapshot that it is, with what is worth saying about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from podwall.model import Namespace, Policy, Service, Workload
from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity
from podwall.policies.validation import violations
from podwall.reading.fields import Malformed
from podwall.reading.metadata import KubernetesObject
from podwall.reading.namespaces import forged_name, read_namespace
from podwall.reading.policies import read_policy
from podwall.reading.services import read_service
from podwall.reading.unread import removed_version, unread
from podwall.reading.workloads import WORKLOAD_KINDS, is_finished, read_workload

__all__ = ["Part", "Read", "malformed", "read_part"]

Part = Namespace | Workload | Policy | Service

READERS: Final[dict[tuple[str, str], Callable[[KubernetesObject], Part]]] = {
    ("", "Namespace"): read_namespace,
    ("", "Service"): read_service,
    ("networking.k8s.io", "NetworkPolicy"): read_policy,
    **dict.fromkeys(WORKLOAD_KINDS, read_workload),
}


@dataclass(frozen=True, slots=True)
class Read:
    """An object, the part of the snapshot that it is (None: not one), and the findings on it."""

    item: KubernetesObject
    part: Part | None = None
    findings: tuple[Finding, ...] = ()


def read_part(item: KubernetesObject) -> Read:
    """Return what one object is; an object that the API server would refuse is no part at all."""
    reader = READERS.get((item.group, item.kind))
    if reader is None or is_finished(item):
        return Read(item, findings=tuple(unread(item)))
    if item.version != "v1":
        current = f"{item.group}/v1".removeprefix("/")
        return Read(item, findings=(removed_version(item, current),))
    findings = tuple(_judged(item))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Read(item, findings=findings)
    try:
        return Read(item, reader(item), findings)
    except Malformed as problem:
        return Read(item, findings=(malformed(problem, item.place),))


def _judged(item: KubernetesObject) -> Iterator[Finding]:
    """Yield what the API server would refuse, and what is legal but hardly meant."""
    if item.kind == "NetworkPolicy":
        yield from violations(item.manifest, item.place)
    elif item.kind == "Namespace":
        yield from forged_name(item)


def malformed(problem: Malformed, place: Place) -> Finding:
    """Return the finding on an object that the API server would refuse."""
    return Finding(
        "malformed-object",
        Severity.ERROR,
        problem.message,
        place.at(problem.path) if problem.path else place,
        "the API server refuses the whole object, so it is left out",
    )
