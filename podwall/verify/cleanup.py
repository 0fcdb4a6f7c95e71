"""Remove what verifications have made: of this run, and what an earlier one left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, connected
from podwall.quick_dataclass import dataclass
from podwall.verify.comparing import RUN_LABEL

__all__ = [
    "Leftover",
    "cleaned_up",
    "leftovers",
    "old_namespaces",
    "removed",
    "removed_run",
]

_NOT_FOUND: Final = 404
_NOW: Final = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}


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
        owner = f"/api/v1/namespaces/{each.namespace}/configmaps/podwall-verify-{each.run}"
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
