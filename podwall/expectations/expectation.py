"""Expectations and acceptances as values: ends of connections, who may reach whom, what became."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from podwall.explain import Explanation, protocol_last, typed_port
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import guess, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "ANYTHING",
    "INTERNET",
    "Acceptance",
    "Addresses",
    "Anything",
    "Expectation",
    "Internet",
    "Kind",
    "Outcome",
    "Outside",
    "PodSelection",
    "PortsArgument",
    "Result",
    "Selection",
    "SelectionArgument",
    "WorkloadId",
    "addresses",
    "allowed",
    "check_ports",
    "denied",
    "only",
    "outside",
    "pods",
    "selection",
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
class PodSelection:
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


Selection = WorkloadId | PodSelection | Addresses | Outside | Internet | Anything

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
            f"{shown(id_)} is not the id of a workload", help="as in `namespace/name`", value=id_
        )
    return WorkloadId(id_)


def pods(namespace: str | None = None, labels: Mapping[str, str] | None = None) -> PodSelection:
    """Return the workloads of a namespace, or with some labels, or both.

    Raises:
        InvalidValue: neither is given; `ANYTHING` stands for everything.
    """
    if namespace is None and not labels:
        raise InvalidValue("neither a namespace nor labels are given", help="`anything` says all")
    return PodSelection(namespace, tuple(sorted((labels or {}).items())))


def addresses(cidr: str) -> Addresses:
    """Return a range of addresses outside the cluster.

    Raises:
        InvalidValue: it is no address and no range, or host bits are set.
    """
    refused = InvalidValue(
        f"{shown(cidr)} is not an address range", help="as in `203.0.113.0/24`", value=cidr
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


_OUTSIDE: Final = re.compile(r"outside +([^\s/]+) *")
_DOTTED: Final = re.compile(r"[0-9]+\.[0-9.]*")
_ENDS: Final = "as in `shop/web`, `internet`, `anything`, `outside shop` or `10.0.0.0/8`"


def selection(text: str) -> Selection:
    """Return the selection that a text means: one end of a connection.

    Raises:
        InvalidValue: it means nothing.

    >>> print(selection("outside shop"))
    outside shop
    """
    if text in {"internet", "anything"}:
        return INTERNET if text == "internet" else ANYTHING
    if match := _OUTSIDE.fullmatch(text):
        return outside(match.group(1))
    head = text.partition("/")[0]
    if ":" in head or _DOTTED.fullmatch(head):
        return addresses(text)
    if "/" not in text:
        help_ = guess(text, ("internet", "anything")) or _ENDS
        raise InvalidValue(f"{shown(text)} is not an end of a connection", help=help_)
    return workload(text)


SelectionArgument = Selection | Iterable[Selection]
PortsArgument = str | int | Iterable[str | int]


class Kind(StrEnum):
    """What is expected of the pairs of an expectation.

    `ALLOWED`: every source reaches every destination on all the ports. `DENIED`: none reaches any
    on any of them. `ONLY`: the sources do, and nothing else does.
    """

    ALLOWED = "allowed"
    DENIED = "denied"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Expectation:
    """Who must be able, or must not be able, to reach whom on which ports.

    `ports` are as in `8080`, `53/udp`, `8000-8080` or `metrics`, the name of a port of each
    destination; empty means any port at all, which `ALLOWED` does not accept. An expectation whose
    ends select nothing fails, unless `may_be_empty`. No workload is asked about itself.
    """

    name: str
    kind: Kind
    sources: tuple[Selection, ...]
    destinations: tuple[Selection, ...]
    ports: tuple[str, ...] = ()
    may_be_empty: bool = False
    description: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can mean nothing."""
        if not self.sources or not self.destinations:
            raise InvalidValue("an expectation needs both ends", help="`anything` says all")
        check_ports(self.ports)
        if self.kind is Kind.ALLOWED and not self.ports:
            raise InvalidValue(
                "it must be said which ones have to be open",
                help="as in `8080`, or `1-65535` for every TCP port",
                place=Place(path="ports"),
            )


def check_ports(ports: Sequence[str]) -> None:
    """Refuse texts that are no ports.

    Raises:
        InvalidValue: one is none; the place has its field.
    """
    for number, port in enumerate(ports):
        _validate(port, Place(path=f"ports[{number}]" if len(ports) > 1 else "ports"))


def _validate(port: str, place: Place) -> None:
    typed = typed_port(port)
    try:
        if typed is not None and (typed.name or typed.ports()):
            return
    except InvalidValue:  # a number that is no port, or a range that is reversed
        pass
    meant = protocol_last(port)
    remedy = meant != port and typed_port(meant) is not None
    raise InvalidValue(
        f"{shown(port)} is not a port",
        help=f"did you mean `{meant}`?"
        if remedy
        else "as in `8080`, `53/udp`, `8000-8080` or `metrics`",
        place=place,
        value=port,
    )


def allowed(
    name: str, sources: SelectionArgument, destinations: SelectionArgument, ports: PortsArgument
) -> Expectation:
    """Expect that every source reaches every destination on all the ports."""
    return Expectation(name, Kind.ALLOWED, _ends(sources), _ends(destinations), _ports(ports))


def denied(
    name: str,
    sources: SelectionArgument,
    destinations: SelectionArgument,
    ports: PortsArgument = (),
) -> Expectation:
    """Expect that no source reaches any destination on any of the ports; without, on any port."""
    return Expectation(name, Kind.DENIED, _ends(sources), _ends(destinations), _ports(ports))


def only(
    name: str,
    sources: SelectionArgument,
    destinations: SelectionArgument,
    ports: PortsArgument = (),
) -> Expectation:
    """Expect that exactly the sources reach the destinations on the ports; without, on any port."""
    return Expectation(name, Kind.ONLY, _ends(sources), _ends(destinations), _ports(ports))


def _ends(ends: SelectionArgument) -> tuple[Selection, ...]:
    return tuple(ends) if isinstance(ends, Iterable) else (ends,)


def _ports(ports: PortsArgument) -> tuple[str, ...]:
    if isinstance(ports, str | int):
        return (str(ports),)
    return tuple(map(str, ports))


class Outcome(StrEnum):
    """Whether an expectation is fulfilled. Undetermined: that depends on what is not known yet."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Result:
    """An expectation, what became of it, why in a sentence, and the flow that decides.

    `flow` is None where everything is as expected, or nothing was selected. `help` says what would
    close a flow of pods that are not shown.
    """

    expectation: Expectation
    outcome: Outcome
    reason: str
    flow: Explanation | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Openings that somebody has looked at and means: from whom, to whom, and why.

    Without `ports` all ports are meant. `until` is the last day on which it counts, as in
    `2027-01-31`; empty: for good.
    """

    because: str
    sources: tuple[Selection, ...]
    destinations: tuple[Selection, ...]
    ports: tuple[str, ...] = ()
    until: str = ""
    place: Place = field(default_factory=Place, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can mean nothing."""
        if not self.sources or not self.destinations:
            raise InvalidValue("what is accepted needs both ends", help="`anything` says all")
        check_ports(self.ports)

    def is_over(self, today: str) -> bool:
        """Return whether its last day is past, on a day such as `2027-02-01`.

        >>> from podwall.expectations import ANYTHING
        >>> agreed = Acceptance("a trial", (ANYTHING,), (ANYTHING,), until="2027-01-31")
        >>> agreed.is_over("2027-01-31"), agreed.is_over("2027-02-01")
        (False, True)
        """
        return bool(self.until) and self.until < today
