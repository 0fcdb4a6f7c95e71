"""What one changed policy costs a cluster that is followed: python -m benchmarks.following.

No server is asked: the objects of `benchmarks.running_cluster` are decoded as if one had listed
them, and each change is what a watch would hand on. `python -m benchmarks.following PODS POLICIES`
takes other numbers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec

from benchmarks import running_cluster
from podwall.change_review import ChangeReview, WatchedCluster
from podwall.cli.arguments import paused_collector
from podwall.live.cluster import ClusterReading, ReadingScope, reading_of
from podwall.live.connection import ApiConnection
from podwall.live.copies import PodAddresses, decides_nothing
from podwall.live.listing import PODS, POLICIES, READ, ApiKind, GatheredLists
from podwall.live.watching import ClusterChange, ClusterWatch, WatchedObject
from podwall.model import IpProtocol
from podwall.policies.errors import Place
from tests.live.objects import namespace, policy

_CHANGES: Final = 9
_TEAMS: Final = 20
_CONNECTION = cast("ApiConnection", SimpleNamespace(name="lab", place=Place("https://lab.example")))


class _Followed:
    """A cluster in which a policy is added now and then."""

    def __init__(self) -> None:
        kinds: dict[str, ApiKind[Any]] = {each.kind: each for each in READ}
        self._lists: dict[ApiKind[Any], list[Any]] = {each: [] for each in kinds.values()}
        for each in (
            *(namespace(f"team-{number}", team=f"team-{number}") for number in range(_TEAMS)),
            *running_cluster.objects(),
        ):
            kind = kinds[each["kind"]]
            self._lists[kind].append(_decoded(each, kind))
        self._scope = ReadingScope(kubernetes="v1.34.4")

    def first(self) -> ClusterReading:
        lists = {kind: tuple(each) for kind, each in self._lists.items()}
        return reading_of(_CONNECTION, GatheredLists(lists), (), self._scope)

    def changes(self, _: float | None = None) -> Iterator[ClusterChange]:
        for number in range(_CHANGES):
            spec = {"podSelector": {"matchLabels": {"app": f"app-{number * _TEAMS + 1}"}}}
            added = policy("team-1", f"new-{number}", {**spec, "policyTypes": ["Ingress"]})
            self._lists[POLICIES].append(_decoded(added, POLICIES))
            seen = WatchedObject("NetworkPolicy", f"team-1/new-{number}", "added")
            yield ClusterChange(self.first(), (seen,))

    def copied(self, cluster: WatchedCluster) -> float:
        """Return the seconds that one more pod of a ReplicaSet costs, up to its difference."""
        objects = {
            kind: {(each.metadata.namespace, each.metadata.name): each for each in found}
            for kind, found in self._lists.items()
        }
        pod = next(each for each in self._lists[PODS] if each.metadata.owner_references)
        begin = time.process_time()
        if not decides_nothing(PODS, None, pod, objects, PodAddresses()):
            raise SystemExit("a copy is not taken for one")
        list(ChangeReview(cluster.review, cluster.review).difference.port_changes())
        return time.process_time() - begin


def _decoded(found: dict[str, Any], kind: ApiKind[Any]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(found), type=kind.type)


def main() -> int:
    """Measure, and print a line."""
    if len(sys.argv) > 2:
        running_cluster.PODS, running_cluster.POLICIES = map(int, sys.argv[1:3])
    with paused_collector():
        watch = _Followed()
        begin = time.process_time()
        cluster = WatchedCluster(cast("ClusterWatch", watch), "cilium")
        cluster.review.reachability.verdict("team-0/app-0", "team-7/app-7", IpProtocol.TCP, 8080)
        first, seconds = time.process_time() - begin, []
        before = time.process_time()
        for change in cluster.changes():
            list(change.review.difference.port_changes())
            seconds.append(time.process_time() - before)
            before = time.process_time()
        copy = statistics.median(watch.copied(cluster) for _ in range(_CHANGES))
    print(
        f"{running_cluster.PODS:,} pods, {running_cluster.POLICIES:,} policies: the first analysis "
        f"{first:.2f} s of CPU, a changed policy {statistics.median(seconds):.3f} s, a pod that "
        f"comes as a copy {copy:.4f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
