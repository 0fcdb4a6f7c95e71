"""Reads a page's document as the page does: the verdict of a pair, and what its rules allow."""

from __future__ import annotations

from dataclasses import dataclass

from podwall.model import IpProtocol
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reports.page.document import PageDocument, PageRule, PageSide, Runs

__all__ = ["Allowed", "allowed_by_rules", "includes", "port_set", "verdict_number"]


@dataclass(frozen=True)
class Allowed:
    """What is allowed for certain, and at most."""

    must: PortSet
    may: PortSet


def includes(runs: Runs, number: int) -> bool:
    """Say whether a set contains a number."""
    return any(
        first <= number < first + count for first, count in zip(runs[::2], runs[1::2], strict=True)
    )


def port_set(document: PageDocument, number: int) -> PortSet:
    """Return a port set of the document."""
    ports = document.ports[number]
    ranges = {IpProtocol.TCP: ports.tcp, IpProtocol.UDP: ports.udp, IpProtocol.SCTP: ports.sctp}
    return PortSet.from_ranges(ranges, other=ports.other)


def verdict_number(side: PageSide, source: int, destination: int) -> int:
    """Return the number of the verdict between two endpoints."""
    if source == destination:
        return side.selves[source]
    runs = side.cells[side.rows[source]]
    row = [v for v, count in zip(runs[::2], runs[1::2], strict=True) for _ in range(count)]
    return row[side.columns[destination]]


def allowed_by_rules(
    document: PageDocument, side: PageSide, direction: str, source: int, destination: int
) -> Allowed:
    """Return what the rules of one end allow, every restricting policy taken for certain."""
    subject, other = (destination, source) if direction == "ingress" else (source, destination)
    if document.endpoints[subject].external:
        return Allowed(ALL_PORTS, ALL_PORTS)
    isolation = side.isolations[getattr(side, direction)[subject]]
    policies = (*isolation.certain, *isolation.perhaps)
    if not policies:
        return Allowed(ALL_PORTS, ALL_PORTS)
    rules = [r for p in policies for r in getattr(side.policies[p], direction) or ()]
    found = [_rule(document, side, rule, other, destination) for rule in rules]
    must, may = NO_PORTS, NO_PORTS
    for each in found:
        must, may = must | each.must, may | each.may
    return Allowed(must, may)


def _rule(
    document: PageDocument, side: PageSide, rule: PageRule, other: int, destination: int
) -> Allowed:
    entries = [e for e in rule.ports if e.on is None or includes(side.sets[e.on], destination)]
    if not entries:
        return Allowed(NO_PORTS, NO_PORTS)
    must, may = (port_set(document, number) for number in (entries[0].must, entries[0].may))
    if rule.peers is None:
        return Allowed(must, may)
    certain = any(includes(side.sets[peer.must], other) for peer in rule.peers)
    possible = any(includes(side.sets[peer.may], other) for peer in rule.peers)
    return Allowed(must if certain else NO_PORTS, may if possible else NO_PORTS)
