"""What one changed object costs a cluster that is followed: python -m benchmarks.following.

No server is asked: the objects of `benchmarks.running_cluster` are decoded as if one had listed
them, and each change is what a watch would hand on. `python -m benchmarks.following PODS POLICIES`
takes other numbers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec

from benchmarks import running_cluster
from podwall.change_review import WatchedCluster
from podwall.cli.arguments import paused_collector
from podwall.live.cluster import ClusterReading, ObjectDocuments, ReadingScope, reading_of
from podwall.live.connection import ApiConnection
from podwall.live.copies import KnownObjects, PodAddresses, decides_nothing
from podwall.live.listing import PODS, POLICIES, READ, ApiKind, GatheredLists
from podwall.live.policy_effects import PolicyVersions
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

    now = first

    def changes(self, _: float | None = None) -> Iterator[ClusterChange]:
        """Yield policies for pods that are isolated, one for pods that are not, and copies."""
        for number in range(_CHANGES):
            yield self._policy(f"new-{number}", number * _TEAMS + 1)
        yield self._policy("first", running_cluster.PODS // running_cluster.ALIKE - _TEAMS + 1)
        for _ in range(_CHANGES):
            yield self._copy()

    def _policy(self, name: str, app: int) -> ClusterChange:
        spec = {"podSelector": {"matchLabels": {"app": f"app-{app}"}}, "policyTypes": ["Ingress"]}
        self._lists[POLICIES].append(_decoded(policy("team-1", name, spec), POLICIES))
        seen = WatchedObject("NetworkPolicy", f"team-1/{name}", "added")
        (document,) = ObjectDocuments().of("lab", {POLICIES: self._lists[POLICIES][-1:]})
        return ClusterChange(None, (seen,), (PolicyVersions(None, document),))

    def _copy(self) -> ClusterChange:
        """Return that one more pod of a ReplicaSet has come."""
        pod = next(each for each in self._lists[PODS] if each.metadata.owner_references)
        if not decides_nothing(PODS, None, pod, self._objects, PodAddresses()):
            raise SystemExit("a copy is not taken for one")
        return ClusterChange(None, (WatchedObject("Pod", "team-0/copy", "added"),))

    @cached_property
    def _objects(self) -> KnownObjects:
        return {
            kind: {(each.metadata.namespace, each.metadata.name): each for each in found}
            for kind, found in self._lists.items()
        }


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
        analysed, seconds = time.process_time() - begin, []
        before = time.process_time()
        for change in cluster.changes():
            found = len(list(change.review.difference.port_changes()))
            seconds.append((time.process_time() - before, found))
            before = time.process_time()
    alike, (first, opened), copies = seconds[:_CHANGES], seconds[_CHANGES], seconds[-_CHANGES:]
    policy_seconds, copy = (statistics.median(each for each, _ in some) for some in (alike, copies))
    print(
        f"{running_cluster.PODS:,} pods, {running_cluster.POLICIES:,} policies: the first analysis "
        f"{analysed:.2f} s of CPU, the first changed policy {alike[0][0]:.3f} s, then "
        f"{policy_seconds:.3f} s, one for pods that nothing isolated {first:.3f} s "
        f"({opened:,} changes), a pod that comes as a copy {copy:.4f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
