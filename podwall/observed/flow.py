"""Observed flows as plain values, and which endpoints of an analysis their ends are.

A pod is looked for by its controller, then by the name that controllers give to pods, then by its
labels, each time in its own namespace. Only one workload may fit: of two, it is neither. Addresses
count for what the recorder itself calls outside of the cluster; an address without an identity is
never taken for one outside, because it may be any pod's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from podwall.model import IpProtocol
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, WorkloadEndpoint

__all__ = [
    "RESERVED",
    "Fate",
    "FlowRecords",
    "NotCounted",
    "PlacedEnds",
    "SeenEnd",
    "SeenFlow",
    "Unplaced",
    "UnplacedReason",
]


class Fate(StrEnum):
    """What became of a flow: it arrived, it left and may be denied elsewhere, or it was denied.

    Each node records its own part of the way: what one lets out, another may still drop.
    """

    PASSED = "passed"
    LEFT = "left"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class SeenEnd:
    """One end of an observed flow; what the record leaves out is empty.

    `workload` and `kind` are the controller of the pod as the recorder found it. `labels` are those
    of the pod. `reserved` are the recorder's words for what is no pod, such as `world` and `host`.
    https://docs.cilium.io/en/stable/gettingstarted/terminology/#special-identities
    """

    address: str = ""
    namespace: str = ""
    pod: str = ""
    workload: str = ""
    kind: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    reserved: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Write the pod, or what stands for it.

        >>> print(SeenEnd("10.0.0.9", reserved=frozenset({"health"})), SeenEnd("10.0.0.9"))
        health (10.0.0.9) 10.0.0.9
        """
        if self.namespace:
            return f"{self.namespace}/{self.pod or self.workload or 'a pod without a name'}"
        words = ", ".join(sorted(self.reserved))
        return f"{words} ({self.address})" if words and self.address else words or self.address


RESERVED = {
    1: "host",
    2: "world",
    3: "unmanaged",
    4: "health",
    5: "init",
    6: "remote-node",
    7: "kube-apiserver",
    8: "ingress",
    9: "world-ipv4",
    10: "world-ipv6",
}
"""The numbers of Cilium's reserved identities.

https://docs.cilium.io/en/stable/gettingstarted/terminology/#special-identities
"""


@dataclass(frozen=True, slots=True)
class SeenFlow:
    """A connection from a client to a port of a server, and how often its record stands for it.

    `source` is the client, also where the record is of a reply. The port of `OTHER`, such as ICMP,
    is 0.
    """

    source: SeenEnd
    destination: SeenEnd
    protocol: IpProtocol
    port: int
    fate: Fate = Fate.PASSED
    times: int = 1


_MOST_FINDINGS: Final = 10


class NotCounted(StrEnum):
    """Why a record that could be read counts as no flow."""

    OTHER_EVENT = "events of another kind"
    OTHER_DROP = "dropped, and not by a policy"
    NO_VERDICT = "without a verdict"
    NO_DIRECTION = "neither a request nor a reply for certain"
    BEFORE_SERVICE = "to a service, before its address is translated"
    NO_PORT = "without a protocol or a port"


@dataclass(slots=True)
class FlowRecords:
    """What became of the records: filled while they are read.

    `lost` is how many events the recorder itself says were lost. `first` and `last` are the times
    of the records that were read, to the second, in RFC 3339; empty without any.
    """

    counted: int = 0
    not_counted: Counter[NotCounted] = field(default_factory=Counter)
    unreadable: int = 0
    lost: int = 0
    first: str = ""
    last: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many records there were, those that can't be read included."""
        return self.counted + self.not_counted.total() + self.unreadable

    def note_time(self, time: str) -> None:
        """Widen the time that the records cover."""
        second = time[: len("2026-01-01T00:00:00")]
        if second:
            self.first = min(self.first or second, second)
            self.last = max(self.last, second)

    def refuse(self, problem: str, place: Place) -> None:
        """Count a line that is no record, and keep the first ones as findings."""
        self.unreadable += 1
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(
                Finding(
                    "flow-record-not-read",
                    Severity.WARNING,
                    f"this line is no flow record: {problem}",
                    place,
                    "give one JSON object a line; `jq -c '.[]'` makes lines of a list",
                )
            )


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
