"""Temporary pods: what they look like to policies, and what makes them go away.

A client has the labels of the workload that it stands for, in its namespace, so that policies take
it for one of its pods. Services do not: its readiness gate is never met. No controller adopts it,
since it has one. Its owner is a ConfigMap, whose owner is a Job that makes no pods, ends at a
deadline and is then removed by the cluster itself, and with it all that it owns: also where whoever
made it is gone.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final

from podwall.model import SelectorRequirement, Snapshot, SnapshotWorkload
from podwall.verify.probe import RUN_LABEL
from podwall.verify.script import AddressAttempt, ProbePace, command

__all__ = [
    "MANAGED_BY",
    "ClientPod",
    "ProbeRun",
    "client_manifest",
    "namespace_manifest",
    "owner_manifest",
    "server_manifest",
    "timer_manifest",
    "used_keys",
]

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_MANAGER: Final = "podwall"
_NOBODY: Final = 65534
_GRACE: Final = 300
"""So many seconds may pass between making the owner and the last pod's end, beside its own time."""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """How probes are made: from which image, under which name, how many clients at a time."""

    image: str
    run: str
    together: int = 8
    pace: ProbePace = field(default_factory=ProbePace)


@dataclass(frozen=True, slots=True)
class ClientPod:
    """A pod that is to be made: for which workload, its name, and what it attempts."""

    name: str
    namespace: str
    workload: SnapshotWorkload
    attempts: tuple[AddressAttempt, ...]


def used_keys(snapshot: Snapshot) -> frozenset[str]:
    """Return the keys of labels by which policies and services select; others change no verdict."""
    parts = (snapshot.policies, snapshot.tier_policies, snapshot.services)
    return frozenset(each.key for each in _requirements((*parts, snapshot.unread_policies)))


def _requirements(value: object) -> Iterator[SelectorRequirement]:
    """Yield the requirements in a value of whatever kind of policy, wherever they stand."""
    if isinstance(value, SelectorRequirement):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _requirements(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _requirements(getattr(value, each.name))


def _owned(run: str) -> dict[str, str]:
    return {MANAGED_BY: _MANAGER, RUN_LABEL: run}


def timer_manifest(run: str, namespace: str, seconds: int) -> Mapping[str, Any]:
    """Return the Job that ends a run in a namespace after so many seconds, and makes no pods."""
    template = {
        "metadata": {"labels": _owned(run)},
        "spec": _pod_spec("none.invalid/never-run", ("true",), {}, 1),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _name(run), "namespace": namespace, "labels": _owned(run)},
        "spec": {
            "parallelism": 0,
            "activeDeadlineSeconds": seconds + _GRACE,
            "ttlSecondsAfterFinished": 0,
            "template": template,
        },
    }


def owner_manifest(run: str, namespace: str, timer_uid: str) -> Mapping[str, Any]:
    """Return the ConfigMap that owns the pods of a run in a namespace, and is the timer's own."""
    timer = {"apiVersion": "batch/v1", "kind": "Job", "name": _name(run), "uid": timer_uid}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": _name(run),
            "namespace": namespace,
            "labels": _owned(run),
            "ownerReferences": [timer],
        },
        "data": {"about": "owns the temporary pods of `podwall verify`, which go with it"},
    }


def client_manifest(
    pod: ClientPod, how: ProbeRun, owner_uid: str, used: frozenset[str]
) -> Mapping[str, Any]:
    """Return a client, whose owner is there; `used` are the keys of labels that policies use.

    It has the label `app.kubernetes.io/managed-by` of podwall unless the workload has one, or a
    policy selects by it: the verdict would be another one.
    """
    own = {str(key): str(value) for key, value in pod.workload.labels.items}
    managed = {} if MANAGED_BY in {*own, *used} else {MANAGED_BY: _MANAGER}
    words, environment = command(pod.attempts, how.pace)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": _name(how.run), "uid": owner_uid}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "labels": {**own, **managed, RUN_LABEL: how.run},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {
            **_pod_spec(how.image, words, environment, how.pace.seconds(len(pod.attempts))),
            "readinessGates": [{"conditionType": "podwall.dev/never-ready"}],
        },
    }


def namespace_manifest(run: str, name: str) -> Mapping[str, Any]:
    """Return a namespace that is a run's own, and goes with it."""
    labels = {**_owned(run), "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def server_manifest(
    name: str, namespace: str, labels: Mapping[str, str], how: ProbeRun
) -> Mapping[str, Any]:
    """Return a pod that is connected to: it serves port 80 where its image can, else refuses."""
    spec = _pod_spec(how.image, ("sh", "-c", _SERVER), {}, _SERVING)
    settings = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    security = {**spec["securityContext"], "sysctls": [settings]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {**spec, "securityContext": security},
    }


_SERVER: Final = "httpd -f -p 80 -h /tmp || while :; do sleep 3600; done"
_SERVING: Final = 1800


def _name(run: str) -> str:
    return f"podwall-verify-{run}"


def _pod_spec(
    image: str, words: Iterable[str], environment: Mapping[str, str], seconds: int
) -> dict[str, Any]:
    """Return the spec of a pod that the restricted profile admits.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
    variables = [{"name": key, "value": value} for key, value in environment.items()]
    container = {
        "name": "probe",
        "image": image,
        "command": list(words),
        "env": [*variables, node],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "200m", "memory": "64Mi"},
        },
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "activeDeadlineSeconds": seconds + _STARTING,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }


_STARTING: Final = 90
"""So many seconds a pod may take until its container runs, the image included."""
