"""Policies that stand in tiers: ClusterNetworkPolicy and its predecessors, as plain values.

https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from podwall.policies.errors import Place
from podwall.policies.rules import Direction
from podwall.policies.unknown import Unknown
from podwall.rule_parts import Peer, PodPeer, PortRule

__all__ = ["AddressPeer", "PolicyTier", "TierAction", "TierPolicy", "TierRule"]


class PolicyTier(StrEnum):
    """Where a policy stands in the order: `Admin` before NetworkPolicies, `Baseline` after them."""

    ADMIN = "Admin"
    BASELINE = "Baseline"


class TierAction(StrEnum):
    """What the first matching rule of a tier does; `PASS` leaves it to the next tier."""

    ACCEPT = "Accept"
    DENY = "Deny"
    PASS = "Pass"  # noqa: S105 - an action, no password


@dataclass(frozen=True, slots=True)
class AddressPeer:
    """Addresses that no source shows, none of them of a pod network: of nodes, or behind names."""

    cause: str


@dataclass(frozen=True, slots=True)
class TierRule:
    """A rule of a policy with a tier: it decides what it matches, if no rule before it does.

    `peers` and `ports` are as in `Rule`, but that every pod peer says of which namespaces.
    """

    action: TierAction | Unknown
    peers: tuple[Peer | AddressPeer, ...] | Unknown
    ports: tuple[PortRule | Unknown, ...] | Unknown | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """A ClusterNetworkPolicy, or one of its predecessors, which stands in a tier.

    Of one tier the policy with the least `priority` comes first; a BaselineAdminNetworkPolicy,
    of which a cluster has one, has 0. `subject` are the pods that its rules are about.
    """

    kind: str
    name: str
    tier: PolicyTier
    priority: int | Unknown
    subject: PodPeer | Unknown
    ingress: tuple[TierRule | Unknown, ...] | Unknown = ()
    egress: tuple[TierRule | Unknown, ...] | Unknown = ()
    place: Place = field(default_factory=Place, compare=False)

    @property
    def full_name(self) -> str:
        """The policy with its kind, as its name alone may be that of another kind's."""
        return f"{self.kind} {self.name}"

    def rules(self, direction: Direction) -> tuple[TierRule | Unknown, ...]:
        """Return the rules of a direction; what is not known yet may be any rule."""
        rules = self.ingress if direction is Direction.INGRESS else self.egress
        return (rules,) if isinstance(rules, Unknown) else rules
