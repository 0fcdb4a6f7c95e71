"""Why pairs are undetermined, for all pairs at once, where a replay of each would say the same.

How it works: what is doubtful of a pair follows from four numbers. Two are the ports that each side
allows, which the join has. The other two are the *doubts* of each side: the ports of its rules that
are not certain, with the causes. Rules that mean or do not mean the other end for certain have
none, so that few ends are rules apart by them; the rules of one pod about one of each kind of ends
are replayed, once, and the doubts of all pairs are put together from there.

    web's rules     TCP 80 from app=api, and TCP 443 from the block 10.0.0.0/8
    kinds of ends   pods, whose addresses are not known, and addresses, of which all is known
    doubts          web about pods: TCP 443, because of the block; web about addresses: none

It is exact: ends of one kind get the same answers with the same causes from every rule that can be
in doubt, and the subjects of one *profile* are isolated by the same policies. Where more than rules
decides (policies with tiers, services that hide clients) a pair of classes is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from podwall.model import Policy, Rule, Unknown
from podwall.policies.rules import Direction
from podwall.reachability.analysis import Analysis, Endpoints
from podwall.reachability.arrays import (
    BoolArray,
    Csr,
    IntArray,
    Registry,
    group_by_membership,
    is_in,
    packed,
)
from podwall.reachability.cluster import rules_of, unknown_direction
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import is_local_dns
from podwall.reachability.policy_rules import EVERYONE, PERHAPS_EVERYONE
from podwall.reachability.port_rules import NamedPorts, RulePorts, has_names, opens
from podwall.reachability.replay import Replay
from podwall.reachability.replayed import Doubt, apart, within
from podwall.reachability.values import Undetermined, WorkloadEndpoint

__all__ = ["Causes"]

Doubts = tuple[Doubt, ...]


class Causes:
    """Says why pairs of one analysis are undetermined, as numbers: the same causes, one number."""

    def __init__(self, analysis: Analysis, ends: Endpoints, replay: Replay) -> None:
        """Keep what is asked; everything is found when it is first needed."""
        self._analysis = analysis
        self._ends = ends
        self._replay = replay
        self._found = Registry[tuple[Undetermined, ...]]()
        self._of_numbers: dict[tuple[int, int, int, int], int] = {}
        self._of_classes: dict[tuple[int, int], int] = {}
        self._last: tuple[int, tuple[IntArray, IntArray]] | None = None
        self._sides = {each: _Doubts(each, analysis, ends, replay) for each in Direction}

    def __getitem__(self, number: int) -> tuple[Undetermined, ...]:
        """Return the undetermined ports with their causes, by their number."""
        return self._found.values[number]

    def of(self, source: int, destinations: Sequence[int]) -> list[int]:
        """Return the numbers for the undetermined pairs of a source, all by their indices."""
        elements = self._ends.element
        there = elements[np.array(destinations, dtype=np.int64)].tolist()
        return self.between(int(elements[source]), there)

    def between(self, source: int, destinations: Sequence[int]) -> list[int]:
        """Return the numbers for the undetermined pairs of a source, all by their elements."""
        if self._analysis.cluster.tiers or self._hides(source):
            return [self._replayed(source, each) for each in destinations]
        sent, received = self._ports_of(int(self._analysis.join.sources.of[source]))
        there = np.array(destinations, dtype=np.int64)
        roles = self._analysis.join.destinations.of[there]
        egress = self._sides[Direction.EGRESS].from_subject(source, there)
        ingress = self._sides[Direction.INGRESS].about_other(source, there)
        keys = zip(sent[roles].tolist(), received[roles].tolist(), egress, ingress, strict=True)
        return [self._number(each) for each in keys]

    def kind(self, direction: Direction, element: int) -> int:
        """Return the kind of an end: rules about pods shown say the same, in doubt, of each."""
        return self._sides[direction].kind(element)

    def _ports_of(self, role: int) -> tuple[IntArray, IntArray]:
        """Return what a source role may send to each role, and these receive of it."""
        if self._last is None or self._last[0] != role:
            self._last = role, self._analysis.join.both_sides(role)
        return self._last[1]

    def _hides(self, source: int) -> bool:
        """Return whether rules may see a node in place of a source."""
        hides = bool(self._analysis.cluster.hiding_nodes)
        return hides and source >= len(self._analysis.classes)

    def _replayed(self, source: int, destination: int) -> int:
        key = (source, destination)
        if key not in self._of_classes:
            pair = self._replay.pair(*(self._ends.of_element(each) for each in key))
            self._of_classes[key] = self._found.number(pair.undetermined())
        return self._of_classes[key]

    def _number(self, key: tuple[int, int, int, int]) -> int:
        """Return the number of what is undetermined, given the numbers of ports and of doubts."""
        number = self._of_numbers.get(key)
        if number is None:
            number = self._of_numbers[key] = self._found.number(tuple(self._undetermined(*key)))
        return number

    def _undetermined(
        self, sent: int, received: int, egress: int, ingress: int
    ) -> Iterator[Undetermined]:
        table = self._analysis.ports
        both = table.both(np.array([sent]), np.array([received]))
        doubts = (
            within(table.verdict(ports).undetermined, self._sides[direction].values[number])
            for ports, direction, number in (
                (sent, Direction.EGRESS, egress),
                (received, Direction.INGRESS, ingress),
            )
        )
        left = table.verdict(int(both[0])).undetermined
        for ports, causes in apart(left, chain.from_iterable(doubts)):
            yield Undetermined(ports, "; ".join(causes))


class _Doubts:
    """The doubts of one side: of the rules about a subject, about the other end."""

    def __init__(
        self, direction: Direction, analysis: Analysis, ends: Endpoints, replay: Replay
    ) -> None:
        self._direction = direction
        self._analysis = analysis
        self._ends = ends
        self._replay = replay
        self._registry = Registry[Doubts]()
        self._registry.number(())
        self._known: dict[tuple[int, int], int] = {}
        self._of_policies: dict[tuple[int, int, int], Doubts] = {}

    @property
    def values(self) -> Sequence[Doubts]:
        """The doubts by their numbers."""
        return self._registry.values

    def kind(self, element: int) -> int:
        """Return the kind of an element as the other end."""
        return int(self._others.of[element])

    def from_subject(self, subject: int, others: IntArray) -> list[int]:
        """Return the numbers of a subject's doubts about other elements."""
        profile = int(self._subjects.of[subject])
        return [self._number(profile, each) for each in self._others.of[others].tolist()]

    def about_other(self, other: int, subjects: IntArray) -> list[int]:
        """Return the numbers of the doubts of subjects about one other element."""
        kind = int(self._others.of[other])
        return [self._number(each, kind) for each in self._subjects.of[subjects].tolist()]

    def _number(self, profile: int, kind: int) -> int:
        key = (profile, kind)
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._registry.number(self._doubts(profile, kind))
        return number

    def _doubts(self, profile: int, kind: int) -> Doubts:
        """Replay one subject of a profile with one end of a kind."""
        subject = self._ends.of_element(int(self._subjects.firsts[profile]))
        other = self._ends.of_element(int(self._others.firsts[kind]))
        if not isinstance(subject, WorkloadEndpoint):
            return ()
        if self._subjects.special[profile] or self._others.special[kind]:
            return tuple(self._replay.side(self._direction, subject, other).all_doubts())
        naming = self._naming(profile, kind)
        parts = []
        for policy, _ in self._replay.isolating(self._direction, subject):
            if self._rules.is_certain(policy):
                continue
            key = (id(policy), kind, naming)
            if key not in self._of_policies:
                found = self._replay.rules(policy, self._direction, subject, other)
                self._of_policies[key] = tuple(chain.from_iterable(r.doubts() for r in found))
            parts.append(self._of_policies[key])
        return tuple(chain.from_iterable(parts))

    @cached_property
    def _rules(self) -> _DoubtfulRules:
        return _DoubtfulRules(self._direction, self._analysis)

    def _naming(self, profile: int, kind: int) -> int:
        """Return how the destination names its ports."""
        ingress = self._direction is Direction.INGRESS
        end = self._subjects.firsts[profile] if ingress else self._others.firsts[kind]
        return int(self._analysis.destinations.naming[end])

    @property
    def _size(self) -> int:
        return len(self._analysis.classes) + len(self._analysis.addresses)

    @cached_property
    def _subjects(self) -> _Partition:
        """Elements that the same policies isolate; with doubts of their own each is alone."""
        analysis, size = self._analysis, self._size
        isolating = analysis.rules.isolating[self._direction].take(np.arange(size))
        special = analysis.rules.overruled[self._direction][:size] != 0
        doubtful = isolating.items % 2 == 1
        special[isolating.owners()[doubtful]] = True
        kinds = np.zeros(size, dtype=np.int64)
        if self._direction is Direction.INGRESS:
            ends = analysis.destinations
            special |= (ends.exposure[:size] != 0) | (ends.hiding[:size] != 0)
            kinds = ends.naming[:size]
        return _Partition.of_membership(_alone(kinds, special), isolating, special)

    @cached_property
    def _others(self) -> _Partition:
        """Elements about which every rule that can be in doubt says the same, for equal causes.

        What is on the host network, or perhaps meant by a selector, stands alone. So does
        LocalDNS, which blocks may mean or not, by the version of the engine.
        """
        analysis, size, classes = self._analysis, self._size, self._analysis.classes
        padding = np.zeros(len(analysis.addresses), dtype=np.int64)
        special = np.zeros(size, dtype=np.bool_)
        special[analysis.on_host] = True
        special[len(classes) :] = [is_local_dns(each) for each in analysis.addresses.ranges()]
        kinds = np.concatenate([classes.location + 1, padding])
        if self._direction is Direction.EGRESS:
            ends, engine = analysis.destinations, analysis.cluster.engine
            if opens(engine, self._direction):
                special |= ends.exposure[:size] != 0
            kinds = packed(kinds, ends.naming[:size])
        alone = special | is_in(np.arange(size), self._rules.selected_perhaps)
        memberships = self._rules.memberships(size)
        return _Partition.of_membership(_alone(kinds, alone), memberships, special)


def _alone(kinds: IntArray, those: BoolArray) -> IntArray:
    """Return the kinds with each of those elements in one of its own."""
    return packed(kinds, np.where(those, np.arange(len(kinds)) + 1, 0))


class _Partition(NamedTuple):
    """The kind of each element, one element of each kind, and which kinds are special."""

    of: IntArray
    firsts: IntArray
    special: BoolArray

    @classmethod
    def of_membership(cls, numbers: IntArray, memberships: Csr, special: BoolArray) -> _Partition:
        """Return the elements with equal numbers and memberships as kinds."""
        of = group_by_membership(numbers, memberships)
        firsts = np.unique(of, return_index=True)[1]
        return cls(of, firsts, special[firsts])


class _DoubtfulRules:
    """The peer sets that tell the other ends apart, in rules that can be in doubt.

    A rule with certain ports, of policies that certainly isolate, is in doubt only where its peers
    are. Blocks alone are: the location of an end says how. Of all other rules with anything
    doubtful it matters whom each of their peer sets means for certain, and whom perhaps.
    """

    def __init__(self, direction: Direction, analysis: Analysis) -> None:
        self._direction = direction
        self._analysis = analysis
        self._elements = analysis.rules.elements
        self._by_blocks = set(analysis.rules.peer_sets.blocks.values()) | {PERHAPS_EVERYONE}
        self._certain_ports: dict[RulePorts, bool] = {}
        self._certain: dict[int, bool] = {}

    def is_certain(self, policy: Policy) -> bool:
        """Return whether no rule of a policy leaves anything open, whoever is at the other end."""
        if id(policy) not in self._certain:
            rules, of_rule = (
                rules_of(policy, self._direction),
                self._analysis.rules.peer_sets.of_rule,
            )
            self._certain[id(policy)] = not any(
                isinstance(each, Unknown)
                or not self._has_certain_ports(each.ports)
                or any(map(self._may_mean, of_rule(policy.namespace, each)))
                for each in rules or ()
            )
        return self._certain[id(policy)]

    def _may_mean(self, peer_set: int) -> bool:
        return peer_set == PERHAPS_EVERYONE or (peer_set != EVERYONE and self._perhaps(peer_set))

    @cached_property
    def peer_sets(self) -> IntArray:
        """The sets, in ascending order."""
        policies = self._analysis.cluster.policies
        found = {each for policy in policies for each in self._of_policy(policy)}
        return np.array(sorted(found - {EVERYONE, PERHAPS_EVERYONE}), dtype=np.int64)

    def memberships(self, size: int) -> Csr:
        """Return for each element the sets that contain it: for certain even, perhaps odd ones."""
        sure, sure_of = self._elements.must.gather(self.peer_sets)
        perhaps, position = self._elements.perhaps.gather(self.peer_sets)
        elements = np.concatenate([sure_of, self._elements.perhaps.items[position]])
        sets = np.concatenate([2 * sure, 2 * perhaps + 1])
        kept = elements < size
        return Csr.of_pairs(elements[kept], sets[kept], size)

    @cached_property
    def selected_perhaps(self) -> IntArray:
        """The elements that a selector perhaps means: their labels are among the causes."""
        selecting = [each for each in self.peer_sets.tolist() if each not in self._by_blocks]
        _, position = self._elements.perhaps.gather(np.array(selecting, dtype=np.int64))
        return self._elements.perhaps.items[position]

    def _of_policy(self, policy: Policy) -> Iterator[int]:
        rules, peer_sets = rules_of(policy, self._direction), self._analysis.rules.peer_sets
        if rules is None:
            return
        target = peer_sets.of_pods(policy.namespace, policy.pod_selector)
        doubtful = bool(unknown_direction(policy, self._direction) or self._perhaps(target))
        for rule in rules:
            sets = tuple(peer_sets.of_rule(policy.namespace, rule))
            if doubtful or self._is_doubtful(rule, sets):
                yield from sets

    def _perhaps(self, peer_set: int) -> bool:
        return bool(len(self._elements.perhaps[peer_set]))

    def _is_doubtful(self, rule: Rule | Unknown, sets: Sequence[int]) -> bool:
        """Return whether it matters whom a rule means, beyond the locations of ends."""
        if isinstance(rule, Unknown):
            return False
        if not self._has_certain_ports(rule.ports):
            return True
        block_alone = len(sets) == 1 and sets[0] in self._by_blocks
        return not block_alone and any(map(self._perhaps, sets))

    def _has_certain_ports(self, ports: RulePorts) -> bool:
        """Return whether the ports of a rule are certain on every destination."""
        if ports not in self._certain_ports:
            analysis, read = self._analysis, self._analysis.cluster.ports
            named = analysis.destinations.namings if has_names(ports) else (NamedPorts(),)
            bounds = (read.bounds(ports, each, self._direction) for each in named)
            self._certain_ports[ports] = all(each.certain for each in bounds)
        return self._certain_ports[ports]
