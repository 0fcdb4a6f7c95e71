"""Verdicts, sets and policies of an analysis by number, as the page's document has them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from podwall.diff import PairVerdict
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
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability import np
from podwall.reports.page.document import (
    PageCondition,
    PageExemption,
    PageHiding,
    PageIsolation,
    PagePeer,
    PagePolicy,
    PagePorts,
    PageRule,
    PageTierPolicy,
    PageTierRule,
    PageVerdict,
    RulePortsOn,
    Runs,
)
from podwall.reports.words import printable
from podwall.verdict_table import CausedVerdict, endpoints_by_element

__all__ = [
    "EndpointSets",
    "IntArray",
    "Numbering",
    "PagePolicies",
    "VerdictNumbers",
    "runs_of",
]

if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]
else:  # numpy is not brought for its types
    IntArray = Any

Value = TypeVar("Value", bound=Hashable)


class Numbering(Generic[Value]):
    """Numbers values in the order in which they are met."""

    def __init__(self, *values: Value) -> None:
        """Number the first values."""
        self._numbers: dict[Value, int] = {value: number for number, value in enumerate(values)}

    def of(self, value: Value) -> int:
        """Return the number of a value."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, by number."""
        return tuple(self._numbers)


class VerdictNumbers:
    """The port sets and verdicts of the page; 0 is nothing in both."""

    def __init__(self) -> None:
        """Begin with what every page has."""
        self._ports: Numbering[PortSet] = Numbering(NO_PORTS)
        self._verdicts: Numbering[PageVerdict] = Numbering(PageVerdict(0))

    def port_set(self, ports: PortSet) -> int:
        """Return the number of a port set."""
        return self._ports.of(ports)

    def verdict(self, found: CausedVerdict) -> int:
        """Return the number of a verdict."""
        perhaps = tuple((self._ports.of(e.ports), printable(e.because)) for e in found.undetermined)
        verdict = PageVerdict(self._ports.of(found.allowed), perhaps, found.exact)
        return self._verdicts.of(verdict)

    def passing(self, number: int) -> PairVerdict:
        """Return the ports of a verdict by its number."""
        ports, found = self._ports.values, self._verdicts.values[number]
        return PairVerdict(
            ports[found.allowed], PortSet.union(ports[k] for k, _ in found.undetermined)
        )

    def page_ports(self) -> tuple[PagePorts, ...]:
        """Return all port sets as the page has them."""
        return tuple(
            PagePorts(str(each), each == ALL_PORTS, each.other, each.tcp, each.udp, each.sctp)
            for each in self._ports.values
        )

    def page_verdicts(self) -> tuple[PageVerdict, ...]:
        """Return all verdicts as the page has them."""
        return self._verdicts.values


class EndpointSets:
    """Sets of endpoints, made from sets of the elements that the analysis works with."""

    ABSENT: Final = -1

    def __init__(self, elements: IntArray, universe: int) -> None:
        """Take each endpoint's element, `ABSENT` where the analysis does not know it.

        `universe` is the number of elements.
        """
        self._endpoints = endpoints_by_element(elements, universe)
        self.universe = universe
        self._numbers: Numbering[Runs] = Numbering()
        self._known: dict[bytes, int] = {}

    def number(self, elements: IntArray) -> int:
        """Return the number of the set of endpoints that have one of the elements."""
        key = elements.tobytes()
        if key not in self._known:
            _, position = self._endpoints.gather(elements)
            endpoints = np.unique(self._endpoints.items[position])
            self._known[key] = self._numbers.of(_runs_in(endpoints))
        return self._known[key]

    @property
    def values(self) -> tuple[Runs, ...]:
        """All sets, by number."""
        return self._numbers.values


def _runs_in(endpoints: IntArray) -> Runs:
    """Return ascending numbers as runs: the first of each, and how many follow one another."""
    ends = np.flatnonzero(np.diff(endpoints, append=-1) != 1) + 1
    firsts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])[: len(ends)]
    return tuple(np.column_stack([endpoints[firsts], ends - firsts]).ravel().tolist())


def runs_of(values: IntArray) -> Runs:
    """Return a sequence as runs: each value with how often it stands in a row.

    >>> runs_of(np.array([4, 4, 0]))
    (4, 2, 0, 1)
    """
    firsts = np.flatnonzero(np.diff(values, prepend=-1))
    counts = np.diff(firsts, append=len(values))
    return tuple(np.column_stack([values[firsts], counts]).ravel().tolist())


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
            rank=policy.rank,
            first=policy.tier.is_first,
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
