"""The workloads of a snapshot, found by namespace and labels: for certain, and at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from podwall.model import (
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.wording import guess
from podwall.reachability.matching import Match, NamespaceLabels, labels_match

__all__ = ["NO_NUMBERS", "LabelMapIndex", "MatchedNumbers", "Numbers", "WorkloadIndex"]


Numbers = frozenset[int]
NO_NUMBERS: Numbers = frozenset()


class MatchedNumbers(NamedTuple):
    """The numbers of what matches for certain, and of what matches or may match."""

    must: Numbers
    may: Numbers


class LabelMapIndex:
    """Label maps by their numbers, found by what they carry."""

    def __init__(self, maps: Sequence[LabelMap]) -> None:
        """Index the maps by their labels."""
        self._maps = maps
        self._all = frozenset(range(len(maps)))
        self._answers: dict[Selector, MatchedNumbers] = {}
        self._carriers: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._vague: set[int] = set()
        for number, labels in enumerate(maps):
            for key, value in labels.items:
                if isinstance(value, Unknown):
                    self._vague.add(number)
                else:
                    self._carriers[key][value].add(number)
            if labels.more is not None:
                self._vague.add(number)

    def select(self, selector: Selector) -> MatchedNumbers:
        """Return which maps a selector matches."""
        if selector not in self._answers:
            self._answers[selector] = self._select(selector)
        return self._answers[selector]

    def _select(self, selector: Selector) -> MatchedNumbers:
        if selector == Selector():
            return MatchedNumbers(self._all, self._all)
        matches = {n: labels_match(selector, self._maps[n]) for n in self._candidates(selector)}
        return MatchedNumbers(
            frozenset(number for number, match in matches.items() if match is Match.YES),
            frozenset(number for number, match in matches.items() if match is not Match.NO),
        )

    def _candidates(self, selector: Selector) -> Iterable[int]:
        """Return what may match at all: what carries the rarest label that is asked for."""
        asked = [self._carrying(item) for item in selector.requirements if _is_positive(item)]
        return min(asked, key=len) | self._vague if asked else self._all

    def _carrying(self, requirement: SelectorRequirement) -> set[int]:
        values = self._carriers.get(requirement.key, {})
        wanted = requirement.values if requirement.operator is Operator.IN else values
        return set().union(*(values[value] for value in wanted if value in values))


def _is_positive(requirement: SelectorRequirement) -> bool:
    """Say whether a requirement needs a label with a value that is known."""
    needs = requirement.operator in {Operator.IN, Operator.EXISTS}
    return needs and requirement.unknown is None


#: Among more labels than this no like one is looked for.
MOST_LABELS_COMPARED: Final = 500


class WorkloadIndex:
    """Answers which workloads a policy or a peer selects: for certain, and at most.

    Workloads are told by their number in the snapshot. Those on the host network are among the
    answers, although no policy applies to them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Index the workloads by namespace and by labels."""
        self.workloads = snapshot.workloads
        self._labels = LabelMapIndex([workload.labels for workload in self.workloads])
        found: dict[str | Unknown, set[int]] = defaultdict(set)
        for number, workload in enumerate(self.workloads):
            found[workload.namespace].add(number)
        self._vague = frozenset(
            number for name, there in found.items() if isinstance(name, Unknown) for number in there
        )
        self._at = {
            name: frozenset(there) for name, there in found.items() if isinstance(name, str)
        }
        self._names = sorted({*self._at, *(namespace.name for namespace in snapshot.namespaces)})
        self._peers: dict[PodPeer, MatchedNumbers] = {}
        self._there: dict[Selector, MatchedNumbers] = {}
        labels = NamespaceLabels(snapshot)
        self._namespaces = LabelMapIndex([labels.of(name) for name in self._names])

    def at(self, namespace: str | Unknown) -> Numbers:
        """Return the workloads that are, or may be, in a namespace."""
        if isinstance(namespace, Unknown):
            return frozenset(range(len(self.workloads)))
        return self._at.get(namespace, NO_NUMBERS) | self._vague

    def of_policy(self, policy: Policy) -> MatchedNumbers:
        """Return the workloads that a policy selects."""
        return self._within(policy.namespace, policy.pod_selector)

    def of_peer(self, policy: Policy, peer: PodPeer) -> MatchedNumbers:
        """Return the workloads that a peer of a policy stands for."""
        if peer.namespaces is None:
            return self._within(policy.namespace, peer.pods)
        if peer not in self._peers:
            labels, there = self._labels.select(peer.pods), self._in_namespaces(peer.namespaces)
            self._peers[peer] = MatchedNumbers(labels.must & there.must, labels.may & there.may)
        return self._peers[peer]

    def selected(self, namespace: str | Unknown, selector: Selector) -> MatchedNumbers:
        """Return the workloads of a namespace that a selector matches."""
        return self._within(namespace, selector)

    def namespaces(self, selector: Selector) -> list[str]:
        """Return the namespaces that a selector matches, or may match."""
        return [self._names[number] for number in sorted(self._namespaces.select(selector).may)]

    def names(self, numbers: Iterable[int], most: int = 3) -> str:
        """Return the workloads' names for people: the first few, and how many more there are."""
        found = sorted(self.name(number) for number in numbers)
        more = f" and {len(found) - most} more" if len(found) > most else ""
        return ", ".join(f"`{name}`" for name in found[:most]) + more

    def name(self, number: int) -> str:
        """Return a workload's namespace and name."""
        workload: SnapshotWorkload = self.workloads[number]
        namespace = "?" if isinstance(workload.namespace, Unknown) else workload.namespace
        return f"{namespace}/{workload.name}"

    def nearest(self, selector: Selector) -> str:
        """Return a remedy for a selector of a label that no pod has, if one has a like one."""
        for requirement in selector.requirements:
            if requirement.operator is Operator.IN and not requirement.unknown:
                wanted = {f"{requirement.key}={value}" for value in requirement.values}
                if wanted and wanted.isdisjoint(self._pairs):
                    return guess(min(wanted), self._pairs)
        return ""

    @cached_property
    def _pairs(self) -> list[str]:
        """The labels of all pods; none where they are too many to compare one by one."""
        items = (item for workload in self.workloads for item in workload.labels.items)
        pairs = {f"{key}={value}" for key, value in items if isinstance(value, str)}
        return sorted(pairs) if len(pairs) <= MOST_LABELS_COMPARED else []

    def _within(self, namespace: str | Unknown, selector: Selector) -> MatchedNumbers:
        labels = self._labels.select(selector)
        if isinstance(namespace, Unknown):
            return MatchedNumbers(NO_NUMBERS, labels.may)
        here = self._at.get(namespace, NO_NUMBERS)
        return MatchedNumbers(here & labels.must, (here | self._vague) & labels.may)

    def _in_namespaces(self, selector: Selector) -> MatchedNumbers:
        """Return the workloads of the namespaces that a selector matches."""
        if selector not in self._there:
            must, may = self._namespaces.select(selector)
            self._there[selector] = MatchedNumbers(self._in(must), self._in(may) | self._vague)
        return self._there[selector]

    def _in(self, numbers: Iterable[int]) -> Numbers:
        return NO_NUMBERS.union(
            *(self._at.get(self._names[number], NO_NUMBERS) for number in numbers)
        )
