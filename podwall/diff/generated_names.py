"""Workloads of two clusters that are one workload under another generated name.

How it works: of those that found no partner by name, the end that a controller, Pulumi or a script
makes up is taken off. What is left over on both sides under one beginning, in one namespace and of
one kind is the same workload if there is one on each side, or if the labels are the same but for
those that controllers add. A pod's number in a StatefulSet alone says too little: its labels count.

Taken for another workload, what opens to it would be called that of a new one, which passes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from podwall.model import SnapshotWorkload, Unknown

__all__ = ["namesakes", "stem"]

#: Of a ReplicaSet, and of its pods: up to ten characters, and in those five that are random.
#: https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/util/rand/rand.go (SafeEncodeString)
_TEMPLATE_HASH: Final = re.compile(r"-(?=[a-z]*\d)[a-z0-9]{5,10}(?:-[a-z0-9]{5})?$")
#: What the API server adds to `generateName`.
_RANDOM: Final = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$")
#: What Pulumi adds, or the commit that a script adds.
_HEXADECIMAL: Final = re.compile(r"-(?=[a-f]*\d)[0-9a-f]{7,40}$")
#: A time: of a Job in minutes or in seconds, or written as a date.
_TIME: Final = re.compile(r"-\d{8,14}(?:-?[tT-]?\d{4,6}[zZ]?)?$")
_NUMBER: Final = re.compile(r"-\d{1,7}$")

_NAMED_BY_PEOPLE: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "CronJob"})
_OF_A_TEMPLATE: Final = frozenset({"Pod", "ReplicaSet"})
_NUMBERED: Final = frozenset({"Pod", "Job"})
_ADDED: Final = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""Labels that controllers add, with values that are made up."""


def stem(kind: str, name: str) -> str:
    """Return how a name begins before what is made up; the name itself where nothing is.

    >>> stem("Deployment", "web-1a2b3c4"), stem("Pod", "web-7d8f9c6b54-x2vbn")
    ('web', 'web')
    >>> stem("Job", "migrate-1700000000"), stem("Pod", "db-0"), stem("Deployment", "web-https")
    ('migrate', 'db', 'web-https')
    """
    found = name
    for ending in _endings(kind):
        found = ending.sub("", found) or found
    return found.rstrip("-") or name


def _endings(kind: str) -> Iterator[re.Pattern[str]]:
    """Yield the endings that names of a kind may have, the last one of a name first."""
    if kind in _OF_A_TEMPLATE:
        yield _TEMPLATE_HASH
    if kind not in _NAMED_BY_PEOPLE:
        yield _RANDOM
    yield _TIME
    yield _HEXADECIMAL
    if kind in _NUMBERED:
        yield _NUMBER


def namesakes(
    before: Mapping[int, SnapshotWorkload], after: Mapping[int, SnapshotWorkload]
) -> Iterator[tuple[int, int]]:
    """Yield the numbers of workloads that are one under two generated names.

    Args:
        before: those by their numbers that found no partner in the new cluster.
        after: those that found none in the old one.
    """
    old, new = _by_stem(before), _by_stem(after)
    for key in old.keys() & new.keys():
        here, there = old[key], new[key]
        if len(here) == len(there) == 1 and not _is_numbered(before[here[0]]):
            yield here[0], there[0]
        else:
            yield from _alike(before, after, here, there)


def _alike(
    before: Mapping[int, SnapshotWorkload],
    after: Mapping[int, SnapshotWorkload],
    here: Sequence[int],
    there: Sequence[int],
) -> Iterator[tuple[int, int]]:
    """Yield pairs of equal labels, in the order of names."""
    waiting: defaultdict[object, list[int]] = defaultdict(list)
    for number in sorted(there, key=lambda each: after[each].name, reverse=True):
        waiting[_labels(after[number])].append(number)
    for number in sorted(here, key=lambda each: before[each].name):
        if found := waiting[_labels(before[number])]:
            yield number, found.pop()


def _by_stem(
    workloads: Mapping[int, SnapshotWorkload],
) -> dict[tuple[str | Unknown, str, str], list[int]]:
    found: defaultdict[tuple[str | Unknown, str, str], list[int]] = defaultdict(list)
    for number, each in workloads.items():
        beginning = stem(each.kind, each.name)
        if beginning != each.name:
            found[each.namespace, each.kind, beginning].append(number)
    return found


def _is_numbered(workload: SnapshotWorkload) -> bool:
    return workload.kind == "Pod" and bool(_NUMBER.search(workload.name))


def _labels(workload: SnapshotWorkload) -> object:
    labels = workload.labels
    return frozenset(each for each in labels.items if each[0] not in _ADDED), labels.more
