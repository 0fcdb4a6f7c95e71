"""Which changes of a followed cluster decide nothing: pods that come and go as copies of others.

Of a controller and its pods the controller counts, as long as their labels agree: a further pod,
one less, or one that gets its address leaves the snapshot as it was. Such changes are by far the
most in any cluster, and what one costs must not grow with the cluster. So only what the changed
object says, and its controllers, are looked at; whatever is not certain to decide nothing is read
as any change.

What does decide something may be of one family alone: a pod or controller, those above it and those
below. What a family is read as depends on nothing else, so that the workloads that differ are
found by reading it before and after, and the others stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, TypeVar

from podwall.lint import is_annotated
from podwall.live.cluster import ObjectDocuments
from podwall.live.enforcement import NODE_TYPE, agents_in
from podwall.live.followed_index import (
    NO_WORKLOADS,
    FollowedStep,
    ObjectsThatDiffer,
    WorkloadVersions,
)
from podwall.live.listing import (
    DAEMON_SETS,
    ENDPOINT_SLICES,
    NAMESPACES,
    NODES,
    PODS,
    POLICIES,
    READ,
    SERVICES,
    ApiKind,
)
from podwall.live.objects import ControllerObject, NodeObject, PlainObject, PodObject
from podwall.model import IpNetwork, Policy, Service, Snapshot, SnapshotNamespace
from podwall.quick_dataclass import dataclass
from podwall.reading import ObjectStatus, SnapshotReading, asked_controller_labels, snapshot

__all__ = [
    "KnownObjects",
    "ObjectVersions",
    "OwnedObjects",
    "PodAddresses",
    "changed_workloads",
    "decides_nothing",
    "objects_that_differ",
]

T = TypeVar("T", Policy, Service, SnapshotNamespace)
_Key = tuple[str, str]
KnownObjects = Mapping[ApiKind[Any], Mapping[_Key, PlainObject]]
"""What a cluster has, by kind, namespace and name."""

_ROOTS: Final = {
    each.kind: each for each in READ if each.kind in {"Deployment", "ReplicaSet", "StatefulSet"}
}
_REPLICA_SETS: Final = _ROOTS["ReplicaSet"]


@dataclass(frozen=True, slots=True)
class PodAddresses:
    """The ranges that pods have their addresses from, none where a pod has one outside of them.

    `declared`: nodes say which ranges are theirs, so that the addresses of pods count.
    """

    ranges: tuple[IpNetwork, ...] = ()
    declared: bool = False


def decides_nothing(
    kind: ApiKind[Any],
    before: PlainObject | None,
    after: PlainObject | None,
    objects: KnownObjects,
    addresses: PodAddresses,
) -> bool:
    """Return whether a change of one object certainly leaves who reaches whom as it is.

    Args:
        kind: of the object.
        before: what it was, None where it was not there.
        after: what it is, None where it is gone.
        objects: all others as they are now.
        addresses: those that pods have.
    """
    both = [each for each in (before, after) if each is not None]
    if kind == ENDPOINT_SLICES:
        return all(each.metadata.annotations is None for each in both)
    if kind == NODES:
        return len(both) > 1 and _is_same_node(*both)
    if kind == PODS:
        return all(_is_copy(each, objects, addresses) for each in both)
    if kind == _REPLICA_SETS:
        return _only_scaled(before, after, objects)
    return False


def _is_same_node(before: PlainObject, after: PlainObject) -> bool:
    """Return whether of a node only labels differ that say nothing of what runs there."""
    if not isinstance(before, NodeObject) or not isinstance(after, NodeObject):
        return False
    kinds = [(each.metadata.labels or {}).get(NODE_TYPE) for each in (before, after)]
    plain = before.metadata.annotations == after.metadata.annotations
    same = (before.spec, before.status) == (after.spec, after.status)
    return kinds[0] == kinds[1] and plain and same


def _is_copy(pod: PlainObject, objects: KnownObjects, addresses: PodAddresses) -> bool:
    """Return whether a controller stands for a pod, which has no address that says anything.

    The reader itself says so: of the controllers alone it makes what it makes of them and the pod.
    """
    above = _controllers(pod, objects)
    if not above or not isinstance(pod, PodObject) or not _says_nothing(pod, addresses):
        return False
    alone, together = _read(above), _read({**above, PODS: pod})
    same = replace(together.snapshot, nodes=()) == alone.snapshot
    return same and alone.findings == together.findings and _knows_nodes(together, objects)


def _controllers(pod: PlainObject, objects: KnownObjects) -> Mapping[ApiKind[Any], PlainObject]:
    """Return those above a pod up to the outermost, nothing where they are not the usual ones."""
    found: dict[ApiKind[Any], PlainObject] = {}
    below = pod
    while (above := _controller(below, objects)) is not None and above[0] not in found:
        found[above[0]] = below = above[1]
    return {} if below is pod or below.metadata.owner_references else found


def _controller(
    found: PlainObject, objects: KnownObjects
) -> tuple[ApiKind[Any], PlainObject] | None:
    """Return who made an object, where that is only one, and is here."""
    owners = found.metadata.owner_references or ()
    if len(owners) != 1 or not owners[0].controller or owners[0].kind not in _ROOTS:
        return None
    kind = _ROOTS[owners[0].kind]
    above = objects.get(kind, {}).get((found.metadata.namespace, owners[0].name))
    return None if above is None else (kind, above)


def _read(found: Mapping[ApiKind[Any], PlainObject]) -> SnapshotReading:
    return snapshot(ObjectDocuments().of("", {kind: [each] for kind, each in found.items()}))


def _says_nothing(pod: PodObject, addresses: PodAddresses) -> bool:
    """Return whether the addresses of a pod leave the ranges of all pods as they are."""
    if not addresses.declared:
        return True
    written = (pod.status and pod.status.pod_ips) or ()
    if not addresses.ranges:
        return not written
    return all(_is_in(each.ip, addresses.ranges) for each in written)


def _is_in(text: str, ranges: Iterable[IpNetwork]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in each for each in ranges)


def _only_scaled(
    before: PlainObject | None, after: PlainObject | None, objects: KnownObjects
) -> bool:
    """Return whether a Deployment stands for a ReplicaSet that has another number of pods now."""
    if not isinstance(before, ControllerObject) or not isinstance(after, ControllerObject):
        return False
    specs, above = (before.spec, after.spec), _controllers(after, objects)
    if not above or before.metadata != after.metadata or specs[0] is None or specs[1] is None:
        return False
    same = specs[0].template == specs[1].template and specs[0].selector == specs[1].selector
    was, now = (_read({**above, _REPLICA_SETS: each}) for each in (before, after))
    return same and (was.snapshot, was.findings) == (now.snapshot, now.findings)


_FAMILY: Final = {
    each.kind: each
    for each in READ
    if each.kind in {"CronJob", "Job", "Pod", "ReplicationController", *_ROOTS} | {"DaemonSet"}
}
_Member = tuple[str, str, str]
"""An object of a family: kind, namespace, name."""


class ObjectVersions(NamedTuple):
    """An object before and after a change; None: it is not there."""

    kind: ApiKind[Any]
    key: _Key
    before: PlainObject | None
    after: PlainObject | None

    @property
    def member(self) -> _Member:
        """What it is called in its family."""
        return self.kind.kind, *self.key


def _makes_pods(kind: ApiKind[Any]) -> bool:
    """Return whether objects of a kind are pods, or make some."""
    return _FAMILY.get(kind.kind) == kind


class OwnedObjects:
    """Who is below whom among the pods and controllers of a cluster, as they change."""

    def __init__(self, objects: KnownObjects) -> None:
        """Note the owners of all that there are."""
        self._below: defaultdict[_Member, set[_Member]] = defaultdict(set)
        for kind in _FAMILY.values():
            for key, each in objects.get(kind, {}).items():
                self.take(ObjectVersions(kind, key, None, each))

    def take(self, changed: ObjectVersions) -> None:
        """Take a change of an object."""
        if _makes_pods(changed.kind):
            for owner in _owners(changed.before):
                self._below[owner].discard(changed.member)
            for owner in _owners(changed.after):
                self._below[owner].add(changed.member)

    def families(self, changed: Iterable[ObjectVersions], objects: KnownObjects) -> set[_Member]:
        """Return all that are above or below some objects, or were, and these."""
        was = {each.member: each.before for each in changed}
        found, open_ = set[_Member](), list(was)
        while open_:
            member = open_.pop()
            if member in found:
                continue
            found.add(member)
            kind, *key = member
            there = objects.get(_FAMILY[kind], {}) if kind in _FAMILY else {}
            versions = was.get(member), there.get((key[0], key[1]))
            open_ += (owner for each in versions for owner in _owners(each))
            open_ += self._below.get(member, ())
        return found


def _owners(found: PlainObject | None) -> Iterator[_Member]:
    for each in (found and found.metadata.owner_references) or ():
        yield each.kind, found.metadata.namespace if found else "", each.name


_WRITTEN: Final = (POLICIES, NAMESPACES, SERVICES)
"""Kinds whose objects are read each by itself."""


def objects_that_differ(
    changed: Sequence[ObjectVersions],
    objects: KnownObjects,
    owned: OwnedObjects,
    addresses: PodAddresses,
    cluster: str,
) -> ObjectsThatDiffer | None:
    """Return what differs after some changes, None where it is not certain that it is all.

    Args:
        changed: objects in the order in which they changed.
        objects: all as they are now.
        owned: who is below whom now.
        addresses: those that pods have.
        cluster: what it is called where places are shown.
    """
    rest = [
        each
        for each in changed
        if not decides_nothing(each.kind, each.before, each.after, objects, addresses)
    ]
    others = [each for each in rest if each.kind not in _WRITTEN]
    if not all(_makes_pods(each.kind) for each in others):
        return None
    workloads: WorkloadVersions | None = NO_WORKLOADS
    if others:
        first = _first_of_each(each for each in changed if _makes_pods(each.kind))
        now = [each._replace(after=objects[each.kind].get(each.key)) for each in first]
        workloads = changed_workloads(now, objects, owned, addresses, cluster)
    if workloads is None:
        return None
    policies = _steps(rest, POLICIES, lambda found: found.policies, cluster)
    namespaces = _steps(rest, NAMESPACES, lambda found: found.namespaces, cluster)
    services = _steps(rest, SERVICES, lambda found: found.services, cluster)
    if policies is None or namespaces is None or services is None:
        return None
    return ObjectsThatDiffer(policies, workloads, namespaces, services)


def _first_of_each(changed: Iterable[ObjectVersions]) -> list[ObjectVersions]:
    found: dict[_Member, ObjectVersions] = {}
    for each in changed:
        found.setdefault(each.member, each)
    return list(found.values())


class _NotPlain:
    """Stands for an object of which it is not certain that it says something of itself alone."""


_NOT_PLAIN: Final = _NotPlain()


def _steps(
    changed: Iterable[ObjectVersions],
    kind: ApiKind[Any],
    objects: Callable[[Snapshot], tuple[T, ...]],
    cluster: str,
) -> tuple[FollowedStep[T], ...] | None:
    """Return what some changes are of one kind, None where one is not about itself alone."""
    found = list[FollowedStep[T]]()
    for each in changed:
        if each.kind != kind:
            continue
        before, after = (_plain(kind, one, objects, cluster) for one in each[2:])
        if isinstance(before, _NotPlain) or isinstance(after, _NotPlain):
            return None
        found.append(FollowedStep(each.key, before, after))
    return tuple(found)


def _plain(
    kind: ApiKind[Any],
    found: PlainObject | None,
    objects: Callable[[Snapshot], tuple[T, ...]],
    cluster: str,
) -> T | _NotPlain | None:
    """Return what an object is read as, if what it says is about itself alone."""
    if found is None:
        return None
    documents = ObjectDocuments().of(cluster, {kind: (found,)})
    reading = snapshot(documents)
    shown = reading.snapshot
    strange = reading.findings or shown.unread_policies or asked_controller_labels(shown.policies)
    read = [each.status for each in reading.ledger] == [ObjectStatus.READ]
    if strange or not read or len(objects(shown)) != 1 or is_annotated(documents):
        return _NOT_PLAIN
    return objects(shown)[0]


def changed_workloads(
    changed: Sequence[ObjectVersions],
    objects: KnownObjects,
    owned: OwnedObjects,
    addresses: PodAddresses,
    cluster: str,
) -> WorkloadVersions | None:
    """Return the workloads of the families of some objects, before and after they changed.

    None where it is not certain that nothing else is what it was.

    Args:
        changed: pods and controllers, each once.
        objects: all as they are now.
        owned: who is below whom now.
        addresses: those that pods have.
        cluster: what it is called where places are shown.
    """
    members = owned.families(changed, objects)
    pods = (each for one in changed for each in one[2:] if isinstance(each, PodObject))
    declared = objects.get(NAMESPACES, {})
    if any(kind not in _FAMILY or ("", where) not in declared for kind, where, _ in members):
        return None
    if not all(_says_nothing(each, addresses) for each in pods):
        return None
    now = {
        each: objects.get(_FAMILY[each[0]], {}).get((each[1], each[2])) for each in sorted(members)
    }
    was = now | {each.member: each.before for each in changed}
    before, after = (_family_reading(each, objects, cluster) for each in (was, now))
    if before is None or after is None:
        return None
    return WorkloadVersions(before.snapshot.workloads, after.snapshot.workloads)


def _family_reading(
    family: Mapping[_Member, PlainObject | None], objects: KnownObjects, cluster: str
) -> SnapshotReading | None:
    """Return what a family is read as, None where it says anything that is not of its pods."""
    lists = defaultdict[ApiKind[Any], list[PlainObject]](list)
    for (kind, _, _), each in family.items():
        if each is not None and not _is_simple(each):
            return None
        if each is not None:
            lists[_FAMILY[kind]].append(each)
    if agents_in(lists.get(DAEMON_SETS, ()), ()):  # type: ignore[arg-type]  # of that kind
        return None
    documents = ObjectDocuments().of(cluster, {each: lists[each] for each in READ if each in lists})
    found = snapshot(documents)
    strange = found.findings or found.snapshot.unread_policies or is_annotated(documents)
    fine = {ObjectStatus.READ, ObjectStatus.HARMLESS}
    if strange or any(each.status not in fine for each in found.ledger):
        return None
    return found if _knows_nodes(found, objects) else None


def _is_simple(found: PlainObject) -> bool:
    """Return whether an object has no owner, or a single one that controls it."""
    owners = found.metadata.owner_references or ()
    return not owners or (len(owners) == 1 and owners[0].controller)


def _knows_nodes(found: SnapshotReading, objects: KnownObjects) -> bool:
    """Return whether all that pods say of nodes is said by the nodes themselves."""
    nodes = found.snapshot.nodes
    there = objects.get(NODES, {})
    written = [there[key] for each in nodes if (key := ("", each.name)) in there]
    known = snapshot(ObjectDocuments().of("", {NODES: written})).snapshot.nodes if written else ()
    by_name = {each.name: {*each.addresses} for each in known}
    return all({*each.addresses} <= by_name.get(each.name, set()) for each in nodes)
