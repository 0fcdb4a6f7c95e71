"""What a replay answers with: every rule, policy and tier that was consulted, and what it allows.

Each value has two bounds of what it allows, and the causes of what is between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from functools import reduce
from itertools import chain

from podwall.model import EntityPeer, IpPeer, PodPeer, Policy, Rule, Unknown, UnreadPolicy
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.matching import Match, MatchAnswer
from podwall.reachability.tier_replay import TierSideReplay, outcome_around
from podwall.reachability.values import ALL, NOTHING, AnyEndpoint, Bounds, Undetermined

__all__ = [
    "Doubt",
    "Exemption",
    "PairReplay",
    "PeerReplay",
    "PolicyReplay",
    "RecentNumbers",
    "RuleReplay",
    "SideReplay",
    "apart",
    "stated_by",
    "within",
]


Doubt = tuple[PortSet, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PeerReplay:
    """One peer of a rule (all its ip blocks count as one), and whether it is the other endpoint."""

    peer: PodPeer | EntityPeer | tuple[IpPeer, ...] | Unknown
    answer: MatchAnswer


@dataclass(frozen=True, slots=True)
class RuleReplay:
    """One rule: its index in the policy, whether its peers match, its ports, and both together."""

    index: int
    rule: Rule | Unknown
    peers: tuple[PeerReplay, ...]
    matches: MatchAnswer
    ports: Bounds
    allowed: Bounds

    def doubts(self) -> Iterator[Doubt]:
        """Yield the ports that the rule allows perhaps, with the causes."""
        yield from _stated(self.allowed.may - self.allowed.must, self.allowed.causes)


@dataclass(frozen=True, slots=True)
class PolicyReplay:
    """A policy that isolates the pod, or may do so, with its rules and what they allow together.

    Policies with an equal `group` certainly isolate the same pods.
    """

    policy: Policy
    selects: MatchAnswer
    rules: tuple[RuleReplay, ...]
    group: Hashable
    allowed: Bounds


@dataclass(frozen=True, slots=True)
class Exemption:
    """What passes whatever the policies say, in words and with its source."""

    says: str
    link: str
    allowed: Bounds


@dataclass(frozen=True, slots=True)
class SideReplay:
    """One direction: the pod whose rules are read, its policies, and what passes in any case.

    `unread` are the policies that are not read and may overrule the others. `hidden` are the ports
    that are not certain because rules may see a node in place of the client, with what says so.
    `tiers` are those in which a policy is about the pod.
    """

    direction: Direction
    subject: AnyEndpoint
    policies: tuple[PolicyReplay, ...]
    exemptions: tuple[Exemption, ...]
    allowed: Bounds
    unread: tuple[UnreadPolicy, ...] = ()
    hidden: tuple[Exemption, ...] = ()
    tiers: tuple[TierSideReplay, ...] = ()

    @property
    def isolated(self) -> Match:
        """Whether some policy isolates the pod in this direction."""
        return max((each.selects.match for each in self.policies), default=Match.NO)

    def doubts(self) -> Iterator[Doubt]:
        """Yield ports that are undetermined on this side, with the causes."""
        yield from within(self.allowed.may - self.allowed.must, self.all_doubts())

    def all_doubts(self) -> Iterator[Doubt]:
        """Yield what each part of the side leaves open, even if another one allows it."""
        for each in self.policies:
            if each.selects.match is Match.MAYBE:
                isolated = self.isolated is Match.YES
                ports = each.allowed.may if isolated else self.allowed.may
                yield from _stated(ports, each.selects.causes)
            yield from chain.from_iterable(rule.doubts() for rule in each.rules)
        for exemption in self.exemptions:
            open_ports = exemption.allowed.may - exemption.allowed.must
            yield from _stated(open_ports, exemption.allowed.causes)
        for unread in self.unread:
            yield ALL_PORTS, (unread.cause,)
        for hidden in self.hidden:
            yield from _stated(hidden.allowed.may, hidden.allowed.causes)
        for tier in self.tiers:
            yield from tier.doubts()


@dataclass(frozen=True, slots=True)
class PairReplay:
    """Both sides of a pair."""

    source: AnyEndpoint
    destination: AnyEndpoint
    egress: SideReplay
    ingress: SideReplay

    @property
    def allowed(self) -> Bounds:
        """What both sides allow."""
        return self.egress.allowed & self.ingress.allowed

    def undetermined(self) -> tuple[Undetermined, ...]:
        """Return the ports that are neither allowed nor denied, apart where their causes differ."""
        return tuple(Undetermined(ports, "; ".join(causes)) for ports, causes in self.doubts())

    def doubts(self) -> Iterator[Doubt]:
        """Yield the same ports, with the causes one by one."""
        bounds = self.allowed
        sides = (self.egress, self.ingress)
        doubts = chain.from_iterable(side.doubts() for side in sides)
        yield from apart(bounds.may - bounds.must, doubts)


def stated_by(policies: tuple[PolicyReplay, ...], tiers: tuple[TierSideReplay, ...] = ()) -> Bounds:
    """Return what is allowed by all tiers: those before the policies, these, and those after."""
    outcomes = {each.where: each.outcome for each in tiers}
    last = outcome_around(outcomes, first=False).before(ALL) if tiers else ALL
    if any(each.selects.match is Match.YES for each in policies):
        last = _together(policies)
    elif policies:
        last = Bounds(_together(policies).must & last.must, ALL_PORTS)
    return outcome_around(outcomes, first=True).before(last) if tiers else last


def _together(policies: tuple[PolicyReplay, ...]) -> Bounds:
    """Return what policies allow together, some of which only perhaps isolate.

    With a certain one, a doubtful one can only add. Without, nothing may be isolated at all, or any
    one of the doubtful ones may be the only one that isolates.
    """
    if all(each.selects.match is Match.YES for each in policies):
        may = PortSet.union(each.allowed.may for each in policies)
        return Bounds(PortSet.union(each.allowed.must for each in policies), may)
    groups: defaultdict[Hashable, Bounds] = defaultdict(lambda: NOTHING)
    for each in policies:
        groups[each.group] |= each.allowed
    certain = {each.group for each in policies if each.selects.match is Match.YES}
    if certain:
        may = PortSet.union(bounds.may for bounds in groups.values())
        return Bounds(PortSet.union(groups[each].must for each in certain), may)
    return Bounds(reduce(PortSet.__and__, (bounds.must for bounds in groups.values())), ALL_PORTS)


def within(open_ports: PortSet, doubts: Iterable[Doubt]) -> Iterator[Doubt]:
    """Yield what doubts have to do with ports that are open."""
    for ports, causes in doubts:
        if causes and (here := ports & open_ports):
            yield here, causes


def apart(open_ports: PortSet, doubts: Iterable[Doubt]) -> Iterator[Doubt]:
    """Yield ports that are open, apart where they are in doubt for different causes."""
    parts: list[Doubt] = [(open_ports, ())]
    for doubt in doubts:
        parts = [part for each in parts for part in _split(each, doubt)]
    yield from (part for part in parts if part[0])


def _stated(ports: PortSet, causes: tuple[str, ...]) -> Iterator[Doubt]:
    if causes and ports:
        yield ports, causes


def _split(part: Doubt, doubt: Doubt) -> Iterator[Doubt]:
    """Yield what of a part is in doubt for further causes, and the rest of it."""
    (ports, known), (doubtful, causes) = part, doubt
    more = (*known, *(cause for cause in causes if cause not in known))
    if more == known or ports & doubtful == NO_PORTS:
        yield part
        return
    yield ports & doubtful, more
    yield ports - doubtful, known


class RecentNumbers:
    """Numbers values that are asked for again and again, each object hashed once while it is known.

    Only so many are known at a time; no number is ever given twice.

    >>> numbers = RecentNumbers(2)
    >>> [numbers.of(each) for each in ("web", "api", "web", "db", "web")]
    [0, 1, 0, 2, 3]
    """

    def __init__(self, most: int) -> None:
        """Begin without values."""
        self._most = most
        self._count = 0
        self._values: dict[Hashable, int] = {}
        self._objects: dict[int, tuple[Hashable, int]] = {}

    def of(self, value: Hashable) -> int:
        """Return the value's number, a new one if it is not known."""
        known = self._objects.get(id(value))
        if known is None:
            if len(self._objects) >= self._most:
                self._objects.clear()
                self._values.clear()
            number = self._values.setdefault(value, self._count)
            self._count = max(self._count, number + 1)
            # The object is kept so that nothing else has its place in memory.
            known = self._objects[id(value)] = value, number
        return known[1]
