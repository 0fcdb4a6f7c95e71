"""Questions as people put them: endpoints by id or address, ports by number or name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Final

from podwall.engines import Engine
from podwall.explain.explanation import Explanation, ExplanationNote, explain_ports
from podwall.intervals import Ranges, intersection
from podwall.model import IpNetwork, IpPeer, IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.wording import guess
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability import Reachability
from podwall.reachability.addresses import block_ranges, networks
from podwall.reachability.matching import host_match
from podwall.reachability.values import Endpoint, ExternalRange, WorkloadEndpoint

__all__ = ["FlowAnswer", "answers", "is_port", "ports_named", "protocol_last"]

_PORT: Final = re.compile(
    r"(?:(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?|"
    r"(?P<name>(?=[0-9-]*[a-z])[a-z0-9-]{1,15}))"  # a name has a letter
    r"(?:/(?P<protocol>tcp|udp|sctp))?",
    re.IGNORECASE | re.ASCII,
)
_PROTOCOL_FIRST: Final = re.compile(r"(tcp|udp|sctp)/(.+)", re.IGNORECASE | re.ASCII)


_LOCAL_DNS: Final = ip_network("169.254.10.10/31")
_AROUND_LOCAL_DNS: Final = 256
"""A larger range is not asked about for the sake of LocalDNS."""


@dataclass(frozen=True, slots=True)
class FlowAnswer:
    """An explanation, and the further ranges of a question for which it holds word for word."""

    explanation: Explanation
    alike: tuple[ExternalRange, ...] = ()


@dataclass(frozen=True, slots=True)
class _AskedEndpoint:
    """One endpoint of a question: the id that the analysis knows, and how it was meant."""

    known: str
    meant: Endpoint
    alike: tuple[ExternalRange, ...] = ()


def answers(
    reachability: Reachability, source: str, destination: str, port: str | None = None
) -> tuple[FlowAnswer, ...]:
    """Return why flows pass, or do not: one answer, or one for each part of a range.

    Args:
        reachability: the analysis that gives the verdicts.
        source: the id of a workload, an address or a range (`shop/web`, `203.0.113.7`, `::/0`).
        destination: the same for the other end.
        port: `8080`, `8080/udp`, `8000-8080`, or the name of a port of the destination. None asks
            about all ports.

    Raises:
        InvalidValue: there is no such endpoint or port, or no end is in the cluster.
    """
    sources, destinations = _ends(reachability, source), _ends(reachability, destination)
    meant = (sources[0].meant, destinations[0].meant)
    if not any(isinstance(end, WorkloadEndpoint) for end in meant):
        raise InvalidValue(
            f"`{source}` and `{destination}` are both outside the cluster",
            help="one of the two has to be a workload, as in `namespace/name`",
        )
    asked = ALL_PORTS if port is None else ports_named(port, destinations[0].meant)
    return tuple(
        _answer(reachability, one, other, asked) for one in sources for other in destinations
    )


def _answer(
    reachability: Reachability, source: _AskedEndpoint, destination: _AskedEndpoint, asked: PortSet
) -> FlowAnswer:
    found = explain_ports(reachability, source.known, destination.known, asked)
    explanation = replace(
        found,
        source=source.meant,
        destination=destination.meant,
        egress=replace(found.egress, subject=source.meant),
        ingress=replace(found.ingress, subject=destination.meant),
        notes=(*found.notes, *_local_dns(reachability.engine, destination.meant)),
    )
    return FlowAnswer(explanation, source.alike or destination.alike)


def _local_dns(engine: Engine, destination: Endpoint) -> Iterator[ExplanationNote]:
    """Yield what an engine makes of AKS LocalDNS, where its addresses are what is asked about."""
    if isinstance(destination, ExternalRange):
        network = destination.network
        if network.num_addresses <= _AROUND_LOCAL_DNS and _overlap(network, _LOCAL_DNS):
            yield ExplanationNote(engine.local_dns.says, engine.local_dns.link)


def _ends(reachability: Reachability, text: str) -> tuple[_AskedEndpoint, ...]:
    network = _network(text)
    if network is None:
        endpoint = reachability.endpoint(text)
        return (_AskedEndpoint(endpoint.id, endpoint),)
    if any(_overlap(network, pods) for pods in reachability.snapshot.pod_cidrs):
        raise InvalidValue(
            f"`{text}` is among the addresses of pods",
            help="name the workload instead, as in `namespace/name`",
        )
    return tuple(_parts(reachability, network))


def _network(text: str) -> IpNetwork | None:
    """Return the address or range that a text is, None where it is neither."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return None
    raise InvalidValue(f"host bits are set in `{text}`", help=f"did you mean `{meant}`?")


def _overlap(one: IpNetwork, other: IpNetwork) -> bool:
    return bool(intersection(_line(one), _line(other)))


def _line(network: IpNetwork) -> Ranges:
    return block_ranges((IpPeer(network),))


def _parts(reachability: Reachability, network: IpNetwork) -> Iterator[_AskedEndpoint]:
    """Yield the parts of a range that the policies tell apart."""
    for ranges in reachability.analysis.addresses.ranges():
        inside = intersection(ranges, _line(network))
        if inside:
            known = next(networks(ranges))
            first, *others = map(ExternalRange, networks(inside))
            yield _AskedEndpoint(str(known), first, tuple(others))


def is_port(text: str) -> bool:
    """Say whether a text is a port by its form: a number, a range, or a name.

    >>> [is_port(text) for text in ("8080", "53/udp", "metrics", "shop/api", "000080")]
    [True, True, True, False, False]
    """
    return _PORT.fullmatch(text) is not None


def protocol_last(text: str) -> str:
    """Return a port with its protocol at the end, where podwall writes it; people write both.

    >>> protocol_last("udp/53"), protocol_last("53/udp"), protocol_last("metrics")
    ('53/udp', '53/udp', 'metrics')
    """
    match = _PROTOCOL_FIRST.fullmatch(text)
    return text if match is None else f"{match[2]}/{match[1]}"


def ports_named(text: str, destination: Endpoint) -> PortSet:
    """Return the ports that a text means at a destination; without a protocol a number is TCP.

    Raises:
        InvalidValue: it is no port, or the destination has no port of that name.
    """
    match = _PORT.fullmatch(protocol_last(text))
    if match is None:
        raise InvalidValue(f"`{text}` is not a port", help="as in `8080`, `53/udp` or `metrics`")
    first, last, name, protocol = match.group("first", "last", "name", "protocol")
    if name and name.upper() in IpProtocol.__members__:
        return PortSet.all_of(IpProtocol[name.upper()])
    if name:
        return _by_name(name, protocol, destination)
    return PortSet.of(IpProtocol((protocol or "TCP").upper()), int(first), int(last or first))


def _by_name(name: str, protocol: str | None, destination: Endpoint) -> PortSet:
    if isinstance(destination, ExternalRange) or host_match(destination.workload):
        raise InvalidValue(
            f"port name `{name}` means nothing at `{destination.id}`",
            help="only pods on the pod network have port names; give a number",
        )
    ports = [each for each in destination.workload.ports if each.name is not None]
    wanted = [each for each in ports if each.name == name]
    found = NO_PORTS
    for each in wanted:
        if protocol is None or each.protocol == protocol.upper():
            found |= PortSet.of(each.protocol, each.number)
    if not found:
        raise _no_such_name(name, destination, sorted({str(each.name) for each in ports}))
    return found


def _no_such_name(name: str, destination: WorkloadEndpoint, known: list[str]) -> InvalidValue:
    others = f"it has {', '.join(f'`{each}`' for each in known)}" if known else "give a number"
    help_ = guess(name, known) or others
    return InvalidValue(f"`{destination.id}` has no port named `{name}`", help=help_)
