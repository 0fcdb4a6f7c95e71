"""Rules: who may connect to the selected pods, and to whom they may connect, on which ports.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final, overload

from podwall.policies.addresses import Anywhere
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.peers import PEER_TYPES, Peer
from podwall.policies.ports import Ports
from podwall.policies.wording import refused
from podwall.quick_dataclass import dataclass

__all__ = [
    "DENY_ALL",
    "DenyAll",
    "Direction",
    "EgressRule",
    "IngressRule",
    "PolicyRule",
    "allow_from",
    "allow_to",
]


class Direction(StrEnum):
    """Which way connections go, seen from the pods that a policy selects, as in `policyTypes`."""

    INGRESS = "Ingress"
    EGRESS = "Egress"

    @property
    def other(self) -> Direction:
        """The direction in which the other end of a connection has to agree.

        >>> Direction.INGRESS.other
        <Direction.EGRESS: 'Egress'>
        """
        return Direction.EGRESS if self is Direction.INGRESS else Direction.INGRESS

    @property
    def field(self) -> str:
        """The field of a policy's `spec` that has the rules: `ingress` or `egress`."""
        return self.lower()

    @property
    def peers_field(self) -> str:
        """The field of a rule that has the peers: `from` or `to`."""
        return "from" if self is Direction.INGRESS else "to"


class DenyAll(Enum):
    """The type of `DENY_ALL`."""

    DENY_ALL = "deny all"


#: Nothing is allowed in this direction by this policy (others may allow: policies are additive).
DENY_ALL: Final = DenyAll.DENY_ALL


@dataclass(frozen=True, slots=True)
class IngressRule:
    """Any of the peers may connect to the selected pods on any of the ports."""

    peers: tuple[Peer, ...] | Anywhere
    ports: Ports

    def __post_init__(self) -> None:
        """Refuse an empty list, whose meaning in Kubernetes is everyone."""
        _check_rule(self, "ingress[].from")


@dataclass(frozen=True, slots=True)
class EgressRule:
    """The selected pods may connect to any of the peers on any of the ports."""

    peers: tuple[Peer, ...] | Anywhere
    ports: Ports

    def __post_init__(self) -> None:
        """Refuse an empty list, whose meaning in Kubernetes is everyone."""
        _check_rule(self, "egress[].to")


PolicyRule = IngressRule | EgressRule


@overload
def allow_from(anywhere: Anywhere, /, *, ports: Ports) -> IngressRule: ...
@overload
def allow_from(peer: Peer, /, *others: Peer, ports: Ports) -> IngressRule: ...
def allow_from(peer: Peer | Anywhere, /, *others: Peer, ports: Ports) -> IngressRule:
    """Return the rule that any of the peers may connect, on any of the ports.

    >>> from podwall.policies import ALL_PODS, tcp
    >>> allow_from(ALL_PODS, ports=tcp(80)).ports == tcp(80)
    True
    """
    return IngressRule(_peers(peer, others, "ingress[].from"), ports)


@overload
def allow_to(anywhere: Anywhere, /, *, ports: Ports) -> EgressRule: ...
@overload
def allow_to(peer: Peer, /, *others: Peer, ports: Ports) -> EgressRule: ...
def allow_to(peer: Peer | Anywhere, /, *others: Peer, ports: Ports) -> EgressRule:
    """Return the rule that connections to any of the peers are allowed, on any of the ports."""
    return EgressRule(_peers(peer, others, "egress[].to"), ports)


def _peers(
    peer: Peer | Anywhere, others: tuple[Peer, ...], path: str
) -> tuple[Peer, ...] | Anywhere:
    if not isinstance(peer, Anywhere):
        return (peer, *others)
    if others:
        raise _not_alone(others, Place(path=path))
    return peer


def _not_alone(value: object, place: Place) -> InvalidValue:
    return InvalidValue(
        "`ANYWHERE` is given together with other peers",
        help="`ANYWHERE` includes every peer: give it alone, or leave it out",
        place=place,
        value=value,
    )


def _check_rule(rule: PolicyRule, path: str) -> None:
    if not isinstance(rule.ports, Ports):
        raise refused(
            f"{path.partition('.')[0]}.ports",
            rule.ports,
            "is not a set of ports",
            "write `tcp(80)`, `udp(53) | tcp(53)` or `ALL_PORTS`",
        )
    if isinstance(rule.peers, Anywhere):
        return
    if not rule.peers:
        raise InvalidValue(
            "no peer is given",
            help="for everyone, say `ANYWHERE`; to allow nobody, say `DENY_ALL`",
            place=Place(path=path),
            value=rule.peers,
        )
    for index, peer in enumerate(rule.peers):
        _check_peer(peer, rule.peers[:index], Place(path=f"{path}[{index}]"))


def _check_peer(peer: object, earlier: tuple[Peer, ...], place: Place) -> None:
    if isinstance(peer, Anywhere):
        raise _not_alone(peer, place)
    if not isinstance(peer, PEER_TYPES):
        remedy = "a peer is `pods(...)`, `namespace(...)`, `namespaces(...)` or `ip_block(...)`"
        raise refused(place.path, peer, "is not a peer", remedy)
    if peer in earlier:
        raise InvalidValue(
            "the same peer is given twice", help="give each peer once", place=place, value=peer
        )
