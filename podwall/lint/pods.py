"""The workloads of a snapshot, found by namespace and labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from podwall.lint.selecting import NOBODY, Labelled, Numbers, Selected
from podwall.model import Operator, PodPeer, Policy, Selector, Snapshot, Unknown, Workload
from podwall.policies.wording import guess
from podwall.reachability.namespaces import NamespaceLabels

__all__ = ["Pods"]

#: Among more labels than this no like one is looked for.
MOST_COMPARED: Final = 500


class Pods:
    """Answers which workloads a policy or a peer selects: for certain, and at most.

    Workloads are told by their number in the snapshot. Those on the host network are among the
    answers, although no policy applies to them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Index the workloads by namespace and by labels."""
        self.workloads = snapshot.workloads
        self._labels = Labelled([workload.labels for workload in self.workloads])
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
        self._peers: dict[PodPeer, Selected] = {}
        self._there: dict[Selector, Selected] = {}
        labels = NamespaceLabels(snapshot)
        self._namespaces = Labelled([labels.of(name) for name in self._names])

    def at(self, namespace: str | Unknown) -> Numbers:
        """Return the workloads that are, or may be, in a namespace."""
        if isinstance(namespace, Unknown):
            return frozenset(range(len(self.workloads)))
        return self._at.get(namespace, NOBODY) | self._vague

    def of_policy(self, policy: Policy) -> Selected:
        """Return the workloads that a policy selects."""
        return self._within(policy.namespace, policy.pod_selector)

    def of_peer(self, policy: Policy, peer: PodPeer) -> Selected:
        """Return the workloads that a peer of a policy stands for."""
        if peer.namespaces is None:
            return self._within(policy.namespace, peer.pods)
        if peer not in self._peers:
            labels, there = self._labels.select(peer.pods), self._in_namespaces(peer.namespaces)
            self._peers[peer] = Selected(labels.must & there.must, labels.may & there.may)
        return self._peers[peer]

    def selected(self, namespace: str | Unknown, selector: Selector) -> Selected:
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
        workload: Workload = self.workloads[number]
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
        return sorted(pairs) if len(pairs) <= MOST_COMPARED else []

    def _within(self, namespace: str | Unknown, selector: Selector) -> Selected:
        labels = self._labels.select(selector)
        if isinstance(namespace, Unknown):
            return Selected(NOBODY, labels.may)
        here = self._at.get(namespace, NOBODY)
        return Selected(here & labels.must, (here | self._vague) & labels.may)

    def _in_namespaces(self, selector: Selector) -> Selected:
        """Return the workloads of the namespaces that a selector matches."""
        if selector not in self._there:
            must, may = self._namespaces.select(selector)
            self._there[selector] = Selected(self._in(must), self._in(may) | self._vague)
        return self._there[selector]

    def _in(self, numbers: Iterable[int]) -> Numbers:
        return NOBODY.union(*(self._at.get(self._names[number], NOBODY) for number in numbers))
