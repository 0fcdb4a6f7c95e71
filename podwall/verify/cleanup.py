"""What owns all that a run makes, and how it is removed: of this run, and what an earlier one left.

The owner of temporary pods is a ConfigMap, whose owner is a Job that makes no pods, ends at a
deadline and is then removed by the cluster itself, and with it all that it owns: also where whoever
made it is gone.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, connected
from podwall.quick_dataclass import dataclass
from podwall.verify.comparing import RUN_LABEL
from podwall.verify.temporary import owned_labels, owner_name, pod_spec

__all__ = [
    "Leftover",
    "cleaned_up",
    "leftovers",
    "make_owner",
    "old_namespaces",
    "other_runs",
    "owner_manifest",
    "removed",
    "removed_run",
    "timer_manifest",
]

_GRACE: Final = 300
"""So many seconds may pass between making the owner and the last pod's end, beside its own time."""

_NOT_FOUND: Final = 404
_NOW: Final = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}


def timer_manifest(run: str, namespace: str, seconds: int) -> Mapping[str, Any]:
    """Return the Job that ends a run in a namespace after so many seconds, and makes no pods."""
    template = {
        "metadata": {"labels": owned_labels(run)},
        "spec": pod_spec("none.invalid/never-run", ("true",), {}, 1),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": owner_name(run), "namespace": namespace, "labels": owned_labels(run)},
        "spec": {
            "parallelism": 0,
            "activeDeadlineSeconds": seconds + _GRACE,
            "ttlSecondsAfterFinished": 0,
            "template": template,
        },
    }


def owner_manifest(run: str, namespace: str, timer_uid: str) -> Mapping[str, Any]:
    """Return the ConfigMap that owns the pods of a run in a namespace, and is the timer's own."""
    timer = {"apiVersion": "batch/v1", "kind": "Job", "name": owner_name(run), "uid": timer_uid}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": owner_name(run),
            "namespace": namespace,
            "labels": owned_labels(run),
            "ownerReferences": [timer],
        },
        "data": {"about": "owns the temporary pods of `podwall verify`, which go with it"},
    }


class _CreatedOwner(msgspec.Struct):
    metadata: _OwnMetadata


class _OwnMetadata(msgspec.Struct):
    uid: str


def make_owner(connection: ApiConnection, run: str, namespace: str, seconds: int) -> str:
    """Make the owner of a run's pods in a namespace, with its timer, and return its uid.

    Raises:
        ClusterError: the cluster does not answer, or does not let it be made.
    """

    def made(path: str, body: Mapping[str, Any]) -> str:
        answer = connection.send(ApiRequest("POST", path, body=body))
        return msgspec.json.decode(answer, type=_CreatedOwner).metadata.uid

    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    timer = made(jobs, timer_manifest(run, namespace, seconds))
    owners = f"/api/v1/namespaces/{namespace}/configmaps"
    return made(owners, owner_manifest(run, namespace, timer))


@dataclass(frozen=True, slots=True)
class Leftover:
    """What runs have made in a namespace; `run` is the one that did."""

    namespace: str
    run: str
    paths: tuple[str, ...]


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    labels: dict[str, str]
    namespace: str = ""
    creation_timestamp: str = ""


class _Item(msgspec.Struct):
    metadata: _Metadata


class _Items(msgspec.Struct):
    items: list[_Item]


_ITEMS: Final = msgspec.json.Decoder(_Items)


def leftovers(connection: ApiConnection, namespace: str | None = None) -> tuple[Leftover, ...]:
    """Return what verifications have made and is still there, in one namespace or in all.

    Raises:
        ClusterError: the cluster does not answer, or does not let it be listed.
    """
    found: dict[tuple[str, str], list[str]] = {}
    inside = f"/namespaces/{namespace}" if namespace else ""
    for root, plural in (("/api/v1", "pods"), ("/apis/batch/v1", "jobs")):
        answer = connection.get(f"{root}{inside}/{plural}", labelSelector=RUN_LABEL)
        for each in _ITEMS.decode(answer).items:
            meta = each.metadata
            path = f"{root}/namespaces/{meta.namespace}/{plural}/{meta.name}"
            found.setdefault((meta.namespace, meta.labels[RUN_LABEL]), []).append(path)
    for own in _namespaces(connection) if namespace is None else ():
        key = own.name, own.labels[RUN_LABEL]
        found.setdefault(key, []).append(f"/api/v1/namespaces/{own.name}")
    return tuple(Leftover(*key, tuple(paths)) for key, paths in found.items())


def other_runs(connection: ApiConnection, namespaces: Iterable[str]) -> Iterator[str]:
    """Yield a sentence on each run that has pods in one of some namespaces.

    Raises:
        ClusterError: the cluster does not answer, or does not let them be listed.
    """
    for namespace in namespaces:
        for each in leftovers(connection, namespace):
            yield (
                f"run `{each.run}` has pods in `{namespace}`: it runs elsewhere, or was stopped; "
                "`podwall verify --cleanup` removes what it left"
            )


def _namespaces(connection: ApiConnection) -> Iterator[_Metadata]:
    """Yield the namespaces that walkthroughs have made."""
    answer = connection.get("/api/v1/namespaces", labelSelector=RUN_LABEL)
    yield from (each.metadata for each in _ITEMS.decode(answer).items)


def old_namespaces(
    connection: ApiConnection, now: str, seconds: float
) -> tuple[tuple[Leftover, ...], tuple[str, ...]]:
    """Return the namespaces of walkthroughs that are over for certain, and the names of others.

    Args:
        connection: to the cluster.
        now: the time by the API server's clock, in RFC 3339: this machine's may be wrong.
        seconds: how long a walkthrough takes at most.

    Raises:
        ClusterError: the cluster does not answer, or does not let them be listed.
    """
    latest = datetime.fromisoformat(now) - timedelta(seconds=seconds)
    over, others = list[Leftover](), list[str]()
    for each in _namespaces(connection):
        if datetime.fromisoformat(each.creation_timestamp) < latest:
            path = f"/api/v1/namespaces/{each.name}"
            over.append(Leftover(each.name, each.labels[RUN_LABEL], (path,)))
        else:
            others.append(each.name)
    return tuple(over), tuple(others)


def removed(connection: ApiConnection, left: Iterable[Leftover]) -> Iterator[str]:
    """Remove what is left, and yield a sentence on each run and namespace.

    Raises:
        ClusterError: the cluster does not answer, or does not let it be removed.
    """
    for each in left:
        owner = f"/api/v1/namespaces/{each.namespace}/configmaps/{owner_name(each.run)}"
        for path in (*each.paths, owner):
            _remove(connection, path)
        yield f"removed from `{each.namespace}` what run `{each.run}` had left behind"


def cleaned_up(context: KubeContext, namespace: str | None = None) -> Iterator[str]:
    """Remove what all runs have left in a cluster, in one namespace or in all, and yield what.

    Raises:
        SourceError: there is no such cluster, it does not answer, or it refuses.
    """
    with connected(context) as connection:
        left = leftovers(connection, namespace)
        yield from removed(connection, left)
    if not left:
        yield "nothing is left behind"


def removed_run(connection: ApiConnection, run: str, namespaces: Sequence[str]) -> tuple[str, ...]:
    """Remove all that one run has made, and return what could not be removed, in sentences."""
    notes = []
    for namespace in namespaces:
        try:
            mine = [each for each in leftovers(connection, namespace) if each.run == run]
            for _ in removed(connection, mine or [Leftover(namespace, run, ())]):
                pass
        except ClusterError as problem:
            notes.append(
                f"run `{run}` left something behind in `{namespace}` ({problem.message}): it ends "
                "by itself, or by `podwall verify --cleanup`"
            )
    return tuple(notes)


def _remove(connection: ApiConnection, path: str) -> None:
    try:
        connection.send(ApiRequest("DELETE", path, body=_NOW))
    except ClusterError as problem:
        if problem.code != _NOT_FOUND:
            raise
