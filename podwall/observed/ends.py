"""Which endpoint of an analysis an observed end is, or why that can't be told.

A pod is looked for by its controller, then by the name that controllers give to pods, then by its
labels, each time in its own namespace. Only one workload may fit: of two, it is neither. Addresses
count for what the recorder itself calls outside of the cluster; an address without an identity is
never taken for one outside, because it may be any pod's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from podwall.observed.flow import SeenEnd
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, WorkloadEndpoint

__all__ = ["PlacedEnds", "Unplaced", "UnplacedReason"]


class UnplacedReason(StrEnum):
    """Why an observed end is no endpoint of the analysis."""

    NOT_IN_SOURCE = "a pod that the source does not show"
    SEVERAL = "a pod that may be of several workloads"
    NODE = "a node that the source does not show"
    UNKNOWN = "an identity that is not known"
    NO_ADDRESS = "outside of the cluster, without an address"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An observed end that is no endpoint, and why."""

    reason: UnplacedReason
    end: str

    def __str__(self) -> str:
        """Write the end and the reason."""
        return f"{self.end}: {self.reason}"


_WORLD: Final = frozenset({"world", "world-ipv4", "world-ipv6"})
_NODES: Final = frozenset({"host", "remote-node", "kube-apiserver"})
_MOST_KEPT: Final = 100_000

#: How controllers name their pods: what follows their own name, and their kinds.
_NAMINGS: Final = (
    (re.compile(r"-[a-z0-9]{1,10}-[a-z0-9]{5}$"), frozenset({"Deployment", "Rollout", "CronJob"})),
    (re.compile(r"-[0-9]+$"), frozenset({"StatefulSet"})),
    (
        re.compile(r"-[a-z0-9]{5}$"),
        frozenset({"DaemonSet", "ReplicaSet", "ReplicationController", "Job"}),
    ),
)
#: What a controller adds to its own name for the objects between it and its pods.
_BETWEEN: Final = {
    "ReplicaSet": (re.compile(r"-[a-z0-9]{1,10}$"), frozenset({"Deployment", "Rollout"})),
    "Job": (re.compile(r"-[0-9]+$"), frozenset({"CronJob"})),
}


class PlacedEnds:
    """Finds the endpoints of an analysis that observed ends are; answers are kept, within limits.

    The id of an endpoint is that of the analysis, or the address of a node that the source shows.
    """

    def __init__(self, found: Reachability) -> None:
        """Sort the endpoints by name and by address."""
        self._nodes = found.cluster.nodes
        self._named: defaultdict[tuple[str, str], list[WorkloadEndpoint]] = defaultdict(list)
        self._of_namespace: defaultdict[str, list[WorkloadEndpoint]] = defaultdict(list)
        for each in found.workloads:
            namespaces = set[str]()
            for namespace, name in _names(each):
                self._named[namespace, name].append(each)
                namespaces.add(namespace)
            for namespace in namespaces:
                self._of_namespace[namespace].append(each)
        self._ranges = _RangesByAddress(
            (int(each.network.network_address), each.network.version, each.id)
            for each in found.externals
        )
        self._kept: dict[SeenEnd, str | Unplaced] = {}

    def place(self, end: SeenEnd) -> str | Unplaced:
        """Return the id of the endpoint that an observed end is, or why it is none."""
        known = self._kept.get(end)
        if known is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            known = self._kept[end] = self._placed(end)
        return known

    def _placed(self, end: SeenEnd) -> str | Unplaced:
        if end.namespace:
            return self._pod(end)
        if end.address in self._nodes and not end.reserved & _WORLD:
            return end.address
        if end.reserved & _NODES:
            return Unplaced(UnplacedReason.NODE, str(end))
        if end.reserved & _WORLD:
            return self._outside(end)
        return Unplaced(UnplacedReason.UNKNOWN, str(end) or "an end without any name")

    def _outside(self, end: SeenEnd) -> str | Unplaced:
        try:
            address = ip_address(end.address)
        except ValueError:
            return Unplaced(UnplacedReason.NO_ADDRESS, str(end))
        return self._ranges.of(address) or Unplaced(UnplacedReason.UNKNOWN, str(end))

    def _pod(self, end: SeenEnd) -> str | Unplaced:
        for candidates in (self._by_controller(end), self._by_name(end), self._by_labels(end)):
            ids = {each.id for each in candidates}
            if len(ids) == 1:
                return ids.pop()
            if ids:
                return Unplaced(UnplacedReason.SEVERAL, str(end))
        return Unplaced(UnplacedReason.NOT_IN_SOURCE, str(end))

    def _by_controller(self, end: SeenEnd) -> Iterator[WorkloadEndpoint]:
        """Yield the workload that the recorder names, or the one that made what it names."""
        if not end.workload:
            return
        named = self._named.get((end.namespace, end.workload), [])
        yield from (each for each in named if end.kind in {"", each.workload.kind})
        if end.kind in _BETWEEN:
            yield from self._without(end, end.workload, *_BETWEEN[end.kind])

    def _by_name(self, end: SeenEnd) -> Iterator[WorkloadEndpoint]:
        """Yield what a pod of such a name is, or may be a pod of."""
        named = self._named.get((end.namespace, end.pod), [])
        alone = [each for each in named if each.workload.kind == "Pod"]
        yield from alone
        for naming, kinds in _NAMINGS if not alone else ():
            yield from self._without(end, end.pod, naming, kinds)

    def _without(
        self, end: SeenEnd, name: str, ending: re.Pattern[str], kinds: frozenset[str]
    ) -> Iterator[WorkloadEndpoint]:
        own, count = ending.subn("", name)
        named = self._named.get((end.namespace, own), []) if count else []
        yield from (each for each in named if each.workload.kind in kinds)

    def _by_labels(self, end: SeenEnd) -> Iterator[WorkloadEndpoint]:
        """Yield the workloads all of whose labels the pod has, those with the most labels."""
        seen = frozenset(end.labels)
        fitting = [
            each
            for each in self._of_namespace[end.namespace]
            if each.workload.labels.items and seen.issuperset(each.workload.labels.items)
        ]
        most = max((len(each.workload.labels.items) for each in fitting), default=0)
        yield from (each for each in fitting if len(each.workload.labels.items) == most)


def _names(end: WorkloadEndpoint) -> Iterator[tuple[str, str]]:
    """Yield the names that a workload goes by, each with its namespace."""
    workload = end.workload
    if isinstance(workload.namespace, str):
        yield workload.namespace, workload.name
    for full in workload.also:
        namespace, _, name = full.rpartition("/")
        yield namespace, name


class _RangesByAddress:
    """Ranges that cover all addresses without overlapping, by their first addresses."""

    def __init__(self, ranges: Iterable[tuple[int, int, str]]) -> None:
        self._ids: dict[int, list[str]] = {4: [], 6: []}
        self._firsts: dict[int, list[int]] = {4: [], 6: []}
        for first, version, id_ in sorted(ranges):
            self._firsts[version].append(first)
            self._ids[version].append(id_)

    def of(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the range that has an address."""
        at = bisect_right(self._firsts[address.version], int(address)) - 1
        return self._ids[address.version][at] if at >= 0 else None
