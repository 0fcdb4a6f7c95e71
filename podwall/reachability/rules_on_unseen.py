"""What the policies of namespaces that a source shows let the unseen pods there do.

How it works: a class of pods is in some of the sets that rules name, so that only the groups of
unseen pods under such a rule grant it anything. All namespaces begin with what they grant to a
class that no rule names; those with such a group are looked at again.

    shop: pods of app=web send to role=db; no policy selects the others
    a class that no rule names      all pods but app=web
    a class with role=db            the same, and app=web

It is exact: a rule that does not name a class allows it nothing, so that leaving it out is no loss.
Pod classes under the same rules, as far as these select unseen pods, share one list of grants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from podwall.model import Unknown
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import (
    Csr,
    IntArray,
    group_by_membership,
    is_in,
    packed,
    unique_rows,
)
from podwall.reachability.few_arrays import np
from podwall.reachability.label_conditions import (
    EVERY_LABEL_MAP,
    LabelConditions,
    matched_by_none,
)
from podwall.reachability.policy_reader import Overruling, overruled, overruling
from podwall.reachability.port_rules import (
    UNSEEN_PORTS,
    has_names,
    opens,
    passes_own_node,
)
from podwall.reachability.unseen_peers import ShownNamespaces, UnseenPeers
from podwall.reachability.unseen_rules import GrantLists, PodGrant, UnseenGrant, backends
from podwall.reachability.values import ALL, NOTHING, Bound, Bounds

__all__ = ["AlikeNamespaces", "TheirRules"]


class AlikeNamespaces(NamedTuple):
    """Namespaces shown with equal policies, as bits, and what these grant the unseen pods there.

    `unisolated` are grants to pods that no policy isolates. `exempt` passes whatever policies say,
    and `by` is what policies that are not read do to all other grants.
    """

    shown: int
    unisolated: tuple[PodGrant, ...]
    guarded: tuple[PodGrant, ...]
    exempt: tuple[PodGrant, ...]
    by: Overruling


class _Isolation(NamedTuple):
    """Pods that policies of a namespace isolate: by the number of a selector, and how surely."""

    selector: int
    certain: bool


_Parts = tuple[tuple[int, int], ...]
"""Peers and ports of rules, as numbers of sets and of port lists."""


def _number(shown: ShownNamespaces, name: str | Unknown) -> int:
    """Return a namespace's number, or the one after all of them if its name is not known."""
    return shown.number[name] if isinstance(name, str) else len(shown.names)


class _Alike(NamedTuple):
    """Namespaces shown with equal policies, and equally overruled ones, as bits.

    `always` are the grants to unseen pods there that no policy isolates; `guarded` are the places
    of groups of pods that policies isolate.
    """

    shown: int
    by: Overruling
    always: tuple[int, ...]
    guarded: tuple[int, ...]


_Rule = tuple[int, bool]
"""The ports of a rule, as the number of a list, and whether it means a class only perhaps."""


class TheirRules:
    """What the policies of namespaces shown let the unseen pods there do with each pod class.

    `number_of` numbers what they grant, for each class.
    """

    def __init__(
        self, analysis: Analysis, direction: Direction, peers: UnseenPeers, lists: GrantLists
    ) -> None:
        """Read the policies in the other direction than that of the classes."""
        self._analysis = analysis
        self._peers = peers
        self._lists = lists
        self._direction = direction.other
        self._groups = analysis.rules.groups[direction.other]
        self._classes = len(analysis.classes)
        opened = backends(analysis, peers) if direction is Direction.EGRESS else ()
        unselected = self._unselected()
        self._unisolated = {lists.of_grant(each.pods, each.ports) for each in unselected}
        self._always = [*unselected, *opened]
        self._guarded = self._selected()
        self._alike = list(self._apart())
        self._peer_sets = sorted({each for _, _, parts in self._guarded for each, _ in parts})
        self._members = self._memberships()
        self.number_of = group_by_membership(self._kinds(), self._members)
        self._firsts = np.unique(self.number_of, return_index=True)[1].tolist()
        self._grants: dict[int, dict[int, int]] = {}
        self._unnamed: dict[tuple[int, ...], tuple[list[int], dict[int, int]]] = {}
        self._allowed: dict[tuple[int, int, tuple[_Rule, ...]], int | None] = {}

    def grants(self, number: int) -> Mapping[int, int]:
        """Return what unseen pods of namespaces shown may do with the classes with a number.

        The keys are lists of grants, by number, the values the namespaces, as bits.
        """
        if number not in self._grants:
            self._grants[number] = self._of_one(self._firsts[number])
        return self._grants[number]

    def alike(self, class_: int) -> Iterator[AlikeNamespaces]:
        """Yield what unseen pods of namespaces shown may do with a class, one grant by one."""
        allowing, exempt = self._allowing(class_), self.exempt(class_)
        for here in self._alike:
            always = [(each in self._unisolated, self._lists.grant(each)) for each in here.always]
            guarded = (allowing[each] for each in here.guarded if each in allowing)
            yield AlikeNamespaces(
                here.shown,
                tuple(grant for unisolated, grant in always if unisolated),
                tuple(map(self._lists.grant, guarded)),
                (*exempt, *(grant for unisolated, grant in always if not unisolated)),
                here.by,
            )

    def exempt(self, class_: int) -> tuple[PodGrant, ...]:
        """Return what passes all unseen pods whatever their policies say."""
        return tuple(map(self._lists.grant, self._exempt(class_)))

    def others(self, number: int) -> None:
        """Pods of namespaces that are not shown are restricted by nothing that can be read."""

    def _of_one(self, class_: int) -> dict[int, int]:
        exempt = self._exempt(class_)
        allowing = self._allowing(class_)
        everywhere, found = self._to_unnamed(exempt)
        found = dict(found)
        for place in {place for group in allowing for place in self._where[group]}:
            here, before = self._alike[place], everywhere[place]
            after = self._number(here, allowing, exempt)
            if before != after:
                found[before] &= ~here.shown
                found[after] = found.get(after, 0) | here.shown
        return found

    def _to_unnamed(self, exempt: tuple[int, ...]) -> tuple[list[int], dict[int, int]]:
        """Return what is granted to classes that no rule names: for each place, and joined."""
        if exempt not in self._unnamed:
            everywhere = [self._number(here, {}, exempt) for here in self._alike]
            found: defaultdict[int, int] = defaultdict(int)
            for here, number in zip(self._alike, everywhere, strict=True):
                found[number] |= here.shown
            self._unnamed[exempt] = everywhere, dict(found)
        return self._unnamed[exempt]

    def _number(self, here: _Alike, allowing: Mapping[int, int], exempt: tuple[int, ...]) -> int:
        guarded = [allowing[each] for each in here.guarded if each in allowing]
        return self._lists.of_list((*self._overruled((*here.always, *guarded), here.by), *exempt))

    def _overruled(self, grants: tuple[int, ...], by: Overruling) -> tuple[int, ...]:
        """Return what is left of grants where policies that are not read may overrule them."""
        if by is Overruling.NOT:
            return grants
        if by is not Overruling.NARROWED:
            return (self._lists.of_grant(EVERY_LABEL_MAP, overruled(ALL, by)),)
        those = (self._lists.grant(each) for each in grants)
        return tuple(self._lists.of_grant(pods, overruled(ports, by)) for pods, ports in those)

    @cached_property
    def _where(self) -> dict[int, list[int]]:
        """For each group the places of the namespaces that have it."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for place, here in enumerate(self._alike):
            for group in here.guarded:
                found[group].append(place)
        return found

    def _apart(self) -> Iterator[_Alike]:
        """Yield the namespaces shown, apart by their policies and by what overrules these."""
        overruling_ = list(self._by_overruling())
        for there, always, guarded in self._partition():
            for by, everywhere in overruling_:
                if bits := there & everywhere:
                    yield _Alike(bits, by, tuple(always), tuple(guarded))

    def _by_overruling(self) -> Iterator[tuple[Overruling, int]]:
        """Yield the namespaces shown, apart by what policies that are not read do to the rules."""
        shown, cluster = self._peers.shown, self._analysis.cluster
        unread = [each for each in cluster.unread if self._direction in each.directions]
        anywhere = [each for each in unread if not isinstance(each.namespace, str)]
        named = {each.namespace for each in unread if isinstance(each.namespace, str)}
        found = {overruling(anywhere): shown.every}
        for name in sorted(named):
            here = overruling((*anywhere, *(each for each in unread if each.namespace == name)))
            bit = 1 << shown.number[name]
            found = {by: bits & ~bit for by, bits in found.items()}
            found[here] = found.get(here, 0) | bit
        yield from found.items()

    def _partition(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield namespaces with equal policies: what always passes, and which groups count."""
        shown, always = self._peers.shown, self._always
        numbers = [self._lists.of_grant(each.pods, each.ports) for each in always]
        sets = [*(each.shown for each in always), *self._guarded.values()]
        held = Csr.of_lists([shown.numbers(each) for each in sets]).transposed(len(shown.names))
        alike = group_by_membership(np.zeros(len(held), dtype=np.int64), held)
        for each, first in enumerate(np.unique(alike, return_index=True)[1].tolist()):
            places = held[first].tolist()
            here = [numbers[k] for k in places if k < len(always)]
            guarded = [k - len(always) for k in places if k >= len(always)]
            yield (
                shown.bits(np.flatnonzero(alike == each)),
                here,
                guarded,
            )

    def _unselected(self) -> list[UnseenGrant]:
        """Return the unseen pods that no policy isolates, for certain or perhaps."""
        found: defaultdict[tuple[LabelConditions, bool], int] = defaultdict(int)
        for isolations, bits in self._namespaces_by_isolation().items():
            for conditions, certain in self._in_none(isolations) if bits else ():
                found[conditions, certain] |= bits
        return [
            UnseenGrant(conditions, bits, None, ALL if certain else Bounds.perhaps(ALL_PORTS))
            for (conditions, certain), bits in found.items()
        ]

    def _namespaces_by_isolation(self) -> dict[tuple[_Isolation, ...], int]:
        """Return how pods are isolated: lists of selectors, each with the namespaces of it."""
        names, shown = self._analysis.rules.peer_sets.namespaces.values, self._peers.shown
        number = np.array([_number(shown, each) for each in names], dtype=np.int64)
        targets = np.array(self._groups.targets, dtype=np.int64)
        namespace, selector = self._peers.within[targets].T
        doubtful = is_in(
            np.arange(len(targets)), np.array(sorted(self._groups.doubtful), dtype=np.int64)
        )
        rows, _ = unique_rows(np.stack([number[namespace], 2 * selector + doubtful], axis=1))
        count = len(shown.names)
        lists = Csr.of_pairs(rows[:, 0], rows[:, 1], count + 1)
        anywhere = [_Isolation(each // 2, certain=False) for each in lists[count].tolist()]
        alike = group_by_membership(np.zeros(count, dtype=np.int64), lists)
        found = {}
        for each, first in enumerate(np.unique(alike, return_index=True)[1].tolist()):
            own = (_Isolation(code // 2, certain=code % 2 == 0) for code in lists[first].tolist())
            found[*own, *anywhere] = shown.bits(np.flatnonzero(alike == each))
        return found

    def _in_none(
        self, isolations: tuple[_Isolation, ...]
    ) -> Iterator[tuple[LabelConditions, bool]]:
        """Yield what nothing isolates: first for certain, then at most if that is more."""
        values = self._analysis.rules.peer_sets.pod_selectors.values
        must = matched_by_none((values[each.selector] for each in isolations), Bound.MAY)
        certain = [values[each.selector] for each in isolations if each.certain]
        if (
            must is not None
            and len(certain) == len(isolations)
            and all(each.is_known for each in certain)
        ):
            may: tuple[LabelConditions, ...] | None = must
        else:
            may = matched_by_none(certain, Bound.MUST)
        yield from ((each, True) for each in must or ())
        if may is None or may != must:
            yield from ((each, False) for each in ((EVERY_LABEL_MAP,) if may is None else may))

    def _selected(self) -> dict[tuple[LabelConditions, bool, _Parts], int]:
        """Return the unseen pods that groups isolate, each with the parts of the groups' rules."""
        parts: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        rows = np.stack(self._groups.parts(), axis=1)
        targets = np.array(self._groups.targets, dtype=np.int64)
        relevant = ~self._peers.surely_none[targets[rows[:, 0]]]
        for group, peer_set, ports in rows[relevant].tolist():
            parts[group].add((peer_set, ports))
        found: defaultdict[tuple[LabelConditions, bool, _Parts], int] = defaultdict(int)
        for group, those in parts.items():
            certain = group not in self._groups.doubtful
            for peer in self._peers.of(int(targets[group])):
                found[peer.pods, certain and peer.certain, tuple(sorted(those))] |= peer.shown
        return found

    def _memberships(self) -> Csr:
        """Return for each pod class the sets that it is in, as numbers into `_peer_sets`.

        A number is twice the place there, plus one if the class is only perhaps a member.
        """
        lists = [np.empty((0, 2), dtype=np.int64)]
        for number, peer_set in enumerate(self._peer_sets):
            for perhaps, elements in enumerate(self._analysis.rules.elements.of(peer_set)):
                inside = elements[elements < self._classes]
                lists.append(np.stack([inside, np.full_like(inside, 2 * number + perhaps)], axis=1))
        rows = np.concatenate(lists)
        return Csr.of_pairs(rows[:, 0], rows[:, 1], self._classes)

    def _kinds(self) -> IntArray:
        """Return what else tells pod classes apart: their port names, services and nodes."""
        ends, ports = self._analysis.destinations, self._groups.ports.values
        nothing = np.zeros(self._classes, dtype=np.int64)
        outgoing = self._direction is Direction.EGRESS
        named = any(has_names(ports[each]) for _, _, parts in self._guarded for _, each in parts)
        naming = ends.naming[: self._classes] if outgoing and named else nothing
        return packed(naming, self._exposure(), self._analysis.classes.host)

    def _exposure(self) -> IntArray:
        """Return which services open a way to each pod class, as far as that matters here."""
        ends, engine = self._analysis.destinations, self._analysis.cluster.engine
        outgoing = self._direction is Direction.EGRESS
        if outgoing and opens(engine, self._direction):
            return ends.exposure[: self._classes]
        return np.zeros(self._classes, dtype=np.int64)

    def _allowing(self, class_: int) -> dict[int, int]:
        """Return for each group with rules that name a pod class its grant to unseen pods.

        Groups are places in `_guarded`.
        """
        rules: defaultdict[int, list[_Rule]] = defaultdict(list)
        for code in self._members[class_].tolist():
            for group, ports in self._naming_sets[code // 2]:
                rules[group].append((ports, code % 2 == 1))
        naming, found = self._naming(class_), {}
        for group, those in rules.items():
            key = (naming, group, tuple(those))
            if key not in self._allowed:
                self._allowed[key] = self._of_group(*key)
            if (grant := self._allowed[key]) is not None:
                found[group] = grant
        return found

    def _of_group(self, naming: int, group: int, rules: tuple[_Rule, ...]) -> int | None:
        """Return what rules of a group grant unseen pods, None if they grant nothing."""
        pods, certain, _ = self._of_place[group]
        ports = NOTHING
        for number, perhaps in rules:
            one = self._ports(naming, number)
            ports |= Bounds.perhaps(one.may) if perhaps else one
        if not ports.may:
            return None
        return self._lists.of_grant(pods, ports if certain else Bounds.perhaps(ports.may))

    @cached_property
    def _of_place(self) -> list[tuple[LabelConditions, bool, _Parts]]:
        return list(self._guarded)

    @cached_property
    def _naming_sets(self) -> list[list[tuple[int, int]]]:
        """For each of `_peer_sets` the groups with rules that name it, and the rules' ports."""
        place = {peer_set: number for number, peer_set in enumerate(self._peer_sets)}
        found: list[list[tuple[int, int]]] = [[] for _ in place]
        for group, (_, _, parts) in enumerate(self._guarded):
            for peer_set, ports in parts:
                found[place[peer_set]].append((group, ports))
        return found

    def _naming(self, class_: int) -> int:
        """Return how the destination names its ports: -1 for unseen pods."""
        if self._direction is Direction.EGRESS:
            return int(self._analysis.destinations.naming[class_])
        return -1

    def _ports(self, naming: int, number: int) -> Bounds:
        """Return the ports of a rule at the end that is the destination."""
        names = self._analysis.destinations.namings[naming] if naming >= 0 else UNSEEN_PORTS
        written = self._groups.ports.values[number]
        return self._analysis.cluster.ports.bounds(written, names, self._direction)

    def _exempt(self, class_: int) -> tuple[int, ...]:
        """Return the grant, if any, of what passes all unseen pods whatever their policies say."""
        ports = self._analysis.destinations.exposures[self._exposure()[class_]]
        on_host = bool(self._analysis.classes.host[class_])
        if on_host and passes_own_node(self._analysis.cluster.engine, self._direction):
            ports |= Bounds.perhaps(ALL_PORTS)
        return (self._lists.of_grant(EVERY_LABEL_MAP, ports),) if ports.may else ()
