"""Random intent for random clusters, and what it means, read naively."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from podwall.expectations import (
    ANYTHING,
    INTERNET,
    Addresses,
    Expectation,
    Kind,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
    addresses,
    outside,
    pods,
    workload,
)
from podwall.model import IpProtocol
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability.values import ExternalRange, WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from podwall.reachability.values import AnyEndpoint

__all__ = ["asked_for", "is_meant", "random_intent"]

PUBLIC = ("203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32")
PORTS = ("80", "8080-8090", "53/udp", "81/sctp", "http", "dns/udp")


def random_intent(rng: Random, ends: Sequence[WorkloadEndpoint]) -> list[Expectation]:
    """Return some expectations that ask for something to be open."""
    return [
        Expectation(
            name=f"e{number}",
            kind=Kind.ALLOWED,
            sources=tuple(_end(rng, ends) for _ in range(rng.choice((1, 1, 2)))),
            destinations=tuple(_end(rng, ends) for _ in range(rng.choice((1, 1, 2)))),
            ports=tuple(rng.sample(PORTS, rng.choice((1, 1, 2)))),
            may_be_empty=True,
        )
        for number in range(rng.randint(1, 4))
    ]


def _end(rng: Random, ends: Sequence[WorkloadEndpoint]) -> Selection:
    one = rng.choice(ends)
    namespace = str(one.workload.namespace)
    known = ((key, value) for key, value in one.workload.labels.items if isinstance(value, str))
    label = dict([next(known, ("", ""))])
    roll = rng.random()
    if roll < 0.6:
        return workload(one.id)
    if roll < 0.7:
        return pods(namespace)
    if roll < 0.8 and "" not in label:
        return pods(rng.choice((None, namespace)), label)
    return rng.choice((INTERNET, ANYTHING, outside(namespace), addresses(rng.choice(PUBLIC))))


def is_meant(selection: Selection, end: AnyEndpoint) -> bool:
    """Tell whether an end is meant, where ranges are cut as the selections cut them."""
    if selection == ANYTHING:
        return True
    if isinstance(end, ExternalRange):
        return _is_address_meant(selection, end)
    assert isinstance(end, WorkloadEndpoint)
    match selection:
        case WorkloadId(id_):
            return id_ == end.id
        case PodSelection(namespace, labels):
            own = dict(end.workload.labels.items)
            there = namespace in (None, end.workload.namespace)
            return there and all(own.get(key) == value for key, value in labels)
        case Outside(namespace):
            return end.workload.namespace != namespace
        case _:
            return False


def _is_address_meant(selection: Selection, end: ExternalRange) -> bool:
    first = end.network.network_address
    if isinstance(selection, Outside):
        return True
    if isinstance(selection, Addresses):
        return first in selection.network
    if selection != INTERNET:
        return False
    if first.version == 6:
        return first in ip_network("2000::/3")
    private = ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
    others = ("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3")
    return not any(first in ip_network(each) for each in (*private, *others))


def asked_for(
    intent: Sequence[Expectation], source: AnyEndpoint, destination: AnyEndpoint
) -> PortSet:
    """Return the ports that expectations ask to be open between two ends."""
    found = NO_PORTS
    for each in intent:
        from_source = any(is_meant(end, source) for end in each.sources)
        if from_source and any(is_meant(end, destination) for end in each.destinations):
            for text in each.ports:
                found |= _ports(text, destination)
    return found


def _ports(text: str, destination: AnyEndpoint) -> PortSet:
    number, _, protocol = text.partition("/")
    if not number[0].isdigit():
        return _named(number, protocol, destination)
    first, _, last = number.partition("-")
    return PortSet.of(IpProtocol((protocol or "tcp").upper()), int(first), int(last or first))


def _named(name: str, protocol: str, destination: AnyEndpoint) -> PortSet:
    found = NO_PORTS
    if isinstance(destination, WorkloadEndpoint) and not destination.workload.host_network:
        for port in destination.workload.ports:
            if port.name == name and protocol.upper() in ("", port.protocol):
                found |= PortSet.of(port.protocol, port.number)
    return found
