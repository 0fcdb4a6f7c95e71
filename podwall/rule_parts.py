"""What rules are made of: labels and selectors, peers, protocols and ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from podwall.policies.addresses import IpNetwork
from podwall.policies.labels import Operator
from podwall.policies.unknown import Unknown

__all__ = [
    "EMPTY_SELECTOR",
    "IpPeer",
    "IpProtocol",
    "LabelMap",
    "Peer",
    "PodPeer",
    "PortRule",
    "Selector",
    "SelectorRequirement",
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
    destination pod; `end_port` makes `port` a range, both ends included.
    """

    protocol: IpProtocol | Unknown = IpProtocol.TCP
    port: int | str | Unknown | None = None
    end_port: int | Unknown | None = None

    @property
    def is_known(self) -> bool:
        """Whether no part of the entry is known only after deployment."""
        parts = (self.protocol, self.port, self.end_port)
        return not any(isinstance(part, Unknown) for part in parts)


Peer = PodPeer | IpPeer | Unknown
