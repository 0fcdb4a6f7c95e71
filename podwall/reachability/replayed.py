"""The record of one pair's replay: sides, policies, rules and peers, each with its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability.matching import Match
from podwall.reachability.values import Undetermined

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from podwall.model import IpPeer, PodPeer, Policy, Rule, Unknown
    from podwall.reachability.answers import Answer
    from podwall.reachability.bounds import Bounds
    from podwall.reachability.port_rules import Direction
    from podwall.reachability.values import Endpoint

__all__ = ["Exemption", "PairReplay", "PeerReplay", "PolicyReplay", "RuleReplay", "SideReplay"]

Doubt = tuple[PortSet, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PeerReplay:
    """One peer of a rule (all its ip blocks count as one), and whether it is the other endpoint."""

    peer: PodPeer | tuple[IpPeer, ...] | Unknown
    answer: Answer


@dataclass(frozen=True, slots=True)
class RuleReplay:
    """One rule: its index in the policy, whether its peers match, its ports, and both together."""

    index: int
    rule: Rule | Unknown
    peers: tuple[PeerReplay, ...]
    matches: Answer
    ports: Bounds
    allowed: Bounds


@dataclass(frozen=True, slots=True)
class PolicyReplay:
    """A policy that isolates the pod, or may do so, with its rules and what they allow together.

    Policies with an equal `act` certainly isolate the same pods.
    """

    policy: Policy
    selects: Answer
    rules: tuple[RuleReplay, ...]
    act: Hashable
    allowed: Bounds


@dataclass(frozen=True, slots=True)
class Exemption:
    """What passes whatever the policies say, in words and with its source."""

    says: str
    link: str
    allowed: Bounds


@dataclass(frozen=True, slots=True)
class SideReplay:
    """One direction: the pod whose rules are read, what they say, and what passes by them."""

    direction: Direction
    subject: Endpoint
    policies: tuple[PolicyReplay, ...]
    exemptions: tuple[Exemption, ...]
    allowed: Bounds

    @property
    def isolated(self) -> Match:
        """Whether some policy isolates the pod in this direction."""
        return max((each.selects.match for each in self.policies), default=Match.NO)

    def doubts(self) -> Iterator[Doubt]:
        """Yield ports that are undetermined on this side, with the causes."""
        open_ports = self.allowed.may - self.allowed.must
        for ports, causes in self._doubts():
            if causes and (here := ports & open_ports):
                yield here, causes

    def _doubts(self) -> Iterator[Doubt]:
        for each in self.policies:
            if each.selects.match is Match.MAYBE:
                isolated = self.isolated is Match.YES
                ports = each.allowed.may if isolated else self.allowed.may
                yield ports, each.selects.causes
            for rule in each.rules:
                yield rule.allowed.may - rule.allowed.must, rule.allowed.causes
        for exemption in self.exemptions:
            yield exemption.allowed.may - exemption.allowed.must, exemption.allowed.causes


@dataclass(frozen=True, slots=True)
class PairReplay:
    """Both sides of a pair."""

    source: Endpoint
    destination: Endpoint
    egress: SideReplay
    ingress: SideReplay

    @property
    def allowed(self) -> Bounds:
        """What both sides allow."""
        return self.egress.allowed & self.ingress.allowed

    def undetermined(self) -> tuple[Undetermined, ...]:
        """Return the ports that are neither allowed nor denied, told apart by their causes."""
        bounds = self.allowed
        parts: list[Doubt] = [(bounds.may - bounds.must, ())]
        for side in (self.egress, self.ingress):
            for doubt in side.doubts():
                parts = [part for each in parts for part in _split(each, doubt)]
        return tuple(Undetermined(ports, "; ".join(causes)) for ports, causes in parts if ports)


def _split(part: Doubt, doubt: Doubt) -> Iterator[Doubt]:
    """Yield what of a part is in doubt for further causes, and the rest of it."""
    (ports, known), (doubtful, causes) = part, doubt
    more = (*known, *(cause for cause in causes if cause not in known))
    if more == known or ports & doubtful == NO_PORTS:
        yield part
        return
    yield ports & doubtful, more
    yield ports - doubtful, known
