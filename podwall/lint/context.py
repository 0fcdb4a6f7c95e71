"""What a lint is, and what it looks at: a snapshot, its workloads by label, who can reach whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from podwall.aks.network_engine import EngineVersions
from podwall.engines import Engine
from podwall.model import (
    NETWORK_POLICY,
    LabelMap,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Snapshot,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.rules import Direction
from podwall.policies.wording import guess
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.cluster import rules_of
from podwall.reachability.matching import NamespaceLabels, running_versions
from podwall.reachability.pod_classes import LabelIndex
from podwall.reachability.policy_reader import PolicyReader
from podwall.reachability.values import Bound

__all__ = [
    "NO_NUMBERS",
    "Diagnostic",
    "Label",
    "Lint",
    "LintContext",
    "MatchedNumbers",
    "Numbers",
    "PeerAt",
    "PortAt",
    "RuleAt",
    "WorkloadIndex",
    "known_labels",
    "needed_label",
    "quoted_name",
]

Numbers = frozenset[int]
NO_NUMBERS: Numbers = frozenset()


class MatchedNumbers(NamedTuple):
    """The numbers of what matches for certain, and of what matches or may match."""

    must: Numbers
    may: Numbers


Label = tuple[str, str]


def needed_label(selector: Selector) -> Label | None:
    """Return a label without which a selector certainly selects nothing, if there is one."""
    for each in selector.requirements:
        if each.operator is Operator.IN and len(each.values) == 1 and each.unknown is None:
            return each.key, each.values[0]
    return None


def known_labels(labels: LabelMap) -> Iterator[Label]:
    """Yield those of some labels whose values are known."""
    return ((key, value) for key, value in labels.items if isinstance(value, str))


class _Selections:
    """Which of some label maps selectors match, each selector answered once."""

    def __init__(self, maps: Sequence[LabelMap]) -> None:
        self._index = LabelIndex(maps)
        self.there = frozenset(range(len(maps)))
        self._known: dict[Selector, MatchedNumbers] = {}
        self._by_label: defaultdict[Label | None, list[Selector]] = defaultdict(list)

    def of(self, selector: Selector) -> MatchedNumbers:
        """Return which maps a selector matches."""
        if selector not in self._known:
            must = self._numbers(selector, Bound.MUST)
            certain = self._index.is_known and selector.is_known
            may = must if certain else self._numbers(selector, Bound.MAY)
            self._known[selector] = MatchedNumbers(must, may)
            self._by_label[needed_label(selector)].append(selector)
        return self._known[selector]

    def put(self, number: int, before: LabelMap | None, after: LabelMap | None) -> None:
        """Take another map in place of one; None: there is none. All labels must be known."""
        if before is not None:
            self._index.remove(number, before)
        if after is not None:
            self._index.add(number, after)
        if (before is None) is not (after is None):
            self.there ^= {number}
        maps = (each for each in (before, after) if each is not None)
        for label in {None, *(each for labels in maps for each in known_labels(labels))}:
            for selector in self._by_label.pop(label, ()):
                del self._known[selector]

    def _numbers(self, selector: Selector, bound: Bound) -> Numbers:
        these, negated = self._index.select(selector, bound)
        if not negated:
            return frozenset(these.tolist())
        return self.there.difference(these.tolist()) if len(these) else self.there


#: Among more labels than this no like one is looked for.
MOST_LABELS_COMPARED: Final = 500


class WorkloadIndex:
    """Answers which workloads a policy or a peer selects: for certain, and at most.

    Workloads are identified by their number in the snapshot. Those on the host network are among
    the answers, although no policy applies to them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """Index the workloads by namespace and by labels."""
        self.workloads = list(snapshot.workloads)
        self._labels = _Selections([workload.labels for workload in self.workloads])
        found: dict[str | Unknown, set[int]] = defaultdict(set)
        for number, workload in enumerate(self.workloads):
            found[workload.namespace].add(number)
        self._vague = frozenset(
            number for name, there in found.items() if isinstance(name, Unknown) for number in there
        )
        self._at = {
            name: frozenset(there) for name, there in found.items() if isinstance(name, str)
        }
        self._names = sorted({*self._at, *(namespace.name for namespace in snapshot.namespaces)})
        self._peers: dict[PodPeer, MatchedNumbers] = {}
        self._there: dict[Selector, MatchedNumbers] = {}
        labels = NamespaceLabels(snapshot)
        self._labels_of = {name: labels.of(name) for name in self._names}
        self._namespaces = _Selections(list(self._labels_of.values()))

    def put(self, number: int, workload: SnapshotWorkload | None) -> None:
        """Take a workload under a number, in place of the one there was; None takes it away.

        The numbers of others stay, and the one after the last is the next new one. Namespace and
        labels are known, the namespace is one of the snapshot's.
        """
        before = self.workloads[number] if number in self._labels.there else None
        for each, change in ((before, frozenset.difference), (workload, frozenset.union)):
            if each is not None and isinstance(each.namespace, str):
                here = self._at.get(each.namespace, NO_NUMBERS)
                self._at[each.namespace] = change(here, {number})
        if workload is not None:
            self.workloads[number : number + 1] = [workload]
        if before is None or workload is None or before.namespace != workload.namespace:
            self._there.clear()
        self._peers.clear()
        maps = (None if each is None else each.labels for each in (before, workload))
        self._labels.put(number, *maps)

    def put_namespace(self, name: str, labels: LabelMap | None) -> None:
        """Take the labels of a namespace, its name among them; None: it is there no more.

        All of them are known. Nothing is in a namespace that comes or goes.
        """
        if name not in self._names:
            self._names.append(name)
        before = self._labels_of.pop(name, None)
        if labels is not None:
            self._labels_of[name] = labels
        self._namespaces.put(self._names.index(name), before, labels)
        self._there.clear()
        self._peers.clear()

    @property
    def numbers(self) -> Numbers:
        """The numbers of all workloads that are there."""
        return self._labels.there

    def at(self, namespace: str | Unknown) -> Numbers:
        """Return the workloads that are, or may be, in a namespace."""
        if isinstance(namespace, Unknown):
            return self._labels.there
        return self._at.get(namespace, NO_NUMBERS) | self._vague

    def of_policy(self, policy: Policy) -> MatchedNumbers:
        """Return the workloads that a policy selects."""
        return self._within(policy.namespace, policy.pod_selector)

    def of_peer(self, policy: Policy, peer: PodPeer) -> MatchedNumbers:
        """Return the workloads that a peer of a policy stands for."""
        if peer.namespaces is None:
            return self._within(policy.namespace, peer.pods)
        return self.among_namespaces(peer.namespaces, peer.pods)

    def among_namespaces(self, namespaces: Selector, pods: Selector) -> MatchedNumbers:
        """Return the workloads that a selector matches in the namespaces that another matches."""
        peer = PodPeer(pods, namespaces)
        if peer not in self._peers:
            labels, there = self._labels.of(pods), self._in_namespaces(namespaces)
            self._peers[peer] = MatchedNumbers(labels.must & there.must, labels.may & there.may)
        return self._peers[peer]

    def selected(self, namespace: str | Unknown, selector: Selector) -> MatchedNumbers:
        """Return the workloads of a namespace that a selector matches."""
        return self._within(namespace, selector)

    def namespaces(self, selector: Selector) -> list[str]:
        """Return the namespaces that a selector matches, or may match."""
        return [self._names[number] for number in sorted(self._namespaces.of(selector).may)]

    def names(self, numbers: Iterable[int], most: int = 3) -> str:
        """Return the workloads' names for people: the first few, and how many more there are."""
        found = sorted(self.name(number) for number in numbers)
        more = f" and {len(found) - most} more" if len(found) > most else ""
        return ", ".join(f"`{name}`" for name in found[:most]) + more

    def name(self, number: int) -> str:
        """Return a workload's namespace and name."""
        return self.workloads[number].full_name

    def labels_of(self, namespace: str) -> LabelMap | None:
        """Return the labels of a namespace, None where it is not there."""
        return self._labels_of.get(namespace)

    def nearest(self, selector: Selector) -> str:
        """Return a remedy for a selector of a label that no pod has, if one has a like one."""
        for requirement in selector.requirements:
            if requirement.operator is Operator.IN and not requirement.unknown:
                wanted = {f"{requirement.key}={value}" for value in requirement.values}
                if wanted and wanted.isdisjoint(self._pairs):
                    return guess(min(wanted), self._pairs)
        return ""

    @cached_property
    def _pairs(self) -> list[str]:
        """The labels of all pods; none where they are too many to compare one by one."""
        items = (item for workload in self.workloads for item in workload.labels.items)
        pairs = {f"{key}={value}" for key, value in items if isinstance(value, str)}
        return sorted(pairs) if len(pairs) <= MOST_LABELS_COMPARED else []

    def _within(self, namespace: str | Unknown, selector: Selector) -> MatchedNumbers:
        labels = self._labels.of(selector)
        if isinstance(namespace, Unknown):
            return MatchedNumbers(NO_NUMBERS, labels.may)
        here = self._at.get(namespace, NO_NUMBERS)
        return MatchedNumbers(here & labels.must, (here | self._vague) & labels.may)

    def _in_namespaces(self, selector: Selector) -> MatchedNumbers:
        """Return the workloads of the namespaces that a selector matches."""
        if selector not in self._there:
            must, may = self._namespaces.of(selector)
            self._there[selector] = MatchedNumbers(self._in(must), self._in(may) | self._vague)
        return self._there[selector]

    def _in(self, numbers: Iterable[int]) -> Numbers:
        return NO_NUMBERS.union(
            *(self._at.get(self._names[number], NO_NUMBERS) for number in numbers)
        )


class RuleAt(NamedTuple):
    """A rule that is known, with its policy and its field path."""

    policy: Policy
    direction: Direction
    path: str
    rule: Rule

    @property
    def place(self) -> Place:
        """Where the rule is written."""
        return self.policy.place.at(self.path)


class PeerAt(NamedTuple):
    """A peer of a rule, with its place."""

    at: RuleAt
    place: Place
    peer: Peer


class PortAt(NamedTuple):
    """An entry of a rule's ports, with its place."""

    at: RuleAt
    place: Place
    port: PortRule


class LintContext:
    """A snapshot with its reachability, and ways to walk over its policies."""

    def __init__(self, reachability: Reachability) -> None:
        """Take what was analysed."""
        self.reachability = reachability
        self.snapshot: Snapshot = reachability.snapshot
        self.engine: Engine = reachability.engine

    @cached_property
    def pods(self) -> WorkloadIndex:
        """The workloads by namespace and labels."""
        return WorkloadIndex(self.snapshot)

    @cached_property
    def versions(self) -> EngineVersions:
        """The versions of the engine that may run."""
        return running_versions(self.snapshot, self.engine)

    @cached_property
    def _endpoints(self) -> dict[int, str]:
        ids = {id(each.workload): each.id for each in self.reachability.workloads}
        workloads = enumerate(self.snapshot.workloads)
        return {number: ids[id(each)] for number, each in workloads if id(each) in ids}

    def endpoint(self, number: int) -> str | None:
        """Return the id under which a workload is an endpoint; None if another overwrites it."""
        return self._endpoints.get(number)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """The policies as the engine reads them, those too that it does not enforce."""
        reader = PolicyReader(self.engine, self.versions)
        return tuple(map(reader.policy, self.snapshot.policies))

    @cached_property
    def isolating(self) -> tuple[Policy, ...]:
        """The same, and those of other kinds that isolate and allow as they do."""
        acting = self.reachability.cluster.policies
        return (*self.policies, *(each for each in acting if each.kind != NETWORK_POLICY))

    @cached_property
    def rules(self) -> tuple[RuleAt, ...]:
        """All rules that are known, of both directions."""
        return tuple(
            RuleAt(policy, direction, f"spec.{direction.field}[{index}]", rule)
            for policy in self.policies
            for direction in Direction
            for index, rule in enumerate(rules_of(policy, direction) or ())
            if isinstance(rule, Rule)
        )

    @cached_property
    def peers(self) -> tuple[PeerAt, ...]:
        """All peers that rules name."""
        return tuple(self._peers())

    @cached_property
    def ports(self) -> tuple[PortAt, ...]:
        """All ports that rules list, as far as they are known as entries."""
        return tuple(self._ports())

    def _peers(self) -> Iterator[PeerAt]:
        for at in self.rules:
            for index, peer in enumerate(at.rule.peers if isinstance(at.rule.peers, tuple) else ()):
                yield PeerAt(at, at.place.at(f"{at.direction.peers_field}[{index}]"), peer)

    def _ports(self) -> Iterator[PortAt]:
        for at in self.rules:
            for index, port in enumerate(at.rule.ports if isinstance(at.rule.ports, tuple) else ()):
                if isinstance(port, PortRule):
                    yield PortAt(at, at.place.at(f"ports[{index}]"), port)


def quoted_name(policy: Policy) -> str:
    """Return a policy's name for people."""
    return f"`{policy.full_name}`"


class Diagnostic(NamedTuple):
    """What a lint says about one place; its own help and severity count where none is given."""

    place: Place
    message: str
    help: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Lint:
    """One lint: a stable `id`, how much it matters, what to do, and the source of the rule."""

    id: str
    severity: Severity
    check: Callable[[LintContext], Iterator[Diagnostic]]
    help: str
    link: str = ""

    def findings(self, context: LintContext) -> Iterator[Finding]:
        """Yield the findings of this lint in a context."""
        for place, message, help_, severity in self.check(context):
            yield Finding(
                self.id,
                severity or self.severity,
                message,
                place,
                help_ or self.help,
                self.link,
            )
