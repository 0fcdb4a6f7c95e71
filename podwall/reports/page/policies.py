"""The policies of an analysis as the page has them: whom they restrict, whom rules match.

Each peer of a rule comes with its single conditions and the endpoints that fulfil them. From these
the page finds the nearest miss of a rule: the fewest conditions that fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from podwall.explain.wording import blocks_text, carrying, peer_text, ports_text
from podwall.model import (
    IpPeer,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.reachability.arrays import IntArray
from podwall.reachability.cluster import rules_of
from podwall.reachability.destinations import passes_own_node
from podwall.reachability.endpoints import PeerResolver
from podwall.reachability.matching import NAME_LABEL, Match
from podwall.reachability.port_rules import opens
from podwall.reachability.values import Bounds
from podwall.reports.page.document import (
    PageCondition,
    PageExemption,
    PagePeer,
    PagePolicy,
    PageRule,
    RulePortsOn,
)
from podwall.reports.page.verdicts import EndpointSets, VerdictNumbers
from podwall.reports.words import printable

if TYPE_CHECKING:
    from podwall.reachability import Reachability

__all__ = ["PagePolicies", "PeerConditions", "rule_words"]


class PeerConditions:
    """Resolves conditions, each once."""

    def __init__(self, pods: PeerResolver, sets: EndpointSets) -> None:
        """Take the pods, and the sets in which the page keeps them."""
        self._pods = pods
        self._sets = sets
        self._known: dict[tuple[str, SelectorRequirement], int] = {}

    def of(self, policy: Policy, peer: PodPeer) -> Iterator[PageCondition]:
        """Yield the conditions of a peer, those on the namespace first."""
        if peer.namespaces is None:
            yield self._own_namespace(policy)
        else:
            for each in peer.namespaces.requirements:
                yield self._namespace(each)
        for each in peer.pods.requirements:
            words = printable(f"the pod {carrying(each)}")
            yield PageCondition(words, "pod", printable(each.key), self._holders("pod", each))

    @staticmethod
    def address(blocks: str, fulfilling: int) -> PageCondition:
        """Return the condition of ip blocks."""
        return PageCondition(blocks, "address", "", fulfilling)

    def _own_namespace(self, policy: Policy) -> PageCondition:
        name = "?" if isinstance(policy.namespace, Unknown) else policy.namespace
        members = self._pods.within(policy.namespace, Selector())
        words = printable(f"the pod were in namespace {name}")
        return PageCondition(words, "place", "", self._sets.number(members.may))

    def _namespace(self, requirement: SelectorRequirement) -> PageCondition:
        fulfilling = self._holders("namespace", requirement)
        if requirement.key == NAME_LABEL and requirement.operator is Operator.IN:
            names = " or ".join(requirement.values)
            words = printable(f"the pod were in namespace {names}")
            return PageCondition(words, "place", "", fulfilling)
        words = printable(f"the pod's namespace {carrying(requirement)}")
        return PageCondition(words, "namespace", printable(requirement.key), fulfilling)

    def _holders(self, of: str, requirement: SelectorRequirement) -> int:
        number = self._known.get((of, requirement))
        if number is None:
            only, everything = Selector((requirement,)), Selector()
            chosen = (everything, only) if of == "pod" else (only, everything)
            members = self._pods.across(*chosen)
            number = self._known[of, requirement] = self._sets.number(members.may)
        return number


def rule_words(rule: Rule | Unknown, direction: Direction, namespace: str) -> str:
    """Return a rule of a policy in `namespace` as a person would say it.

    >>> from podwall.model import PortRule
    >>> rule_words(Rule(None, (PortRule(port=80),)), Direction.INGRESS, "shop")
    'from anyone on TCP 80'
    """
    way = direction.peers_field
    if isinstance(rule, Unknown):
        return printable(f"a rule that is not known yet ({rule.cause})")
    return printable(f"{way} {_peers(rule, namespace)} on {ports_text(rule.ports)}")


def _peers(rule: Rule, namespace: str) -> str:
    if rule.peers is None:
        return "anyone"
    if isinstance(rule.peers, Unknown):
        return peer_text(rule.peers, namespace)
    blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpPeer))
    pods = [_peer(peer, namespace) for peer in rule.peers if not isinstance(peer, IpPeer)]
    return ", or ".join([*pods, *([blocks_text(blocks)] if blocks else [])])


def _peer(peer: Peer, namespace: str) -> str:
    """Return a peer in words; a namespace that is asked for by its name is simply named."""
    if isinstance(peer, PodPeer) and peer.namespaces and not peer.namespaces.unknown:
        match peer.namespaces.requirements:
            case (SelectorRequirement(key, Operator.IN, (name,), None),) if key == NAME_LABEL:
                return peer_text(PodPeer(peer.pods), name)
            case _:
                pass
    return peer_text(peer, namespace)


OWN_NODE = "traffic between a pod and its own node is allowed, and which node runs it is not known"


class PagePolicies:
    """Writes down the policies of one analysis."""

    def __init__(
        self, reachability: Reachability, sets: EndpointSets, verdicts: VerdictNumbers
    ) -> None:
        """Resolve selectors over the classes of the analysis, as the analysis did."""
        analysis = reachability.analysis
        self._cluster = analysis.cluster
        self._pods = PeerResolver(analysis)
        self._conditions = PeerConditions(self._pods, sets)
        self._host = np.flatnonzero(analysis.classes.host != Match.NO)
        self._ends = analysis.ends
        self._sets = sets
        self._verdicts = verdicts

    def policies(self) -> tuple[PagePolicy, ...]:
        """Return the policies that act."""
        return tuple(
            PagePolicy(
                name=printable(f"{_namespace(policy)}/{policy.name}"),
                place=printable(str(policy.place)),
                ingress=self._rules(policy, Direction.INGRESS),
                egress=self._rules(policy, Direction.EGRESS),
            )
            for policy in self._cluster.policies
        )

    def restricting(self, direction: Direction) -> list[list[int]]:
        """Return for each element the policies that restrict it in a direction, or may do so."""
        found: list[list[int]] = [[] for _ in self._pods.everyone]
        for number, policy in enumerate(self._cluster.policies):
            if rules_of(policy, direction) is not None:
                members = self._pods.within(policy.namespace, policy.pod_selector)
                for element in members.may.tolist():
                    found[element].append(number)
        return found

    def exemptions(self, direction: Direction) -> tuple[PageExemption, ...]:
        """Return what passes in a direction whatever the policies say."""
        found = []
        engine = self._cluster.engine
        if len(self._host) and passes_own_node(engine, direction):
            found.append(PageExemption(OWN_NODE, "", "other", self._sets.number(self._host)))
        if opens(engine, direction):
            for service in self._cluster.services:
                assert service.selector is not None
                backends = self._pods.within(service.namespace, service.selector).may
                fact = engine.cluster_services
                says = printable(f"service {service.name}: {fact.says}")
                on = self._sets.number(backends)
                found.append(PageExemption(says, fact.link, "destination", on))
        return tuple(found)

    def _rules(self, policy: Policy, direction: Direction) -> tuple[PageRule, ...] | None:
        rules = rules_of(policy, direction)
        if rules is None:
            return None
        return tuple(
            PageRule(
                position=index + 1,
                words=rule_words(rule, direction, _namespace(policy)),
                peers=self._rule_peers(policy, rule),
                ports=tuple(self._rule_ports(rule, direction)),
            )
            for index, rule in enumerate(rules)
        )

    def _rule_peers(self, policy: Policy, rule: Rule | Unknown) -> tuple[PagePeer, ...] | None:
        if isinstance(rule, Unknown) or isinstance(rule.peers, Unknown):
            return (self._unknown_peer(),)
        if rule.peers is None:
            return None
        blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpPeer))
        pods = [peer for peer in rule.peers if not isinstance(peer, IpPeer)]
        found = [self._peer(policy, peer) for peer in pods]
        return (*found, self._blocks(policy, blocks)) if blocks else tuple(found)

    def _peer(self, policy: Policy, peer: Peer) -> PagePeer:
        if not isinstance(peer, PodPeer):
            return self._unknown_peer()
        must, may = self._members(policy, peer)
        return PagePeer(must, may, tuple(self._conditions.of(policy, peer)))

    def _blocks(self, policy: Policy, blocks: tuple[IpPeer, ...]) -> PagePeer:
        must, may = self._members(policy, *blocks)
        return PagePeer(must, may, (self._conditions.address(blocks_text(blocks), may),))

    def _members(self, policy: Policy, *peers: Peer) -> tuple[int, int]:
        members = self._pods.peer(policy, *peers)
        return self._sets.number(members.must), self._sets.number(members.may)

    def _unknown_peer(self) -> PagePeer:
        nobody: IntArray = np.empty(0, dtype=np.int64)
        return PagePeer(self._sets.number(nobody), self._sets.number(self._pods.everyone), ())

    def _rule_ports(self, rule: Rule | Unknown, direction: Direction) -> Iterator[RulePortsOn]:
        if isinstance(rule, Unknown):
            yield self._on(None, Bounds(NO_PORTS, ALL_PORTS))
            return
        by_bounds: dict[Bounds, list[int]] = {}
        namings = self._ends.namings if _names_ports(rule) else self._ends.namings[:1]
        for number, names in enumerate(namings):
            bounds = self._cluster.ports.bounds(rule.ports, names, direction)
            by_bounds.setdefault(bounds, []).append(number)
        for bounds, numbers in by_bounds.items():
            where = np.flatnonzero(np.isin(self._ends.naming, numbers))
            yield self._on(None if len(by_bounds) == 1 else self._sets.number(where), bounds)

    def _on(self, where: int | None, bounds: Bounds) -> RulePortsOn:
        verdicts = self._verdicts
        return RulePortsOn(where, verdicts.port_set(bounds.must), verdicts.port_set(bounds.may))


def _namespace(policy: Policy) -> str:
    return "?" if isinstance(policy.namespace, Unknown) else policy.namespace


def _names_ports(rule: Rule) -> bool:
    entries = rule.ports if isinstance(rule.ports, tuple) else ()
    return any(isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in entries)
