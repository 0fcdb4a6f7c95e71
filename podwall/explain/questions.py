"""Questions as people put them: endpoints by id or address, ports by number, range or name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Final, NamedTuple

from podwall.engines import SPEC
from podwall.explain.explanation import Explanation, ExplanationNote, explain_ports
from podwall.model import IpNetwork, IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.policies.wording import guess
from podwall.portset import ALL_PORTS, TRANSPORT_PORTS, PortSet, Ranges, difference, intersection
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.cluster import nodes_within
from podwall.reachability.matching import (
    LOCAL_DNS,
    host_match,
    labels_match,
    network_ranges,
    networks,
    running_versions,
)
from podwall.reachability.values import (
    AnyEndpoint,
    ExternalRange,
    NodeEndpoint,
    UnseenPods,
    WorkloadEndpoint,
)

__all__ = [
    "FlowAnswer",
    "TypedPort",
    "answers",
    "ports_at",
    "ports_named",
    "protocol_last",
    "typed_port",
]

_PORT: Final = re.compile(
    r"(?:(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?|"
    r"(?P<name>(?=[0-9-]*[a-z])[a-z0-9-]{1,15}))"  # a name has a letter
    r"(?:/(?P<protocol>tcp|udp|sctp))?",
    re.IGNORECASE | re.ASCII,
)
_PROTOCOL_FIRST: Final = re.compile(r"(tcp|udp|sctp)/(.+)", re.IGNORECASE | re.ASCII)


class TypedPort(NamedTuple):
    """A port as it was typed, not yet looked up at a destination.

    `first` to `last` are numbers, of TCP if there is no `protocol`; `name` is a port's name, empty
    where there are numbers. Without either it is the whole protocol.
    """

    protocol: IpProtocol | None
    first: int | None = None
    last: int | None = None
    name: str = ""

    def ports(self) -> PortSet:
        """Return the ports of numbers, or of a whole protocol.

        Raises:
            InvalidValue: a number is not within 1 to 65535, or the range is reversed.
        """
        protocol = self.protocol or IpProtocol.TCP
        if self.first is None:
            return PortSet.all_of(protocol)
        return PortSet.of(protocol, self.first, self.last)


def typed_port(text: str) -> TypedPort | None:
    """Return what a text is as a port, None where it is none by its form.

    >>> typed_port("53/udp") == TypedPort(IpProtocol.UDP, 53, 53)
    True
    >>> [typed_port(text) is None for text in ("metrics", "shop/api", "000080")]
    [False, True, True]
    """
    match = _PORT.fullmatch(text)
    if match is None:
        return None
    first, last, name, protocol = match.group("first", "last", "name", "protocol")
    if name and name.upper() in IpProtocol.__members__:
        return TypedPort(IpProtocol[name.upper()])
    meant = IpProtocol(protocol.upper()) if protocol else None
    if name:
        return TypedPort(meant, name=name)
    return TypedPort(meant, int(first), int(last or first))


def protocol_last(text: str) -> str:
    """Return a port with its protocol at the end, where podwall writes it; people write both.

    >>> protocol_last("udp/53"), protocol_last("53/udp"), protocol_last("metrics")
    ('53/udp', '53/udp', 'metrics')
    """
    match = _PROTOCOL_FIRST.fullmatch(text)
    return text if match is None else f"{match[2]}/{match[1]}"


def ports_named(text: str, destination: AnyEndpoint) -> PortSet:
    """Return the ports that a text means at a destination; without a protocol a number is TCP.

    Raises:
        InvalidValue: it is no port, or the destination has no port of that name.
    """
    port = typed_port(protocol_last(text))
    if port is None:
        raise InvalidValue(f"`{text}` is not a port", help="as in `8080`, `53/udp` or `metrics`")
    return _by_name(port, destination) if port.name else port.ports()


def ports_at(texts: Iterable[str], destination: AnyEndpoint) -> PortSet:
    """Return the ports that texts mean at a destination; a name that it does not have is none.

    Unseen pods may give a name to any port.
    """
    typed = [port for text in texts if (port := typed_port(protocol_last(text))) is not None]
    numbers = PortSet.union(port.ports() for port in typed if not port.name)
    if isinstance(destination, UnseenPods):
        return numbers | PortSet.union(_any_of(port.protocol) for port in typed if port.name)
    if isinstance(destination, ExternalRange) or host_match(destination.workload):
        return numbers
    return numbers | PortSet.union(_ports_of(port, destination) for port in typed if port.name)


def _any_of(protocol: IpProtocol | None) -> PortSet:
    return TRANSPORT_PORTS if protocol is None else PortSet.all_of(protocol)


def _ports_of(port: TypedPort, destination: WorkloadEndpoint) -> PortSet:
    """Return the ports of a destination that have the name, and the protocol if there is one."""
    return PortSet.union(
        PortSet.of(each.protocol, each.number)
        for each in destination.workload.ports
        if each.name == port.name and port.protocol in {None, each.protocol}
    )


def _by_name(port: TypedPort, destination: AnyEndpoint) -> PortSet:
    if not isinstance(destination, WorkloadEndpoint) or host_match(destination.workload):
        raise InvalidValue(
            f"port name `{port.name}` means nothing at `{destination.id}`",
            help="only pods that are shown, on the pod network, have port names; give a number",
        )
    found = _ports_of(port, destination)
    if not found:
        known = sorted({each.name for each in destination.workload.ports if each.name is not None})
        others = f"it has {', '.join(f'`{each}`' for each in known)}" if known else "give a number"
        raise InvalidValue(
            f"`{destination.id}` has no port named `{port.name}`",
            help=guess(port.name, known) or others,
        )
    return found


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
    meant: AnyEndpoint
    alike: tuple[ExternalRange, ...] = ()


def answers(
    reachability: Reachability, source: str, destination: str, port: str | None = None
) -> tuple[FlowAnswer, ...]:
    """Return why flows pass, or do not: one answer, or one for each part of a range.

    Args:
        reachability: the analysis that gives the verdicts.
        source: the id of a workload, an address or a range (`shop/web`, `203.0.113.7`, `::/0`), or
            pods that are not shown (`shop/any:role=batch`, `any:team=x@env=dev`).
        destination: the same for the other end.
        port: `8080`, `8080/udp`, `8000-8080`, or the name of a port of the destination. None asks
            about all ports.

    Raises:
        InvalidValue: there is no such endpoint or port, or no end is in the cluster.
    """
    sources, destinations = _ends(reachability, source), _ends(reachability, destination)
    meant = (sources[0].meant, destinations[0].meant)
    if not any(isinstance(end, WorkloadEndpoint) for end in meant):
        outside = all(isinstance(end, ExternalRange) for end in meant)
        where = "outside the cluster" if outside else "other ends than workloads that are shown"
        raise InvalidValue(
            f"`{source}` and `{destination}` are both {where}",
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
        notes=(
            *found.notes,
            *_local_dns(reachability, destination.meant),
            *_shown_as_well(reachability, source.meant),
            *_shown_as_well(reachability, destination.meant),
        ),
    )
    return FlowAnswer(explanation, source.alike or destination.alike)


def _local_dns(reachability: Reachability, destination: AnyEndpoint) -> Iterator[ExplanationNote]:
    """Yield what an engine makes of AKS LocalDNS, where its addresses are what is asked about."""
    if isinstance(destination, ExternalRange):
        network = destination.network
        if network.num_addresses <= _AROUND_LOCAL_DNS and _overlap(network, LOCAL_DNS):
            engine = reachability.engine
            found = engine.local_dns.at(running_versions(reachability.snapshot, engine))
            fact = engine.local_dns if engine.local_dns.value in found else SPEC.local_dns
            yield ExplanationNote(fact.says, fact.link)


def _shown_as_well(reachability: Reachability, end: AnyEndpoint) -> Iterator[ExplanationNote]:
    """Yield that the labels of namespaces that were asked about are those of some shown, too."""
    if not isinstance(end, UnseenPods) or isinstance(end.namespaces, tuple):
        return
    cluster, asked = reachability.cluster, end.namespaces
    names = cluster.shown_namespaces
    fitting = [each for each in names if labels_match(asked, cluster.namespaces.of(each))]
    if fitting:
        pods = UnseenPods(end.pods, tuple(fitting))
        yield ExplanationNote(
            f"`{end.id}` is pods of namespaces that are not shown; ask for `{pods.id}` as well",
            "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
        )


def _ends(reachability: Reachability, text: str) -> tuple[_AskedEndpoint, ...]:
    network = _network(text)
    if network is None:
        endpoint = reachability.any_endpoint(text)
        return (_AskedEndpoint(endpoint.id, endpoint),)
    nodes = nodes_within(reachability.cluster, network)
    asked = tuple(_AskedEndpoint(each.id, _address_of(each)) for each in nodes)
    if len(asked) == network.num_addresses:
        return asked
    if any(_overlap(network, pods) for pods in reachability.snapshot.pod_cidrs):
        raise InvalidValue(
            f"`{text}` is among the addresses of pods",
            help="name the workload instead, as in `namespace/name`",
        )
    taken = network_ranges(*(_address_of(each).network for each in nodes))
    return (*asked, *_parts(reachability, difference(network_ranges(network), taken)))


def _address_of(node: NodeEndpoint) -> ExternalRange:
    return ExternalRange(ip_network(node.id))


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
    return bool(intersection(network_ranges(one), network_ranges(other)))


def _parts(reachability: Reachability, asked: Ranges) -> Iterator[_AskedEndpoint]:
    """Yield the parts of a range that the policies tell apart."""
    for ranges in reachability.analysis.addresses.ranges():
        inside = intersection(ranges, asked)
        if inside:
            known = next(networks(ranges))
            first, *others = map(ExternalRange, networks(inside))
            yield _AskedEndpoint(str(known), first, tuple(others))
