"""Which endpoints every policy, rule, peer and condition is about: all pairs explained at once.

`explain` replays one pair; this is the same for whoever shows the explanation of any pair, such as
the HTML page. How it works: a selector is resolved once over the classes of pods that the analysis
made. A rule then matches a pair if the other end is in the scope of one of its peers; a condition
fails where the end is not in its scope. Sets are arrays of elements: numbers of classes of pods,
then of parts of the addresses, as in `Reachability.ends.element`.

    shop/api: ingress from pods with tier=front on TCP 8080
        isolates   {api}
        peer       {web}            conditions: namespace shop {api, web, db}, tier=front {web}
        ports      TCP 8080 on everyone

It is exact, because all endpoints of one element carry what rules can tell apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import field
from typing import Final

from podwall.explain.wording import (
    ConditionOn,
    PeerCondition,
    blocks_text,
    peer_conditions,
    rule_text,
    tier_rule_text,
)
from podwall.model import (
    EntityPeer,
    IpPeer,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Service,
    TierPolicy,
    TierRule,
    Unknown,
    namespace_text,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.analysis import PeerResolver, ResolvedPeers
from podwall.reachability.arrays import IntArray, Registry
from podwall.reachability.cluster import group_key, rules_of, unknown_direction
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import Match
from podwall.reachability.peers import BlockEnds
from podwall.reachability.port_rules import (
    OWN_NODE,
    OWN_NODE_LINK,
    exposed_ports,
    opens,
    passes_own_node,
)
from podwall.reachability.tiers import TierEnds
from podwall.reachability.values import ALL, Bounds

__all__ = [
    "ConditionScope",
    "ExemptionScope",
    "HidingScope",
    "PeerScope",
    "PolicyScope",
    "PortScope",
    "RuleScope",
    "Scopes",
    "TierPolicyScope",
    "TierRuleScope",
    "scopes",
]

_OF_ADDRESSES: Final = frozenset({"address", "entity"})


def _nobody() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ConditionScope:
    """A condition of a peer in words, and the elements for which it holds, or may hold.

    `on` is `pod`, `namespace` or `place` as in `ConditionOn`, `address` for ip blocks, or `entity`
    for what Cilium has a name for; `key` is the label that is asked for, if one is.
    """

    words: str
    on: str
    key: str
    elements: IntArray


@dataclass(frozen=True, slots=True)
class PeerScope:
    """One peer of a rule, all its ip blocks being one: its elements and its conditions."""

    elements: ResolvedPeers
    conditions: tuple[ConditionScope, ...]


@dataclass(frozen=True, slots=True)
class PortScope:
    """The ports that a rule allows on some destinations; None: on all."""

    destinations: IntArray | None
    ports: Bounds


@dataclass(frozen=True, slots=True)
class RuleScope:
    """One rule in words: whom it is about (`peers` None: everyone), and on which ports."""

    words: str
    peers: tuple[PeerScope, ...] | None
    ports: tuple[PortScope, ...]


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """A policy in one direction: whom it isolates, with which rules.

    Policies with an equal `group` certainly isolate the same pods.
    """

    isolated: ResolvedPeers
    group: int
    rules: tuple[RuleScope, ...]


@dataclass(frozen=True, slots=True)
class ExemptionScope:
    """What passes whatever the policies say, if one end of the flow is among the elements.

    That end is the destination or, if not `of_destination`, the one whose policies are not asked.
    """

    says: str
    link: str
    elements: IntArray
    of_destination: bool
    ports: Bounds


@dataclass(frozen=True, slots=True)
class HidingScope:
    """A service behind which rules for ingress may see a node in place of a client.

    What they allow the `clients`, addresses of one family, to the backends that are the `elements`
    is not certain on `ports`: there they do not allow it to a node.
    """

    says: str
    link: str
    elements: IntArray
    clients: IntArray
    ports: PortSet


@dataclass(frozen=True, slots=True)
class TierRuleScope:
    """One rule of a policy with a tier: what it does with whom it matches; "": not known."""

    words: str
    action: str
    peers: ResolvedPeers
    ports: tuple[PortScope, ...]


@dataclass(frozen=True, slots=True)
class TierPolicyScope:
    """A policy with a tier in one direction: whom it is about, with which rules.

    Policies of one `stage` have one tier and priority, so that there is no order between them.
    """

    policy: TierPolicy
    stage: int
    subject: ResolvedPeers
    rules: tuple[TierRuleScope, ...]


@dataclass(frozen=True, slots=True)
class Scopes:
    """The policies of a cluster with their scopes, and the exemptions, by direction.

    A policy that does not isolate in a direction has no scope there. `universe` is the number of
    elements. `tiers` are the policies with tiers, in the order in which they decide.
    """

    universe: int
    policies: tuple[Policy, ...]
    by_direction: dict[Direction, tuple[PolicyScope | None, ...]]
    exemptions: dict[Direction, tuple[ExemptionScope, ...]]
    hiding: tuple[HidingScope, ...] = ()
    tiers: dict[Direction, tuple[TierPolicyScope, ...]] = field(default_factory=dict)

    def marks(self) -> IntArray:
        """Return a number for each element, equal for those that are in the same ip blocks."""
        flags = np.zeros((len(self._blocks()) + 1, self.universe), dtype=np.bool_)
        for row, elements in enumerate(self._blocks()):
            flags[row, elements] = True
        return np.unique(flags, axis=1, return_inverse=True)[1].reshape(-1)

    def _blocks(self) -> list[IntArray]:
        """Return the elements of every peer that is ip blocks, and of every rule of a tier."""
        rules = (
            rule
            for found in self.by_direction.values()
            for policy in found
            if policy is not None
            for rule in policy.rules
        )
        peers = (peer for rule in rules for peer in rule.peers or ())
        conditions = (condition for peer in peers for condition in peer.conditions)
        tiers = (
            rule.peers for found in self.tiers.values() for each in found for rule in each.rules
        )
        of_tiers = (part for each in tiers for part in each)
        return [*(each.elements for each in conditions if each.on in _OF_ADDRESSES), *of_tiers]


def scopes(reachability: Reachability) -> Scopes:
    """Return whom every policy of a reachability is about.

    >>> from podwall.model import LabelMap, Policy, Selector, Snapshot, SnapshotWorkload
    >>> from podwall.reachability import reachability
    >>> pods = tuple(SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("api", "web"))
    >>> deny = Policy("shop", "deny", Selector(), ingress=())
    >>> found = scopes(reachability(Snapshot(workloads=pods, policies=(deny,))))
    >>> (only,) = found.by_direction[Direction.INGRESS]
    >>> only.isolated.must.tolist(), only.rules
    ([0], ())
    """
    found = _Scopes(reachability)
    return Scopes(
        len(found.everyone),
        reachability.cluster.policies,
        {each: tuple(found.policies(each)) for each in Direction},
        {each: tuple(found.exemptions(each)) for each in Direction},
        tuple(found.hiding()),
        {each: tuple(found.tiers(each)) for each in Direction},
    )


class _Scopes:
    """Resolves the policies of one cluster, each condition once."""

    def __init__(self, reachability: Reachability) -> None:
        self._cluster = reachability.cluster
        self._analysis = reachability.analysis
        self._pods = PeerResolver(reachability.analysis)
        self.everyone = self._pods.everyone
        self._holders: dict[tuple[ConditionOn, Hashable], IntArray] = {}

    def policies(self, direction: Direction) -> Iterator[PolicyScope | None]:
        """Yield the scope of each policy in a direction, None where it does not isolate."""
        groups = Registry[object]()
        for policy in self._cluster.policies:
            rules = rules_of(policy, direction)
            if rules is None:
                yield None
                continue
            target = (policy.namespace, policy.pod_selector)
            isolated = self._pods.within(*target)
            if unknown_direction(policy, direction) is not None:
                isolated = ResolvedPeers(_nobody(), isolated.may)
            group = groups.number(group_key(policy, direction, target))
            found = tuple(self._rule(policy, each, direction) for each in rules)
            yield PolicyScope(isolated, group, found)

    def exemptions(self, direction: Direction) -> Iterator[ExemptionScope]:
        """Yield what passes in a direction whatever the policies say."""
        engine = self._cluster.engine
        on_host = self._analysis.on_host
        if len(on_host) and passes_own_node(engine, direction):
            ports = Bounds.perhaps(ALL_PORTS, OWN_NODE)
            yield ExemptionScope(
                OWN_NODE, OWN_NODE_LINK, on_host, of_destination=False, ports=ports
            )
        if opens(engine, direction):
            for service in self._cluster.services:
                yield from self._exposed(service)

    def _exposed(self, service: Service) -> Iterator[ExemptionScope]:
        """Yield what a service opens on its backends, which may be other ports on some of them."""
        assert service.selector is not None
        fact, ends = self._cluster.engine.cluster_services, self._analysis.destinations
        backends = self._pods.within(service.namespace, service.selector)
        by_ports: defaultdict[Bounds, list[int]] = defaultdict(list)
        certain = set(backends.must.tolist())
        for element in backends.may.tolist():
            selects = Match.YES if element in certain else Match.MAYBE
            names = ends.namings[ends.naming[element]]
            ports = exposed_ports(service, selects, names, self._cluster.engine)
            by_ports[ports].append(element)
        for ports, elements in by_ports.items():
            says, where = f"service `{service.name}`: {fact.says}", np.array(elements)
            yield ExemptionScope(says, fact.link, where, of_destination=True, ports=ports)

    def hiding(self) -> Iterator[HidingScope]:
        """Yield the services behind which rules may see a node in place of a client."""
        outside = self._analysis.outside
        for node, clients in zip(outside.nodes, outside.addresses, strict=False):
            for service in self._cluster.services:
                for scope in self._exposed(service):
                    yield from self._hiding(scope, node, clients)

    def _hiding(self, scope: ExemptionScope, node: int, clients: IntArray) -> Iterator[HidingScope]:
        join, table = self._analysis.join, self._analysis.ports
        by_ports: defaultdict[PortSet, list[int]] = defaultdict(list)
        for element in scope.elements.tolist():
            passing = join.pair(join.sources.of[node], join.destinations.of[element])
            by_ports[scope.ports.may - table.verdict(passing).allowed].append(element)
        for ports, elements in by_ports.items():
            if ports:
                yield HidingScope(scope.says, scope.link, np.array(elements), clients, ports)

    def tiers(self, direction: Direction) -> Iterator[TierPolicyScope]:
        """Yield the policies with tiers that have rules of a direction, in order."""
        analysis = self._analysis
        numbered = iter(analysis.rules.tiers[direction].policies)
        blocks = BlockEnds.of(analysis.cluster, analysis.classes, analysis.addresses)
        ends = TierEnds(analysis.cluster, analysis.rules.elements, blocks, analysis.destinations)
        for number, stage in enumerate(self._cluster.tiers):
            for acting in stage.policies:
                if not (rules := acting.policy.rules(direction)):
                    continue
                found = next(numbered)
                subject = self._shown(*ends.elements.of(found.subject))
                certain = _nobody() if found.doubtful else subject.must
                yield TierPolicyScope(
                    acting.policy,
                    number,
                    ResolvedPeers(certain, subject.may),
                    tuple(
                        self._tier_rule(each, self._shown(*ends.of(its)), direction)
                        for each, its in zip(rules, found.rules, strict=True)
                    ),
                )

    def _tier_rule(
        self, rule: TierRule | Unknown, peers: ResolvedPeers, direction: Direction
    ) -> TierRuleScope:
        words = tier_rule_text(rule, direction)
        action = (
            "" if isinstance(rule, Unknown) or isinstance(rule.action, Unknown) else rule.action
        )
        return TierRuleScope(words, str(action), peers, tuple(self._ports(rule, direction)))

    def _shown(self, must: IntArray, perhaps: IntArray) -> ResolvedPeers:
        shown = len(self.everyone)
        must, perhaps = must[must < shown], perhaps[perhaps < shown]
        return ResolvedPeers(must, np.union1d(must, perhaps))

    def _rule(self, policy: Policy, rule: Rule | Unknown, direction: Direction) -> RuleScope:
        namespace = namespace_text(policy.namespace)
        return RuleScope(
            rule_text(rule, direction, namespace),
            self._peers(policy, rule),
            tuple(self._ports(rule, direction)),
        )

    def _peers(self, policy: Policy, rule: Rule | Unknown) -> tuple[PeerScope, ...] | None:
        if isinstance(rule, Unknown) or isinstance(rule.peers, Unknown):
            return (self._unknown(),)
        if rule.peers is None:
            return None
        blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpPeer))
        others = [peer for peer in rule.peers if not isinstance(peer, IpPeer)]
        found = [self._peer(policy, peer) for peer in others]
        return (*found, self._blocks(policy, blocks)) if blocks else tuple(found)

    def _peer(self, policy: Policy, peer: Peer) -> PeerScope:
        if isinstance(peer, EntityPeer):
            elements = self._pods.peer(policy, peer)
            return PeerScope(elements, (ConditionScope(peer.name, "entity", "", elements.may),))
        if not isinstance(peer, PodPeer):
            return self._unknown()
        conditions = (
            ConditionScope(each.words, each.on.value, each.key, self._holding(each))
            for each in peer_conditions(policy, peer)
        )
        return PeerScope(self._pods.peer(policy, peer), tuple(conditions))

    def _blocks(self, policy: Policy, blocks: tuple[IpPeer, ...]) -> PeerScope:
        elements = self._pods.peer(policy, *blocks)
        return PeerScope(
            elements, (ConditionScope(blocks_text(blocks), "address", "", elements.may),)
        )

    def _unknown(self) -> PeerScope:
        return PeerScope(ResolvedPeers(_nobody(), self.everyone), ())

    def _holding(self, condition: PeerCondition) -> IntArray:
        """Return the elements for which a condition holds, or may hold."""
        key = (condition.on, condition.requirement or condition.namespace)
        if key not in self._holders:
            self._holders[key] = self._resolved(condition).may
        return self._holders[key]

    def _resolved(self, condition: PeerCondition) -> ResolvedPeers:
        if condition.requirement is None:
            return self._pods.within(condition.namespace, Selector())
        only, everything = Selector((condition.requirement,)), Selector()
        if condition.on is ConditionOn.POD:
            return self._pods.across(everything, only)
        return self._pods.across(only, everything)

    def _ports(self, rule: Rule | TierRule | Unknown, direction: Direction) -> Iterator[PortScope]:
        if isinstance(rule, Unknown):
            yield PortScope(None, ALL)
            return
        ends = self._analysis.destinations
        naming = ends.naming[: len(self.everyone)]
        by_ports: defaultdict[Bounds, list[int]] = defaultdict(list)
        for number, names in enumerate(ends.namings if _names_ports(rule) else ends.namings[:1]):
            by_ports[self._cluster.ports.bounds(rule.ports, names, direction)].append(number)
        for ports, numbers in by_ports.items():
            where = None if len(by_ports) == 1 else np.flatnonzero(np.isin(naming, numbers))
            yield PortScope(where, ports)


def _names_ports(rule: Rule | TierRule) -> bool:
    entries = rule.ports if isinstance(rule.ports, tuple) else ()
    return any(isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in entries)
