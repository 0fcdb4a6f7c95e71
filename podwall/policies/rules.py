"""Rules, and the peers in them: who may be at the other end of a connection, and on which ports.

    Pods            pods of the policy's own namespace        pods(app="web"), ALL_PODS
    NamedNamespace  all pods of one namespace, by its name    namespace("monitoring")
    Namespaces      all pods of namespaces, by their labels   namespaces(team="a"), ALL_NAMESPACES
    PodsIn          pods of those namespaces: both must hold  namespace("shop").pods(app="web")
    IpBlock         addresses outside the cluster             ip_block("203.0.113.0/24")

Chaining is AND; separate arguments of `allow_from` and `allow_to` are OR.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Final, Generic, TypeVar, overload

from podwall.policies.addresses import Anywhere, IpBlock
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.labels import Labels, LabelSelector, Requirement, label_selector
from podwall.policies.ports import Ports
from podwall.policies.syntax import dns_label_problem
from podwall.policies.wording import refused, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "ALL_NAMESPACES",
    "ALL_PODS",
    "DENY_ALL",
    "METADATA_NAME",
    "DenyAll",
    "Direction",
    "EgressRule",
    "IngressRule",
    "NamedNamespace",
    "Namespaces",
    "Peer",
    "Pods",
    "PodsIn",
    "PolicyRule",
    "allow_from",
    "allow_to",
    "check_name",
    "name_selected_by",
    "namespace",
    "namespaces",
    "pods",
]


#: The label that Kubernetes keeps on every namespace, with the namespace's name as its value.
METADATA_NAME: Final = "kubernetes.io/metadata.name"

Condition = Mapping[str, str] | Requirement


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods by their labels. As a peer: those of the policy's own namespace."""

    selector: LabelSelector


@dataclass(frozen=True, slots=True)
class NamedNamespace:
    """All pods of the namespace of this name."""

    name: str

    def __post_init__(self) -> None:
        """Refuse what cannot be the name of a namespace."""
        check_name(self.name, "namespaceSelector", dns_label_problem)

    @property
    def selector(self) -> LabelSelector:
        """The namespace selector that selects this namespace by its name."""
        return LabelSelector(Labels({METADATA_NAME: self.name}))

    def pods(self, /, *conditions: Condition, **labels: str) -> PodsIn[NamedNamespace]:
        """Return those pods of this namespace that have the labels: both must hold."""
        return PodsIn(self, Pods(label_selector("podSelector", *conditions, **labels)))


@dataclass(frozen=True, slots=True)
class Namespaces:
    """All pods of the namespaces that have the labels."""

    selector: LabelSelector

    def __post_init__(self) -> None:
        """Refuse a second way to write `namespace(name)`: equal peers are equal values."""
        name = name_selected_by(self.selector)
        if name is not None:
            raise InvalidValue(
                f"the label {shown(METADATA_NAME)} alone is a namespace's name",
                help=f'did you mean `namespace("{name}")`?',
                place=Place(path="namespaceSelector.matchLabels"),
                value=name,
            )

    def pods(self, /, *conditions: Condition, **labels: str) -> PodsIn[Namespaces]:
        """Return those pods of these namespaces that have the labels: both must hold."""
        return PodsIn(self, Pods(label_selector("podSelector", *conditions, **labels)))


N = TypeVar("N", NamedNamespace, Namespaces)


@dataclass(frozen=True, slots=True)
class PodsIn(Generic[N]):
    """Pods that have the labels, in namespaces that are selected: both must hold."""

    namespaces: N
    pods: Pods

    def __post_init__(self) -> None:
        """Refuse a second way to write all pods of the namespaces."""
        if self.pods.selector.selects_everything:
            raise InvalidValue(
                "no label is given",
                help="for all pods of a namespace, leave `.pods()` out",
                place=Place(path="podSelector"),
            )


Peer = Pods | NamedNamespace | Namespaces | PodsIn[NamedNamespace] | PodsIn[Namespaces] | IpBlock
_PEER_TYPES: Final = (Pods, NamedNamespace, Namespaces, PodsIn, IpBlock)


def pods(*conditions: Condition, **labels: str) -> Pods:
    """Return the pods that have all the labels and fulfil all the requirements.

    >>> from podwall.policies import not_in
    >>> web = pods({"app.kubernetes.io/part-of": "shop"}, not_in("tier", "batch"), app="web")
    >>> web.selector.matches({"app": "web", "app.kubernetes.io/part-of": "shop"})
    True
    """
    return Pods(label_selector("podSelector", *conditions, **labels))


def namespace(name: str, /) -> NamedNamespace:
    """Return all pods of the namespace of this name.

    Kubernetes cannot select by name, but keeps the name as a label on every namespace:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name
    """
    return NamedNamespace(name)


def namespaces(*conditions: Condition, **labels: str) -> Namespaces:
    """Return all pods of the namespaces that have the labels."""
    return Namespaces(label_selector("namespaceSelector", *conditions, **labels))


def name_selected_by(selector: LabelSelector) -> str | None:
    """Return the name of the one namespace that a selector names and asks nothing else of.

    >>> name_selected_by(namespace("shop").selector)
    'shop'
    """
    if selector.match_expressions or tuple(selector.match_labels) != (METADATA_NAME,):
        return None
    name = selector.match_labels[METADATA_NAME]
    # A label value may be no possible name, such as `Shop`: it selects no namespace.
    return None if dns_label_problem(name) else name


def check_name(name: object, path: str, problem_of: Callable[[str], str | None]) -> None:
    """Raise where a name of a policy or of a namespace is none; `path` is its Kubernetes field."""
    problem = problem_of(name) if isinstance(name, str) else "must be a text"
    if problem:
        raise refused(path, name, problem, _name_help(name))


def _name_help(name: object) -> str:
    meant = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") if isinstance(name, str) else ""
    if dns_label_problem(meant):
        return "a name is such as `shop` or `shop-2`"
    return f"did you mean `{meant}`?"


#: Every pod: of the policy's own namespace, and never of another.
ALL_PODS: Final = Pods(LabelSelector())
#: Every pod of every namespace, the policy's own included; never an address outside the cluster.
ALL_NAMESPACES: Final = Namespaces(LabelSelector())


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
    if not isinstance(peer, _PEER_TYPES):
        remedy = "a peer is `pods(...)`, `namespace(...)`, `namespaces(...)` or `ip_block(...)`"
        raise refused(place.path, peer, "is not a peer", remedy)
    if peer in earlier:
        raise InvalidValue(
            "the same peer is given twice", help="give each peer once", place=place, value=peer
        )
