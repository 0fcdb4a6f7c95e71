"""Pods that carry other labels than their controller's template: set by hand, or by an operator.

A dump of a cluster has a controller and its pods. Where their labels agree the controller stands
for them; a pod whose labels differ is one by itself, for policies select pods by their own labels.
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from podwall.model import LabelMap, SnapshotWorkload, Unknown
from podwall.reading.metadata import ManifestObject
from podwall.reading.objects import ObjectReading
from podwall.reading.workloads import KEYS

__all__ = ["with_live_labels"]

_Identity = tuple[str, str | Unknown, str]


def with_live_labels(reads: Sequence[ObjectReading]) -> list[ObjectReading]:
    """Return objects with the pods apart whose labels are not those of their controller.

    Such a pod has no owner any more, and its controller one pod less.
    """
    by_identity = {_identity(each.item): each for each in reads}
    taken: Counter[_Identity] = Counter()
    found = []
    for read in reads:
        root = _root(read, by_identity) if read.item.kind == "Pod" else None
        if root is not None and _labels(read) != _labels(root):
            taken[_identity(root.item)] += 1
            found.append(replace(read, item=replace(read.item, owner=None)))
        else:
            found.append(read)
    return [_with_fewer(each, taken[_identity(each.item)]) for each in found] if taken else found


def _identity(item: ManifestObject) -> _Identity:
    return item.kind, item.namespace, item.name


def _root(
    read: ObjectReading, by_identity: Mapping[_Identity, ObjectReading]
) -> ObjectReading | None:
    """Return the outermost controller of a pod that is here, None where there is none."""
    found, seen, item = None, set[_Identity](), read.item
    while item.owner is not None and _identity(item) not in seen:
        seen.add(_identity(item))
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
