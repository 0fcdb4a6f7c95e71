"""Why connections with unseen pods are undetermined, for very many without a replay of each.

How it works: what a rule leaves open about unseen pods is the same for all of them, unless its
peers are selectors beside which something else is in doubt. So most rules are asked once, and those
with known selectors and certain ports, which leave nothing open, not at all.

    web's rules   TCP 80 from role=batch         certain: either it means the pods or it does not
                  TCP 443 from 10.0.0.0/8        the same doubt about all unseen pods
    pods' rules   to app=web on any port         certain, and asked once for all pods like web

It is exact where the doubts of the two sides do not meet: a port that is open only because of one
side is certain on the other, so that every doubt of that one is a cause. Where they meet, a side's
doubts count on those ports alone that all its policies together leave open; whom these mean the
analysis knows, so that one replay serves all whom they mean alike. Where more than rules about
known labels decides, the pair is replayed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from podwall.model import PodPeer, Policy, Rule, Unknown
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability.analysis import Analysis, Endpoints
from podwall.reachability.arrays import Registry
from podwall.reachability.causes import Causes
from podwall.reachability.cluster import SOME_OF_THESE, group_key, rules_of
from podwall.reachability.exposure import UnseenOpening
from podwall.reachability.matching import Match, MatchAnswer
from podwall.reachability.peers import PeerSetMembers
from podwall.reachability.port_rules import UNSEEN_PORTS, has_names
from podwall.reachability.replay import Replay, stated_by
from podwall.reachability.replayed import (
    Doubt,
    PairReplay,
    PolicyReplay,
    RuleReplay,
    apart,
    within,
)
from podwall.reachability.values import (
    AnyEndpoint,
    Bounds,
    Undetermined,
    UnseenPods,
    WorkloadEndpoint,
)

__all__ = ["UnseenCauses", "doubts_of", "in_doubt"]

Doubts = tuple[Doubt, ...]

Isolating = tuple[tuple[Policy, MatchAnswer], ...]
"""The policies that isolate pods, each with how surely it does."""


class _Stated(NamedTuple):
    """What the rules of one side leave open, with all the ports of that."""

    doubts: Doubts
    ports: PortSet

    @classmethod
    def of(cls, doubts: Iterable[Doubt]) -> _Stated:
        found = tuple(doubts)
        return cls(found, PortSet.union(ports for ports, _ in found))


class _Ends(NamedTuple):
    """A class of pods that is shown, and unseen pods, both with their numbers."""

    element: int
    here: WorkloadEndpoint
    number: int
    pods: UnseenPods


class UnseenCauses:
    """Says why openings to unseen pods are undetermined, each found once for a class of pods."""

    def __init__(self, analysis: Analysis, ends: Endpoints, replay: Replay, causes: Causes) -> None:
        """Keep what is asked; everything is found when it is first needed."""
        self._analysis = analysis
        self._ends = ends
        self._replay = replay
        self._pods = Registry[UnseenPods]()
        self._openings: dict[int, tuple[UnseenOpening, int]] = {}
        self._known: dict[tuple[int, Direction, int], tuple[Undetermined, ...]] = {}
        self._joined: dict[tuple[PortSet, int, int], tuple[Undetermined, ...]] = {}
        self._own = {each: _OwnSide(each, analysis, replay) for each in Direction}
        self._theirs = {each: _TheirSide(each, analysis, replay, causes) for each in Direction}

    def of(
        self, element: int, direction: Direction, opening: UnseenOpening
    ) -> tuple[Undetermined, ...]:
        """Return what of an opening of a class of pods is undetermined, with the causes."""
        if id(opening) not in self._openings:
            # The opening is kept so that nothing else has its place in memory.
            self._openings[id(opening)] = opening, self._pods.number(opening.pods.one())
        key = (element, direction, id(opening))
        if key not in self._known:
            here = self._ends.of_element(element)
            assert isinstance(here, WorkloadEndpoint)
            number = self._openings[id(opening)][1]
            ends = _Ends(element, here, number, self._pods.values[number])
            left = opening.ports.may - opening.ports.must
            self._known[key] = self._undetermined(direction, ends, left)
        return self._known[key]

    def about(
        self, element: int, direction: Direction, pods: UnseenPods, left: PortSet
    ) -> tuple[Undetermined, ...]:
        """Return the same of some ports between a class of pods and pods of one namespace."""
        here = self._ends.of_element(element)
        assert isinstance(here, WorkloadEndpoint)
        ends = _Ends(element, here, self._pods.number(pods), pods)
        return self._undetermined(direction, ends, left)

    def _undetermined(
        self, direction: Direction, ends: _Ends, left: PortSet
    ) -> tuple[Undetermined, ...]:
        """Return the ports that are left open, the doubts of the source first among the causes."""
        if (both := self._both(direction, ends, left)) is None:
            pair: tuple[AnyEndpoint, AnyEndpoint] = (ends.pods, ends.here)
            pair = pair if direction is Direction.INGRESS else pair[::-1]
            return tuple(in_doubt(left, doubts_of(self._replay.pair(*pair))))
        source, destination = both[::-1] if direction is Direction.INGRESS else both
        key = (left, id(source), id(destination))
        if key not in self._joined:
            doubts = chain(source.doubts, destination.doubts)
            self._joined[key] = tuple(in_doubt(left, doubts))
        return self._joined[key]

    def _both(
        self, direction: Direction, ends: _Ends, left: PortSet
    ) -> tuple[_Stated, _Stated] | None:
        """Return the doubts of the workload's side and of the pods', None if they need a replay."""
        if not self._only_rules_decide or self._analysis.classes.host[ends.element]:
            return None
        own_side, their_side = self._own[direction], self._theirs[direction.other]
        own, theirs = own_side.stated(ends), their_side.stated(ends)
        if own is None or theirs is None:
            return None
        if own.ports & theirs.ports & left:
            return own_side.open(own, ends), their_side.open(theirs, ends)
        return own, theirs

    @cached_property
    def _only_rules_decide(self) -> bool:
        """Whether nothing but rules about labels that are known decides about unseen pods."""
        cluster = self._analysis.cluster
        labels = (cluster.namespaces.of(each) for each in cluster.shown_namespaces)
        known = all(
            each.more is None and not any(isinstance(value, Unknown) for _, value in each.items)
            for each in labels
        )
        return known and not (cluster.tiers or cluster.unread or cluster.services)


class _Together:
    """What of their doubts policies of one direction leave open together."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._groups: dict[int, Hashable] = {}
        self._open: dict[tuple[int, Bounds], _Stated] = {}

    def open(self, stated: _Stated, policies: Isolating, allowed: Iterable[Bounds]) -> _Stated:
        """Return the doubts on those ports, given what each of the policies allows."""
        consulted = tuple(
            PolicyReplay(policy, selects, (), self._group(policy), bounds)
            for (policy, selects), bounds in zip(policies, allowed, strict=True)
        )
        both = stated_by(consulted)
        key = (id(stated), both)
        if key not in self._open:
            self._open[key] = _Stated.of(within(both.may - both.must, stated.doubts))
        return self._open[key]

    def _group(self, policy: Policy) -> Hashable:
        if id(policy) not in self._groups:
            target = (policy.namespace, policy.pod_selector)
            self._groups[id(policy)] = group_key(policy, self._direction, target)
        return self._groups[id(policy)]


class _OwnSide:
    """The policies of workloads that are shown, about unseen pods."""

    def __init__(self, direction: Direction, analysis: Analysis, replay: Replay) -> None:
        self._direction = direction
        self._replay = replay
        ingress = direction is Direction.INGRESS
        self._naming = analysis.destinations.naming if ingress else None
        self._together = _Together(direction)
        self._isolating: dict[int, tuple[Isolating, int]] = {}
        self._profiles = Registry[tuple[int, ...]]()
        self._stated: dict[tuple[int, int, int], _Stated | None] = {}
        self._open: dict[tuple[int, int, int], _Stated] = {}
        self._of_rules: dict[tuple[int, int], tuple[bool, Doubts]] = {}
        self._of_pods: dict[tuple[int, int, int], tuple[Doubts, Bounds]] = {}

    def stated(self, ends: _Ends) -> _Stated | None:
        """Return the doubts of a workload's rules about unseen pods, None if they need a replay."""
        policies, profile = self._policies(ends)
        key = (profile, self._names(ends), ends.number)
        if key not in self._stated:
            self._stated[key] = self._found(policies, ends)
        return self._stated[key]

    def open(self, stated: _Stated, ends: _Ends) -> _Stated:
        """Return those on ports that all rules of the workload together leave open."""
        policies, profile = self._policies(ends)
        key = (profile, self._names(ends), ends.number)
        if key not in self._open:
            allowed = (self._about(policy, ends)[1] for policy, _ in policies)
            self._open[key] = self._together.open(stated, policies, allowed)
        return self._open[key]

    def _policies(self, ends: _Ends) -> tuple[Isolating, int]:
        """Return the policies that isolate a workload, and a number for them."""
        if ends.element not in self._isolating:
            found = self._replay.isolating(self._direction, ends.here)
            codes = (2 * id(policy) + (each.match is Match.MAYBE) for policy, each in found)
            self._isolating[ends.element] = found, self._profiles.number(tuple(codes))
        return self._isolating[ends.element]

    def _names(self, ends: _Ends) -> int:
        """Return how a workload that receives names its ports."""
        return -1 if self._naming is None else int(self._naming[ends.element])

    def _found(self, policies: Isolating, ends: _Ends) -> _Stated | None:
        found: list[Doubts] = []
        for policy, selects in policies:
            if selects.match is Match.MAYBE:
                return None
            asked, stated = self._written(policy, ends)
            found.append(self._about(policy, ends)[0] if asked else stated)
        return _Stated.of(_without_others(chain.from_iterable(found)))

    def _written(self, policy: Policy, ends: _Ends) -> tuple[bool, Doubts]:
        """Return whether a policy's doubts depend on the unseen pods, and else what they are."""
        key = (id(policy), self._names(ends))
        if key not in self._of_rules:
            rules = self._replay.rules(policy, self._direction, ends.here, ends.pods)
            loud = [each for each in rules if not (_selects(each.rule) and each.ports.certain)]
            asked = any(_has_selectors(each.rule) for each in loud)
            self._of_rules[key] = asked, _doubts_of(loud)
        return self._of_rules[key]

    def _about(self, policy: Policy, ends: _Ends) -> tuple[Doubts, Bounds]:
        """Return what a policy leaves open about unseen pods, and what it allows them."""
        key = (id(policy), self._names(ends), ends.number)
        if key not in self._of_pods:
            rules = self._replay.rules(policy, self._direction, ends.here, ends.pods)
            allowed = Bounds.union(each.allowed for each in rules)
            self._of_pods[key] = _doubts_of(rules), allowed
        return self._of_pods[key]


class _TheirSide:
    """The policies of unseen pods, about workloads that are shown."""

    def __init__(
        self, direction: Direction, analysis: Analysis, replay: Replay, causes: Causes
    ) -> None:
        self._direction = direction
        self._replay = replay
        self._whom = _Whom(direction, analysis, causes)
        self._together = _Together(direction)
        self._isolating: dict[int, Isolating | None] = {}
        self._stated: dict[tuple[int, ...], _Stated] = {}
        self._open: dict[tuple[int, ...], _Stated] = {}
        self._of_policies: dict[tuple[int, int], Doubts] = {}
        self._allowed: dict[tuple[int, int], Bounds] = {}

    def stated(self, ends: _Ends) -> _Stated | None:
        """Return the doubts of the rules about unseen pods, None if they need a replay."""
        policies = self._policies(ends)
        if policies is None:
            return None
        alike = [self._whom.alike(policy, ends.element) for policy, _ in policies]
        key = (ends.number, *alike)
        if key not in self._stated:
            kinds = zip(policies, alike, strict=True)
            found = (self._doubts(policy, kind, ends) for (policy, _), kind in kinds)
            self._stated[key] = _Stated.of(chain.from_iterable(found))
        return self._stated[key]

    def open(self, stated: _Stated, ends: _Ends) -> _Stated:
        """Return those on ports that all rules about the pods together leave open."""
        policies = self._policies(ends) or ()
        meant = [self._whom.meant(policy, ends.element) for policy, _ in policies]
        key = (id(stated), ends.number, *meant)
        if key not in self._open:
            kinds = zip(policies, meant, strict=True)
            allowed = (self._bounds(policy, kind, ends) for (policy, _), kind in kinds)
            self._open[key] = self._together.open(stated, policies, allowed)
        return self._open[key]

    def _policies(self, ends: _Ends) -> Isolating | None:
        """Return the policies that isolate unseen pods, None if one does for what is unknown."""
        if ends.number not in self._isolating:
            shown = isinstance(ends.pods.namespaces, tuple)
            found = self._replay.isolating(self._direction, ends.pods) if shown else ()
            causes = set(chain.from_iterable(selects.causes for _, selects in found))
            self._isolating[ends.number] = None if causes - {SOME_OF_THESE} else found
        return self._isolating[ends.number]

    def _doubts(self, policy: Policy, alike: int, ends: _Ends) -> Doubts:
        """Return what a policy leaves open about all workloads that are alike to it."""
        key = (id(policy), alike)
        if key not in self._of_policies:
            rules = self._replay.rules(policy, self._direction, ends.pods, ends.here)
            self._of_policies[key] = _doubts_of(rules)
        return self._of_policies[key]

    def _bounds(self, policy: Policy, meant: int, ends: _Ends) -> Bounds:
        """Return what a policy allows all workloads that it means alike."""
        key = (id(policy), meant)
        if key not in self._allowed:
            rules = self._replay.rules(policy, self._direction, ends.pods, ends.here)
            self._allowed[key] = Bounds.union(each.allowed for each in rules)
        return self._allowed[key]


class _Written(NamedTuple):
    """What of a policy's rules can leave something open about workloads with known labels.

    `selecting` are the peer sets of those with selectors, for each rule; None where these are not
    known. `silent`: there is no such rule.
    """

    silent: bool
    selecting: tuple[tuple[int, ...], ...] | None


class _Whom:
    """Tells workloads apart as far as the policies of unseen pods do."""

    def __init__(self, direction: Direction, analysis: Analysis, causes: Causes) -> None:
        self._direction = direction
        self._analysis = analysis
        self._causes = causes
        self._sends = direction is Direction.EGRESS
        self._members = PeerSetMembers(analysis.rules.elements)
        self._written: dict[tuple[int, int], _Written] = {}
        self._sets: dict[int, tuple[tuple[int, ...], ...]] = {}
        self._names: dict[int, bool] = {}
        self._known: dict[int, bool] = {}
        self._kinds = Registry[Hashable]()
        self._alike: dict[tuple[int, int], int] = {}
        self._meant: dict[tuple[int, int], int] = {}

    def alike(self, policy: Policy, element: int) -> int:
        """Return a number that is equal for workloads about which a policy leaves the same open."""
        key = (id(policy), element)
        if key not in self._alike:
            self._alike[key] = self._kinds.number(self._found_alike(policy, element))
        return self._alike[key]

    def meant(self, policy: Policy, element: int) -> int:
        """Return a number that is equal for workloads that a policy allows the same."""
        key = (id(policy), element)
        if key not in self._meant:
            self._meant[key] = self._kinds.number(self._found_meant(policy, element))
        return self._meant[key]

    def _found_alike(self, policy: Policy, element: int) -> Hashable:
        if not self._is_known(element):
            return self._by_kind(policy, element)
        naming = self._naming(element)
        silent, selecting = self._of_policy(policy, naming)
        if silent:
            return None
        if selecting is None:
            return self._by_kind(policy, element)
        meant = (self._members.match(each, element) for each in selecting)
        return (int(self._analysis.classes.location[element]), naming, *meant)

    def _found_meant(self, policy: Policy, element: int) -> Hashable:
        if id(policy) not in self._sets:
            of_rule = self._analysis.rules.peer_sets.of_rule
            rules = rules_of(policy, self._direction) or ()
            self._sets[id(policy)] = tuple(tuple(of_rule(policy.namespace, r)) for r in rules)
        matches = (self._members.match(each, element) for each in self._sets[id(policy)])
        return (self._naming(element), *matches)

    def _by_kind(self, policy: Policy, element: int) -> Hashable:
        """Return what is equal for ends of which rules say the same, for equal causes.

        A port name may be any port of an unseen pod: where rules name one for what it receives, it
        matters whom they mean, which kinds of ends do not tell.
        """
        if id(policy) not in self._names:
            rules = (r for r in rules_of(policy, self._direction) or () if isinstance(r, Rule))
            self._names[id(policy)] = any(has_names(each.ports) for each in rules)
        if self._names[id(policy)] and not self._sends:
            return (element,)
        return self._causes.kind(self._direction, element)

    def _naming(self, element: int) -> int:
        """Return how a workload that receives names its ports."""
        return int(self._analysis.destinations.naming[element]) if self._sends else -1

    def _is_known(self, element: int) -> bool:
        """Return whether all labels of a class are known, and its namespace."""
        if element not in self._known:
            classes = self._analysis.classes
            labels = classes.labels[int(classes.label[element])]
            there = classes.namespaces[int(classes.namespace[element])]
            values = (there, labels.more, *(value for _, value in labels.items))
            self._known[element] = not any(isinstance(each, Unknown) for each in values)
        return self._known[element]

    def _of_policy(self, policy: Policy, naming: int) -> _Written:
        key = (id(policy), naming)
        if key not in self._written:
            loud = [r for r in rules_of(policy, self._direction) or () if self._is_loud(r, naming)]
            peers = list(chain.from_iterable(map(_selectors, loud)))
            sets: tuple[tuple[int, ...], ...] | None = None
            if isinstance(policy.namespace, str) and all(map(_is_known, peers)):
                of_rule = self._analysis.rules.peer_sets.of_rule
                rules = [Rule(found) for each in loud if (found := tuple(_selectors(each)))]
                sets = tuple(tuple(of_rule(policy.namespace, each)) for each in rules)
            self._written[key] = _Written(not loud, sets)
        return self._written[key]

    def _is_loud(self, rule: Rule | Unknown, naming: int) -> bool:
        """Return whether a rule can leave something open about workloads that are known."""
        if not isinstance(rule, Rule) or not _selects(rule):
            return True
        analysis = self._analysis
        names = analysis.destinations.namings[naming] if self._sends else UNSEEN_PORTS
        return not analysis.cluster.ports.bounds(rule.ports, names, self._direction).certain


def in_doubt(left: PortSet, doubts: Iterable[Doubt]) -> Iterator[Undetermined]:
    """Yield the ports of unseen pods that are in doubt, each with its causes.

    That a rule means other pods than these is none: the pods are all alike as far as it goes.
    """
    for ports, causes in apart(left, doubts):
        yield Undetermined(ports, "; ".join(causes) or SOME_OF_THESE)


def doubts_of(pair: PairReplay) -> Iterator[Doubt]:
    """Yield the doubts of both sides of a pair, but that other pods are meant."""
    return _without_others(chain(pair.egress.doubts(), pair.ingress.doubts()))


def _without_others(doubts: Iterable[Doubt]) -> Iterator[Doubt]:
    for ports, causes in doubts:
        if known := tuple(cause for cause in causes if cause != SOME_OF_THESE):
            yield ports, known


def _doubts_of(rules: Iterable[RuleReplay]) -> Doubts:
    return tuple(chain.from_iterable(each.doubts() for each in rules))


def _selects(rule: Rule | Unknown) -> bool:
    """Return whether a rule's peers are selectors alone, all of them known."""
    peers = rule.peers if isinstance(rule, Rule) else None
    return isinstance(peers, tuple) and all(
        isinstance(each, PodPeer) and _is_known(each) for each in peers
    )


def _has_selectors(rule: Rule | Unknown) -> bool:
    return any(True for _ in _selectors(rule))


def _selectors(rule: Rule | Unknown) -> Iterator[PodPeer]:
    """Yield the peers of a rule that are selectors."""
    peers = rule.peers if isinstance(rule, Rule) else None
    for each in peers if isinstance(peers, tuple) else ():
        if isinstance(each, PodPeer):
            yield each


def _is_known(peer: PodPeer) -> bool:
    """Return whether both selectors of a peer are fully known."""
    return peer.pods.is_known and (peer.namespaces is None or peer.namespaces.is_known)
