"""What changes between workloads and pods that are not shown.

How it works: what an old and a new analysis admit is a list of classes of unseen pods each. A class
of the new one is cut at the classes of the old one; of every part it is then known what passed
before and what passes now. Twins count in what is compared with, and not in what is reported: where
a workload goes and its policies stay, nothing has opened. Of a namespace that only one of the two
shows, the other one knows what it admits of namespaces with its labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from podwall.diff.changes import PolicyChange
from podwall.diff.comparison import AffectedEndpoints
from podwall.diff.joint_endpoints import ABSENT, JointEndpoints
from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.exposure import ExposedClasses, UnseenOpening
from podwall.reachability.label_conditions import (
    LabelConditions,
    among,
    is_among,
    not_among,
    simplified,
)
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.values import Bounds, PairVerdict, UnseenPods

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
            openings = [
                _openings(classes[direction], number)
                for classes, number in zip(self._classes(), numbers, strict=True)
            ]
            self._known[key] = tuple(self._changes(*openings))
        return self._known[key]

    def _may_change(self, group: int, direction: Direction) -> bool:
        if self._everywhere[direction]:
            return True
        ends = self._may_differ
        affected = ends.destinations if direction is Direction.INGRESS else ends.sources
        return bool(affected[group])

    def _classes(self) -> Iterator[dict[Direction, ExposedClasses]]:
        for side in self._sides:
            yield side.exposed_classes
            yield side.admitted_classes

    def _changes(
        self, old: _Openings, old_all: _Openings, new: _Openings, new_all: _Openings
    ) -> Iterator[UnseenChange]:
        """Yield what changes, given what both sides admit without twins, and with all of them."""
        if old_all == new_all and self._names.none:
            return
        before = _Admitted((*old_all, *self._names.in_old(old_all)))
        after = _Admitted((*new_all, *self._names.in_new(new_all)))
        found: dict[UnseenPods, tuple[PairVerdict, PairVerdict]] = {}
        for opening in new:
            for part in before.parts_of(opening.pods):
                change = before.of(part), after.of(part)
                if change[1].beyond(change[0]):
                    found[part] = change
        for opening in old:
            for part in after.parts_of(opening.pods):
                change = before.of(part), after.of(part)
                if change[0].beyond(change[1]) and self._names.both_show(part):
                    found[part] = change
        yield from _joined(found)


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

    def both_show(self, pods: UnseenPods) -> bool:
        """Return whether unseen pods are in namespaces that both show, or none of the two."""
        names = pods.namespaces if isinstance(pods.namespaces, tuple) else ()
        return not {*self._gone, *self._added}.intersection(names)

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


class _Admitted:
    """What one analysis admits of unseen pods."""

    def __init__(self, openings: _Openings) -> None:
        self._openings = openings

    def of(self, pods: UnseenPods) -> PairVerdict:
        """Return what passes for all of some pods."""
        found = Bounds.union(ports for each, ports in self._openings if is_among(pods, each))
        return PairVerdict(found.must, found.may - found.must)

    def parts_of(self, pods: UnseenPods) -> list[UnseenPods]:
        """Return pods in parts for which different ports pass."""
        passing = self.of(pods)
        parts = [pods]
        for each, ports in self._openings:
            if not PairVerdict(ports.must, ports.may - ports.must).beyond(passing):
                continue
            parts = [part for whole in parts for part in _cut(whole, each)]
            if len(parts) > _MOST_PARTS:
                return [pods]
        return parts


def _cut(pods: UnseenPods, at: UnseenPods) -> Iterator[UnseenPods]:
    """Yield those of some pods that are among others, and the rest of them."""
    inside = None if is_among(pods, at) else among(pods, at)
    if inside is None:
        yield pods
        return
    yield inside
    yield from not_among(pods, at)


_Verdicts = tuple[PairVerdict, PairVerdict]


def _joined(found: dict[UnseenPods, _Verdicts]) -> Iterator[UnseenChange]:
    """Yield changes, those that are alike as one where a selector can say it."""
    by_pods: defaultdict[tuple[_Verdicts, object], list[UnseenPods]] = defaultdict(list)
    for pods, change in found.items():
        by_pods[change, pods.namespaces].append(pods)
    by_names: defaultdict[tuple[_Verdicts, Selector], set[str]] = defaultdict(set)
    for (change, _), alike in by_pods.items():
        for selector in _fewest(alike):
            there = alike[0].namespaces
            if isinstance(there, tuple):
                by_names[change, selector].update(there)
            else:
                yield UnseenChange(UnseenPods(selector, there), *change)
    for (change, selector), names in by_names.items():
        yield UnseenChange(UnseenPods(selector, tuple(sorted(names))), *change)


def _fewest(alike: Sequence[UnseenPods]) -> list[Selector]:
    conditions = (LabelConditions.of(each.pods) for each in alike)
    return [each.selector() for each in simplified([each for each in conditions if each])]
