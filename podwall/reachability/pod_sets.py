"""Which classes of pods a selector of a policy stands for: for certain, and at most."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.model import Selector, Unknown
from podwall.reachability.label_index import LabelIndex
from podwall.reachability.matching import Match

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from podwall.reachability.grouping import IntArray
    from podwall.reachability.namespaces import NamespaceLabels
    from podwall.reachability.pod_classes import PodClasses

__all__ = ["Members", "PodSets"]

_FEW = 64
"""Up to so many namespaces or label maps are looked up one by one."""


class Members(NamedTuple):
    """Class numbers in ascending order: those that belong for certain, and those that may."""

    must: IntArray
    may: IntArray


class PodSets:
    """Resolves selectors over the classes of a cluster's pods.

    Pods on the host network are nodes to every policy: no selector matches them.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """

    def __init__(self, classes: PodClasses, namespaces: NamespaceLabels) -> None:
        """Index the classes by namespace and labels."""
        self._classes = classes
        self._labels = LabelIndex(classes.labels)
        self._namespaces = LabelIndex([namespaces.of(each) for each in classes.namespaces])
        self._number = {name: number for number, name in enumerate(classes.namespaces)}
        self._vague = frozenset(
            number for name, number in self._number.items() if isinstance(name, Unknown)
        )
        self._at: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        pairs = zip(classes.namespace.tolist(), classes.label.tolist(), strict=True)
        for number, (namespace, label) in enumerate(pairs):
            self._at[namespace][label].append(number)
        self._hosts = bool(classes.host.any())

    def within(self, namespace: str | Unknown, pods: Selector) -> Members:
        """Return the pods of one namespace that a selector matches."""
        labels = self._labels.select(pods)
        if isinstance(namespace, Unknown):
            return self._members((frozenset(), self._namespaces.all), labels)
        number = self._number.get(namespace)
        known = frozenset(() if number is None else (number,))
        return self._members((known, known | self._vague if self._vague else known), labels)

    def across(self, namespaces: Selector, pods: Selector) -> Members:
        """Return the pods that a selector matches in all the namespaces that another matches."""
        return self._members(self._namespaces.select(namespaces), self._labels.select(pods))

    def _members(
        self,
        namespaces: tuple[AbstractSet[int], AbstractSet[int]],
        labels: tuple[AbstractSet[int], AbstractSet[int]],
    ) -> Members:
        may = self._numbers(namespaces[1], labels[1])
        same = namespaces[0] is namespaces[1] and labels[0] is labels[1]
        must = may if same else self._numbers(namespaces[0], labels[0])
        if not self._hosts:
            return Members(must, may)
        host = self._classes.host
        return Members(must[host[must] == Match.NO], may[host[may] != Match.YES])

    def _numbers(self, namespaces: AbstractSet[int], labels: AbstractSet[int]) -> IntArray:
        if len(namespaces) <= _FEW:
            found = [number for each in namespaces for number in self._in(each, labels)]
            return np.array(sorted(found), dtype=np.int64)
        classes = self._classes
        there = _flags(namespaces, len(classes.namespaces))[classes.namespace]
        return np.flatnonzero(there & _flags(labels, len(classes.labels))[classes.label])

    def _in(self, namespace: int, labels: AbstractSet[int]) -> list[int]:
        """Return the classes of one namespace with one of the label maps."""
        here = self._at[namespace]
        if len(here) <= len(labels):
            return [n for label, numbers in here.items() if label in labels for n in numbers]
        return [n for label in labels if label in here for n in here[label]]


def _flags(numbers: AbstractSet[int], count: int) -> np.typing.NDArray[np.bool_]:
    flags = np.zeros(count, dtype=np.bool_)
    flags[np.fromiter(numbers, dtype=np.int64, count=len(numbers))] = True
    return flags
