"""The policies and the workloads of a followed cluster, found by what they are about.

They change, and what is kept of them follows.

Of each policy it is known by which label it can be found: one without which nothing is selected, or
named. So a pod's policies are found by its labels, and nothing is asked that is not about it. What
is kept of pods (who is certainly isolated by how many policies) follows each change of either.

A workload has a number that stays. What changes is taken only where it is certain to leave all
others what they are: by their names, by the versions of IP that pods have, and by labels that are
known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

from podwall.engines import BlockMatch, Engine
from podwall.lint.context import Label, Numbers, WorkloadIndex, known_labels, needed_label
from podwall.model import (
    IpPeer,
    LabelMap,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Service,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import rules_of, unknown_direction
from podwall.reachability.matching import labels_match
from podwall.reachability.port_rules import opens
from podwall.reading import asked_controller_labels, with_controller_labels

__all__ = [
    "NOTHING_DIFFERS",
    "NO_WORKLOADS",
    "ActingPolicies",
    "ChangedWorkload",
    "ChangingWorkloads",
    "FollowedStep",
    "ObjectsThatDiffer",
    "PolicyName",
    "WorkloadVersions",
    "asks_for_names",
    "knows_labels",
]


PolicyName = tuple[str | Unknown, str]
T = TypeVar("T")


class ActingPolicies:
    """The policies that an engine enforces, by whom they select and by whom they name."""

    def __init__(self, pods: WorkloadIndex, engine: Engine) -> None:
        """Begin with none."""
        self.pods = pods
        self._engine = engine
        self._no_pods_by_block = engine.pods_by_block.value is BlockMatch.NEVER
        self._by_name: dict[PolicyName, Policy] = {}
        self._by_target: defaultdict[tuple[str | Unknown, Label | None], set[PolicyName]]
        self._by_target = defaultdict(set)
        self._by_peer = {way: defaultdict[Label | None, set[PolicyName]](set) for way in Direction}
        self._isolated = {way: Counter[int]() for way in Direction}
        workloads = enumerate(pods.workloads)
        self.hosts = {number for number, each in workloads if each.host_network is not False}
        self.never = {n for n in self.hosts if pods.workloads[n].host_network is True}
        self.free = {way: set(range(len(pods.workloads))) for way in Direction}
        """Those of which it is not certain that some policy isolates them, by direction."""
        self.asking = set[PolicyName]()
        """The policies that ask for ports by name in what they let out."""
        self._by_space = defaultdict[Label | str, set[PolicyName]](set)

    def add(self, name: PolicyName, policy: Policy) -> None:
        """Take a policy of which there is none with its name."""
        self._by_name[name] = policy
        if asks_for_names(policy):
            self.asking.add(name)
        self._by_target[policy.namespace, needed_label(policy.pod_selector)].add(name)
        for asked in _asked_of_namespaces(policy):
            self._by_space[asked].add(name)
        for way in Direction:
            for label in _named_labels(policy, way):
                self._by_peer[way][label].add(name)
            isolated = self._isolated[way]
            for number in self.isolated_by(policy, way):
                isolated[number] += 1
                self.free[way].discard(number)

    def put(self, name: PolicyName, policy: Policy | None) -> None:
        """Take a policy in place of the one with its name; None where it acts no more."""
        was = self._by_name.pop(name, None)
        if was is not None:
            self._remove(name, was)
        if policy is not None:
            self.add(name, policy)

    def _remove(self, name: PolicyName, policy: Policy) -> None:
        self.asking.discard(name)
        self._by_target[policy.namespace, needed_label(policy.pod_selector)].discard(name)
        for asked in _asked_of_namespaces(policy):
            self._by_space[asked].discard(name)
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

    def put_pod(self, number: int, workload: SnapshotWorkload | None) -> None:
        """Take what a pod is now, of which `pods` have been told; None where it is gone."""
        host = workload is not None and workload.host_network
        for numbers, there in ((self.hosts, host is not False), (self.never, host is True)):
            (numbers.add if there else numbers.discard)(number)
        selecting = [] if workload is None else [each for _, each in self.selecting(number)]
        for way in Direction:
            self._isolated[way].pop(number, None)
            self.free[way].discard(number)
            count = sum(number in self.isolated_by(each, way) for each in selecting)
            if count:
                self._isolated[way][number] = count
            elif workload is not None:
                self.free[way].add(number)

    def met(self, number: int, way: Direction, behind_services: Numbers) -> set[int]:
        """Return who is, or may be, at the other end of a pod's connections in a direction.

        Where its own policies do not say so, those who may be allowed to meet it. What is between
        a pod and its node passes whatever they say, and on which a pod runs may not be known; so
        may what goes to a service by way of that node.
        """
        if number in self.hosts:
            return set(self.pods.numbers)
        found, loose = self.hosts | behind_services, number in self.free[way]
        for _, policy in self.selecting(number):
            for rule in rules_of(policy, way) or ():
                named = self.named(policy, rule)
                loose = loose or named is None
                found |= named or set()
        return found | self.meeting_any((number,), way.other, behind_services) if loose else found

    def through_services(self, number: int, behind_services: Numbers) -> AbstractSet[int]:
        """Return who may come to a pod by way of services that let traffic past the policies.

        Where no policy is about the pod, those alone whom such a service lets out.
        """
        if not opens(self._engine, Direction.INGRESS):
            return Numbers()  # clients of outside alone come by them otherwise
        out = opens(self._engine, Direction.EGRESS)
        policies = (policy for _, policy in self.selecting(number))
        if all(rules_of(each, Direction.INGRESS) is None for each in policies):
            return self.pods.numbers - self.free[Direction.EGRESS] if out else Numbers()
        if out:
            return self.pods.numbers
        return self.meeting_any((number,), Direction.EGRESS, behind_services) | self.hosts

    def meeting_any(
        self, numbers: Iterable[int], way: Direction, behind_services: Numbers
    ) -> set[int]:
        """Return who may be allowed, in a direction of their own, to meet some pods."""
        found = set(self.free[way]).union(*(self.meeting(each, way) for each in numbers))
        return found | behind_services if way is Direction.INGRESS else found

    def affected_by_labels(self, namespace: str, labels: Sequence[LabelMap]) -> set[int]:
        """Return whom other labels of a namespace are about: pods in it, and who speaks of them.

        Args:
            namespace: whose labels differ.
            labels: what they were, and what they are, all of them known.
        """
        asked = {one for each in zip(labels, reversed(labels), strict=True) for one in _only(*each)}
        names = {name for each in asked for name in self._by_space.get(each, ())}
        return set[int]().union(
            *(self._affected_by(self._by_name[name], namespace, labels) for name in names)
        )

    def _affected_by(
        self, policy: Policy, namespace: str, labels: Sequence[LabelMap]
    ) -> AbstractSet[int]:
        peers = (
            each
            for each in _pod_peers(policy)
            if each.namespaces and len({labels_match(each.namespaces, one) for one in labels}) > 1
        )
        named = Numbers().union(*(self.pods.selected(namespace, each.pods).may for each in peers))
        return named | self.pods.of_policy(policy).may if named else named

    def selecting(self, number: int) -> Iterator[tuple[PolicyName, Policy]]:
        """Yield the policies that select a pod, or may select it."""
        workload = self.pods.workloads[number]
        labels = [None, *known_labels(workload.labels)]
        if knows_labels(workload.labels):
            found = (self._by_target.get((workload.namespace, each), ()) for each in labels)
            names: Iterable[PolicyName] = chain.from_iterable(found)
        else:
            names = list(self._by_name)
        for name in names:
            if number in self.pods.of_policy(self._by_name[name]).may:
                yield name, self._by_name[name]

    def about(self, numbers: Collection[int]) -> set[PolicyName]:
        """Return the policies that select some pods, or may do so, and perhaps others."""
        if len(numbers) * 4 > len(self.pods.workloads):
            return set(self._by_name)
        return {name for number in numbers for name, _ in self.selecting(number)}

    def meeting(self, number: int, way: Direction) -> Iterator[int]:
        """Yield those who may be allowed, in a direction of their own, to meet a pod.

        Those are left out whom it is not certain that anything isolates: they are `free`.
        """
        labels = self.pods.workloads[number].labels
        known = knows_labels(labels)
        asked = [None, *known_labels(labels)] if known else list(self._by_peer[way])
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

    def acting(self, names: Iterable[PolicyName]) -> Iterator[Policy | None]:
        """Yield the policies with some names, None for each that does not act."""
        return map(self._by_name.get, names)


def asks_for_names(policy: Policy | None) -> bool:
    """Return whether a policy asks for ports by name in what it lets out."""
    rules = () if policy is None else rules_of(policy, Direction.EGRESS) or ()
    lists = (each.ports for each in rules if isinstance(each, Rule))
    ports = (port for each in lists if isinstance(each, tuple) for port in each)
    return any(isinstance(each, PortRule) and isinstance(each.port, str) for each in ports)


def _pod_peers(policy: Policy) -> Iterator[PodPeer]:
    for way in Direction:
        for rule in rules_of(policy, way) or ():
            peers = rule.peers if isinstance(rule, Rule) else None
            all_peers = peers if isinstance(peers, tuple) else ()
            yield from (each for each in all_peers if isinstance(each, PodPeer))


def _asked_of_namespaces(policy: Policy) -> set[Label | str]:
    """Return which labels of namespaces a policy asks for, or keys where not for one value."""
    asked = (each.namespaces.requirements for each in _pod_peers(policy) if each.namespaces)
    return {needed_label(Selector((one,))) or one.key for each in asked for one in each}


def _only(labels: LabelMap, other: LabelMap) -> Iterator[Label | str]:
    """Yield the labels that only the first has, and their keys."""
    for label in {*known_labels(labels)} - {*known_labels(other)}:
        yield from (label, label[0])


def knows_labels(labels: LabelMap) -> bool:
    """Return whether all labels are known, with their values."""
    return labels.more is None and all(isinstance(value, str) for _, value in labels.items)


def _named_labels(policy: Policy, way: Direction) -> set[Label | None]:
    """Return labels one of which whoever the rules name has; None where they may need none."""
    found = set[Label | None]()
    for rule in rules_of(policy, way) or ():
        peers = rule.peers if isinstance(rule, Rule) else None
        each = peers if isinstance(peers, tuple) else (None,)
        found |= {needed_label(one.pods) if isinstance(one, PodPeer) else None for one in each}
    return found


class FollowedStep(NamedTuple, Generic[T]):
    """One change of an object: its name, and what it was and is as read; None: it is not there."""

    name: tuple[str | Unknown, str]
    before: T | None
    after: T | None


@dataclass(frozen=True, slots=True)
class WorkloadVersions:
    """Workloads before and after a change of objects that make pods, all of them as read.

    Their namespaces are declared, before and after.
    """

    before: tuple[SnapshotWorkload, ...] = ()
    after: tuple[SnapshotWorkload, ...] = ()

    def any(self) -> bool:
        """Return whether anything is other than it was."""
        return self.before != self.after


NO_WORKLOADS: Final = WorkloadVersions()


@dataclass(frozen=True, slots=True)
class ObjectsThatDiffer:
    """What of a cluster differs after some changes that decide something, kind by kind.

    The steps of one object are in the order in which they came.
    """

    policies: tuple[FollowedStep[Policy], ...] = ()
    workloads: WorkloadVersions = NO_WORKLOADS
    namespaces: tuple[FollowedStep[SnapshotNamespace], ...] = ()
    services: tuple[FollowedStep[Service], ...] = ()

    def any(self) -> bool:
        """Return whether anything is other than it was."""
        return bool(self.policies or self.namespaces or self.services) or self.workloads.any()


NOTHING_DIFFERS: Final = ObjectsThatDiffer()


class ChangedWorkload(NamedTuple):
    """A workload under its number before and after a change; None: it is not there."""

    number: int
    before: SnapshotWorkload | None
    after: SnapshotWorkload | None

    @property
    def changes_ports(self) -> bool:
        """Whether the ports that pods declare are others than before."""
        none: tuple[object, object] = ((), None)
        before, after = (
            none if each is None else (each.ports, each.open_ports)
            for each in (self.before, self.after)
        )
        return before != after


class ChangingWorkloads:
    """The workloads of a cluster, of which some change, each under a number that stays."""

    def __init__(self, pods: WorkloadIndex, snapshot: Snapshot) -> None:
        self._pods, self._snapshot = pods, snapshot
        self._numbers = {_identity(each): n for n, each in enumerate(pods.workloads)}
        self._named: defaultdict[str, set[int]] = defaultdict(set)
        for number, each in enumerate(pods.workloads):
            self._named[each.full_name].add(number)
        workloads = pods.workloads
        self._versions = Counter(one.version for each in workloads for one in each.addresses)
        policies = (each for each in snapshot.policies if asked_controller_labels((each,)))
        services = (each for each in snapshot.services if asked_controller_labels((), (each,)))
        self._asking = tuple(policies), tuple(services)

    @property
    def families(self) -> tuple[int, ...]:
        """The versions of IP of which pods have addresses."""
        return self._snapshot.ip_families or tuple(sorted(self._versions))

    def all(self) -> tuple[SnapshotWorkload, ...]:
        """Return all that are there."""
        return tuple(self._pods.workloads[each] for each in self._numbers.values())

    def at(self, number: int) -> SnapshotWorkload | None:
        """Return the workload with a number, None where it is not there any more."""
        return self._pods.workloads[number] if number in self._pods.numbers else None

    def namesakes(self, number: int) -> AbstractSet[int]:
        """Return the numbers of those that share a name with one, and its own."""
        return self._named.get(self._pods.name(number), frozenset())

    def numbered(self, versions: WorkloadVersions) -> list[ChangedWorkload] | None:
        """Return what changes under numbers, None where it is not certain to be by itself."""
        before: dict[_Identity, SnapshotWorkload] = {}
        after = {_identity(each): each for each in self._labelled(versions.after)}
        for was in self._labelled(versions.before):
            name = _identity(was)
            number = self._numbers.get(name)
            if number is None or self._pods.workloads[number] != was:
                return None
            before[name] = was
        new = {name: len(self._pods.workloads) + n for n, name in enumerate(after.keys() - before)}
        if any(name in self._numbers for name in new):
            return None
        found = [
            ChangedWorkload(self._numbers.get(name, new.get(name, -1)), old, now)
            for name in dict.fromkeys((*before, *sorted(new, key=new.__getitem__)))
            if (old := before.get(name)) != (now := after.get(name))
        ]
        return found if self._are_plain(found) else None

    def _labelled(self, workloads: tuple[SnapshotWorkload, ...]) -> tuple[SnapshotWorkload, ...]:
        return with_controller_labels(workloads, *self._asking)

    def _are_plain(self, changed: Iterable[ChangedWorkload]) -> bool:
        """Return whether names, labels and addresses leave all others what they are."""
        versions, names = self._versions.copy(), list[str]()
        for number, was, now in changed:
            for each in (was, now):
                if each is not None and not _is_plain(each):
                    return False
            for each, count in ((was, -1), (now, 1)):
                for one in () if each is None else each.addresses:
                    versions[one.version] += count
            name = (was or now or self._pods.workloads[number]).full_name
            names.append(name)
            if self._named.get(name, set()) - {number}:
                return False
        same = self._snapshot.ip_families or {*+versions} == {*self._versions}
        return bool(same) and len(set(names)) == len(names)

    def put(self, changed: ChangedWorkload) -> None:
        """Take a change."""
        number, was, now = changed
        for each, count in ((was, -1), (now, 1)):
            for one in () if each is None else each.addresses:
                self._versions[one.version] += count
        if was is not None and now is None:
            self._named[was.full_name].discard(number)
            del self._numbers[_identity(was)]
        if now is not None:
            self._named[now.full_name].add(number)
            self._numbers[_identity(now)] = number
        self._pods.put(number, now)


_Identity = tuple[str, str | Unknown, str]


def _identity(workload: SnapshotWorkload) -> _Identity:
    return workload.kind, workload.namespace, workload.name


def _is_plain(workload: SnapshotWorkload) -> bool:
    """Return whether it is known what policies look at."""
    return isinstance(workload.namespace, str) and knows_labels(workload.labels)
