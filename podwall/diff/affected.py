"""Which ends of connections can have changed at all: only those are compared.

Who reaches whom depends on the two pods (labels, ports, namespace, services before them), on the
policies that select one of them, and on what holds for the whole cluster.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.diff.policies import PolicyChange
from podwall.model import Unknown
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.diff.ends import Ends, Pair
    from podwall.diff.roles import Bits
    from podwall.model import Policy, Selector, Service, Workload
    from podwall.reachability import Reachability
    from podwall.reachability.cluster import Cluster

__all__ = ["Affected", "affected"]

Selected = dict[int, tuple[PolicyChange, ...]]
"""The policies that differ and select an end, for those ends that have any."""


@dataclass(frozen=True, slots=True)
class Affected:
    """The ends whose connections may differ, as sources and as destinations.

    `egress` and `ingress` have the policies that differ and select an end.
    """

    sources: Bits
    destinations: Bits
    egress: Selected
    ingress: Selected


def affected(
    old: Reachability, new: Reachability, ends: Ends, policies: Sequence[PolicyChange]
) -> Affected:
    """Return the ends of connections that may differ."""
    differing = np.array([_differs(pair) for pair in ends.workloads], dtype=bool)
    around = _Surroundings(ends, differing)
    egress = around.selected(policies, Direction.EGRESS)
    ingress = around.selected(policies, Direction.INGRESS)
    changed = _changed(old.cluster, new.cluster, ends, differing)
    sources, destinations = changed.copy(), changed
    sources[list(egress)] = True
    destinations[list(ingress)] = True
    destinations[list(around.behind(old.cluster.services, new.cluster.services))] = True
    return Affected(sources, destinations, egress, ingress)


def _changed(old: Cluster, new: Cluster, ends: Ends, differing: Bits) -> Bits:
    """Return which ends differ by themselves: all of them, where the whole cluster differs."""
    if _whole(old) != _whole(new) or not old.ports.reads_like(new.ports):
        return np.ones(len(ends), dtype=bool)
    names = {pair.latest.workload.namespace for pair in ends.workloads}
    relabelled = {name for name in names if old.namespaces.of(name) != new.namespaces.of(name)}
    changed = np.zeros(len(ends), dtype=bool)
    changed[: len(differing)] = differing
    if relabelled:
        for number, pair in enumerate(ends.workloads):
            changed[number] |= pair.latest.workload.namespace in relabelled
    return changed


def _whole(cluster: Cluster) -> tuple[object, ...]:
    """Return what every verdict depends on."""
    snapshot = cluster.snapshot
    return cluster.engine, snapshot.pod_cidrs, snapshot.complete


def _differs(pair: Pair) -> bool:
    if pair.old is None or pair.new is None:
        return True
    return pair.old.workload is not pair.new.workload and pair.old.workload != pair.new.workload


class _Surroundings:
    """The workloads by namespace, as they were and as they are."""

    def __init__(self, ends: Ends, differing: Bits) -> None:
        pairs = zip(ends.workloads, differing.tolist(), strict=True)
        self._versions = [_versions(pair, differs=differs) for pair, differs in pairs]
        self._known: dict[tuple[str | Unknown, Selector], tuple[int, ...]] = {}
        self._there: defaultdict[str | Unknown, set[int]] = defaultdict(set)
        self._anywhere: set[int] = set()
        for number, versions in enumerate(self._versions):
            for workload in versions:
                self._there[workload.namespace].add(number)
                if isinstance(workload.namespace, Unknown):
                    self._anywhere.add(number)

    def selected(self, policies: Sequence[PolicyChange], direction: Direction) -> Selected:
        """Return the policies that differ in a direction, by the workloads that they select."""
        found: defaultdict[int, list[PolicyChange]] = defaultdict(list)
        for change in policies:
            for number in self._by_any(change.acting(direction)):
                found[number].append(change)
        return {number: tuple(each) for number, each in found.items()}

    def behind(self, old: Sequence[Service], new: Sequence[Service]) -> set[int]:
        """Return the workloads behind services that differ."""
        differing = {*old} ^ {*new}
        found: set[int] = set()
        for each in differing:
            if each.selector is not None:
                found.update(self._by(each.namespace, each.selector))
        return found

    def _by_any(self, versions: Sequence[Policy]) -> list[int]:
        found = (self._by(each.namespace, each.pod_selector) for each in versions)
        return sorted({number for numbers in found for number in numbers})

    def _by(self, namespace: str | Unknown, selector: Selector) -> tuple[int, ...]:
        """Return the workloads that a selector of a namespace selects, or may select."""
        key = (namespace, selector)
        if key not in self._known:
            everywhere = isinstance(namespace, Unknown)
            there = range(len(self._versions)) if everywhere else self._in(namespace)
            self._known[key] = tuple(each for each in there if self._may_match(selector, each))
        return self._known[key]

    def _in(self, namespace: str | Unknown) -> set[int]:
        return self._there[namespace] | self._anywhere

    def _may_match(self, selector: Selector, number: int) -> bool:
        versions = self._versions[number]
        return any(labels_match(selector, each.labels) is not Match.NO for each in versions)


def _versions(pair: Pair, *, differs: bool) -> tuple[Workload, ...]:
    if not differs:
        return (pair.latest.workload,)
    return tuple(end.workload for end in (pair.old, pair.new) if end is not None)
