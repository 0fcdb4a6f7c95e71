"""The workloads for which policies are suggested, and the labels that tell each from the others.

How it works: of the labels of a workload, the likeliest to name it come first. The fewest of them
that select nothing else are chosen; where none do, `does_not_exist` requirements keep away those
that have a label which the workload lacks. What still cannot be kept apart is returned as a
companion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations
from typing import Final

from podwall.model import LabelMap, Unknown
from podwall.policies import ALL_PODS, Finding, Pods, Severity, does_not_exist, pods
from podwall.policies.syntax import is_system_namespace
from podwall.quick_dataclass import dataclass
from podwall.reachability.values import WorkloadEndpoint

__all__ = ["UNDETERMINED", "ChosenSelector", "SelectableWorkloads", "SelectorChooser"]


#: Labels that say what a workload is, the likeliest first; other keys follow by the alphabet.
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
_NAMING_LABELS: Final = (
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
_RELEASE_LABELS: Final = ("app.kubernetes.io/version", "version", "helm.sh/chart")
#: Labels that a controller gives to its pods, and changes by itself: never chosen.
_CONTROLLER_LABELS: Final = frozenset(
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
class ChosenSelector:
    """The selector of a workload, and the ids of other workloads that it selects, or may, too."""

    pods: Pods
    others: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()

    @property
    def companions(self) -> frozenset[str]:
        """All others that no selector keeps apart for certain."""
        return self.others | self.perhaps


class SelectorChooser:
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

    def of(self, id_: str) -> ChosenSelector:
        """Return the selector of a workload: as few labels as tell it apart, or as all can."""
        labels = _useful(self._labels[id_])
        for size in range(1, _MOST_TOGETHER + 1):
            for some in combinations(labels, size):
                if self._selected(some) == {id_}:
                    return ChosenSelector(pods(dict(some)))
        return self._kept_apart(id_, self._shortened(labels))

    def _kept_apart(self, id_: str, labels: tuple[tuple[str, str], ...]) -> ChosenSelector:
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
        return ChosenSelector(selector, frozenset(others - perhaps), frozenset(perhaps))

    def _key_of_most(self, others: set[str], own: set[str]) -> str | None:
        """Return the key, not of one's own, that keeps away most others; the first of several."""
        keys = {key for id_ in others for key, _ in self._labels[id_].items}
        candidates = sorted(keys - own - _CONTROLLER_LABELS, key=_label_order)
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
    return tuple(sorted(_known(labels), key=lambda label: _label_order(label[0])))


def _known(labels: LabelMap) -> Iterator[tuple[str, str]]:
    for key, value in labels.items:
        if isinstance(value, str) and key not in _CONTROLLER_LABELS:
            yield key, value


def _label_order(key: str) -> tuple[int, str]:
    ordered = chain(_NAMING_LABELS, ("",), _RELEASE_LABELS)
    ranks = {each: number for number, each in enumerate(ordered)}
    return ranks.get(key, ranks[""]), key


#: Findings after which it is not certain what the policies will do.
UNDETERMINED = frozenset({"expectation-undetermined", "workload-not-known", "labels-not-known"})


class SelectableWorkloads:
    """The declared workloads as a suggestion sees them."""

    def __init__(self, workloads: Sequence[WorkloadEndpoint]) -> None:
        """Choose the selector of each workload that a selector can mean."""
        self.all = {each.id: each for each in workloads}
        by_namespace: defaultdict[str, list[WorkloadEndpoint]] = defaultdict(list)
        for each in workloads:
            if isinstance(each.workload.namespace, str):
                by_namespace[each.workload.namespace].append(each)
        self.chosen: dict[str, ChosenSelector] = {}
        for among in by_namespace.values():
            selectors = SelectorChooser(among)
            selectable = (each.id for each in among if each.workload.host_network is False)
            self.chosen.update({id_: selectors.of(id_) for id_ in selectable})
        self.closed = tuple(sorted(each for each in by_namespace if not is_system_namespace(each)))

    def in_closed(self) -> Iterator[tuple[str, str]]:
        """Yield the workloads that get policies, each with its namespace."""
        for id_ in self.chosen:
            namespace = str(self.all[id_].workload.namespace)
            if namespace in self.closed:
                yield id_, namespace

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each workload for which no policy can be written."""
        for id_, each in self.all.items():
            workload = each.workload
            unknown = (workload.namespace, workload.host_network)
            cause = next((part for part in unknown if isinstance(part, Unknown)), None)
            if cause is not None:
                yield Finding(
                    "workload-not-known",
                    Severity.WARNING,
                    f"no policy is suggested for `{id_}`: {cause.cause} is known only later",
                    workload.place,
                    "make the value known before deployment",
                )
            elif workload.host_network is True:
                yield Finding(
                    "workload-on-host-network",
                    Severity.WARNING,
                    f"`{id_}` uses the network of its node, where no policy isolates it",
                    workload.place,
                    "give it a network of its own, unless it has to have the node's",
                )
        spaces = {str(each.workload.namespace) for each in self.all.values()}
        for name in sorted(filter(is_system_namespace, spaces)):
            yield Finding(
                "system-namespace",
                Severity.INFO,
                f"`{name}` is a namespace of the system, and is left as it is",
                help="a default deny there would break the cluster",
            )
