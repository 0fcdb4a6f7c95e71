"""What changes between workloads and pods that are not shown.

How it works: what an old and a new analysis admit is a list of classes of unseen pods each. A class
of the new one is cut at the classes of the old one; of every part it is then known what passed
before and what passes now. Twins count in what is compared with, and not in what is reported: where
a workload goes and its policies stay, nothing has opened. Of a namespace that only one of the two
shows, the other one knows what it admits of namespaces with its labels.

Few conditions and few sets of ports make up the classes of all workloads, so that both are numbered
(`_Numbers`), and what two of them have in common is found once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Final, NamedTuple

from podwall.diff.changes import PolicyChange
from podwall.diff.comparison import AffectedEndpoints
from podwall.diff.joint_endpoints import ABSENT, JointEndpoints
from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.arrays import Registry
from podwall.reachability.exposure import ExposedClasses, UnseenOpening
from podwall.reachability.label_conditions import LabelConditions, simplified
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.values import NOTHING, Bounds, PairVerdict, UnseenPods

__all__ = ["UnseenChange", "UnseenChanges"]


@dataclass(frozen=True, slots=True)
class UnseenChange:
    """What passes between a workload and unseen pods, before and after."""

    pods: UnseenPods
    before: PairVerdict
    after: PairVerdict


_Openings = tuple[UnseenOpening, ...]


class UnseenChanges:
    """The changes of groups of workloads, which are found when they are asked for."""

    def __init__(
        self,
        sides: tuple[Reachability, Reachability],
        ends: JointEndpoints,
        may_differ: AffectedEndpoints,
        policies: Sequence[PolicyChange],
    ) -> None:
        """Find out for which groups something may differ."""
        self._sides = sides
        self._ends = ends
        self._may_differ = may_differ
        self._names = _ShownOnce(*sides)
        self._numbers = _Numbers()
        self._admitted: dict[tuple[int, Direction, int], _Admitted] = {}
        self.policies = policies
        self._everywhere = {each: _for_all(sides, policies, each) for each in Direction}
        self._known: dict[tuple[Direction, int, int, int, int], tuple[UnseenChange, ...]] = {}

    def groups(self) -> Iterator[int]:
        """Yield the groups for which something may differ."""
        if any(each.is_closed for each in self._sides):
            return
        for group in range(self._ends.groups):
            if any(self._may_change(group, direction) for direction in Direction):
                yield group

    def of_group(self, group: int, direction: Direction) -> tuple[UnseenChange, ...]:
        """Return what changes for the workloads of a group."""
        if not self._may_change(group, direction):
            return ()
        old, new = int(self._ends.old[group]), int(self._ends.new[group])
        numbers = [
            -1 if element == ABSENT else int(classes.of[element])
            for side, element in zip(self._sides, (old, new), strict=True)
            for classes in (side.exposed_classes[direction], side.admitted_classes[direction])
        ]
        key = (direction, numbers[0], numbers[1], numbers[2], numbers[3])
        if key not in self._known:
            self._known[key] = tuple(self._changes(direction, *numbers))
        return self._known[key]

    def _may_change(self, group: int, direction: Direction) -> bool:
        if self._everywhere[direction]:
            return True
        ends = self._may_differ
        affected = ends.destinations if direction is Direction.INGRESS else ends.sources
        return bool(affected[group])

    def _openings(self, side: int, direction: Direction, number: int) -> _Openings:
        """Return what a class of workloads admits, without twins."""
        return _openings(self._sides[side].exposed_classes[direction], number)

    def _all_openings(self, side: int, direction: Direction, number: int) -> _Openings:
        """Return the same with all of them."""
        return _openings(self._sides[side].admitted_classes[direction], number)

    def _admits(self, side: int, direction: Direction, number: int) -> _Admitted:
        """Return these in numbers, by every name that one of the sides has for them."""
        key = (side, direction, number)
        if key not in self._admitted:
            own = self._all_openings(side, direction, number)
            named = (self._names.in_old, self._names.in_new)[side](own)
            numbered = tuple(map(self._numbers.opening, (*own, *named)))
            self._admitted[key] = _Admitted(numbered, self._numbers)
        return self._admitted[key]

    def _changes(
        self, direction: Direction, old: int, old_all: int, new: int, new_all: int
    ) -> Iterator[UnseenChange]:
        """Yield what changes, given the classes of both sides without twins, and with all."""
        admits = (
            self._all_openings(0, direction, old_all),
            self._all_openings(1, direction, new_all),
        )
        if admits[0] == admits[1] and self._names.none:
            return
        before, after = self._admits(0, direction, old_all), self._admits(1, direction, new_all)
        exceeds = self._numbers.exceeds
        found: dict[_Pods, _Passing] = {}
        for opening in self._openings(1, direction, new):
            for part in before.parts_of(self._numbers.opening(opening).pods):
                was, is_ = before.of(part), after.of(part)
                if exceeds(is_, was):
                    found[part] = was, is_
        once = self._numbers.namespaces(self._names.once)
        for opening in self._openings(0, direction, old):
            for part in after.parts_of(self._numbers.opening(opening).pods):
                was, is_ = before.of(part), after.of(part)
                if exceeds(was, is_) and not part.shown & once:
                    found[part] = was, is_
        yield from _joined(found, self._numbers)


def _for_all(
    sides: tuple[Reachability, Reachability], policies: Sequence[PolicyChange], direction: Direction
) -> bool:
    """Return whether what is admitted in a direction may differ for every workload."""
    old, new = (each.cluster for each in sides)
    return (
        old.shown_namespaces != new.shown_namespaces
        or old.services != new.services
        or old.unread != new.unread
        or old.tiers != new.tiers
        or any(each.versions(direction.other) != (None, None) for each in policies)
    )


def _openings(classes: ExposedClasses, number: int) -> _Openings:
    return () if number < 0 else classes.openings(number)


class _ShownOnce:
    """The namespaces that only one of two analyses shows, and what the other one admits of them."""

    def __init__(self, old: Reachability, new: Reachability) -> None:
        before, after = (set(each.cluster.shown_namespaces) for each in (old, new))
        self._old, self._new = old, new
        self._gone, self._added = sorted(before - after), sorted(after - before)
        self.none = before == after

    @property
    def once(self) -> tuple[str, ...]:
        """The namespaces that only one of the two shows."""
        return (*self._gone, *self._added)

    def in_old(self, openings: _Openings) -> Iterator[UnseenOpening]:
        """Yield further names for what the old analysis admits, by the namespaces of the new."""
        yield from _as_shown(openings, self._added, self._new)
        yield from _as_others(openings, self._gone)

    def in_new(self, openings: _Openings) -> Iterator[UnseenOpening]:
        """Yield further names for what the new analysis admits, by the namespaces of the old."""
        yield from _as_shown(openings, self._gone, self._old)
        yield from _as_others(openings, self._added)


def _as_shown(
    openings: _Openings, names: Iterable[str], showing: Reachability
) -> Iterator[UnseenOpening]:
    """Yield what openings to other namespaces mean of some that only the other side shows."""
    for name in names:
        labels = showing.cluster.namespaces.of(name)
        for pods, ports in openings:
            if isinstance(pods.namespaces, tuple):
                continue
            match = labels_match(pods.namespaces, labels)
            if match is not Match.NO:
                bounds = ports if match is Match.YES else Bounds.perhaps(ports.may)
                yield UnseenOpening(UnseenPods(pods.pods, (name,)), bounds)


def _as_others(openings: _Openings, names: Iterable[str]) -> Iterator[UnseenOpening]:
    """Yield openings to namespaces that only this side shows, as the other side means them."""
    for name in names:
        there = Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (name,)),))
        for pods, ports in openings:
            if isinstance(pods.namespaces, tuple) and name in pods.namespaces:
                yield UnseenOpening(UnseenPods(pods.pods, there), ports)


_MOST_PARTS = 64
"""Into so many parts a class is cut; one that would be cut into more stays whole."""


_Passing = tuple[int, int]
"""The numbers of what passes before and after."""


class _Pods(NamedTuple):
    """Unseen pods in numbers.

    `labels` is the number of their conditions, `shown` has a bit for each namespace that a source
    shows, and `others` the number of the conditions on those that it does not, `_NONE` without.
    """

    labels: int
    shown: int
    others: int


class _Opening(NamedTuple):
    pods: _Pods
    ports: int


_NONE: Final = -1


class _Numbers:
    """Conditions and ports by numbers, and what two of them make together, found once."""

    def __init__(self) -> None:
        self.conditions = Registry[LabelConditions]()
        self._ports = Registry[Bounds]()
        self._ports.number(NOTHING)
        self._verdicts: dict[int, PairVerdict] = {}
        self._names: dict[str, int] = {}
        self._openings: dict[int, tuple[UnseenOpening, _Opening]] = {}
        self._within: dict[tuple[int, int], bool] = {}
        self._meet: dict[tuple[int, int], int] = {}
        self._without: dict[tuple[int, int], tuple[int, ...]] = {}
        self._union: dict[tuple[int, int], int] = {}
        self._exceeds: dict[tuple[int, int], bool] = {}

    def opening(self, opening: UnseenOpening) -> _Opening:
        """Return an opening in numbers."""
        known = self._openings.get(id(opening))
        if known is None:
            found = _Opening(self._pods(opening.pods), self._ports.number(opening.ports))
            # The opening is kept so that nothing else has its place in memory.
            known = self._openings[id(opening)] = opening, found
        return known[1]

    def _pods(self, pods: UnseenPods) -> _Pods:
        labels, there = self._condition(pods.pods), pods.namespaces
        if isinstance(there, tuple):
            return _Pods(labels, self.namespaces(there), _NONE)
        return _Pods(labels, 0, self._condition(there))

    def _condition(self, selector: Selector) -> int:
        found = LabelConditions.of(selector)
        assert found is not None, "pods that cannot be are in no opening"
        return self.conditions.number(found)

    def namespaces(self, names: Iterable[str]) -> int:
        """Return the bits of some namespaces."""
        numbers = (self._names.setdefault(each, len(self._names)) for each in names)
        return sum(1 << number for number in numbers)

    def names(self, shown: int) -> Iterator[str]:
        """Yield the namespaces that bits stand for."""
        return (name for name, number in self._names.items() if shown >> number & 1)

    def verdict(self, ports: int) -> PairVerdict:
        """Return what passes for certain, and what perhaps."""
        if ports not in self._verdicts:
            found = self._ports.values[ports]
            self._verdicts[ports] = PairVerdict(found.must, found.may - found.must)
        return self._verdicts[ports]

    def union(self, one: int, other: int) -> int:
        """Return the number of the ports of both."""
        key = (one, other)
        if key not in self._union:
            values = self._ports.values
            self._union[key] = self._ports.number(values[one] | values[other])
        return self._union[key]

    def exceeds(self, one: int, other: int) -> bool:
        """Return whether ports pass of the one and not of the other, or not for certain."""
        key = (one, other)
        if key not in self._exceeds:
            self._exceeds[key] = bool(self.verdict(one).beyond(self.verdict(other)))
        return self._exceeds[key]

    def is_among(self, pods: _Pods, others: _Pods) -> bool:
        """Return whether all of some unseen pods are among others."""
        if _NONE in (pods.others, others.others):
            if pods.others != others.others or pods.shown & ~others.shown:
                return False
        elif not self._is_within(pods.others, others.others):
            return False
        return self._is_within(pods.labels, others.labels)

    def _is_within(self, one: int, other: int) -> bool:
        if one == other:
            return True
        key = (one, other)
        if key not in self._within:
            values = self.conditions.values
            self._within[key] = values[one] <= values[other]
        return self._within[key]

    def cut(self, pods: _Pods, at: _Pods) -> Iterator[_Pods]:
        """Yield those of some pods that are among others, and the rest, in parts that may overlap.

        All of them as they are, where that is one of the two.
        """
        labels = self._common(pods.labels, at.labels)
        shown, others = pods.shown & at.shown, _NONE
        if _NONE not in (pods.others, at.others):
            others = self._common(pods.others, at.others)
        if labels == _NONE or (not shown and others == _NONE) or self.is_among(pods, at):
            yield pods
            return
        yield _Pods(labels, shown, others)
        for rest in self._rest(pods.labels, at.labels):
            yield _Pods(rest, shown, others)
        if outside := pods.shown & ~shown:
            yield _Pods(pods.labels, outside, _NONE)
        elif pods.others != _NONE:
            for rest in self._rest(pods.others, at.others):
                yield _Pods(pods.labels, 0, rest)

    def _common(self, one: int, other: int) -> int:
        """Return the number of what fulfils both conditions, `_NONE` if nothing does."""
        key = (one, other)
        if key not in self._meet:
            values = self.conditions.values
            both = values[one] & values[other]
            self._meet[key] = _NONE if both is None else self.conditions.number(both)
        return self._meet[key]

    def _rest(self, one: int, other: int) -> tuple[int, ...]:
        """Return the numbers of conditions for what fulfils the one and not the other."""
        key = (one, other)
        if key not in self._without:
            values = self.conditions.values
            rest = values[one].without(values[other])
            self._without[key] = tuple(map(self.conditions.number, rest))
        return self._without[key]


class _Admitted:
    """What one analysis admits of unseen pods."""

    def __init__(self, openings: tuple[_Opening, ...], numbers: _Numbers) -> None:
        self._openings = openings
        self._numbers = numbers
        self._passing: dict[_Pods, int] = {}
        self._parts: dict[_Pods, list[_Pods]] = {}

    def of(self, pods: _Pods) -> int:
        """Return the number of what passes for all of some pods."""
        if pods not in self._passing:
            is_among = self._numbers.is_among
            found = (ports for each, ports in self._openings if is_among(pods, each))
            self._passing[pods] = reduce(self._numbers.union, found, 0)
        return self._passing[pods]

    def parts_of(self, pods: _Pods) -> list[_Pods]:
        """Return pods in parts for which different ports pass."""
        if pods not in self._parts:
            self._parts[pods] = self._cut(pods)
        return self._parts[pods]

    def _cut(self, pods: _Pods) -> list[_Pods]:
        passing, cut = self.of(pods), self._numbers.cut
        parts = [pods]
        for each, ports in self._openings:
            if not self._numbers.exceeds(ports, passing):
                continue
            parts = [part for whole in parts for part in cut(whole, each)]
            if len(parts) > _MOST_PARTS:
                return [pods]
        return parts


def _joined(found: dict[_Pods, _Passing], numbers: _Numbers) -> Iterator[UnseenChange]:
    """Yield changes, those that are alike as one where a selector can say it."""
    by_pods: defaultdict[tuple[_Passing, int, int], list[int]] = defaultdict(list)
    for pods, change in found.items():
        by_pods[change, pods.shown, pods.others].append(pods.labels)
    by_names: defaultdict[tuple[_Passing, Selector], int] = defaultdict(int)
    for (change, shown, others), alike in by_pods.items():
        verdicts = numbers.verdict(change[0]), numbers.verdict(change[1])
        for each in simplified([numbers.conditions.values[number] for number in alike]):
            if others == _NONE:
                by_names[change, each.selector()] |= shown
            else:
                there = numbers.conditions.values[others].selector()
                yield UnseenChange(UnseenPods(each.selector(), there), *verdicts)
    for (change, selector), shown in by_names.items():
        verdicts = numbers.verdict(change[0]), numbers.verdict(change[1])
        named = UnseenPods(selector, tuple(sorted(numbers.names(shown))))
        yield UnseenChange(named, *verdicts)
