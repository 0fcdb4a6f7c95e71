"""What one changed object costs a cluster that is followed: python -m benchmarks.following.

No server is asked: the objects of `benchmarks.running_cluster` are decoded as if one had listed
them, and each change is put where a watch puts what it hears. `python -m benchmarks.following PODS
POLICIES` takes other numbers. Each sort of change comes several times in a row: once after another
sort, then again. What is indexed again after a full analysis counts to that.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec

from benchmarks import running_cluster
from podwall.change_review import WatchedCluster
from podwall.cli.arguments import paused_collector
from podwall.live.cluster import ClusterReading, ReadingScope, reading_of
from podwall.live.connection import ApiConnection
from podwall.live.listing import READ, ApiKind, GatheredLists
from podwall.live.watching import ClusterWatch, Pace, _Marked, _Seen
from podwall.model import IpProtocol
from podwall.policies.errors import Place
from tests.live.objects import controller, namespace, pod, policy

_TIMES: Final = 5
_TEAMS: Final = 20
_CONNECTION = cast("ApiConnection", SimpleNamespace(name="lab", place=Place("https://lab.example")))
_KINDS: Final[dict[str, ApiKind[Any]]] = {each.kind: each for each in READ}


class _Followed(ClusterWatch):
    """A cluster that is followed without a server."""

    def __init__(self) -> None:
        super().__init__(_CONNECTION, pace=Pace(quiet=0))
        self._scope = ReadingScope(kubernetes="v1.34.4")
        for each in (
            *(namespace(f"team-{number}", team=f"team-{number}") for number in range(_TEAMS)),
            *running_cluster.objects(),
        ):
            found = _decoded(each, _KINDS[each["kind"]])
            key = found.metadata.namespace, found.metadata.name
            self._objects.setdefault(_KINDS[each["kind"]], {})[key] = found

    def first(self) -> ClusterReading:
        lists = {kind: tuple(each.values()) for kind, each in self._objects.items()}
        return reading_of(_CONNECTION, GatheredLists(lists), (), self._scope)

    def now(self) -> ClusterReading:
        return self.first()

    def _are_kinds_new(self) -> bool:
        return False

    def hear(self, found: dict[str, Any], event: str = "MODIFIED") -> None:
        """Take an object as it is now, or as it was before it was deleted."""
        kind = _KINDS[found["kind"]]
        each = _decoded(found, kind)
        key = each.metadata.namespace, each.metadata.name
        now = None if event == "DELETED" else each
        self._seen.put(_Seen(kind, key, now, event, _Marked()))


def _policy(number: int) -> dict[str, Any]:
    """Return a policy for pods that others isolate as well."""
    app = {"matchLabels": {"app": f"app-{number * _TEAMS + 1}"}}
    return policy("team-1", f"new-{number}", {"podSelector": app, "policyTypes": ["Ingress"]})


def _opening(number: int) -> dict[str, Any]:
    """Return one that is there, with a further client."""
    app = number * _TEAMS + 2
    peers = [{"podSelector": {"matchLabels": {"app": f"app-{app + 5 * _TEAMS}"}}}]
    spec = {
        "podSelector": {"matchLabels": {"app": f"app-{app}"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": peers, "ports": [{"port": 8080}]}],
    }
    return policy("team-2", f"app-{app}-ingress", spec)


def _of_app(kind: str, number: int, app: int) -> dict[str, Any]:
    """Return a pod or controller with the labels of an app of its namespace."""
    where, name = f"team-{app % _TEAMS}", f"single-{number}"
    if kind == "Pod":
        return pod(where, name, app=f"app-{app}")
    found = controller(kind, where, name)
    found["spec"]["template"]["metadata"]["labels"] = {"app": f"app-{app}"}
    found["spec"]["selector"] = {"matchLabels": {"app": f"app-{app}"}}
    return found


def _service(number: int) -> dict[str, Any]:
    metadata = {"namespace": "team-3", "name": f"service-{number}"}
    spec = {"selector": {"app": f"app-{number * _TEAMS + 3}"}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _exposed(number: int) -> dict[str, Any]:
    """Return a service whose clients come in through nodes."""
    found = _service(number)
    found["spec"] |= {"type": "LoadBalancer"}
    return found


def _of_teams(number: int) -> dict[str, Any]:
    """Return a policy that lets the pods of a team's namespaces in."""
    peers = [{"namespaceSelector": {"matchLabels": {"team": f"t{number}"}}}]
    app = {"matchLabels": {"app": f"app-{number * _TEAMS + 5}"}}
    spec = {"podSelector": app, "policyTypes": ["Ingress"], "ingress": [{"from": peers}]}
    return policy("team-5", f"teams-{number}", spec)


def _copy(number: int) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "app-0-b", "controller": True}
    labels = {"app": "app-0", "tier": "web", "team": "team-0"}
    return pod("team-0", f"app-0-b-more-{number}", owner=owner, **labels)


_SORTS: Final[dict[str, Callable[[int], tuple[dict[str, Any], str]]]] = {
    "a policy is added": lambda n: (_policy(n), "ADDED"),
    "a policy gets another peer": lambda n: (_opening(n), "MODIFIED"),
    "a policy is removed": lambda n: (_policy(n), "DELETED"),
    "a pod comes as a copy": lambda n: (_copy(n), "ADDED"),
    "a pod comes by itself": lambda n: (_of_app("Pod", n, n), "ADDED"),
    "a pod gets another label": lambda n: (_of_app("Pod", n, n + _TEAMS), "MODIFIED"),
    "a pod goes": lambda n: (_of_app("Pod", n, n + _TEAMS), "DELETED"),
    "a pod comes that nothing isolates": lambda n: (_of_app("Pod", n + 50, -_TEAMS), "ADDED"),
    "a Deployment comes": lambda n: (_of_app("Deployment", n + 100, n), "ADDED"),
    "a Deployment goes": lambda n: (_of_app("Deployment", n + 100, n), "DELETED"),
    "a service comes": lambda n: (_service(n), "ADDED"),
    "it lets clients in through nodes": lambda n: (_exposed(n), "MODIFIED"),
    "a namespace gets another label": lambda n: (namespace("team-4", team=f"t{n}"), "MODIFIED"),
    "a policy is added for namespaces with a label": lambda n: (_of_teams(n), "ADDED"),
    "a namespace gets such a label": lambda n: (namespace("team-6", team=f"t{n}"), "MODIFIED"),
    "a policy is added, once more": lambda n: (_policy(n + 20), "ADDED"),
}


def _decoded(found: dict[str, Any], kind: ApiKind[Any]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(found), type=kind.type)


def main() -> int:
    """Measure, and print a table."""
    if len(sys.argv) > 2:
        running_cluster.PODS, running_cluster.POLICIES = map(int, sys.argv[1:3])
    with paused_collector():
        watch = _Followed()
        begin = time.process_time()
        cluster = WatchedCluster(watch, "cilium")
        cluster.review.reachability.verdict("team-0/app-0", "team-7/app-7", IpProtocol.TCP, 8080)
        list(cluster.changes(0))
        analysed = time.process_time() - begin
        print(f"{running_cluster.PODS:,} pods, {running_cluster.POLICIES:,} policies, CPU seconds")
        print(f"the first analysis, with what is indexed for changes: {analysed:.2f}\n")
        print("| change | first | then | connections that differ | full analyses |")
        print("|---|---|---|---|---|")
        for sort, made in _SORTS.items():
            print(_row(cluster, watch, sort, made), flush=True)
    return 0


def _row(
    cluster: WatchedCluster,
    watch: _Followed,
    sort: str,
    made: Callable[[int], tuple[dict[str, Any], str]],
) -> str:
    seconds, differ, full = [], 0, cluster.full_analyses
    for number in range(_TIMES):
        watch.hear(*made(number))
        begin = time.process_time()
        for change in cluster.changes(0):
            differ = len(list(change.review.difference.port_changes()))
        seconds.append(time.process_time() - begin)
    first, then = seconds[0], statistics.median(seconds[1:])
    counted = f"{cluster.full_analyses - full} of {_TIMES}"
    return f"| {sort} | {first:.4f} | {then:.4f} | {differ:,} | {counted} |"


if __name__ == "__main__":
    sys.exit(main())
