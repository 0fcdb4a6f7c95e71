"""Which ends of connections can have changed at all: only those are compared.

Who reaches whom depends on the two pods (labels, ports, namespace, services before them), on the
policies that select one of them, and on what holds for the whole cluster.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.diff.ends import ABSENT
from podwall.reachability.bounds import Bound
from podwall.reachability.grouping import Csr
from podwall.reachability.port_rules import Direction
from podwall.reachability.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.diff.ends import Ends
    from podwall.diff.policies import PolicyChange
    from podwall.diff.roles import Bits
    from podwall.model import Selector, Unknown
    from podwall.reachability import Reachability
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.grouping import IntArray

__all__ = ["Affected", "affected"]

Selected = dict[int, "tuple[PolicyChange, ...]"]
"""The policies that differ and select a group, for those groups that have any."""


@dataclass(frozen=True, slots=True)
class Affected:
    """The ends whose connections may differ, as sources and as destinations.

    `egress` and `ingress` have the policies that differ and select a group of workloads.
    """

    sources: Bits
    destinations: Bits
    egress: Selected
    ingress: Selected


def affected(
    old: Reachability, new: Reachability, ends: Ends, policies: Sequence[PolicyChange]
) -> Affected:
    """Return the ends of connections that may differ."""
    sides = (_Side(old, ends.old), _Side(new, ends.new))
    egress = _selected(sides, policies, Direction.EGRESS)
    ingress = _selected(sides, policies, Direction.INGRESS)
    changed = _changed(old, new, ends, sides)
    sources, destinations = changed.copy(), changed
    sources[list(egress)] = True
    destinations[list(ingress)] = True
    destinations[list(_behind(sides))] = True
    return Affected(sources, destinations, egress, ingress)


def _changed(old: Reachability, new: Reachability, ends: Ends, sides: tuple[_Side, _Side]) -> Bits:
    """Return which ends differ by themselves: all of them, where the whole cluster differs."""
    changed = np.zeros(len(ends), dtype=bool)
    changed[ends.of[ends.differing]] = True
    before, after = old.cluster, new.cluster
    if _whole(before) != _whole(after) or not before.ports.reads_like(after.ports):
        changed[:] = True
    elif before.snapshot.namespaces != after.snapshot.namespaces:
        for side in sides:
            for name in side.namespaces:
                if before.namespaces.of(name) != after.namespaces.of(name):
                    changed[side.groups_in(name)] = True
    return changed


def _whole(cluster: Cluster) -> tuple[object, ...]:
    """Return what every verdict depends on."""
    snapshot = cluster.snapshot
    return cluster.engine, snapshot.pod_cidrs, snapshot.complete


def _selected(
    sides: tuple[_Side, _Side], policies: Sequence[PolicyChange], direction: Direction
) -> Selected:
    """Return the policies that differ in a direction, by the groups that they select or did."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    versions = [each.versions(direction) for each in policies]
    for which, side in enumerate(sides):
        acting = [(n, v) for n, each in enumerate(versions) if (v := each[which]) is not None]
        targets = [(version.namespace, version.pod_selector) for _, version in acting]
        for (number, _), groups in zip(acting, side.selected(targets), strict=True):
            for group in groups.tolist():
                found[group].add(number)
    return {group: tuple(policies[n] for n in sorted(each)) for group, each in found.items()}


def _behind(sides: tuple[_Side, _Side]) -> Iterator[int]:
    """Yield the groups behind services that differ."""
    if sides[0].cluster.services == sides[1].cluster.services:
        return
    before, after = ({*side.cluster.services} for side in sides)
    for side, services in zip(sides, (before - after, after - before), strict=True):
        chosen = [(s.namespace, s.selector) for s in services if s.selector is not None]
        for groups in side.selected(chosen):
            yield from groups.tolist()


class _Side:
    """The groups of workloads as one of the analyses has them, by namespace and by selector."""

    def __init__(self, reachability: Reachability, elements: IntArray) -> None:
        self.cluster = reachability.cluster
        self._lookup = reachability.analysis.lookup
        self._classes = reachability.analysis.classes
        inside = np.flatnonzero((elements != ABSENT) & (elements < len(self._classes)))
        self._groups = Csr.of_pairs(elements[inside], inside, len(self._classes))

    @property
    def namespaces(self) -> tuple[str | Unknown, ...]:
        """The namespaces of workloads."""
        return self._classes.namespaces

    def groups_in(self, namespace: str | Unknown) -> IntArray:
        """Return the groups in a namespace."""
        number = self.namespaces.index(namespace) if namespace in self.namespaces else -1
        return self._of(np.flatnonzero(self._classes.namespace == number))

    def selected(self, targets: Sequence[tuple[str | Unknown, Selector]]) -> list[IntArray]:
        """Return for each selector of a namespace the groups that it selects, or may select."""
        terms = Terms()
        numbers = [terms.of_pods(*each) for each in targets]
        pairs = self._lookup.pairs(terms, Bound.MAY)
        members = Csr.of_pairs(pairs.term, pairs.member, len(terms))
        return [self._of(members[each]) for each in numbers]

    def _of(self, classes: IntArray) -> IntArray:
        _, place = self._groups.gather(classes)
        return self._groups.items[place]
