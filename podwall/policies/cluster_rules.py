"""Rules of policies with a tier: what the first one that matches does with a connection.

    accept_from, accept_to    allowed in this direction, whatever any later policy says
    deny_from, deny_to        denied, and no NetworkPolicy opens it
    pass_from, pass_to        left to the next tier: no later rule of this tier decides it

Peers are pods of namespaces, as this API has no own namespace; for addresses it has rules of egress
only, so no rule of it closes a pod to the internet. What only its experimental channel has (nodes,
domain names, names of ports) has no typed form: an API server without it stores such a rule without
the field, or refuses it.

Source: https://network-policy-api.sigs.k8s.io/api-overview/
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from podwall.policies.addresses import IpBlock
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.ports import FIRST_PORT, LAST_PORT, Port, Ports
from podwall.policies.rules import NamedNamespace, Namespaces, Pods, PodsIn
from podwall.policies.wording import refused, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "ClusterEgressRule",
    "ClusterIngressRule",
    "ClusterPeer",
    "ClusterPods",
    "ClusterRule",
    "PolicyTier",
    "TierAction",
    "accept_from",
    "accept_to",
    "check_pods_of_namespaces",
    "deny_from",
    "deny_to",
    "pass_from",
    "pass_to",
]


class PolicyTier(StrEnum):
    """Where a policy stands in the order: `Admin` before NetworkPolicies, `Baseline` after them."""

    ADMIN = "Admin"
    BASELINE = "Baseline"


class TierAction(StrEnum):
    """What the first matching rule of a tier does; `PASS` leaves it to the next tier."""

    ACCEPT = "Accept"
    DENY = "Deny"
    PASS = "Pass"  # noqa: S105 - an action, no password


ClusterPods = NamedNamespace | Namespaces | PodsIn[NamedNamespace] | PodsIn[Namespaces]
"""Pods by their namespaces, and perhaps by their labels."""
ClusterPeer = ClusterPods | IpBlock
"""Pods, or addresses, which only rules of egress may name."""

_POD_TYPES: Final = (NamedNamespace, Namespaces, PodsIn)
_MOST: Final = 25
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class ClusterIngressRule:
    """What happens to connections of any of the peers to the policy's pods on any of the ports."""

    action: TierAction
    peers: tuple[ClusterPods, ...]
    ports: Ports
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse what the API server refuses, and a peer that is an address."""
        _check_rule(self, "ingress[].from")


@dataclass(frozen=True, slots=True)
class ClusterEgressRule:
    """What happens to connections of the policy's pods to any of the peers on any of the ports."""

    action: TierAction
    peers: tuple[ClusterPeer, ...]
    ports: Ports
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse what the API server refuses."""
        _check_rule(self, "egress[].to")


ClusterRule = ClusterIngressRule | ClusterEgressRule


def accept_from(
    peer: ClusterPods, /, *others: ClusterPods, ports: Ports, name: str = ""
) -> ClusterIngressRule:
    """Return the rule that any of the peers may connect, whatever a later policy says.

    >>> from podwall.policies import namespace, tcp
    >>> str(accept_from(namespace("monitoring"), ports=tcp(9090)).action)
    'Accept'
    """
    return ClusterIngressRule(TierAction.ACCEPT, (peer, *others), ports, name)


def deny_from(
    peer: ClusterPods, /, *others: ClusterPods, ports: Ports, name: str = ""
) -> ClusterIngressRule:
    """Return the rule that none of the peers may connect, which no NetworkPolicy undoes."""
    return ClusterIngressRule(TierAction.DENY, (peer, *others), ports, name)


def pass_from(
    peer: ClusterPods, /, *others: ClusterPods, ports: Ports, name: str = ""
) -> ClusterIngressRule:
    """Return the rule that the next tier decides about connections of any of the peers."""
    return ClusterIngressRule(TierAction.PASS, (peer, *others), ports, name)


def accept_to(
    peer: ClusterPeer, /, *others: ClusterPeer, ports: Ports, name: str = ""
) -> ClusterEgressRule:
    """Return the rule that the pods may connect to any of the peers, whatever comes later."""
    return ClusterEgressRule(TierAction.ACCEPT, (peer, *others), ports, name)


def deny_to(
    peer: ClusterPeer, /, *others: ClusterPeer, ports: Ports, name: str = ""
) -> ClusterEgressRule:
    """Return the rule that the pods may connect to none of the peers.

    A block of addresses also means the pods and nodes whose addresses are in it.
    """
    return ClusterEgressRule(TierAction.DENY, (peer, *others), ports, name)


def pass_to(
    peer: ClusterPeer, /, *others: ClusterPeer, ports: Ports, name: str = ""
) -> ClusterEgressRule:
    """Return the rule that the next tier decides about connections to any of the peers."""
    return ClusterEgressRule(TierAction.PASS, (peer, *others), ports, name)


def check_pods_of_namespaces(value: object, path: str) -> None:
    """Refuse what does not say of which namespaces pods are meant: this API has no own one."""
    if isinstance(value, _POD_TYPES):
        return
    remedy = "write `namespace(...)`, `namespaces(...)` or `ALL_NAMESPACES`, with `.pods(...)`"
    problem = "does not select pods of namespaces"
    if isinstance(value, Pods):
        problem = "does not say of which namespaces, and there is no own one here"
    raise refused(path, value, problem, remedy)


def _check_rule(rule: ClusterRule, path: str) -> None:
    direction = path.partition(".")[0]
    action: object = rule.action
    if not isinstance(action, TierAction):
        remedy = "write `accept_from(...)`, `deny_from(...)`, `pass_from(...)`, or `..._to(...)`"
        raise refused(f"{direction}.action", action, "is not an action", remedy)
    _check_name(rule.name, f"{direction}.name")
    _check_peers(rule, path)
    _keep_ports(rule, f"{direction}.protocols")


def _check_name(name: object, path: str) -> None:
    if not isinstance(name, str):
        raise refused(path, name, "is not a text", "a rule is named in a few words")
    if len(name) > _LONGEST_NAME:
        most = f"the name of a rule has at most {_LONGEST_NAME} characters"
        raise refused(path, name, "is too long", most)


def _check_peers(rule: ClusterRule, path: str) -> None:
    if not rule.peers:
        raise InvalidValue(
            "no peer is given",
            help="for every pod, say `ALL_NAMESPACES`",
            place=Place(path=path),
            value=rule.peers,
        )
    _check_number(rule.peers, "peers", path)
    for index, peer in enumerate(rule.peers):
        place = f"{path}[{index}]"
        if isinstance(peer, IpBlock):
            _check_block(peer, place, outgoing=isinstance(rule, ClusterEgressRule))
        else:
            check_pods_of_namespaces(peer, place)
        if peer in rule.peers[:index]:
            raise refused(place, peer, "is given twice", "give each peer once")


def _check_number(parts: tuple[object, ...], what: str, path: str) -> None:
    if len(parts) > _MOST:
        message = f"there are {len(parts)} {what}, and a rule has at most {_MOST}"
        raise InvalidValue(message, help="make several rules of it", place=Place(path=path))


def _check_block(block: IpBlock, path: str, *, outgoing: bool) -> None:
    if not outgoing:
        remedy = "a NetworkPolicy can close a pod to addresses; here only egress names them"
        raise refused(path, str(block), "is an address, and rules of ingress have none", remedy)
    if block.except_:
        remedy = "put a rule before this one that passes the exceptions on, or denies them"
        raise refused(path, str(block), "has exceptions, which this API has not", remedy)


def _keep_ports(rule: ClusterRule, path: str) -> None:
    """Keep the ports in one form: all of a protocol are written as a range, and read as all."""
    ports: object = rule.ports
    if not isinstance(ports, Ports):
        remedy = "write `tcp(80)`, `udp(53) | tcp(53)` or `ALL_PORTS`"
        raise refused(path, ports, "is not a set of ports", remedy)
    if ports.entries is None:
        return
    _check_number(ports.entries, "ports", path)
    object.__setattr__(rule, "ports", Ports(tuple(_kept(ports.entries, path))))


def _kept(entries: tuple[Port, ...], path: str) -> Iterator[Port]:
    for entry in entries:
        if isinstance(entry.port, str):
            remedy = f"write the number of {shown(entry.port)}"
            raise refused(path, entry.port, "is a name, which only an experiment has", remedy)
        if entry.end_port is not None and entry.end_port == entry.port:
            remedy = "leave `end_port` out"
            raise refused(path, entry.end_port, "ends a range of one port", remedy)
        whole = (entry.port, entry.end_port) == (FIRST_PORT, LAST_PORT)
        yield Port(entry.protocol) if whole else entry
