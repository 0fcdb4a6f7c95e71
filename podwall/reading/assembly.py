"""Make the snapshot: every object once, and none that another one stands for.

A dump of a cluster has a controller and its pods. Where their labels agree the controller stands
for them; a pod whose labels differ is one by itself, for policies select pods by their own labels.
https://kubernetes.io/docs/concepts/services-networking/network-policies/

Of objects with one name the last one is kept, and nothing that a controller here has made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from podwall.calico import CalicoAccount, CalicoPolicy, CalicoSet, CalicoTier
from podwall.model import (
    CiliumPolicy,
    LabelMap,
    Policy,
    ServerCall,
    Service,
    Snapshot,
    SnapshotNamespace,
    SnapshotNode,
    SnapshotWorkload,
    TierPolicy,
    Unknown,
    UnreadPolicy,
    undeclared_labels,
)
from podwall.policies.errors import Finding, Severity
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed
from podwall.reading.ledger import (
    DeclaredCluster,
    Document,
    LedgerEntry,
    ObjectStatus,
    named_in,
    single_objects,
)
from podwall.reading.made_pods import PodKinds, with_referred_templates
from podwall.reading.metadata import ManifestObject, read_object
from podwall.reading.objects import ObjectReading, SnapshotPart, ledger_entry, malformed, read_part
from podwall.reading.pod_kinds import POD_KINDS
from podwall.reading.policies import server_calls
from podwall.reading.shown_names import shown_namespaces, shown_parts, with_shown_namespaces
from podwall.reading.workloads import KEYS, nodes, service_accounts, with_controller_labels

if TYPE_CHECKING:
    from podwall.reading.cilium_peers import CidrGroup  # few clusters have one

__all__ = [
    "KeptReadings",
    "SnapshotReading",
    "last_of_each",
    "snapshot",
    "with_distinct_names",
    "with_live_labels",
    "without_owned",
]

_PodIdentity = tuple[str, str | Unknown, str]


def with_live_labels(reads: Sequence[ObjectReading]) -> list[ObjectReading]:
    """Return objects with the pods apart whose labels are not those of their controller.

    Such a pod has no owner any more, and its controller one pod less.
    """
    by_identity = {_pod_identity(each.item): each for each in reads}
    taken: Counter[_PodIdentity] = Counter()
    found = []
    for read in reads:
        root = _root(read, by_identity) if read.item.kind == "Pod" else None
        if root is not None and _labels(read) != _labels(root):
            taken[_pod_identity(root.item)] += 1
            found.append(replace(read, item=replace(read.item, owner=None)))
        else:
            found.append(read)
    if not taken:
        return found
    return [_with_fewer(each, taken[_pod_identity(each.item)]) for each in found]


def _pod_identity(item: ManifestObject) -> _PodIdentity:
    return item.kind, item.namespace, item.name


def _root(
    read: ObjectReading, by_identity: Mapping[_PodIdentity, ObjectReading]
) -> ObjectReading | None:
    """Return the outermost controller of a pod that is here, None where there is none."""
    found, seen, item = None, set[_PodIdentity](), read.item
    while item.owner is not None and _pod_identity(item) not in seen:
        seen.add(_pod_identity(item))
        above = by_identity.get((item.owner.kind, item.namespace, item.owner.name))
        if above is None:
            break
        found, item = above, above.item
    return found


def _labels(read: ObjectReading) -> LabelMap | None:
    """Return the labels of pods without those that every controller adds."""
    part = read.part
    if not isinstance(part, SnapshotWorkload):
        return None
    own = tuple(item for item in part.labels.items if item[0] not in KEYS)
    return LabelMap(own, part.labels.more)


def _with_fewer(read: ObjectReading, pods: int) -> ObjectReading:
    """Return a controller without some of its pods; a DaemonSet has always more than one."""
    part = read.part
    if not pods or not isinstance(part, SnapshotWorkload) or read.item.kind == "DaemonSet":
        return read
    if isinstance(part.replicas, Unknown):
        return read
    return replace(read, part=replace(part, replicas=max(0, part.replicas - pods)))


Identity = tuple[str, str, str | Unknown, str]


def with_distinct_names(objects: Iterable[ManifestObject]) -> Iterator[ManifestObject]:
    """Number the stand-ins of generated names, so that each object keeps a name of its own."""
    seen: dict[Identity, int] = {}
    for item in objects:
        if item.generated is None:
            yield item
            continue
        count = seen[_identity(item)] = seen.get(_identity(item), 0) + 1
        yield item if count == 1 else replace(item, name=f"{item.name}{count}")


def last_of_each(reads: Iterable[ObjectReading]) -> tuple[list[ObjectReading], list[Finding]]:
    """Return what stays when all are applied in turn, and a finding on each repetition."""
    last: dict[Identity, ObjectReading] = {}
    findings = []
    for read in reads:
        identity = _identity(read.item)
        if identity in last:
            findings.append(_repeated(last[identity], read))
        last[identity] = read
    return list(last.values()), findings


def without_owned(reads: Sequence[ObjectReading]) -> list[ObjectReading]:
    """Leave out pods that a controller made that is here itself, so that no pod counts twice.

    A policy or a service that a controller owns is there beside it, and acts as any other.
    """
    present = {
        (read.item.kind, read.item.namespace, read.item.name)
        for read in reads
        if isinstance(read.part, SnapshotWorkload)
    }
    return [
        read
        for read in reads
        if not isinstance(read.part, SnapshotWorkload) or _owner(read.item) not in present
    ]


def without_guesses(reads: Sequence[ObjectReading]) -> list[ObjectReading]:
    """Leave out what an operator would make of an object, where pods that it has made are here."""
    made = {_owner(read.item) for read in reads if isinstance(read.part, SnapshotWorkload)}
    return [
        read
        for read in reads
        if not read.is_guess or (read.item.kind, read.item.namespace, read.item.name) not in made
    ]


def _owner(item: ManifestObject) -> tuple[str, str | Unknown, str] | None:
    return (item.owner.kind, item.namespace, item.owner.name) if item.owner else None


def _identity(item: ManifestObject) -> Identity:
    namespace = item.namespace if item.is_in_a_namespace else ""
    return item.group, item.kind, namespace, item.name


def _repeated(first: ObjectReading, second: ObjectReading) -> Finding:
    item = second.item
    same = first.part == second.part
    return Finding(
        "duplicate-object",
        Severity.INFO if same else Severity.ERROR,
        f"{item} is written twice{'' if same else ', differently'}: first at {first.item.place}",
        item.place,
        "one object has one name; the last one written is taken",
    )


class _KeptReading(NamedTuple):
    """What an object is, what became of it, and the services that it makes the API server call."""

    read: ObjectReading
    entry: LedgerEntry
    calls: tuple[ServerCall, ...]


@dataclass(frozen=True, slots=True)
class _Settled:
    """The objects that are no policies: which of them count, and the nodes that they tell of."""

    reads: list[ObjectReading]
    used: list[ObjectReading]
    repeated: list[Finding]
    nodes: tuple[SnapshotNode, ...]
    accounts: tuple[CalicoAccount, ...]
    cidr_groups: tuple[CidrGroup, ...]

    @classmethod
    def of(cls, reads: list[ObjectReading]) -> _Settled:
        """Settle them: nothing counts twice, and pods by their own labels."""
        last, repeated = last_of_each(read for read in reads if read.part is not None)
        used = without_owned(with_live_labels(without_guesses(last)))
        items = [read.item for read in reads]
        accounts = service_accounts(items)
        return cls(reads, used, repeated, nodes(items), accounts, _cidr_groups(items))


def _cidr_groups(items: Sequence[ManifestObject]) -> tuple[CidrGroup, ...]:
    """Return the groups of CIDRs, which only Cilium has."""
    if all(each.group != "cilium.io" for each in items):
        return ()
    from podwall.reading.cilium_peers import cidr_groups  # noqa: PLC0415 - few clusters have one

    return cidr_groups(items)


class KeptReadings:
    """What was read of documents, kept for the next snapshot of a cluster that is followed.

    A document is known again if it is the same object in memory, for nothing changes one. What is
    not among the documents of a snapshot is forgotten with it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._items: dict[int, tuple[Document, ManifestObject]] = {}
        self._reads: dict[int, _KeptReading] = {}
        self._settled = _Settled.of([])

    def items(
        self, documents: Iterable[Document]
    ) -> tuple[list[ManifestObject], list[_BrokenObject]]:
        """Return the objects of documents, and what is none; only new documents are looked at."""
        before, self._items = self._items, {}
        objects, broken = list[ManifestObject](), list[_BrokenObject]()
        for document in documents:
            known = before.get(id(document))
            if known is None:
                found, wrong = _objects([document])
                broken += wrong
                if wrong:
                    continue
                known = document, found[0]
            self._items[id(document)] = known
            objects.append(known[1])
        return objects, broken

    def reads(self, items: Iterable[ManifestObject], kinds: PodKinds) -> list[_KeptReading]:
        """Return what objects are, and what became of each; only new ones are read."""
        before, self._reads = self._reads, {}
        found = list[_KeptReading]()
        for item in items:
            known = before.get(id(item))
            if known is None:
                read = read_part(item, kinds)
                known = _KeptReading(read, ledger_entry(read), server_calls(item))
            self._reads[id(item)] = known
            found.append(known)
        return found

    def settled(self, reads: list[ObjectReading]) -> _Settled:
        """Return which of the objects count that are no policies; the same ones are known again."""
        before = self._settled.reads
        if len(before) != len(reads) or not all(map(is_, before, reads)):
            self._settled = _Settled.of(reads)
        return self._settled


P = TypeVar("P", bound=SnapshotPart)
ANY_CLUSTER: Final = DeclaredCluster()


@dataclass(frozen=True, slots=True)
class SnapshotReading:
    """A snapshot, the findings on its documents, and what became of each of their objects."""

    snapshot: Snapshot
    findings: tuple[Finding, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()


def snapshot(
    documents: Iterable[Document],
    *,
    complete: bool = False,
    cluster: DeclaredCluster = ANY_CLUSTER,
    kinds: PodKinds = POD_KINDS,
    kept: KeptReadings | None = None,
) -> SnapshotReading:
    """Return what a cluster will contain once these documents are applied to it.

    Objects that the API server would refuse are left out, each with a finding, and the rest is
    read. `complete` says that what is not here does not exist (a live cluster). `kinds` are those
    of other APIs whose controllers make pods from words of their own. `kept` is what the snapshot
    before has read, under the same `kinds`.

    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    >>> [workload.name for workload in snapshot([Document(pod)]).snapshot.workloads]
    ['web']
    """
    listed = list(single_objects(documents))
    names = shown_namespaces(listed)
    kept_readings = KeptReadings() if kept is None else kept
    objects, broken = kept_readings.items(with_shown_namespaces(listed, names))
    readings = kept_readings.reads(with_referred_templates(with_distinct_names(objects)), kinds)
    reads = [each.read for each in readings]
    acting = [read for read in reads if isinstance(read.part, Policy | TierPolicy)]
    last, repeated = last_of_each(acting)
    settled = kept_readings.settled(
        [read for read in reads if not isinstance(read.part, Policy | TierPolicy)]
    )
    used = [*settled.used, *last]
    parts = shown_parts(used, names)
    findings = [each.finding for each in broken]
    findings += [finding for read in reads for finding in read.findings]
    return SnapshotReading(
        replace(
            _snapshot(parts, tuple(_unread(reads)), cluster, settled, complete=complete),
            nodes=settled.nodes,
            calico_accounts=settled.accounts,
            server_calls=tuple(_server_calls(readings, _service_names(used, parts[: len(used)]))),
        ),
        (*findings, *settled.repeated, *repeated),
        (*(each.entry() for each in broken), *(each.entry for each in readings)),
    )


class _BrokenObject(NamedTuple):
    """An object that is none to the API server, and why."""

    document: Document
    finding: Finding

    def entry(self) -> LedgerEntry:
        kind, name = named_in(self.document.manifest)
        place, unread = self.document.place, ObjectStatus.UNREAD
        return LedgerEntry(kind, name, place, unread, self.finding.message)


def _objects(documents: Iterable[Document]) -> tuple[list[ManifestObject], list[_BrokenObject]]:
    objects, broken = [], []
    for document in documents:
        try:
            item = read_object(document.manifest, document.place)
            objects.append(replace(item, called=document.called) if document.called else item)
        except Malformed as problem:
            broken.append(_BrokenObject(document, malformed(problem, document.place)))
    return objects, broken


def _unread(reads: Sequence[ObjectReading]) -> Iterator[UnreadPolicy]:
    """Yield what may decide and is not read, in its namespace if a definition says it is in one."""
    if not any(read.unread for read in reads):
        return
    from podwall.reading.unread_objects import kinds_in_namespaces  # noqa: PLC0415 - as above

    namespaced = kinds_in_namespaces(read.item for read in reads)
    for read in reads:
        of_default = (read.item.group, read.item.kind) in namespaced and read.is_unknown
        for each in read.unread:
            yield replace(each, namespace=read.item.namespace) if of_default else each


def _service_names(
    reads: list[ObjectReading], parts: list[SnapshotPart]
) -> dict[tuple[str | Unknown, str], str]:
    """Return what services are shown as, by their namespace and name."""
    return {
        (read.part.namespace, read.part.name): part.name
        for read, part in zip(reads, parts, strict=True)
        if isinstance(read.part, Service) and isinstance(part, Service)
    }


def _server_calls(
    readings: Iterable[_KeptReading], names: dict[tuple[str | Unknown, str], str]
) -> Iterator[ServerCall]:
    """Yield the API server's calls to services, by the names that these are shown by."""
    last = {_identity(each.read.item): each.calls for each in readings if each.calls}
    for call in (call for calls in last.values() for call in calls):
        yield replace(call, service=names.get((call.namespace, call.service), call.service))


def _for_cilium(
    parts: Sequence[SnapshotPart],
    services: Sequence[Service],
    groups: Sequence[CidrGroup],
    *,
    complete: bool,
) -> Iterator[CiliumPolicy]:
    """Yield the policies that are written for Cilium, with what their names stand for."""
    written = [part for part in parts if isinstance(part, CiliumPolicy)]
    if written:
        from podwall.reading.cilium_peers import resolved  # noqa: PLC0415 - few clusters have one

        yield from resolved(written, services, groups, complete=complete)


def _snapshot(
    parts: list[SnapshotPart],
    unread: tuple[UnreadPolicy, ...],
    cluster: DeclaredCluster,
    settled: _Settled,
    *,
    complete: bool,
) -> Snapshot:
    policies = tuple(part for part in parts if isinstance(part, Policy))
    services = tuple(part for part in parts if isinstance(part, Service))
    cilium = tuple(_for_cilium(parts, services, settled.cidr_groups, complete=complete))
    calico = tuple(part for part in parts if isinstance(part, CalicoPolicy))
    written = tuple(part for part in parts if isinstance(part, SnapshotWorkload))
    workloads = with_controller_labels(written, policies, services)
    declared = [part for part in parts if isinstance(part, SnapshotNamespace)]
    used: set[str | Unknown] = {
        *_namespaces_of((*workloads, *policies, *services, *cilium, *calico)),
    }
    missing = used - {item.name for item in declared}
    return Snapshot(
        namespaces=(*declared, *_undeclared_ones(missing, complete=complete)),
        workloads=workloads,
        policies=policies,
        services=services,
        engine=cluster.engine,
        kubernetes_version=cluster.kubernetes_version,
        engine_version=cluster.engine_version,
        pod_cidrs=cluster.pod_cidrs,
        ip_families=cluster.ip_families,
        complete=complete,
        unread_policies=unread,
        tier_policies=tuple(part for part in parts if isinstance(part, TierPolicy)),
        cilium_policies=cilium,
        calico_policies=calico,
        calico_tiers=tuple(part for part in parts if isinstance(part, CalicoTier)),
        calico_sets=tuple(part for part in parts if isinstance(part, CalicoSet)),
        cluster=cluster.name,
    )


def _undeclared_ones(
    names: Iterable[str | Unknown], *, complete: bool
) -> Iterator[SnapshotNamespace]:
    for name in sorted(each for each in names if isinstance(each, str)):
        yield _undeclared(name, complete=complete)


def _namespaces_of(
    parts: Iterable[SnapshotWorkload | Policy | Service | CiliumPolicy | CalicoPolicy],
) -> Iterator[str | Unknown]:
    return (each.namespace for each in parts if each.namespace is not None)


def _undeclared(name: str, *, complete: bool) -> SnapshotNamespace:
    """Return a namespace that objects are in, but that the source does not declare."""
    return SnapshotNamespace(name, undeclared_labels(name, complete=complete))
