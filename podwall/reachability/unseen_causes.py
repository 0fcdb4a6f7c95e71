"""Why connections with unseen pods are undetermined, for very many without a replay of each.

How it works: what a rule leaves open about unseen pods is the same for all of them, unless its
peers are selectors beside which something else is in doubt. So most rules are asked once, and those
with known selectors and certain ports, which leave nothing open, not at all.

    web's rules   TCP 80 from role=batch         certain: either it means the pods or it does not
                  TCP 443 from 10.0.0.0/8        the same doubt about all unseen pods
    pods' rules   to app=web on any port         certain, and asked once for all pods like web

It is exact where the doubts of the two sides do not meet: a port that is open only because of one
side is certain on the other, so that every doubt of that one is a cause. Else, and where more than
rules decides, the pair is replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain

from podwall.model import PodPeer, Policy, Rule, Unknown
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability.analysis import Analysis
from podwall.reachability.causes import Causes
from podwall.reachability.cluster import SOME_OF_THESE, rules_of
from podwall.reachability.endpoints import Endpoints
from podwall.reachability.exposure import UnseenOpening
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import has_names
from podwall.reachability.replay import Replay
from podwall.reachability.replayed import Doubt, PairReplay, apart
from podwall.reachability.values import AnyEndpoint, Undetermined, UnseenPods, WorkloadEndpoint

__all__ = ["UnseenCauses", "doubts_of", "in_doubt"]

Doubts = tuple[Doubt, ...]


class UnseenCauses:
    """Says why openings to unseen pods are undetermined, each found once for a class of pods."""

    def __init__(self, analysis: Analysis, ends: Endpoints, replay: Replay, causes: Causes) -> None:
        """Keep what is asked; everything is found when it is first needed."""
        self._analysis = analysis
        self._ends = ends
        self._replay = replay
        self._causes = causes
        self._known: dict[tuple[int, Direction, UnseenOpening], tuple[Undetermined, ...]] = {}
        self._of_rules: dict[tuple[int, bool, int], tuple[bool, Doubts]] = {}
        self._of_policies: dict[tuple[int, tuple[int, bool, bool]], Doubts] = {}

    def of(
        self, element: int, direction: Direction, opening: UnseenOpening
    ) -> tuple[Undetermined, ...]:
        """Return what of an opening of a class of pods is undetermined, with the causes."""
        key = (element, direction, opening)
        if key not in self._known:
            left = opening.ports.may - opening.ports.must
            doubts = self._doubts(element, direction, opening.pods.one(), left)
            self._known[key] = tuple(in_doubt(left, doubts))
        return self._known[key]

    def _doubts(
        self, element: int, direction: Direction, pods: UnseenPods, left: PortSet
    ) -> Iterable[Doubt]:
        """Return the doubts of both sides, those of the source first."""
        here = self._ends.of_element(element)
        assert isinstance(here, WorkloadEndpoint)
        if self._only_rules_decide and not self._analysis.classes.host[element]:
            own = self._own(direction, here, element, pods)
            theirs = None if own is None else self._theirs(direction.other, pods, here, element)
            if own is not None and theirs is not None and not _meet(own, theirs, left):
                return chain(*((theirs, own) if direction is Direction.INGRESS else (own, theirs)))
        ends: tuple[AnyEndpoint, AnyEndpoint] = (pods, here)
        ends = ends if direction is Direction.INGRESS else ends[::-1]
        return doubts_of(self._replay.pair(*ends))

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

    def _own(
        self, direction: Direction, here: WorkloadEndpoint, element: int, pods: UnseenPods
    ) -> Doubts | None:
        """Return the doubts of a workload's rules about unseen pods, None if they need a replay."""
        found: list[Doubts] = []
        for policy, selects in self._replay.isolating(direction, here):
            if selects.match is Match.MAYBE:
                return None
            asked, stated = self._written(policy, direction, here, element, pods)
            if asked:
                rules = self._replay.rules(policy, direction, here, pods)
                stated = tuple(chain.from_iterable(each.doubts() for each in rules))
            found.append(stated)
        return tuple(_without_others(chain.from_iterable(found)))

    def _written(
        self,
        policy: Policy,
        direction: Direction,
        here: WorkloadEndpoint,
        element: int,
        pods: UnseenPods,
    ) -> tuple[bool, Doubts]:
        """Return whether a policy's doubts depend on the unseen pods, and else what they are."""
        ingress = direction is Direction.INGRESS
        naming = int(self._analysis.destinations.naming[element]) if ingress else -1
        key = (id(policy), direction is Direction.INGRESS, naming)
        if key not in self._of_rules:
            rules = self._replay.rules(policy, direction, here, pods)
            loud = [each for each in rules if not (_selects(each.rule) and each.ports.certain)]
            asked = any(_has_selectors(each.rule) for each in loud)
            doubts = chain.from_iterable(each.doubts() for each in loud)
            self._of_rules[key] = asked, tuple(doubts)
        return self._of_rules[key]

    def _theirs(
        self, direction: Direction, pods: UnseenPods, here: WorkloadEndpoint, element: int
    ) -> Doubts | None:
        """Return the doubts of the rules about unseen pods, None if they need a replay."""
        found: list[Doubts] = []
        shown = isinstance(pods.namespaces, tuple)
        for policy, selects in self._replay.isolating(direction, pods) if shown else ():
            if any(cause != SOME_OF_THESE for cause in selects.causes):
                return None
            key = (id(policy), self._alike(policy, direction, element))
            if key not in self._of_policies:
                rules = self._replay.rules(policy, direction, pods, here)
                self._of_policies[key] = tuple(chain.from_iterable(each.doubts() for each in rules))
            found.append(self._of_policies[key])
        return tuple(chain.from_iterable(found))

    def _alike(self, policy: Policy, direction: Direction, element: int) -> tuple[int, bool, bool]:
        """Return what is equal for classes about which a policy of unseen pods says the same.

        A port name may be any port of an unseen pod: where rules name one for what it receives, it
        matters whom they mean, which kinds of ends do not tell.
        """
        ingress = direction is Direction.INGRESS
        rules = (each for each in rules_of(policy, direction) or () if isinstance(each, Rule))
        if ingress and any(has_names(each.ports) for each in rules):
            return element, ingress, True
        return self._causes.kind(direction, element), ingress, False


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


def _meet(own: Doubts, theirs: Doubts, left: PortSet) -> bool:
    """Return whether both sides are in doubt about some of the ports that are left open."""
    one, other = (PortSet.union(ports for ports, _ in each) for each in (own, theirs))
    return bool(one & other & left)


def _selects(rule: Rule | Unknown) -> bool:
    """Return whether a rule's peers are selectors alone, all of them known."""
    peers = rule.peers if isinstance(rule, Rule) else None
    return isinstance(peers, tuple) and all(
        isinstance(each, PodPeer)
        and each.pods.is_known
        and (each.namespaces is None or each.namespaces.is_known)
        for each in peers
    )


def _has_selectors(rule: Rule | Unknown) -> bool:
    peers = rule.peers if isinstance(rule, Rule) else None
    return isinstance(peers, tuple) and any(isinstance(each, PodPeer) for each in peers)
