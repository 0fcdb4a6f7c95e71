"""What an analysis answers with: endpoints, connections between them, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podwall.model import IpNetwork, Workload
    from podwall.portset import PortSet

__all__ = [
    "Connection",
    "Endpoint",
    "ExternalRange",
    "Undetermined",
    "Verdict",
    "WorkloadEndpoint",
]


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
    workload: Workload


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
