"""What the analysis answers with: endpoints, connections, verdicts, and bounds on ports.

A verdict that depends on something unknown has two bounds: what is allowed whatever the unknown
values turn out to be (`must`), and what is allowed for some of them (`may`). Between the two it
is undetermined, and the causes say what it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from podwall.model import IpNetwork, SnapshotWorkload
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet

__all__ = [
    "ALL",
    "NOTHING",
    "Bound",
    "Bounds",
    "Connection",
    "Endpoint",
    "ExternalRange",
    "Undetermined",
    "Verdict",
    "WorkloadEndpoint",
]


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

    def __or__(self, other: Bounds) -> Bounds:
        """Return the bounds of the union."""
        causes = (*self.causes, *(cause for cause in other.causes if cause not in self.causes))
        return Bounds(self.must | other.must, self.may | other.may, causes)

    def __and__(self, other: Bounds) -> Bounds:
        """Return the bounds of the intersection."""
        causes = (*self.causes, *(cause for cause in other.causes if cause not in self.causes))
        return Bounds(self.must & other.must, self.may & other.may, causes)


NOTHING: Final = Bounds.exactly(NO_PORTS)
ALL: Final = Bounds.exactly(ALL_PORTS)


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
    def namespace(self) -> str:
        """The namespace as the id has it."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The id without its namespace."""
        return self.id.partition("/")[2]


@dataclass(frozen=True, slots=True)
class ExternalRange:
    """Addresses outside the cluster that every policy treats alike."""

    network: IpNetwork

    @property
    def id(self) -> str:
        """The range in CIDR notation.

        >>> from ipaddress import ip_network
        >>> ExternalRange(ip_network("203.0.113.0/24")).id
        '203.0.113.0/24'
        """
        return str(self.network)


Endpoint = WorkloadEndpoint | ExternalRange


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Ports whose verdict depends on something that is not known, and what that is."""

    ports: PortSet
    because: str


@dataclass(frozen=True, slots=True)
class Connection:
    """What may pass from one endpoint to another; what is in neither part is denied.

    From a workload to itself it tells of two different pods of the workload, and is always allowed
    where the workload is a single pod: a pod always reaches itself.
    https://github.com/kubernetes/kubernetes/issues/95879
    """

    source: Endpoint
    destination: Endpoint
    allowed: PortSet
    undetermined: tuple[Undetermined, ...] = ()

    @property
    def source_id(self) -> str:
        """The id of the source."""
        return self.source.id

    @property
    def destination_id(self) -> str:
        """The id of the destination."""
        return self.destination.id

    @property
    def has_ports(self) -> bool:
        """Whether more than ICMP and the like may pass."""
        parts = (self.allowed, *(part.ports for part in self.undetermined))
        return any(ports.without_other for ports in parts)
