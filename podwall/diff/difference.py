"""The difference of two analyses: changed connections as a stream, and the policies behind them.

`Diff` compares joint roles when it is made; `changes()` expands what differs to pairs of endpoints
in order of source and destination, and merges neighbouring ranges of addresses that changed alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from typing import Final, NamedTuple

from podwall.aks.network_engine import engine_change
from podwall.diff.causes import ChangeCauses, rules_behind
from podwall.diff.changes import (
    ChangeCause,
    ConnectionChange,
    PolicyChange,
    TierPolicyChange,
    policy_changes,
    responsible,
    tier_policy_changes,
)
from podwall.diff.comparison import AffectedEndpoints, RoleComparison, affected, compared
from podwall.diff.joint_endpoints import (
    ABSENT,
    JointEndpoints,
    WorkloadOrder,
    joint_endpoints,
    ranges_of,
    ranks_by_id,
)
from podwall.diff.unseen_changes import UnseenChange, UnseenChanges
from podwall.focus import EVERYTHING, Focus, asked_ends, on_port
from podwall.policies.errors import Finding
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability import Reachability
from podwall.reachability.arrays import Csr, IntArray
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import first_address
from podwall.reachability.replay import Replay
from podwall.reachability.values import (
    AnyEndpoint,
    ExternalRange,
    PairVerdict,
    UnseenPods,
    WorkloadEndpoint,
)

__all__ = ["Diff", "Expansion", "diff"]


BeforeAfter = tuple[int, int]
"""The numbers of the verdicts before and after."""

_AND: Final = "; "


class _Reached(NamedTuple):
    """What differs for a source role: workloads in order, and parts of the outside by outcome."""

    workloads: list[tuple[int, BeforeAfter]]
    outside: dict[BeforeAfter, list[int]]


class Expansion:
    """Yields the changes that a comparison found, one by one."""

    def __init__(  # noqa: PLR0913, PLR0917 - what differs, each part from its own module
        self,
        sides: tuple[Reachability, Reachability],
        ends: JointEndpoints,
        may_differ: AffectedEndpoints,
        comparison: RoleComparison,
        unseen: UnseenChanges,
        causes: ChangeCauses,
    ) -> None:
        """Sort what differs by source role."""
        self._behind = causes.behind
        self._unseen = unseen
        self._old, self._new = sides
        self._ends = ends
        self._affected = may_differ
        self._comparison = comparison
        rectangles = comparison.rectangles
        rows = np.arange(len(rectangles))
        self._of_role = Csr.of_pairs(rectangles[:, 0], rows, len(comparison.sources))
        self._listing = WorkloadOrder(sides, ends)
        selves = zip(self._listing.number[comparison.selves[:, 0]], comparison.selves, strict=True)
        self._selves = {int(number): (int(row[1]), int(row[2])) for number, row in selves}
        self._last: tuple[int, _Reached] | None = None
        self._networks: dict[tuple[int, ...], tuple[ExternalRange, ...]] = {}
        self._causes: dict[tuple[bool, int, int], str] = {}
        self._unseen_causes: dict[tuple[bool, int, Direction, UnseenPods, PortSet], str] = {}

    def changes(self) -> Iterator[ConnectionChange]:
        """Yield the changes by source, then destination; workloads before ranges."""
        concerned = self._of_role.lengths[self._comparison.sources.of] > 0
        sources = np.flatnonzero(concerned[self._listing.group]).tolist()
        for source in sorted({*sources, *self._selves}):
            yield from self._from_workload(source)
        yield from self._from_outside()

    def unseen_changes(self) -> Iterator[ConnectionChange]:
        """Yield the changes between workloads and pods that are not shown, by workload."""
        groups = dict.fromkeys(self._unseen.groups())
        numbers = (self._listing.of_group[group].tolist() for group in groups)
        for number in sorted(chain.from_iterable(numbers)):
            group = int(self._listing.group[number])
            for direction in Direction:
                for change in self._unseen.of_group(group, direction):
                    yield self._with_unseen(number, group, direction, change)

    def _with_unseen(
        self, number: int, group: int, direction: Direction, change: UnseenChange
    ) -> ConnectionChange:
        ends: tuple[AnyEndpoint, AnyEndpoint] = (change.pods, self._listing.endpoint(number))
        selecting = self._policies_of(group, direction, change.pods)
        found = responsible(selecting, direction, change.before, change.after)
        pair = (change.pods.one(), ends[1])
        policies = self._behind(
            found,
            pair if direction is Direction.INGRESS else pair[::-1],
            (group, direction, change.pods),
            (change.before, change.after),
            (group, group),
        )
        return ConnectionChange(
            *(ends if direction is Direction.INGRESS else ends[::-1]),
            before=change.before,
            after=change.after,
            cause=self._cause((group, group), policies),
            policies=policies,
            because=self._why_unseen(group, direction, change),
        )

    def _policies_of(
        self, group: int, direction: Direction, pods: UnseenPods
    ) -> tuple[PolicyChange, ...]:
        """Return the policies that differ: at the workload, else where the pods are."""
        ends = self._affected
        own = (ends.ingress if direction is Direction.INGRESS else ends.egress).get(group, ())
        if own or not isinstance(pods.namespaces, tuple):
            return own
        return tuple(
            each
            for each in self._unseen.policies
            if each.latest.namespace in pods.namespaces
            and each.versions(direction.other) != (None, None)
        )

    def _why_unseen(self, group: int, direction: Direction, change: UnseenChange) -> str:
        """Return what undetermined ports depend on, after the change if there are any.

        It is found once for a class of pods.
        """
        now = bool(change.after.undetermined)
        if not (now or change.before.undetermined):
            return ""
        element = int((self._ends.new if now else self._ends.old)[group])
        left = (change.after if now else change.before).undetermined
        key = (now, element, direction, change.pods.one(), left)
        if key not in self._unseen_causes:
            side = self._new if now else self._old
            causes = side.doubts_about(element, direction, key[3], left)
            self._unseen_causes[key] = _AND.join(causes)
        return self._unseen_causes[key]

    def _from_workload(self, source: int) -> Iterator[ConnectionChange]:
        group = int(self._listing.group[source])
        role = int(self._comparison.sources.of[group])
        if self._last is None or self._last[0] != role:
            self._last = (role, self._reached(role))
        workloads, outside = self._last[1]
        itself = [(source, self._selves[source])] if source in self._selves else []
        for end, outcome in merge(((e, o) for e, o in workloads if e != source), itself):
            yield self._change((group, int(self._listing.group[end])), outcome, source, end)
        ranges = ((each, key) for key, parts in outside.items() for each in self._ranges(parts))
        for range_, outcome in sorted(ranges, key=lambda pair: _address_order(pair[0])):
            yield self._change((group, outside[outcome][0]), outcome, source, range_)

    def _reached(self, role: int) -> _Reached:
        """Return the destinations to which something differs."""
        outside: defaultdict[BeforeAfter, list[int]] = defaultdict(list)
        workloads: list[tuple[int, BeforeAfter]] = []
        for end, outcome in self._row(role):
            if end < self._ends.groups:
                workloads += ((each, outcome) for each in self._listing.of_group[end].tolist())
            else:
                outside[outcome].append(end)
        return _Reached(sorted(workloads), {key: sorted(parts) for key, parts in outside.items()})

    def _row(self, role: int) -> Iterator[tuple[int, BeforeAfter]]:
        """Yield the groups and parts to which something differs."""
        comparison = self._comparison
        rectangles = comparison.rectangles[self._of_role[role]]
        owner, position = comparison.destinations.holders.gather(rectangles[:, 1])
        ends = comparison.destinations.holders.items[position].tolist()
        before, after = rectangles[owner, 2].tolist(), rectangles[owner, 3].tolist()
        yield from zip(ends, zip(before, after, strict=True), strict=True)

    def _from_outside(self) -> Iterator[ConnectionChange]:
        parts: defaultdict[tuple[int, BeforeAfter], list[int]] = defaultdict(list)
        for source in range(self._ends.groups, len(self._ends)):
            for group, outcome in self._row(int(self._comparison.sources.of[source])):
                parts[group, outcome].append(source)
        found = (
            ((*order, end), range_, group, outcome)
            for (group, outcome), sources in parts.items()
            for order, range_ in [(_address_order(each), each) for each in self._ranges(sources)]
            for end in self._listing.of_group[group].tolist()
        )
        for (*_, end), range_, group, outcome in sorted(found, key=itemgetter(0)):
            yield self._change((parts[group, outcome][0], group), outcome, range_, end)

    def _ranges(self, ends: Iterable[int]) -> tuple[ExternalRange, ...]:
        """Return the networks of several parts of the outside, merged."""
        key = tuple(end - self._ends.groups for end in ends)
        if key not in self._networks:
            self._networks[key] = ranges_of([self._ends.parts[part] for part in key])
        return self._networks[key]

    def _change(
        self,
        groups: tuple[int, int],
        outcome: BeforeAfter,
        source: int | ExternalRange,
        destination: int | ExternalRange,
    ) -> ConnectionChange:
        before, after = (self._comparison.verdicts.values[number] for number in outcome)
        ends = (self._listing.endpoint(source), self._listing.endpoint(destination))
        found = self._policies(groups, before, after)
        policies = self._behind(found, ends, (groups, outcome), (before, after), groups)
        undetermined = before.undetermined or after.undetermined
        return ConnectionChange(
            source=ends[0],
            destination=ends[1],
            before=before,
            after=after,
            cause=self._cause(groups, policies),
            policies=policies,
            because=self._because(groups, outcome) if undetermined else "",
        )

    def _policies(
        self, pair: tuple[int, int], before: PairVerdict, after: PairVerdict
    ) -> tuple[PolicyChange, ...]:
        """Return the policies that differ at both ends and are behind what changed."""
        sending = self._affected.egress.get(pair[0], ())
        receiving = self._affected.ingress.get(pair[1], ())
        sending = responsible(sending, Direction.EGRESS, before, after)
        receiving = responsible(receiving, Direction.INGRESS, before, after)
        if not receiving or not sending:
            return sending or receiving
        both = {each.name: each for each in (*sending, *receiving)}
        return tuple(both[name] for name in sorted(both))

    def _cause(
        self, pair: tuple[int, int], policies: tuple[PolicyChange | TierPolicyChange, ...]
    ) -> ChangeCause:
        if ABSENT in (self._ends.new[pair[0]], self._ends.new[pair[1]]):
            return ChangeCause.GONE
        if ABSENT in (self._ends.old[pair[0]], self._ends.old[pair[1]]):
            return ChangeCause.NEW
        return ChangeCause.POLICY if policies else ChangeCause.OTHER

    def _because(self, pair: tuple[int, int], outcome: BeforeAfter) -> str:
        """Return what the undetermined ports depend on, after the change if there are any.

        It is found once for a pair of classes: pods of one role may have doubts of their own.
        """
        now = bool(self._comparison.verdicts.values[outcome[1]].undetermined)
        elements = self._ends.new if now else self._ends.old
        key = (now, int(elements[pair[0]]), int(elements[pair[1]]))
        if key not in self._causes:
            side = self._new if now else self._old
            (number,) = side.causes.between(key[1], [key[2]])
            undetermined = side.causes[number]
            parts = (part.because.split(_AND) for part in undetermined)
            self._causes[key] = _AND.join(dict.fromkeys(chain.from_iterable(parts)))
        return self._causes[key]


def _address_order(range_: ExternalRange) -> tuple[int, int]:
    return first_address(range_.network), range_.network.prefixlen


_MOST_KEPT: Final = 1 << 15
"""So many changes are kept for the next reader, each of some hundred bytes."""


class _KeptChanges:
    """Changes that several readers go through, found once as far as they are few enough to keep."""

    def __init__(self, find: Callable[[], Iterator[ConnectionChange]]) -> None:
        self._find = find
        self._known: list[ConnectionChange] = []
        self._rest: Iterator[ConnectionChange] | None = None
        self._are_all = False

    def __iter__(self) -> Iterator[ConnectionChange]:
        """Yield what is known, and further what is found meanwhile, by whichever reader."""
        number = 0
        while number < len(self._known) or self._find_one():
            yield self._known[number]
            number += 1
        if not self._are_all:
            yield from islice(self._find(), number, None)

    def _find_one(self) -> bool:
        """Return whether one more is known; none is after the last, or where there are too many."""
        if self._are_all or len(self._known) >= _MOST_KEPT:
            return False
        if self._rest is None:
            self._rest = self._find()
        found = next(self._rest, None)
        if found is None:
            self._are_all = True
            return False
        self._known.append(found)
        return True


class Diff:
    """What a change of a cluster does to its connections. Made by `diff`.

    Like `Reachability` it holds classes of pairs, and expands them as a stream. `focus` is what is
    asked for of it: everything, unless it comes of `narrowed`.
    """

    focus: Focus = EVERYTHING

    def __init__(self, old: Reachability, new: Reachability) -> None:
        """Compare the two where they may differ."""
        self.old = old
        self.new = new
        self.is_asked: Callable[[AnyEndpoint, AnyEndpoint], bool] = _always
        self._ends = joint_endpoints(old, new)
        self._policies = policy_changes(old.cluster, new.cluster)
        self._affected = affected(old, new, self._ends, self._policies)
        self._comparison = compared(old, new, self._ends, self._affected)

    @property
    def policies(self) -> tuple[PolicyChange, ...]:
        """The acting policies that differ, by namespace and name."""
        return self._policies

    @property
    def every_policy(self) -> tuple[PolicyChange | TierPolicyChange, ...]:
        """The acting policies that differ: NetworkPolicies first, then those in tiers."""
        return (*self._policies, *self.in_tiers)

    @cached_property
    def in_tiers(self) -> tuple[TierPolicyChange, ...]:
        """The acting policies that differ and stand before or after NetworkPolicies, by name."""
        if self.old.cluster.tiers == self.new.cluster.tiers:
            return ()
        return tier_policy_changes(self.old.snapshot, self.new.snapshot)

    @property
    def added(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads that are new, by id."""
        there = self._ends.pairs[self._ends.pairs[:, 0] == ABSENT, 1]
        return _endpoints(self.new, there)

    @property
    def gone(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads that are gone, by id."""
        there = self._ends.pairs[self._ends.pairs[:, 1] == ABSENT, 0]
        return _endpoints(self.old, there)

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """The ids before and after of workloads that go by another generated name."""
        both = self._ends.pairs[(self._ends.pairs != ABSENT).all(axis=1)].tolist()
        before, after = self.old.cluster.workloads, self.new.cluster.workloads
        named = [(o, n) for o, n in both if before[o].name != after[n].name]
        ranks = ranks_by_id(self.old), ranks_by_id(self.new)
        old, new = self.old.workloads, self.new.workloads
        return tuple(sorted((old[ranks[0][o]].id, new[ranks[1][n]].id) for o, n in named))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What else changes: another network policy engine decides everything anew.

        A first deployment changes no engine: there is none before.
        """
        before = self.old.snapshot
        if before.engine is None and not before.workloads and not before.policies:
            return ()
        return tuple(engine_change(self.old.engine.name, self.new.engine.name))

    @property
    def is_empty(self) -> bool:
        """Whether no connection changes."""
        return next(self.changes(), None) is None

    def changes(self) -> Iterator[ConnectionChange]:
        """Yield every connection that changes, by source, then destination.

        A pair that is not yielded is what it was. Ranges outside the cluster are as large as they
        can be while everything in them changes alike. Connections with pods that are not shown come
        last, by workload, unless one of the two clusters is whole.
        """
        yield from self._kept

    def port_changes(self) -> Iterator[ConnectionChange]:
        """Yield the changes without those of ICMP and the like alone, which have no `port_kind`."""
        return (each for each in self._asked_for() if each.port_kind is not None)

    def rules_behind(self, change: ConnectionChange) -> tuple[str, ...]:
        """Return the rules of the policies behind a change that do it, as `rule_changes` says."""
        return rules_behind(self._replays, change)

    @cached_property
    def _replays(self) -> tuple[Replay, Replay]:
        return Replay(self.old.cluster), Replay(self.new.cluster)

    def narrowed(self, focus: Focus) -> Diff:
        """Return the same, with only those `port_changes` that are asked for, on their ports.

        Raises:
            InvalidValue: an end or a port name is in neither cluster, or a word means none.
        """
        found = copy(self)
        found.focus = focus
        found.is_asked = asked_ends(focus, (self.old, self.new)) if focus else _always
        return found

    def _asked_for(self) -> Iterator[ConnectionChange]:
        if not self.focus:
            return self.changes()
        port = self.focus.port
        found = (each for each in self.changes() if self.is_asked(each.source, each.destination))
        return (_on_port(each, port) for each in found) if port else found

    @cached_property
    def _kept(self) -> _KeptChanges:
        expansion = self._expansion
        return _KeptChanges(lambda: chain(expansion.changes(), expansion.unseen_changes()))

    @cached_property
    def _expansion(self) -> Expansion:
        sides = (self.old, self.new)
        unseen = UnseenChanges(sides, self._ends, self._affected, self._policies)
        causes = ChangeCauses(sides, self.in_tiers, self._ends, self._affected.differing)
        return Expansion(sides, self._ends, self._affected, self._comparison, unseen, causes)


def _always(source: AnyEndpoint, destination: AnyEndpoint) -> bool:
    del source, destination
    return True


def _on_port(change: ConnectionChange, port: str) -> ConnectionChange:
    before, after = (
        PairVerdict(*(on_port(port, ports, change.destination) for ports in each))
        for each in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def _endpoints(side: Reachability, indices: IntArray) -> tuple[WorkloadEndpoint, ...]:
    """Return the workloads at some indices of a cluster, by id."""
    ends = side.ends
    found = np.flatnonzero(np.isin(ends.workload_numbers, indices)) if len(indices) else indices
    return tuple(ends.workloads[number] for number in found.tolist())


def diff(old: Reachability, new: Reachability) -> Diff:
    """Return what changes from one analysis to another.

    The comparison costs what may differ: a policy that is edited makes only the pods that it
    selects, or selected, be looked at again.
    """
    return Diff(old, new)
