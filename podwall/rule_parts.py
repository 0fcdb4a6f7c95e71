"""What rules are made of: labels and selectors, also as kubectl writes them, peers, and ports.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from podwall.policies.addresses import IpNetwork
from podwall.policies.errors import InvalidValue, Unknown
from podwall.policies.labels import Operator
from podwall.quick_dataclass import dataclass

__all__ = [
    "EMPTY_SELECTOR",
    "EntityPeer",
    "IpPeer",
    "IpProtocol",
    "LabelMap",
    "Peer",
    "PodPeer",
    "PortRule",
    "Selector",
    "SelectorRequirement",
    "read_selector",
    "selector_text",
]

LabelValue = str | Unknown


class IpProtocol(StrEnum):
    """A transport protocol of Kubernetes; `OTHER` stands for ICMP and everything else.

    A policy rule allows `OTHER` only where it has no `ports` at all.
    """

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class LabelMap:
    """The labels of a pod or namespace.

    `items` is sorted by key. `more` is set where further labels may exist that the source cannot
    show (a namespace that the source does not declare, labels that are one unknown value).
    """

    items: tuple[tuple[str, LabelValue], ...] = ()
    more: Unknown | None = None

    @classmethod
    def of(cls, labels: Mapping[str, LabelValue], more: Unknown | None = None) -> LabelMap:
        """Return the label map of a mapping.

        >>> LabelMap.of({"role": "web", "app": "shop"}).items
        (('app', 'shop'), ('role', 'web'))
        """
        return cls(tuple(sorted(labels.items(), key=lambda item: item[0])), more)


@dataclass(frozen=True, slots=True)
class SelectorRequirement:
    """One condition of a selector; `values` is sorted. `unknown`: some value is not known yet.

    `overlooked`: the engine does not see such labels, so that the label counts as missing.
    """

    key: str
    operator: Operator
    values: tuple[str, ...] = ()
    unknown: Unknown | None = None
    overlooked: bool = False


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector: all requirements must hold, none means everything.

    `unknown` is set where further requirements may exist that the source cannot show.
    """

    requirements: tuple[SelectorRequirement, ...] = ()
    unknown: Unknown | None = None

    @property
    def is_known(self) -> bool:
        """Whether no part of the selector is known only after deployment."""
        return self.unknown is None and all(each.unknown is None for each in self.requirements)

    @property
    def overlooked(self) -> tuple[str, ...]:
        """The keys of labels that the engine does not see."""
        return tuple(each.key for each in self.requirements if each.overlooked)


EMPTY_SELECTOR: Final = Selector()
"""The selector without requirements, which matches everything."""


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods by label. `namespaces` None: the policy's own namespace; `pods` empty: all of them."""

    pods: Selector
    namespaces: Selector | None = None


@dataclass(frozen=True, slots=True)
class IpPeer:
    """Addresses of `network` without those of `exceptions` (host bits are masked by the reader)."""

    network: IpNetwork
    exceptions: tuple[IpNetwork, ...] = ()


@dataclass(frozen=True, slots=True)
class PortRule:
    """One entry of a rule's `ports`: a protocol with a number, a range, a name, or every port.

    `port` None means every port of that protocol; a string is a port name, resolved on the
    destination pod; `end_port` makes `port` a range, both ends included. `condition` is set where
    traffic has to fulfil more than that, such as being of some requests: nothing passes for sure.
    """

    protocol: IpProtocol | Unknown = IpProtocol.TCP
    port: int | str | Unknown | None = None
    end_port: int | Unknown | None = None
    condition: Unknown | None = None

    @property
    def is_known(self) -> bool:
        """Whether no part of the entry is known only after deployment."""
        parts = (self.protocol, self.port, self.end_port, self.condition)
        return not any(isinstance(part, Unknown) for part in parts)


@dataclass(frozen=True, slots=True)
class EntityPeer:
    """Ends by what they are: pods of the pod network, nodes, addresses outside of the cluster.

    `nodes` are the nodes' addresses and the pods on their host network. Of each sort all are meant
    or none; an `Unknown` says why that is not known. `name` is what it is called.
    """

    name: str
    pods: bool | Unknown = False
    nodes: bool | Unknown = False
    ipv4: bool | Unknown = False
    ipv6: bool | Unknown = False

    @property
    def causes(self) -> tuple[str, ...]:
        """Why it is not known whom it means."""
        parts = (self.pods, self.nodes, self.ipv4, self.ipv6)
        return tuple(dict.fromkeys(each.cause for each in parts if isinstance(each, Unknown)))


Peer = PodPeer | IpPeer | EntityPeer | Unknown


def selector_text(selector: Selector) -> str:
    """Return a selector as kubectl writes one; the empty one as ``.

    >>> from podwall.model import SelectorRequirement, Selector
    >>> selector_text(Selector((SelectorRequirement("app", Operator.NOT_IN, ("a", "b")),)))
    'app notin (a, b)'
    """
    parts = [_requirement_text(each) for each in selector.requirements]
    return ",".join([*parts, *(["…"] if selector.unknown else [])])


def _requirement_text(requirement: SelectorRequirement) -> str:
    key = requirement.key
    values = [*requirement.values, *(["…"] if requirement.unknown else [])]
    match requirement.operator:
        case Operator.IN if len(values) == 1:
            return f"{key}={values[0]}"
        case Operator.IN:
            return f"{key} in ({', '.join(values)})"
        case Operator.NOT_IN:
            return f"{key} notin ({', '.join(values)})"
        case Operator.EXISTS:
            return key
        case Operator.DOES_NOT_EXIST:
            return f"!{key}"


_KEY: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_REQUIREMENT: Final = re.compile(
    rf"\s*(?:!\s*(?P<missing>{_KEY})"
    rf"|(?P<key>{_KEY})(?:"
    rf"\s+(?P<set>in|notin)\s*\(\s*(?P<values>{_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)"
    rf"|\s*(?P<sign>==?|!=)\s*(?P<value>{_VALUE}))?)\s*(?:,(?!\s*$)|$)",
    re.ASCII,
)


def read_selector(text: str) -> Selector:
    """Return the selector that a text means; an empty one means everything.

    Raises:
        InvalidValue: it is not a selector.

    >>> selector_text(read_selector("tier in (b,a), app=web,env!=dev,role"))
    'app=web,env notin (dev),role,tier in (a, b)'
    """
    return Selector(tuple(sorted(_requirements(text), key=lambda each: each.key)))


def _requirements(text: str) -> Iterator[SelectorRequirement]:
    at = 0
    while at < len(text.rstrip()):
        match = _REQUIREMENT.match(text, at)
        if match is None:
            raise InvalidValue(
                f"`{text}` is not a label selector",
                help="as in `app=web,tier in (a, b),!legacy`",
                value=text,
            )
        yield _requirement(match)
        at = match.end()


def _requirement(match: re.Match[str]) -> SelectorRequirement:
    missing, key, set_, values, sign, value = match.group(
        "missing", "key", "set", "values", "sign", "value"
    )
    if missing:
        return SelectorRequirement(missing, Operator.DOES_NOT_EXIST)
    if set_:
        listed = tuple(sorted({each.strip() for each in values.split(",")}))
        return SelectorRequirement(key, Operator.IN if set_ == "in" else Operator.NOT_IN, listed)
    if sign:
        return SelectorRequirement(key, Operator.NOT_IN if sign == "!=" else Operator.IN, (value,))
    return SelectorRequirement(key, Operator.EXISTS)
