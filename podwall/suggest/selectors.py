"""Selectors that select exactly one workload among all that are declared, as far as labels can."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING, Final

from podwall.model import Unknown
from podwall.policies import ALL_PODS, Pods, does_not_exist, pods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podwall.model import LabelMap
    from podwall.reachability.values import WorkloadEndpoint

__all__ = ["Chosen", "Selectors"]

#: Labels that say what a workload is, the likeliest first; other keys follow by the alphabet.
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
_TELLING: Final = (
    "app.kubernetes.io/name",
    "app",
    "k8s-app",
    "app.kubernetes.io/component",
    "component",
    "role",
    "tier",
    "app.kubernetes.io/instance",
)
#: Labels that a release changes: chosen only where no other label tells two workloads apart.
_CHANGING: Final = ("app.kubernetes.io/version", "version", "helm.sh/chart")
#: Labels that a controller gives to its pods, and changes by itself: never chosen.
_FLEETING: Final = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "controller-revision-hash",
        "controller-uid",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
_MOST_TOGETHER: Final = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selector of a workload, and the ids of other workloads that it selects, or may, too."""

    pods: Pods
    others: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()

    @property
    def companions(self) -> frozenset[str]:
        """All others that no selector keeps apart for certain."""
        return self.others | self.perhaps


class Selectors:
    """The selectors of the workloads of one namespace."""

    def __init__(self, workloads: Sequence[WorkloadEndpoint]) -> None:
        """Take the workloads among which each is to be told apart."""
        self._labels = {each.id: each.workload.labels for each in workloads}
        self._with_key: defaultdict[str, set[str]] = defaultdict(set)
        self._with_label: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._unclear: defaultdict[str, set[str]] = defaultdict(set)
        self._open = {id_ for id_, labels in self._labels.items() if labels.more is not None}
        for id_, labels in self._labels.items():
            for key, value in labels.items:
                self._with_key[key].add(id_)
                if isinstance(value, Unknown):
                    self._unclear[key].add(id_)
                else:
                    self._with_label[key, value].add(id_)

    def of(self, id_: str) -> Chosen:
        """Return the selector of a workload: as few labels as tell it apart, or as all can."""
        labels = _useful(self._labels[id_])
        for size in range(1, _MOST_TOGETHER + 1):
            for some in combinations(labels, size):
                if self._selected(some) == {id_}:
                    return Chosen(pods(dict(some)))
        return self._told_apart(id_, self._shortened(labels))

    def _told_apart(self, id_: str, labels: tuple[tuple[str, str], ...]) -> Chosen:
        """Return labels with requirements that others lack what the workload lacks."""
        others = self._selected(labels) - {id_}
        own = {key for key, _ in self._labels[id_].items}
        missing: list[str] = []
        while id_ not in self._open and (key := self._key_of_most(others, own)) is not None:
            missing.append(key)
            others -= self._with_key[key]
        required = [does_not_exist(key) for key in sorted(missing)]
        selector = pods(dict(labels), *required) if labels or required else ALL_PODS
        perhaps = {each for each in others if self._is_unclear(each, labels, missing)}
        return Chosen(selector, frozenset(others - perhaps), frozenset(perhaps))

    def _key_of_most(self, others: set[str], own: set[str]) -> str | None:
        """Return the key, not of one's own, that keeps away most others; the first of several."""
        keys = {key for id_ in others for key, _ in self._labels[id_].items}
        candidates = sorted(keys - own - _FLEETING, key=_rank)
        return max(candidates, key=lambda key: len(self._with_key[key] & others), default=None)

    def _shortened(self, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Return the labels without those that tell no more apart."""
        kept, selected = labels, self._selected(labels)
        for label in reversed(labels):
            fewer = tuple(each for each in kept if each != label)
            if fewer and self._selected(fewer) == selected:
                kept = fewer
        return kept

    def _selected(self, labels: Iterable[tuple[str, str]]) -> set[str]:
        """Return the workloads that have the labels, or may have them."""
        found = set(self._labels)
        for key, value in labels:
            maybe = self._unclear[key] | (self._open - self._with_key[key])
            found &= self._with_label[key, value] | maybe
        return found

    def _is_unclear(
        self, id_: str, labels: Iterable[tuple[str, str]], missing: Iterable[str]
    ) -> bool:
        known = dict(self._labels[id_].items)
        sure = all(known.get(key) == value for key, value in labels)
        return not sure or (id_ in self._open and any(key not in known for key in missing))


def _useful(labels: LabelMap) -> tuple[tuple[str, str], ...]:
    """Return the labels to choose from, the most telling first."""
    return tuple(sorted(_known(labels), key=lambda label: _rank(label[0])))


def _known(labels: LabelMap) -> Iterator[tuple[str, str]]:
    for key, value in labels.items:
        if isinstance(value, str) and key not in _FLEETING:
            yield key, value


def _rank(key: str) -> tuple[int, str]:
    ordered = chain(_TELLING, ("",), _CHANGING)
    places = {each: number for number, each in enumerate(ordered)}
    return places.get(key, places[""]), key
