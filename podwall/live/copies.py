"""Which changes of a followed cluster decide nothing: pods that come and go as copies of others.

Of a controller and its pods the controller counts, as long as their labels agree: a further pod,
one less, or one that gets its address leaves the snapshot as it was. Such changes are by far the
most in any cluster, and what one costs must not grow with the cluster. So only what the changed
object says, and its controllers, are looked at; whatever is not certain to decide nothing is read
as any change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final

from podwall.live.cluster import ObjectDocuments
from podwall.live.listing import PODS, READ, ApiKind
from podwall.live.objects import ControllerObject, PlainObject, PodObject
from podwall.model import IpNetwork
from podwall.quick_dataclass import dataclass
from podwall.reading import SnapshotReading, snapshot

__all__ = ["KnownObjects", "PodAddresses", "decides_nothing"]

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
    if kind == PODS:
        both = (each for each in (before, after) if each is not None)
        return all(_is_copy(each, objects, addresses) for each in both)
    if kind == _REPLICA_SETS:
        return _only_scaled(before, after, objects)
    return False


def _is_copy(pod: PlainObject, objects: KnownObjects, addresses: PodAddresses) -> bool:
    """Return whether a controller stands for a pod, which has no address that says anything.

    The reader itself says so: of the controllers alone it makes what it makes of them and the pod.
    """
    above = _controllers(pod, objects)
    if not above or not isinstance(pod, PodObject) or not _says_nothing(pod, addresses):
        return False
    alone, together = _read(above), _read({**above, PODS: pod})
    return (alone.snapshot, alone.findings) == (together.snapshot, together.findings)


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
