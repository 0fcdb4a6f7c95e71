"""What expectations ask to be open, pair of ends by pair of ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from podwall.expectations import Expectation, Kind, Selection, WorkloadId
from podwall.expectations.selecting import matches
from podwall.model import Protocol as AnyProtocol
from podwall.policies import Finding, Port, Ports, Protocol, Severity
from podwall.reachability.matching import Match
from podwall.reachability.values import WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podwall.model import WorkloadPort

__all__ = ["Opening", "openings", "ports_unsaid"]

_NUMBER: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(\w+))?")


@dataclass(frozen=True, slots=True)
class Opening:
    """One stated pair of ends, and the ports: as the source's egress and the other's ingress say.

    They differ where the ports are stated by name: the name is the server's own affair, and the
    client is given the numbers, because engines differ on names in egress rules.
    """

    expectation: Expectation
    source: Selection
    destination: Selection
    egress: Ports
    ingress: Ports


def openings(expectation: Expectation, workloads: Sequence[WorkloadEndpoint]) -> Iterator[Opening]:
    """Yield what an expectation asks to be open; one that denies asks for nothing."""
    if expectation.kind is Kind.DENIED:
        return
    numbers = [port for text in expectation.ports for port in _by_number(text)]
    for source in expectation.sources:
        if numbers:
            ports = Ports(tuple(numbers))
            for destination in expectation.destinations:
                yield Opening(expectation, source, destination, ports, ports)
        for server in _servers(expectation, workloads):
            found = tuple(_of_server(expectation, server))
            if found:
                ingress = Ports(tuple(Port(_protocol(each), _name(each)) for each in found))
                egress = Ports(tuple(Port(_protocol(each), each.number) for each in found))
                own = egress if not expectation.ports else ingress
                yield Opening(expectation, source, WorkloadId(server.id), egress, own)


def ports_unsaid(
    expectations: Iterable[Expectation], workloads: Sequence[WorkloadEndpoint]
) -> Iterator[Finding]:
    """Yield a finding for each expectation that opens something and does not say which ports."""
    for each in expectations:
        if each.kind is Kind.ONLY and not each.ports:
            known = any(True for server in _servers(each, workloads) for _ in server.workload.ports)
            yield Finding(
                "ports-not-stated",
                Severity.INFO if known else Severity.ERROR,
                f"`{each.name}` states no ports"
                + (", so the declared ports of its destinations are opened" if known else ""),
                each.place.at("ports"),
                "state the ports, as in `ports: 8080`",
            )


def _servers(
    expectation: Expectation, workloads: Sequence[WorkloadEndpoint]
) -> list[WorkloadEndpoint]:
    """Return the workloads that are certainly destinations."""
    return [
        each
        for each in workloads
        if any(matches(end, each) is Match.YES for end in expectation.destinations)
    ]


def _of_server(expectation: Expectation, server: WorkloadEndpoint) -> Iterator[WorkloadPort]:
    """Yield the declared ports that an expectation means by name, or by naming none."""
    declared = [each for each in server.workload.ports if each.protocol is not AnyProtocol.OTHER]
    if not expectation.ports:
        yield from declared
    for text in expectation.ports:
        name, _, protocol = text.partition("/")
        for each in declared:
            if each.name == name and protocol.upper() in ("", each.protocol.value):
                yield each


def _by_number(text: str) -> Iterator[Port]:
    """Yield the entry that a text means by itself: a number, a range, or a whole protocol."""
    if text.upper() in Protocol.__members__:
        yield Port(Protocol[text.upper()])
    elif match := _NUMBER.fullmatch(text):
        first, last, protocol = match.groups()
        end = int(last) if last and last != first else None
        yield Port(Protocol((protocol or "TCP").upper()), int(first), end)


def _protocol(port: WorkloadPort) -> Protocol:
    return Protocol(port.protocol.value)


def _name(port: WorkloadPort) -> str | int:
    return port.name if port.name is not None else port.number
