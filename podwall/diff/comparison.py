"""Compares two analyses where they can differ: which endpoints are affected, and how.

How it works: who reaches whom depends on the two pods (labels, ports, namespace, services before
them), on the policies that select one of them, and on what holds for the whole cluster. `affected`
finds the endpoints for which one of these changed. Rows of affected sources are then compared with
all destinations, and all other sources with the affected destinations; everything else is equal.
Rows are compared as joint roles in blocks of bounded size, not endpoint by endpoint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from podwall.diff.changes import PolicyChange
from podwall.diff.joint_endpoints import (
    ABSENT,
    ALL_PASS,
    JointEndpoints,
    JointRoles,
    RoleReader,
    RoleView,
    RowsOfPorts,
    VerdictRegistry,
    joint_roles,
    verdict_registry,
)
from podwall.model import Selector, Unknown
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.arrays import BoolArray, Csr, IntArray
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.few_arrays import np
from podwall.reachability.join import Join
from podwall.reachability.policy_rules import PeerSets
from podwall.reachability.values import Bound

__all__ = ["AffectedEndpoints", "RoleComparison", "affected", "compared"]


PoliciesByGroup = dict[int, "tuple[PolicyChange, ...]"]
"""The policies that differ and select a group, for those groups that have any."""


@dataclass(frozen=True, slots=True)
class AffectedEndpoints:
    """The ends whose connections may differ, as sources and as destinations.

    `egress` and `ingress` have the policies that differ and select a group of workloads;
    `differing` are the ends that differ by themselves.
    """

    sources: BoolArray
    destinations: BoolArray
    differing: BoolArray
    egress: PoliciesByGroup
    ingress: PoliciesByGroup


def affected(
    old: Reachability, new: Reachability, ends: JointEndpoints, policies: Sequence[PolicyChange]
) -> AffectedEndpoints:
    """Return the ends of connections that may differ."""
    sides = (_GroupsOfSide(old, ends.old), _GroupsOfSide(new, ends.new))
    egress = _policies_by_group(sides, policies, Direction.EGRESS)
    ingress = _policies_by_group(sides, policies, Direction.INGRESS)
    changed = _changed(old, new, ends, sides)
    sources, destinations = changed.copy(), changed.copy()
    sources[list(egress)] = True
    destinations[list(ingress)] = True
    destinations[list(_groups_behind_services(sides))] = True
    return AffectedEndpoints(sources, destinations, changed, egress, ingress)


def _changed(
    old: Reachability,
    new: Reachability,
    ends: JointEndpoints,
    sides: tuple[_GroupsOfSide, _GroupsOfSide],
) -> BoolArray:
    """Return which ends differ by themselves: all of them, where the whole cluster differs."""
    changed = np.zeros(len(ends), dtype=bool)
    changed[ends.of[ends.differing]] = True
    before, after = old.cluster, new.cluster
    if _cluster_wide(before) != _cluster_wide(after) or not before.ports.reads_like(after.ports):
        changed[:] = True
    elif before.snapshot.namespaces != after.snapshot.namespaces:
        for side in sides:
            for name in side.namespaces:
                if before.namespaces.of(name) != after.namespaces.of(name):
                    changed[side.groups_in(name)] = True
    return changed


def _cluster_wide(cluster: EnforcedCluster) -> tuple[object, ...]:
    """Return what every verdict depends on."""
    snapshot = cluster.snapshot
    where = snapshot.pod_cidrs, cluster.pods_at, cluster.nodes_at
    return cluster.engine, where, snapshot.complete, cluster.unread, cluster.tiers


def _policies_by_group(
    sides: tuple[_GroupsOfSide, _GroupsOfSide],
    policies: Sequence[PolicyChange],
    direction: Direction,
) -> PoliciesByGroup:
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


def _groups_behind_services(sides: tuple[_GroupsOfSide, _GroupsOfSide]) -> Iterator[int]:
    """Yield the groups behind services that differ."""
    if sides[0].cluster.services == sides[1].cluster.services:
        return
    before, after = ({*side.cluster.services} for side in sides)
    for side, services in zip(sides, (before - after, after - before), strict=True):
        chosen = [(s.namespace, s.selector) for s in services if s.selector is not None]
        for groups in side.selected(chosen):
            yield from groups.tolist()


class _GroupsOfSide:
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
        peer_sets = PeerSets()
        numbers = [peer_sets.of_pods(*each) for each in targets]
        pairs = self._lookup.pairs(peer_sets, Bound.MAY)
        classes = Csr.of_pairs(pairs.peer_set, pairs.element, len(peer_sets))
        return [self._of(classes[each]) for each in numbers]

    def _of(self, classes: IntArray) -> IntArray:
        _, position = self._groups.gather(classes)
        return self._groups.items[position]


_MOST_PAIRS: Final = 1 << 20
"""So many pairs of roles are listed at once, unless a single source role has more."""


@dataclass(frozen=True, slots=True)
class RoleComparison:
    """What differs between joint roles, and between two pods of one workload.

    `rectangles` has a row (source role, destination role, before, after) for each pair of roles;
    `selves` a row (row of the ends' pairs, before, after). Before and after are numbers into
    `verdicts`.
    """

    sources: JointRoles
    destinations: JointRoles
    verdicts: VerdictRegistry
    rectangles: IntArray
    selves: IntArray


def compared(
    old: Reachability, new: Reachability, ends: JointEndpoints, may_differ: AffectedEndpoints
) -> RoleComparison:
    """Compare two analyses where they may differ."""
    joins = (old.analysis.join, new.analysis.join)
    elements = (ends.old, ends.new)
    sources = joint_roles(joins[0].sources, joins[1].sources, elements)
    destinations = joint_roles(joins[0].destinations, joins[1].destinations, elements)
    known = verdict_registry()
    comparer = _Comparer((old, new), ends, sources, destinations, known)
    rows, columns = (
        _affected_roles(sources, may_differ.sources),
        _affected_roles(destinations, may_differ.destinations),
    )
    parts = [*comparer.all(np.flatnonzero(rows), joins, np.ones_like(columns))]
    if columns.any():
        parts += comparer.all(np.flatnonzero(~rows), _toward(joins, destinations, columns), columns)
    rectangles = np.concatenate([np.empty((0, 4), dtype=np.int64), *(each for each, _ in parts)])
    selves = np.concatenate([np.empty((0, 3), dtype=np.int64), *(each for _, each in parts)])
    return RoleComparison(sources, destinations, known, rectangles, selves)


def _affected_roles(roles: JointRoles, ends: BoolArray) -> BoolArray:
    touched = np.zeros(len(roles), dtype=bool)
    touched[roles.of[ends]] = True
    return touched


def _toward(
    joins: tuple[Join, Join], destinations: JointRoles, columns: BoolArray
) -> tuple[Join, Join]:
    """Return both joins with only the wanted destinations."""
    old, new = destinations.old.role[columns], destinations.new.role[columns]
    return joins[0].toward(np.unique(old[old >= 0])), joins[1].toward(np.unique(new[new >= 0]))


class _Comparer:
    """Compares blocks of rows."""

    def __init__(
        self,
        sides: tuple[Reachability, Reachability],
        ends: JointEndpoints,
        sources: JointRoles,
        destinations: JointRoles,
        known: VerdictRegistry,
    ) -> None:
        self._sources = sources
        self._destinations = destinations
        self._ends = ends
        self._rows_of_group = ends.rows_of_group()
        self._workloads = tuple(each.cluster.workloads for each in sides)
        self._readers = (
            RoleReader(sides[0].analysis.ports, (sources.old, destinations.old), known),
            RoleReader(sides[1].analysis.ports, (sources.new, destinations.new), known),
        )

    def all(
        self, rows: IntArray, joins: tuple[Join, Join], columns: BoolArray
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield what differs between some sources and some destinations, block by block."""
        for block in self._blocks(rows, joins):
            yield self._block(block, joins, columns)

    def _blocks(self, rows: IntArray, joins: tuple[Join, Join]) -> Iterator[IntArray]:
        """Yield the sources in blocks that are not too much to list at once."""
        roles = (self._sources.old.role[rows], self._sources.new.role[rows])
        costs = [
            np.where(role == ABSENT, 0, join.cost[role])
            for role, join in zip(roles, joins, strict=True)
        ]
        total = np.cumsum(costs[0] + costs[1] + self._dense(rows))
        first = 0
        while first < len(rows):
            before = int(total[first - 1]) if first else 0
            end = max(int(np.searchsorted(total, before + _MOST_PAIRS)), first + 1)
            yield rows[first:end]
            first = end

    def _dense(self, rows: IntArray) -> IntArray:
        """Return how many destinations are looked at for each source because of openness."""
        old, new = self._sources.old.open[rows], self._sources.new.open[rows]
        reopened = np.where(old & new, len(self._differing()), 0)
        return np.where(old != new, len(self._destinations), reopened)

    def _differing(self) -> IntArray:
        """Return the destination roles that are open in one of the analyses only."""
        return np.flatnonzero(self._destinations.old.open != self._destinations.new.open)

    def _block(
        self, rows: IntArray, joins: tuple[Join, Join], columns: BoolArray
    ) -> tuple[IntArray, IntArray]:
        old, new = (
            reader.block(join, rows) for reader, join in zip(self._readers, joins, strict=True)
        )
        width = len(self._destinations)
        keys = _distinct(old.keys, new.keys, self._reopened(rows))
        keys = keys[columns[keys % width]]
        before, after = old.at(keys), new.at(keys)
        differ = np.flatnonzero(before != after)
        pairs = (rows[keys[differ] // width], keys[differ] % width)
        rectangles = np.stack([*pairs, before[differ], after[differ]], axis=1)
        return rectangles, self._selves(rows, columns, old, new)

    def _reopened(self, rows: IntArray) -> IntArray:
        """Return the keys of pairs that are open at both ends in one of the analyses only."""
        old, new = self._sources.old.open[rows], self._sources.new.open[rows]
        every = np.arange(len(self._destinations))
        asked = (
            (np.flatnonzero(old != new), every),
            (np.flatnonzero(old & new), self._differing()),
        )
        return np.concatenate([self._keys(rows, *each) for each in asked])

    def _keys(self, rows: IntArray, indices: IntArray, columns: IntArray) -> IntArray:
        if not len(indices) or not len(columns):
            return np.empty(0, dtype=np.int64)
        old, new = (_open(rows[indices], columns, *views) for views in self._views())
        row, column = np.nonzero(old != new)
        return indices[row] * len(self._destinations) + columns[column]

    def _views(self) -> Iterator[tuple[RoleView, RoleView]]:
        yield self._sources.old, self._destinations.old
        yield self._sources.new, self._destinations.new

    def _selves(
        self, rows: IntArray, columns: BoolArray, old: RowsOfPorts, new: RowsOfPorts
    ) -> IntArray:
        """Return the workloads whose connections with themselves differ."""
        row, position = self._sources.holders.gather(rows)
        groups = self._sources.holders.items[position]
        kept = groups < self._ends.groups
        row, groups = row[kept], groups[kept]
        kept = columns[self._destinations.of[groups]]
        row, groups = row[kept], groups[kept]
        keys = row * len(self._destinations) + self._destinations.of[groups]
        owner, position = self._rows_of_group.gather(groups)
        pairs = self._rows_of_group.items[position]
        before, after = (
            self._of_itself(block.at(keys)[owner], self._ends.pairs[pairs, side], side)
            for side, block in enumerate((old, new))
        )
        differ = np.flatnonzero(before != after)
        return np.stack([pairs[differ], before[differ], after[differ]], axis=1)

    def _of_itself(self, numbers: IntArray, indices: IntArray, side: int) -> IntArray:
        """Return the verdicts within workloads: a single pod always reaches itself."""
        workloads = self._workloads[side]
        single = [n != ABSENT and workloads[n].is_one_pod for n in indices.tolist()]
        return np.where(np.array(single, dtype=bool), ALL_PASS, numbers)


def _distinct(*ascending: IntArray) -> IntArray:
    """Return the distinct numbers of several lists, most of which are in order already."""
    together = np.sort(np.concatenate(ascending), kind="stable")
    return together[np.flatnonzero(np.diff(together, prepend=-1))]


def _open(
    rows: IntArray, columns: IntArray, sources: RoleView, destinations: RoleView
) -> BoolArray:
    """Return which pairs are open at both ends, and not both outside."""
    outside = sources.outside[rows][:, None] & destinations.outside[columns][None, :]
    opened: BoolArray = sources.open[rows][:, None] & destinations.open[columns][None, :] & ~outside
    return opened
