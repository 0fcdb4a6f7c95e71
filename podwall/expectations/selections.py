"""The ends that an expectation speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANYTHING",
    "INTERNET",
    "Addresses",
    "Anything",
    "Internet",
    "Outside",
    "Pods",
    "Selection",
    "WorkloadId",
    "addresses",
    "outside",
    "pods",
    "workload",
]


@dataclass(frozen=True, slots=True)
class WorkloadId:
    """The workload with an id, `namespace/name`."""

    id: str

    def __str__(self) -> str:
        """Write it as in a file of expectations."""
        return self.id


@dataclass(frozen=True, slots=True)
class Pods:
    """The workloads of a namespace (None: of all of them) that carry all of some labels."""

    namespace: str | None = None
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Write it in words."""
        labels = ",".join(f"{key}={value}" for key, value in self.labels)
        there = f"namespace {self.namespace}" if self.namespace else "any namespace"
        return f"pods with {labels} of {there}" if labels else f"pods of {there}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a range outside the cluster."""

    network: IPv4Network | IPv6Network

    def __str__(self) -> str:
        """Write the range in CIDR notation."""
        return str(self.network)


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that is not in a namespace: other workloads, and all addresses."""

    namespace: str

    def __str__(self) -> str:
        """Write it as in a file of expectations."""
        return f"outside {self.namespace}"


@dataclass(frozen=True, slots=True)
class Internet:
    """The public addresses: those that are not set aside for private or local use.

    https://www.iana.org/assignments/iana-ipv4-special-registry/
    """

    def __str__(self) -> str:
        """Write it as in a file of expectations."""
        return "internet"


@dataclass(frozen=True, slots=True)
class Anything:
    """Every workload, and every address outside the cluster."""

    def __str__(self) -> str:
        """Write it as in a file of expectations."""
        return "anything"


Selection = WorkloadId | Pods | Addresses | Outside | Internet | Anything

_ID: Final = re.compile(r"[^\s/]+(/[^\s/]+){1,2}")
_CIDR: Final = re.compile(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?")

INTERNET: Final = Internet()
ANYTHING: Final = Anything()


def workload(id_: str) -> WorkloadId:
    """Return the workload with an id; one that does not exist fails the expectation.

    Raises:
        InvalidValue: it is not `namespace/name` or `namespace/Kind/name`.
    """
    if not _ID.fullmatch(id_):
        raise InvalidValue(
            f"`{id_}` is not the id of a workload", help="as in `namespace/name`", value=id_
        )
    return WorkloadId(id_)


def pods(namespace: str | None = None, labels: Mapping[str, str] | None = None) -> Pods:
    """Return the workloads of a namespace, or with some labels, or both.

    Raises:
        InvalidValue: neither is given; everything is said with `ANYTHING`.
    """
    if namespace is None and not labels:
        raise InvalidValue("neither a namespace nor labels are given", help="`anything` says all")
    return Pods(namespace, tuple(sorted((labels or {}).items())))


def addresses(cidr: str) -> Addresses:
    """Return a range of addresses outside the cluster.

    Raises:
        InvalidValue: it is no address and no range, or host bits are set.
    """
    refused = InvalidValue(
        f"`{cidr}` is not an address range", help="as in `203.0.113.0/24`", value=cidr
    )
    if not _CIDR.fullmatch(cidr):  # Python also reads netmasks and scopes
        raise refused
    try:
        return Addresses(ip_network(cidr))
    except ValueError:
        raise refused from None


def outside(namespace: str) -> Outside:
    """Return everything that is not in a namespace."""
    return Outside(namespace)
