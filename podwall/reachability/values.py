"""What the analysis answers with: endpoints, connections, verdicts, and bounds on ports.

A verdict that depends on something unknown has two bounds: what is allowed whatever the unknown
values turn out to be (`must`), and what is allowed for some of them (`may`). Between the two it
is undetermined, and the causes say what it depends on.

Pods that a source does not show are ends of connections, too, by the labels that policies ask for:

    any other pod of shop                          `shop/any:`
    pods with role=batch of shop                   `shop/any:role=batch`
    any pod of other namespaces                    `any:`
    pods with team=x of other namespaces with      `any:team=x@env=dev`
    env=dev

    any other pod of every namespace that is       `*/any:`, `!shop/any:`
    shown, or of every one but shop

Both halves are label selectors as kubectl writes them. Other namespaces are those that the source
does not show; one that is known by name is `any:@kubernetes.io/metadata.name=kube-system`. Of more
than eight namespaces those that are not meant are named, if these are fewer: ids that name each
of 300 namespaces would make a listing grow with their product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from enum import Enum, StrEnum
from functools import reduce
from ipaddress import ip_network
from operator import or_
from typing import ClassVar, Final, NamedTuple

from podwall.model import IpAddress, IpNetwork, LabelMap, Operator, Selector, SnapshotWorkload
from podwall.policies.errors import InvalidValue
from podwall.policies.rules import METADATA_NAME
from podwall.policies.wording import listed
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.rule_parts import read_selector, selector_text

__all__ = [
    "ALL",
    "EVERYTHING_PASSES",
    "NOTHING",
    "NOTHING_PASSES",
    "AnyEndpoint",
    "Bound",
    "Bounds",
    "Connection",
    "Endpoint",
    "ExternalRange",
    "HidingNode",
    "NodeEndpoint",
    "PairVerdict",
    "Undetermined",
    "UnseenPods",
    "Verdict",
    "WorkloadEndpoint",
    "is_unseen",
    "known_addresses",
    "read_unseen",
    "unseen_in",
]


_ANY: Final = "any:"


@dataclass(frozen=True, slots=True)
class UnseenPods:
    """Pods with some labels that the source does not show, on the pod network.

    `namespaces` are names of namespaces that it shows, sorted; or a selector, for those namespaces
    that it does not show. Pods that only differ in what `pods` does not mention are all meant.
    `apart` are the shown namespaces that are not among these, where that is shorter to say.
    """

    pods: Selector
    namespaces: tuple[str, ...] | Selector
    apart: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The pods in the notation that `read_unseen` reads.

        >>> UnseenPods(read_selector("role=batch"), ("shop",)).id
        'shop/any:role=batch'
        >>> UnseenPods(read_selector("team=x"), read_selector("env=dev")).id
        'any:team=x@env=dev'
        """
        pods = selector_text(self.pods)
        if self.apart is not None:
            but = f"!{','.join(self.apart)}" if self.apart else "*"
            return f"{but}/{_ANY}{pods}"
        if isinstance(self.namespaces, tuple):
            return f"{','.join(self.namespaces)}/{_ANY}{pods}"
        there = selector_text(self.namespaces)
        return f"{_ANY}{pods}@{there}" if there else f"{_ANY}{pods}"

    def one(self) -> UnseenPods:
        """Return the pods of one of the namespaces, for which the same holds as for the others."""
        if isinstance(self.namespaces, tuple):
            return UnseenPods(self.pods, self.namespaces[:1])
        return self

    def __str__(self) -> str:
        """Write the pods in words.

        >>> print(UnseenPods(Selector(), ("shop",)))
        any other pod of shop
        >>> print(read_unseen("any:team=x@env=dev", ()))
        pods with team=x of other namespaces with env=dev
        """
        written = selector_text(self.pods)
        if isinstance(self.namespaces, tuple):
            pods = f"pods with {written}" if written else "any other pod"
            return f"{pods} of {_shown_namespaces(self.namespaces, self.apart)}"
        pods = f"pods with {written}" if written else "any pod"
        return f"{pods} of {_other_namespaces(self.namespaces)}"


_MOST_NAMED: Final = 8
"""So many namespaces are named one by one."""


def unseen_in(pods: Selector, namespaces: tuple[str, ...], shown: Sequence[str]) -> UnseenPods:
    """Return unseen pods of some of the namespaces that a source shows, named in few words.

    >>> shown = [f"team-{number}" for number in range(10)]
    >>> found = unseen_in(Selector(), tuple(shown[1:]), shown)
    >>> print(found.id, "is", found)
    !team-0/any: is any other pod of every namespace that is shown but team-0
    """
    if len(namespaces) <= max(_MOST_NAMED, len(shown) - len(namespaces)):
        return UnseenPods(pods, namespaces)
    meant = set(namespaces)
    return UnseenPods(pods, namespaces, tuple(each for each in shown if each not in meant))


def _shown_namespaces(names: tuple[str, ...], apart: tuple[str, ...] | None) -> str:
    if apart is None:
        return _some(names)
    but = f" but {_some(apart)}" if apart else ""
    return f"every namespace that is shown{but}"


def _some(names: tuple[str, ...]) -> str:
    """Return some names; of many, how many they are."""
    if len(names) <= _MOST_NAMED:
        return listed(names)
    return (
        f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more namespaces"
    )


def _other_namespaces(namespaces: Selector) -> str:
    by_name = [
        each
        for each in namespaces.requirements
        if each.key == METADATA_NAME and each.operator is Operator.IN
    ]
    rest = tuple(each for each in namespaces.requirements if each not in by_name[:1])
    labels = f" with {selector_text(Selector(rest, namespaces.unknown))}" if rest else ""
    if not by_name:
        return f"other namespaces{labels}"
    names = by_name[0].values
    return f"{'namespace' if len(names) == 1 else 'namespaces'} {listed(names)}{labels}"


def is_unseen(text: str) -> bool:
    """Return whether a text is meant as the id of unseen pods.

    >>> is_unseen("any:app=web"), is_unseen("shop/any:"), is_unseen("shop/any")
    (True, True, False)
    """
    return text.startswith(_ANY) or f"/{_ANY}" in text


def read_unseen(text: str, shown: Sequence[str]) -> UnseenPods:
    """Return the unseen pods with an id, in a source that shows some namespaces.

    Raises:
        InvalidValue: it is not such an id, or names a namespace as one that is shown, or not.
    """
    names, _, rest = f"/{text}".partition(f"/{_ANY}")
    pods, _, there = rest.partition("@")
    if not names:
        return UnseenPods(read_selector(pods), read_selector(there))
    apart, names = names.startswith("/!"), names.removeprefix("/").removeprefix("!")
    given = () if names == "*" else {each.strip() for each in names.split(",")}
    named = tuple(sorted(given))
    for name in named:
        if name not in shown:
            raise InvalidValue(
                f"no namespace `{name}` is shown",
                help=f"`any:{pods}@{METADATA_NAME}={name}` means pods of one that is not",
                value=text,
            )
    if there:
        raise InvalidValue(
            f"`{text}` is neither pods of `{names}` nor of other namespaces",
            help="as in `shop/any:role=web` or `any:role=web@env=dev`",
            value=text,
        )
    if apart or names == "*":
        named = tuple(sorted(each for each in shown if each not in named))
    return unseen_in(read_selector(pods), named, shown)


class Bound(Enum):
    """The two questions about what is not fully known: what is certain, and what is possible."""

    MUST = "must"
    MAY = "may"

    @property
    def other(self) -> Bound:
        """The question whose answer bounds the negation."""
        return Bound.MAY if self is Bound.MUST else Bound.MUST


@dataclass(frozen=True, slots=True)
class Bounds:
    """Two port sets, `must` within `may`, and the causes why they differ, in words.

    What must be allowed is allowed whatever the unknown values turn out to be; what is not even in
    `may` is denied whatever they turn out to be; between them the verdict is undetermined.
    """

    must: PortSet
    may: PortSet
    causes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def exactly(cls, ports: PortSet) -> Bounds:
        """Return the bounds of ports about which nothing is unknown."""
        return cls(ports, ports)

    @classmethod
    def perhaps(cls, ports: PortSet, *causes: str) -> Bounds:
        """Return the bounds of ports that are allowed, or not, for the given causes."""
        return cls(NO_PORTS, ports, causes)

    @property
    def certain(self) -> bool:
        """Whether nothing is undetermined."""
        return self.must == self.may

    @classmethod
    def union(cls, parts: Iterable[Bounds]) -> Bounds:
        """Return the bounds of the union of all parts."""
        return reduce(or_, parts, NOTHING)

    def __or__(self, other: Bounds) -> Bounds:
        """Return the bounds of the union."""
        if other is NOTHING or self is other:
            return self
        if self is NOTHING:
            return other
        return Bounds(self.must | other.must, self.may | other.may, self._causes(other))

    def __and__(self, other: Bounds) -> Bounds:
        """Return the bounds of the intersection."""
        return Bounds(self.must & other.must, self.may & other.may, self._causes(other))

    def _causes(self, other: Bounds) -> tuple[str, ...]:
        if not other.causes:
            return self.causes
        return (*self.causes, *(cause for cause in other.causes if cause not in self.causes))


NOTHING: Final = Bounds.exactly(NO_PORTS)
ALL: Final = Bounds.exactly(ALL_PORTS)


def known_addresses(end: AnyEndpoint | HidingNode) -> tuple[IpNetwork, ...]:
    """Return the addresses of an end, as far as they are known."""
    if isinstance(end, ExternalRange):
        return (end.network,)
    return (
        tuple(map(ip_network, end.workload.addresses)) if isinstance(end, WorkloadEndpoint) else ()
    )


class Verdict(StrEnum):
    """Whether a flow passes. Undetermined: it depends on something that is not known yet."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class WorkloadEndpoint:
    """A workload as an end of connections: all its pods, which policies treat alike.

    `id` is `namespace/name`, `namespace/Kind/name` where two kinds would clash; a namespace that is
    known only after deployment is written `?`.
    """

    id: str
    workload: SnapshotWorkload

    @property
    def is_one_pod(self) -> bool:
        """Whether it is a single pod, which always reaches itself."""
        return self.workload.is_one_pod

    @property
    def namespace(self) -> str:
        """The namespace as the id has it."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The id without its namespace."""
        return self.id.partition("/")[2]


@dataclass(frozen=True, slots=True)
class NodeEndpoint(WorkloadEndpoint):
    """A node by one of its addresses, which is its id: to policies a pod on its host network.

    It is in no list of endpoints, and is only answered for where it is asked for.
    """

    @classmethod
    def at(cls, address: IpAddress, node: str) -> NodeEndpoint:
        """Return the node that has an address.

        >>> from ipaddress import ip_address
        >>> NodeEndpoint.at(ip_address("10.224.0.4"), "node1").id
        '10.224.0.4'
        """
        host = SnapshotWorkload("", node, "Node", LabelMap(), host_network=True, node=node)
        return cls(str(address), replace(host, addresses=(address,)))


@dataclass(frozen=True, slots=True)
class ExternalRange:
    """Addresses outside the cluster that every policy treats alike."""

    network: IpNetwork
    is_one_pod: ClassVar = False
    _written: str = field(default="", init=False, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The range in CIDR notation.

        >>> from ipaddress import ip_network
        >>> ExternalRange(ip_network("203.0.113.0/24")).id
        '203.0.113.0/24'
        """
        # Each listing and each diff asks for it again; writing an address costs microseconds.
        if not self._written:
            object.__setattr__(self, "_written", str(self.network))
        return self._written


@dataclass(frozen=True, slots=True)
class HidingNode:
    """Some node with an address of a family, which rules may see in place of a client outside."""

    family: IpNetwork


Endpoint = WorkloadEndpoint | ExternalRange
"""An end of connections that the source shows."""

AnyEndpoint = Endpoint | UnseenPods
"""An end of connections, which may be pods that the source does not show."""


class PairVerdict(NamedTuple):
    """The ports that pass between two endpoints, and those of which it is undetermined."""

    allowed: PortSet
    undetermined: PortSet = NO_PORTS

    @property
    def at_most(self) -> PortSet:
        """What passes if everything undetermined does."""
        return self.allowed | self.undetermined

    @property
    def without_other(self) -> PairVerdict:
        """What passes of TCP, UDP and SCTP."""
        return PairVerdict(self.allowed.without_other, self.undetermined.without_other)

    def beyond(self, other: PairVerdict) -> PortSet:
        """Return the ports that pass here and not there, or not there for certain."""
        if not self.undetermined and not other.undetermined:
            return self.allowed - other.allowed
        return (self.at_most - other.at_most) | (self.allowed - other.allowed)


NOTHING_PASSES: Final = PairVerdict(NO_PORTS)
EVERYTHING_PASSES: Final = PairVerdict(ALL_PORTS)


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Ports whose verdict depends on something that is not known, and what that is."""

    ports: PortSet
    because: str


@dataclass(frozen=True, slots=True)
class Connection:
    """What may pass from one endpoint to another; what is in neither part is denied.

    From a workload to itself it is that between two different pods of the workload, and everything
    is allowed where the workload is a single pod: a pod always reaches itself.
    https://github.com/kubernetes/kubernetes/issues/95879
    """

    source: AnyEndpoint
    destination: AnyEndpoint
    allowed: PortSet
    undetermined: tuple[Undetermined, ...] = ()

    @property
    def undetermined_ports(self) -> PortSet:
        """All ports that are undetermined, whatever the cause."""
        return PortSet.union(part.ports for part in self.undetermined)

    @property
    def source_id(self) -> str:
        """The id of the source."""
        return self.source.id

    @property
    def unseen(self) -> UnseenPods | None:
        """The pods at one of the ends that the source does not show, None where it shows both."""
        ends = (self.source, self.destination)
        return next((each for each in ends if isinstance(each, UnseenPods)), None)

    @property
    def destination_id(self) -> str:
        """The id of the destination."""
        return self.destination.id

    @property
    def has_ports(self) -> bool:
        """Whether more than ICMP and the like may pass."""
        return self.allowed.has_ports or any(part.ports.has_ports for part in self.undetermined)
