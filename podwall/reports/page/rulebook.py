"""The policies of an analysis as the page has them: whom they restrict, and whom rules match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from podwall.explain.wording import blocks_text
from podwall.model import IpPeer, Peer, PodPeer, Policy, PortRule, Rule, Unknown
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.reachability.bounds import Bounds
from podwall.reachability.cluster import rules_of
from podwall.reachability.exemptions import passes_own_node
from podwall.reachability.exposures import opens
from podwall.reachability.grouping import IntArray
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import Direction
from podwall.reachability.resolver import Resolver
from podwall.reports.page.conditions import Conditions
from podwall.reports.page.document import (
    PageExemption,
    PagePeer,
    PagePolicy,
    PageRule,
    RulePortsOn,
)
from podwall.reports.page.registries import EndpointSets, Verdicts
from podwall.reports.rule_words import rule_words

if TYPE_CHECKING:
    # The value is read here; making one is not a report's business.
    from podwall.reachability.analysis import Analysis
from podwall.reports.words import printable

__all__ = ["Rulebook"]

OWN_NODE = "traffic between a pod and its own node is allowed, and which node runs it is not known"


class Rulebook:
    """Writes down the policies of one analysis."""

    def __init__(self, analysis: Analysis, sets: EndpointSets, verdicts: Verdicts) -> None:
        """Resolve selectors over the classes of the analysis, as the analysis did."""
        self._cluster = analysis.cluster
        self._pods = Resolver(analysis)
        self._conditions = Conditions(self._pods, sets)
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
