"""What part of a cluster a change of NetworkPolicies or of pods may be about.

Where NetworkPolicies alone change, the rest of the snapshot stays. Only pods that a changed policy
selects, or selected, can differ, and of their connections those with whom its changed rules name.
Where such a pod is not isolated both before and after, whoever may be allowed to meet it counts as
well. `PolicyEffects` finds them by labels, and gives the part of the cluster that consists of these
pods and of the policies that select them, to be analysed as any.

    changed     api-in selects app=api, which db-in isolates as well; a rule from app=web is new
    the part    pods with app=api and app=web, and every policy that selects some of them

Of a pod that comes, changes or goes the part has all whom it may meet, before and after: those that
its policies name, or, where these do not say so, those who may be allowed to meet it.

It is exact: what passes between two pods depends on the policies that select one of them, and on
what holds for the whole cluster, which the part has too. Where something else counts, there is no
part: tiers, policies that are not read, services that let traffic past the policies, or an engine
that decides by the ports of all pods what a port name stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from podwall.engines import Engine, Treatment
from podwall.lint import is_annotated
from podwall.lint.context import Numbers, WorkloadIndex
from podwall.live.followed_index import (
    NO_WORKLOADS,
    ActingPolicies,
    ChangedWorkload,
    ChangingWorkloads,
    PolicyName,
    WorkloadVersions,
    asks_for_names,
)
from podwall.model import Policy, Rule, Selector, Service, Snapshot, SnapshotWorkload, Unknown
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import Rules, rules_of
from podwall.reachability.policy_reader import acting_policies
from podwall.reading import (
    Document,
    ObjectStatus,
    asked_controller_labels,
    snapshot,
)

__all__ = ["PartBeforeAfter", "PolicyEffects", "PolicyVersions"]


@dataclass(frozen=True, slots=True)
class PolicyVersions:
    """A NetworkPolicy before and after a change, each as it is written; None: it is not there."""

    before: Document | None
    after: Document | None


class PartBeforeAfter(NamedTuple):
    """The part of a cluster that a change may be about, before and after it."""

    before: Snapshot
    after: Snapshot


class _NotPlain:
    """Stands for a policy of which it is not certain that it says something of itself alone."""


_NOT_PLAIN: Final = _NotPlain()


class _Step(NamedTuple):
    """One change of a policy, which is one of `named`."""

    named: Policy
    before: Policy | None
    after: Policy | None

    @property
    def name(self) -> PolicyName:
        return self.named.namespace, self.named.name


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
    """A cluster of which NetworkPolicies change, and the part that each change may be about."""

    def __init__(self, snapshot: Snapshot, engine: Engine) -> None:
        """Index the pods, and the policies by whom they select."""
        self._snapshot, self._engine = snapshot, engine
        if not self.can_follow:
            return
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
        policies = tuple(self._written.values())
        return replace(self._snapshot, policies=policies, workloads=self._changing.all())

    def part(
        self, changes: Iterable[PolicyVersions], workloads: WorkloadVersions = NO_WORKLOADS
    ) -> PartBeforeAfter | None:
        """Take some changes, and return the part of the cluster that they may be about.

        None where that is not certain to be a part: nothing further can be asked then.
        """
        if not self.can_follow:
            return None
        steps = []
        for each in changes:
            before, after = _plain(each.before), _plain(each.after)
            if isinstance(before, _NotPlain) or isinstance(after, _NotPlain):
                return None
            steps += [_Step(named, before, after) for named in (after or before,) if named]
        pairs = {each.name: (each.before, each.after) for each in reversed(steps)}
        pairs = {each.name: (pairs[each.name][0], each.after) for each in steps}
        pods = self._changing.numbered(workloads)
        if pods is None or not all(self._is_known(*each) for each in pairs.items()):
            return None
        if self._replaces_names and self._acting.asking and any(one.changes_ports for one in pods):
            return None
        return self._part(pairs, steps, pods)

    def _is_known(self, name: PolicyName, pair: tuple[Policy | None, Policy | None]) -> bool:
        """Return whether a policy is what it is said to be, in a namespace that stays without."""
        return self._written.get(name) == pair[0] and bool(self._pods.at(name[0]))

    def _part(
        self,
        pairs: Mapping[PolicyName, tuple[Policy | None, Policy | None]],
        steps: Iterable[_Step],
        pods: Sequence[ChangedWorkload],
    ) -> PartBeforeAfter | None:
        acting = {name: _Acting(*map(self._read, each)) for name, each in pairs.items()}
        sides = [_ChangedSide(self._acting, way, acting) for way in Direction]
        numbers = set[int]().union(*(each.scope for each in sides))
        numbers.update(each.number for each in pods if each.before is not None)
        if numbers & self._behind_services:
            return None
        numbers.update(self._met(each.number for each in pods if each.before is not None))
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
        if there & self._behind_services:
            return None
        numbers |= there | self._met(there)
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
        return PartBeforeAfter(
            replace(self._shown(numbers, old), policies=_in_turn([*unchanged, *before])),
            replace(self._shown(numbers, {}), policies=_in_turn([*unchanged, *after])),
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
        for derived in ("_services", "_behind_services"):
            self.__dict__.pop(derived, None)

    def _shown(
        self, numbers: AbstractSet[int], other: Mapping[int, SnapshotWorkload | None]
    ) -> Snapshot:
        """Return what is there beside policies of the part with some of the pods.

        Args:
            numbers: the pods.
            other: what some of them are instead, None where they are not there.
        """
        found = (other.get(each, self._changing.at(each)) for each in sorted(numbers))
        return replace(
            self._bare,
            workloads=tuple(each for each in found if each is not None),
            services=tuple(service for service, pods in self._services if pods & numbers),
            ip_families=self._changing.families,
        )

    def _read(self, policy: Policy | None) -> Policy | None:
        """Return a policy as the engine reads it, None where it does not act."""
        written = () if policy is None else (policy,)
        acting = acting_policies(replace(self._bare, policies=written), self._engine)
        return acting[0][0] if acting else None

    def _take(self, step: _Step) -> None:
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
        if self._engine.cluster_services.value is Treatment.ENFORCED:
            return []
        services = (
            (each, self._pods.selected(each.namespace, each.selector).may)
            for each in self._snapshot.services
            if each.selector is not None
            and (each.is_behind_nodes or each.external_ips is not False)
        )
        return list(services)

    @cached_property
    def _behind_services(self) -> Numbers:
        return Numbers().union(*(pods for _, pods in self._services))


def _plain(document: Document | None) -> Policy | _NotPlain | None:
    """Return the policy of a document, if what it says is about itself alone."""
    if document is None:
        return None
    found = snapshot([document])
    policies = found.snapshot.policies
    strange = found.findings or found.snapshot.unread_policies or asked_controller_labels(policies)
    read = [each.status for each in found.ledger] == [ObjectStatus.READ]
    if strange or not read or len(policies) != 1 or is_annotated([document]):
        return _NOT_PLAIN
    return policies[0]


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
