"""What part of a cluster a change of NetworkPolicies may be about.

Where NetworkPolicies alone change, the rest of the snapshot stays. Only pods that a changed policy
selects, or selected, can differ, and of their connections those with whom its changed rules name.
Where such a pod is not isolated both before and after, whoever may be allowed to meet it counts as
well. `PolicyEffects` finds them by labels, and gives the part of the cluster that consists of these
pods and of the policies that select them, to be analysed as any.

    changed     api-in selects app=api, which db-in isolates as well; a rule from app=web is new
    the part    pods with app=api and app=web, and every policy that selects some of them

It is exact: what passes between two pods depends on the policies that select one of them, and on
what holds for the whole cluster, which the part has too. Where something else counts, there is no
part: tiers, policies that are not read, services that let traffic past the policies, or an engine
that decides by the ports of all pods what a port name stands for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from podwall.engines import BlockMatch, Engine, Treatment
from podwall.lint import is_annotated
from podwall.lint.context import Numbers, WorkloadIndex
from podwall.model import (
    IpPeer,
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Service,
    Snapshot,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import Rules, rules_of, unknown_direction
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


_Name = tuple[str | Unknown, str]
_Label = tuple[str, str]
_NOT_PLAIN: Final = _NotPlain()


class _Step(NamedTuple):
    """One change of a policy, which is one of `named`."""

    named: Policy
    before: Policy | None
    after: Policy | None

    @property
    def name(self) -> _Name:
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
        self._bare = replace(snapshot, workloads=(), policies=(), services=())
        self._pods = WorkloadIndex(snapshot)
        self._written = {(each.namespace, each.name): each for each in snapshot.policies}
        self._turns = {name: turn for turn, name in enumerate(self._written)}
        self._next_turn = len(self._turns)
        self._acting = _ActingPolicies(self._pods, engine)
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
        """The whole cluster as it is now."""
        return replace(self._snapshot, policies=tuple(self._written.values()))

    def part(self, changes: Iterable[PolicyVersions]) -> PartBeforeAfter | None:
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
        if not all(self._is_known(*each) for each in pairs.items()):
            return None
        return self._part(pairs, steps)

    def _is_known(self, name: _Name, pair: tuple[Policy | None, Policy | None]) -> bool:
        """Return whether a policy is what it is said to be, in a namespace that stays without."""
        return self._written.get(name) == pair[0] and bool(self._pods.at(name[0]))

    def _part(
        self,
        pairs: Mapping[_Name, tuple[Policy | None, Policy | None]],
        steps: Iterable[_Step],
    ) -> PartBeforeAfter | None:
        acting = {name: _Acting(*map(self._read, each)) for name, each in pairs.items()}
        sides = [_ChangedSide(self._acting, way, acting) for way in Direction]
        numbers = set[int]().union(*(each.scope for each in sides))
        if numbers & self._behind_services:
            return None
        numbers.update(*(each.partners(self._behind_services) for each in sides))
        turns = {name: self._turns.get(name, 0) for name in pairs}
        for step in steps:
            self._take(step)
        for name, (_, now) in acting.items():
            self._acting.put(name, now)
        numbers.update(*(each.partners(self._behind_services) for each in sides))
        numbers.update(*(self._namesakes.get(self._pods.name(each), ()) for each in numbers))
        about = self._acting.about(numbers) - pairs.keys()
        concerned = chain(self._acting.acting(about), *acting.values())
        if self._replaces_names and any(map(_asks_for_names, concerned)):
            return None
        unchanged = [(self._turns[name], self._written[name]) for name in about]
        before = [(turns[name], was) for name, (was, _) in pairs.items() if was is not None]
        after = [(self._turns[name], now) for name, (_, now) in pairs.items() if now is not None]
        shown = self._shown(frozenset(numbers))
        return PartBeforeAfter(
            replace(shown, policies=_in_turn([*unchanged, *before])),
            replace(shown, policies=_in_turn([*unchanged, *after])),
        )

    def _shown(self, numbers: Numbers) -> Snapshot:
        """Return what does not change of the part with some of the pods."""
        workloads, found = self._pods.workloads, self._snapshot
        shown = {address.version for each in workloads for address in each.addresses}
        return replace(
            self._bare,
            workloads=tuple(workloads[each] for each in sorted(numbers)),
            services=tuple(service for service, pods in self._services if pods & numbers),
            ip_families=found.ip_families or tuple(sorted(shown)),
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

    @cached_property
    def _namesakes(self) -> Mapping[str, list[int]]:
        """The pods that share a name with others, whose ids say the kind."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number in range(len(self._pods.workloads)):
            found[self._pods.name(number)].append(number)
        return {name: numbers for name, numbers in found.items() if len(numbers) > 1}


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


class _ActingPolicies:
    """The policies that an engine enforces, by whom they select and by whom they name."""

    def __init__(self, pods: WorkloadIndex, engine: Engine) -> None:
        self.pods = pods
        self._no_pods_by_block = engine.pods_by_block.value is BlockMatch.NEVER
        self._by_name: dict[_Name, Policy] = {}
        self._by_target: defaultdict[tuple[str | Unknown, _Label | None], set[_Name]]
        self._by_target = defaultdict(set)
        self._by_peer = {way: defaultdict[_Label | None, set[_Name]](set) for way in Direction}
        self._isolated = {way: Counter[int]() for way in Direction}
        workloads = enumerate(pods.workloads)
        self.hosts = {number for number, each in workloads if each.host_network is not False}
        self.never = {n for n in self.hosts if pods.workloads[n].host_network is True}
        self.free = {way: set(range(len(pods.workloads))) for way in Direction}
        """Those of which it is not certain that some policy isolates them, by direction."""

    def add(self, name: _Name, policy: Policy) -> None:
        """Take a policy of which there is none with its name."""
        self._by_name[name] = policy
        self._by_target[policy.namespace, _label(policy.pod_selector)].add(name)
        for way in Direction:
            for label in _named_labels(policy, way):
                self._by_peer[way][label].add(name)
            isolated = self._isolated[way]
            for number in self.isolated_by(policy, way):
                isolated[number] += 1
                self.free[way].discard(number)

    def put(self, name: _Name, policy: Policy | None) -> None:
        """Take a policy in place of the one with its name; None where it acts no more."""
        was = self._by_name.pop(name, None)
        if was is not None:
            self._remove(name, was)
        if policy is not None:
            self.add(name, policy)

    def _remove(self, name: _Name, policy: Policy) -> None:
        self._by_target[policy.namespace, _label(policy.pod_selector)].discard(name)
        for way in Direction:
            for label in _named_labels(policy, way):
                self._by_peer[way][label].discard(name)
            isolated = self._isolated[way]
            for number in self.isolated_by(policy, way):
                isolated[number] -= 1
                if not isolated[number]:
                    self.free[way].add(number)

    def isolated_by(self, policy: Policy, way: Direction) -> Numbers:
        """Return the pods that a policy certainly isolates in a direction."""
        if rules_of(policy, way) is None or unknown_direction(policy, way) is not None:
            return Numbers()
        return self.pods.of_policy(policy).must - self.hosts

    def selecting(self, number: int) -> Iterator[tuple[_Name, Policy]]:
        """Yield the policies that select a pod, or may select it."""
        workload = self.pods.workloads[number]
        labels = [None, *_labels(workload.labels)]
        if _is_known(workload.labels):
            found = (self._by_target.get((workload.namespace, each), ()) for each in labels)
            names: Iterable[_Name] = chain.from_iterable(found)
        else:
            names = list(self._by_name)
        for name in names:
            if number in self.pods.of_policy(self._by_name[name]).may:
                yield name, self._by_name[name]

    def about(self, numbers: Collection[int]) -> set[_Name]:
        """Return the policies that select some pods, or may do so, and perhaps others."""
        if len(numbers) * 4 > len(self.pods.workloads):
            return set(self._by_name)
        return {name for number in numbers for name, _ in self.selecting(number)}

    def meeting(self, number: int, way: Direction) -> Iterator[int]:
        """Yield those who may be allowed, in a direction of their own, to meet a pod.

        Those are left out whom it is not certain that anything isolates: they are `free`.
        """
        labels = self.pods.workloads[number].labels
        known = _is_known(labels)
        asked = [None, *_labels(labels)] if known else list(self._by_peer[way])
        for name in {name for each in asked for name in self._by_peer[way].get(each, ())}:
            policy = self._by_name[name]
            rules = rules_of(policy, way) or ()
            named = (self.named(policy, each) for each in rules)
            if any(each is None or number in each for each in named):
                yield from self.pods.of_policy(policy).may

    def named(self, policy: Policy, rule: Rule | Unknown) -> AbstractSet[int] | None:
        """Return the pods that a rule names, or may name; None where it may be anybody."""
        peers = rule.peers if isinstance(rule, Rule) else None
        if not isinstance(peers, tuple):
            return None
        found = set[int]()
        for peer in peers:
            if isinstance(peer, PodPeer):
                found |= self.pods.of_peer(policy, peer).may
            elif isinstance(peer, IpPeer) and self._no_pods_by_block:
                found |= self.hosts
            else:
                return None
        return found

    def acting(self, names: Iterable[_Name]) -> Iterator[Policy | None]:
        """Yield the policies with some names, None for each that does not act."""
        return map(self._by_name.get, names)


def _asks_for_names(policy: Policy | None) -> bool:
    """Return whether a policy asks for ports by name in what it lets out."""
    rules = () if policy is None else rules_of(policy, Direction.EGRESS) or ()
    lists = (each.ports for each in rules if isinstance(each, Rule))
    ports = (port for each in lists if isinstance(each, tuple) for port in each)
    return any(isinstance(each, PortRule) and isinstance(each.port, str) for each in ports)


def _label(selector: Selector) -> _Label | None:
    """Return a label without which a selector certainly selects nothing, if there is one."""
    for each in selector.requirements:
        if each.operator is Operator.IN and len(each.values) == 1 and each.unknown is None:
            return each.key, each.values[0]
    return None


def _labels(labels: LabelMap) -> Iterator[_Label]:
    return ((key, value) for key, value in labels.items if isinstance(value, str))


def _is_known(labels: LabelMap) -> bool:
    return labels.more is None and all(isinstance(value, str) for _, value in labels.items)


def _named_labels(policy: Policy, way: Direction) -> set[_Label | None]:
    """Return labels one of which whoever the rules name has; None where they may need none."""
    found = set[_Label | None]()
    for rule in rules_of(policy, way) or ():
        peers = rule.peers if isinstance(rule, Rule) else None
        each = peers if isinstance(peers, tuple) else (None,)
        found |= {_label(one.pods) if isinstance(one, PodPeer) else None for one in each}
    return found


class _ChangedSide:
    """What changed policies do in one direction: to whom, and who may be at the other end."""

    def __init__(
        self, policies: _ActingPolicies, way: Direction, changed: Mapping[_Name, _Acting]
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
        found, other = set(self._named), self._way.other
        if self._loose:
            found |= self._policies.free[other]
            found.update(*(self._policies.meeting(each, other) for each in self._loose))
            if other is Direction.INGRESS:
                found |= behind_services
        return found
