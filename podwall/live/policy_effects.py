"""What part of a cluster a change of policies, pods, services or namespaces may be about.

Where NetworkPolicies alone change, the rest of the snapshot stays. Only pods that a changed policy
selects, or selected, can differ, and of their connections those with whom its changed rules name.
Where such a pod is not isolated both before and after, whoever may be allowed to meet it counts as
well. `PolicyEffects` finds them by labels, and gives the part of the cluster that consists of these
pods and of the policies that select them, to be analysed as any.

    changed     api-in selects app=api, which db-in isolates as well; a rule from app=web is new
    the part    pods with app=api and app=web, and every policy that selects some of them

Of a pod that comes, changes or goes the part has all whom it may meet, before and after: those that
its policies name, or, where these do not say so, those who may be allowed to meet it. Of a
namespace with other labels it has the pods there that some peer now means, or no longer means, and
whoever such a policy selects. A service counts only where it lets traffic past the policies: then
the part has the pods behind it, and who may come by it.

What comes together is taken one after the other: what differs at the end differs in some step.

It is exact: what passes between two pods depends on the policies that select one of them, and on
what holds for the whole cluster, which the part has too. Where something else counts, there is no
part: tiers, policies that are not read, or an engine that decides by the ports of all pods what a
port name stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, TypeVar

from podwall.engines import Engine, Treatment
from podwall.lint.context import Numbers, WorkloadIndex
from podwall.live.followed_index import (
    ActingPolicies,
    ChangedWorkload,
    ChangingWorkloads,
    FollowedStep,
    ObjectsThatDiffer,
    PolicyName,
    asks_for_names,
    knows_labels,
)
from podwall.model import (
    LabelMap,
    Policy,
    Rule,
    Selector,
    Service,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.errors import Place
from podwall.policies.rules import Direction
from podwall.reachability.cluster import Rules, lets_past, rules_of
from podwall.reachability.matching import NamespaceLabels
from podwall.reachability.policy_reader import acting_policies
from podwall.reading import (
    asked_controller_labels,
)

__all__ = ["PartBeforeAfter", "PolicyEffects"]

_K = TypeVar("_K")
_V = TypeVar("_V")


class PartBeforeAfter(NamedTuple):
    """The part of a cluster that a change may be about, before and after it."""

    before: Snapshot
    after: Snapshot


class _Acting(NamedTuple):
    """One policy before and after a change, as an engine reads it; None: it does not act."""

    before: Policy | None
    after: Policy | None

    def differs(self, way: Direction) -> bool:
        """Return whether anything differs in a direction."""
        return self._in(self.before, way) != self._in(self.after, way)

    def versions(self, way: Direction) -> list[Policy]:
        """Return what isolates in a direction, or may do so, before and after."""
        both = (each for each in self if each is not None)
        return [each for each in both if rules_of(each, way) is not None]

    def rules(self, way: Direction) -> Iterator[tuple[Policy, Rule | Unknown]]:
        """Yield the rules that are there only before, or only after."""
        found = [(each, rules_of(each, way) or ()) for each in self.versions(way)]
        alike = len({each.pod_selector for each, _ in found}) == 1 and len(found) > 1
        for here, (policy, rules) in enumerate(found):
            other = found[1 - here][1] if alike else ()
            yield from ((policy, rule) for rule in rules if rule not in other)

    @staticmethod
    def _in(policy: Policy | None, way: Direction) -> tuple[Selector, Rules] | None:
        rules = None if policy is None else rules_of(policy, way)
        return None if policy is None or rules is None else (policy.pod_selector, rules)


class PolicyEffects:
    """A cluster in which objects change, and the part that each change may be about."""

    def __init__(self, snapshot: Snapshot, engine: Engine) -> None:
        """Index the pods, and the policies by whom they select."""
        self._snapshot, self._engine = snapshot, engine
        if not self.can_follow:
            return
        declared = (each for each in snapshot.namespaces if each.place != Place())
        self._spaces = {each.name: each for each in declared}
        self._all_services = {(each.namespace, each.name): each for each in snapshot.services}
        self._letting_past = {
            name: each for name, each in self._all_services.items() if lets_past(each, engine)
        }
        self._bare = replace(snapshot, workloads=(), policies=(), services=())
        self._pods = WorkloadIndex(snapshot)
        self._changing = ChangingWorkloads(self._pods, snapshot)
        self._written = {(each.namespace, each.name): each for each in snapshot.policies}
        self._turns = {name: turn for turn, name in enumerate(self._written)}
        self._next_turn = len(self._turns)
        self._acting = ActingPolicies(self._pods, engine)
        for acting, written in acting_policies(snapshot, engine):
            self._acting.add((written.namespace, written.name), acting)

    @property
    def can_follow(self) -> bool:
        """Whether what a part of the cluster shows is what the whole shows.

        Policies that stand in tiers, or are not read, may be about any pair of pods.
        """
        found = self._snapshot
        others = (
            found.tier_policies,
            found.unread_policies,
            found.cilium_policies,
            found.calico_policies,
        )
        return found.complete and self._engine.enforces and not any(others)

    @property
    def snapshot(self) -> Snapshot:
        """The whole cluster as it is now; workloads that came are the last ones."""
        return replace(
            self._snapshot,
            namespaces=self._bare.namespaces,
            policies=tuple(self._written.values()),
            services=tuple(self._all_services.values()),
            workloads=self._changing.all(),
        )

    def part(self, changed: ObjectsThatDiffer) -> PartBeforeAfter | None:
        """Take some changes, and return the part of the cluster that they may be about.

        None where that is not certain to be a part: nothing further can be asked then.
        """
        if not self.can_follow:
            return None
        policies, spaces = changed.policies, changed.namespaces
        pods = self._changing.numbered(changed.workloads)
        if pods is None:
            return None
        if self._replaces_names and self._acting.asking and any(one.changes_ports for one in pods):
            return None
        was = _Surroundings(self._bare, self._services)
        of_spaces, of_services = self._of_namespaces(spaces), self._of_services(changed.services)
        if of_spaces is None or of_services is None or not self._are_written(policies):
            return None
        found = self._part(policies, pods, of_spaces | of_services, was)
        return found if self._are_left(each.name[1] for each in spaces) else None

    def _are_written(self, steps: Sequence[FollowedStep[Policy]]) -> bool:
        """Return whether policies are what they are said to be, in namespaces that stay."""
        return all(
            self._written.get(name) == before and self._is_in_a_namespace(name)
            for name, (before, _) in _pairs(steps).items()
        )

    def _is_in_a_namespace(self, name: PolicyName) -> bool:
        """Return whether the namespace of an object is one without it."""
        return name[0] in self._spaces or bool(self._pods.at(name[0]))

    def _of_namespaces(self, steps: Sequence[FollowedStep[SnapshotNamespace]]) -> set[int] | None:
        """Take changes of namespaces, and return the pods that they may be about.

        None where something is in a namespace that comes, or it is not known what is declared.
        """
        pairs, found = _pairs(steps), set[int]()
        if pairs and len(self._spaces) != len(self._bare.namespaces):
            return None
        for (_, name), (before, after) in pairs.items():
            plain = all(knows_labels(each.labels) for each in (before, after) if each is not None)
            if self._spaces.get(name) != before or not plain:
                return None
            labels = [_labels(name, each) for each in (before, after)]
            if labels[0] is not None and labels[1] is not None:
                found |= self._acting.affected_by_labels(name, [each for each in labels if each])
            if labels[0] != labels[1]:
                self._pods.put_namespace(name, labels[1])
        for step in steps:
            _take(self._spaces, step.name[1], step.after)
        if pairs:
            self._bare = replace(self._bare, namespaces=tuple(self._spaces.values()))
        return found

    def _are_left(self, names: Iterable[str]) -> bool:
        """Return whether nothing is in those of some namespaces that are not there any more."""
        gone = {each for each in names if each not in self._spaces}
        there = chain(self._written, self._all_services) if gone else ()
        return not any(self._pods.at(each) for each in gone) and all(
            namespace not in gone for namespace, _ in there
        )

    def _of_services(self, steps: Sequence[FollowedStep[Service]]) -> set[int] | None:
        """Take changes of services, and return the pods that they may be about.

        None where it is not certain to be all.
        """
        pairs, behind = _pairs(steps), set[int]()
        for name, (before, after) in pairs.items():
            both = [each for each in (before, after) if each is not None]
            if self._all_services.get(name) != before or asked_controller_labels((), both):
                return None
            if not self._is_in_a_namespace(name):
                return None
            past = [each for each in both if lets_past(each, self._engine) and before != after]
            behind.update(*map(self._behind, past))
        found = behind | self._coming(behind)
        for step in steps:
            _take(self._all_services, step.name, step.after)
            past_now = step.after and lets_past(step.after, self._engine)
            _take(self._letting_past, step.name, step.after if past_now else None)
        if behind:
            self._forget_services()
        return found | self._coming(behind)

    def _behind(self, service: Service) -> Numbers:
        """Return the pods that a service selects, or may select."""
        selector = service.selector
        return (
            Numbers() if selector is None else self._pods.selected(service.namespace, selector).may
        )

    def _coming(self, numbers: Iterable[int]) -> set[int]:
        """Return who may come to some pods by services that let traffic past the policies."""
        behind = self._behind_services.intersection(numbers)
        return set[int]().union(
            *(self._acting.through_services(each, self._behind_services) for each in behind)
        )

    def _part(
        self,
        steps: Sequence[FollowedStep[Policy]],
        pods: Sequence[ChangedWorkload],
        around: set[int],
        was: _Surroundings,
    ) -> PartBeforeAfter | None:
        """Take changes of policies and of pods, and return the part with these and others.

        Args:
            steps: of policies.
            pods: those that come, change or go.
            around: further pods of the part.
            was: what there was before any change beside policies and pods.
        """
        pairs = _pairs(steps)
        acting = {name: _Acting(*map(self._read, each)) for name, each in pairs.items()}
        sides = [_ChangedSide(self._acting, way, acting) for way in Direction]
        scope = set[int]().union(*(each.scope for each in sides))
        old_pods = {each.number for each in pods if each.before is not None}
        numbers = around | scope | old_pods | self._met(old_pods) | self._coming(scope | old_pods)
        numbers.update(*(each.partners(self._behind_services) for each in sides))
        about = self._acting.about(numbers) if pods else set[PolicyName]()
        turns = {name: self._turns.get(name, 0) for name in pairs}
        for step in steps:
            self._take(step)
        for name, (_, now) in acting.items():
            self._acting.put(name, now)
        if pods:
            self._put(pods)
        there = {each.number for each in pods if each.after is not None}
        numbers |= there | self._met(there) | self._coming(scope | there)
        numbers.update(*(each.partners(self._behind_services) for each in sides))
        numbers.update(*(self._changing.namesakes(each) for each in numbers))
        about = (about | self._acting.about(numbers)) - pairs.keys()
        concerned = chain(self._acting.acting(about), *acting.values())
        if self._replaces_names and any(map(asks_for_names, concerned)):
            return None
        unchanged = [(self._turns[name], self._written[name]) for name in about]
        before = [(turns[name], was) for name, (was, _) in pairs.items() if was is not None]
        after = [(self._turns[name], now) for name, (_, now) in pairs.items() if now is not None]
        old = {each.number: each.before for each in pods}
        around_now = _Surroundings(self._bare, self._services)
        return PartBeforeAfter(
            replace(self._shown(numbers, was, old), policies=_in_turn([*unchanged, *before])),
            replace(self._shown(numbers, around_now, {}), policies=_in_turn([*unchanged, *after])),
        )

    def _met(self, numbers: Iterable[int]) -> set[int]:
        """Return whom pods with some numbers may meet, as policies are now."""
        found = set[int]()
        for number in numbers:
            for way in Direction:
                found |= self._acting.met(number, way, self._behind_services)
        return found

    def _put(self, pods: Iterable[ChangedWorkload]) -> None:
        for each in pods:
            self._changing.put(each)
            self._acting.put_pod(each.number, each.after)
        self._forget_services()

    def _forget_services(self) -> None:
        for derived in ("_services", "_behind_services"):
            self.__dict__.pop(derived, None)

    def _shown(
        self,
        numbers: AbstractSet[int],
        around: _Surroundings,
        other: Mapping[int, SnapshotWorkload | None],
    ) -> Snapshot:
        """Return what is there beside policies of the part with some of the pods.

        Args:
            numbers: the pods.
            around: what is there beside policies and pods.
            other: what some of the pods are instead, None where they are not there.
        """
        found = (other.get(each, self._changing.at(each)) for each in sorted(numbers))
        return replace(
            around.bare,
            workloads=tuple(each for each in found if each is not None),
            services=tuple(service for service, pods in around.services if pods & numbers),
            ip_families=self._changing.families,
        )

    def _read(self, policy: Policy | None) -> Policy | None:
        """Return a policy as the engine reads it, None where it does not act."""
        written = () if policy is None else (policy,)
        acting = acting_policies(replace(self._bare, policies=written), self._engine)
        return acting[0][0] if acting else None

    def _take(self, step: FollowedStep[Policy]) -> None:
        """Take a change of what is written; a policy that comes again is the last one."""
        if step.after is None:
            self._written.pop(step.name, None)
            self._turns.pop(step.name, None)
        else:
            self._written[step.name] = step.after
            self._turns.setdefault(step.name, self._next_turn)
            self._next_turn += 1

    @property
    def _replaces_names(self) -> bool:
        """Whether what a port name stands for is decided by the ports of all pods."""
        return self._engine.egress_port_names.value is not Treatment.ENFORCED

    @cached_property
    def _services(self) -> list[tuple[Service, Numbers]]:
        """The services that may let traffic past the policies, with the pods behind them."""
        return [(each, self._behind(each)) for each in self._letting_past.values()]

    @cached_property
    def _behind_services(self) -> Numbers:
        return Numbers().union(*(pods for _, pods in self._services))


class _Surroundings(NamedTuple):
    """What is there beside policies and pods, and services apart, with the pods behind them."""

    bare: Snapshot
    services: list[tuple[Service, Numbers]]


def _pairs(steps: Sequence[FollowedStep[_V]]) -> dict[PolicyName, tuple[_V | None, _V | None]]:
    """Return what each object was before all of its steps, and what it is after them."""
    first = {each.name: each.before for each in reversed(steps)}
    return {each.name: (first[each.name], each.after) for each in steps}


def _take(found: dict[_K, _V], name: _K, now: _V | None) -> None:
    """Take what is under a name now; what comes again is the last one."""
    if now is None:
        found.pop(name, None)
    else:
        found[name] = now


def _labels(name: str, namespace: SnapshotNamespace | None) -> LabelMap | None:
    if namespace is None:
        return None
    return NamespaceLabels(Snapshot((namespace,))).of(name)


def _in_turn(policies: Iterable[tuple[int, Policy]]) -> tuple[Policy, ...]:
    return tuple(each for _, each in sorted(policies, key=itemgetter(0)))


class _ChangedSide:
    """What changed policies do in one direction: to whom, and who may be at the other end."""

    def __init__(
        self, policies: ActingPolicies, way: Direction, changed: Mapping[PolicyName, _Acting]
    ) -> None:
        self._policies, self._way, self._names = policies, way, changed.keys()
        self._versions = list(changed.values())
        self.scope = set[int]()
        self._named = set[int]()
        self._loose = set[int]()
        for each in self._versions:
            if each.differs(way):
                self._add(each)
        self._loose.update(each for each in self.scope if not self._stays_isolated(each))

    def _add(self, changed: _Acting) -> None:
        """Take whom one policy selects, and whom its changed rules name."""
        pods = self._policies.pods
        selected = set[int]().union(*(pods.of_policy(p).may for p in changed.versions(self._way)))
        selected -= self._policies.never
        self.scope |= selected
        for policy, rule in changed.rules(self._way):
            named = self._policies.named(policy, rule)
            if named is None:
                self._loose |= selected
            else:
                self._named |= named

    def _stays_isolated(self, number: int) -> bool:
        """Return whether a pod is certainly isolated both before and after."""
        others = (
            policy for name, policy in self._policies.selecting(number) if name not in self._names
        )
        if any(self._isolates(each, number) for each in others):
            return True
        before, after = zip(*self._versions, strict=True)
        return any(self._isolates(each, number) for each in before) and any(
            self._isolates(each, number) for each in after
        )

    def _isolates(self, policy: Policy | None, number: int) -> bool:
        return policy is not None and number in self._policies.isolated_by(policy, self._way)

    def partners(self, behind_services: Numbers) -> set[int]:
        """Return who is, or may be, at the other end of what differs, as policies are now."""
        if not self._loose:
            return set(self._named)
        meeting = self._policies.meeting_any(self._loose, self._way.other, behind_services)
        return self._named | meeting
