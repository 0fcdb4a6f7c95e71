"""The policies of an analysis as the page has them: sets by number, words that are safe to show."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.explain import (
    ConditionScope,
    ExemptionScope,
    HidingScope,
    PeerScope,
    PolicyScope,
    PortScope,
    RuleScope,
    Scopes,
    TierPolicyScope,
    TierRuleScope,
)
from podwall.model import Policy, Unknown
from podwall.policies.rules import Direction
from podwall.reports.page.document import (
    PageCondition,
    PageExemption,
    PageHiding,
    PageIsolation,
    PagePeer,
    PagePolicy,
    PageRule,
    PageTierPolicy,
    PageTierRule,
    RulePortsOn,
)
from podwall.reports.page.verdicts import EndpointSets, IntArray, VerdictNumbers
from podwall.reports.words import printable

__all__ = ["PagePolicies"]


class PagePolicies:
    """Writes down the policies of one analysis."""

    def __init__(self, scopes: Scopes, sets: EndpointSets, verdicts: VerdictNumbers) -> None:
        """Take whom the policies are about, and where sets and port sets are numbered."""
        self._scopes = scopes
        self._sets = sets
        self._verdicts = verdicts

    def policies(self) -> tuple[PagePolicy, ...]:
        """Return the policies that act."""
        found = self._scopes.by_direction
        ingress, egress = found[Direction.INGRESS], found[Direction.EGRESS]
        return tuple(map(self._policy, self._scopes.policies, ingress, egress))

    def isolations(self, direction: Direction, elements: IntArray) -> list[PageIsolation]:
        """Return for each endpoint the policies that isolate it in a direction, or may do so.

        `elements` are the endpoints as the analysis knows them.
        """
        certain: list[list[int]] = [[] for _ in range(self._sets.universe + 1)]
        perhaps: list[list[int]] = [[] for _ in range(self._sets.universe + 1)]
        for number, scope in enumerate(self._scopes.by_direction[direction]):
            if scope is not None:
                sure = set(scope.isolated.must.tolist())
                for element in scope.isolated.may.tolist():
                    (certain if element in sure else perhaps)[element].append(number)
        # Whoever is absent has the last element, which no policy isolates.
        return [PageIsolation(tuple(certain[e]), tuple(perhaps[e])) for e in elements.tolist()]

    def exemptions(self, direction: Direction) -> tuple[PageExemption, ...]:
        """Return what passes in a direction whatever the policies say."""
        return tuple(map(self._exemption, self._scopes.exemptions[direction]))

    def _exemption(self, scope: ExemptionScope) -> PageExemption:
        return PageExemption(
            says=printable(scope.says),
            link=scope.link,
            end="destination" if scope.of_destination else "other",
            on=self._sets.number(scope.elements),
            must=self._verdicts.port_set(scope.ports.must),
            may=self._verdicts.port_set(scope.ports.may),
        )

    def hiding(self) -> tuple[PageHiding, ...]:
        """Return the services behind which rules may see a node in place of a client."""
        return tuple(map(self._hiding, self._scopes.hiding))

    def _hiding(self, scope: HidingScope) -> PageHiding:
        return PageHiding(
            says=printable(scope.says),
            link=scope.link,
            on=self._sets.number(scope.elements),
            clients=self._sets.number(scope.clients),
            ports=self._verdicts.port_set(scope.ports),
        )

    def tiers(self, direction: Direction) -> tuple[PageTierPolicy, ...]:
        """Return the policies with tiers of a direction, in the order in which they decide."""
        return tuple(map(self._tier_policy, self._scopes.tiers[direction]))

    def _tier_policy(self, scope: TierPolicyScope) -> PageTierPolicy:
        policy = scope.policy
        known = not isinstance(policy.priority, Unknown)
        return PageTierPolicy(
            name=printable(policy.full_name),
            place=printable(str(policy.place)),
            tier=str(policy.tier),
            order=f"priority {policy.priority}" if known else "an unknown priority",
            stage=scope.stage,
            must=self._sets.number(scope.subject.must),
            may=self._sets.number(scope.subject.may),
            rules=tuple(self._tier_rule(*each) for each in enumerate(scope.rules, 1)),
        )

    def _tier_rule(self, position: int, scope: TierRuleScope) -> PageTierRule:
        must, may = map(self._sets.number, scope.peers)
        ports = tuple(self._ports(scope.ports))
        return PageTierRule(position, printable(scope.words), scope.action, must, may, ports)

    def _policy(
        self, policy: Policy, ingress: PolicyScope | None, egress: PolicyScope | None
    ) -> PagePolicy:
        return PagePolicy(
            name=printable(policy.full_name),
            place=printable(str(policy.place)),
            ingress=self._rules(ingress),
            egress=self._rules(egress),
            groups=tuple(-1 if each is None else each.group for each in (ingress, egress)),
        )

    def _rules(self, scope: PolicyScope | None) -> tuple[PageRule, ...] | None:
        if scope is None:
            return None
        return tuple(self._rule(position, each) for position, each in enumerate(scope.rules, 1))

    def _rule(self, position: int, scope: RuleScope) -> PageRule:
        peers = None if scope.peers is None else tuple(map(self._peer, scope.peers))
        return PageRule(position, printable(scope.words), peers, tuple(self._ports(scope.ports)))

    def _peer(self, scope: PeerScope) -> PagePeer:
        must, may = map(self._sets.number, scope.elements)
        return PagePeer(must, may, tuple(map(self._condition, scope.conditions)))

    def _condition(self, scope: ConditionScope) -> PageCondition:
        number = self._sets.number(scope.elements)
        return PageCondition(printable(scope.words), scope.on, printable(scope.key), number)

    def _ports(self, scopes: tuple[PortScope, ...]) -> Iterator[RulePortsOn]:
        for each in scopes:
            where = None if each.destinations is None else self._sets.number(each.destinations)
            ports = (each.ports.must, each.ports.may)
            yield RulePortsOn(where, *map(self._verdicts.port_set, ports))
