"""From expectations to rules of the typed language, as few as say it.

Each expectation that opens something is split into pairs of ends with ports. An end is written as
peers seen from the namespace of a policy. The ports of one peer are united first, then the peers
with the same ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_network
from itertools import product
from typing import Final

from podwall.engines import BlockMatch, Treatment
from podwall.expectations import (
    ANYTHING,
    Addresses,
    Anything,
    Expectation,
    Internet,
    Kind,
    Outside,
    Selection,
    WorkloadId,
)
from podwall.expectations.expectation import PodSelection
from podwall.expectations.selecting import (
    KnownEnds,
    SelectedEndpoints,
    matches,
    not_public,
    selected,
)
from podwall.explain import ports_at, typed_port
from podwall.model import IpProtocol, WorkloadPort
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ANYWHERE,
    Finding,
    IpBlock,
    Labels,
    LabelSelector,
    NamedNamespace,
    Peer,
    Pods,
    PodsIn,
    Port,
    Ports,
    Protocol,
    Severity,
    ip_block,
    namespaces,
    not_in,
)
from podwall.policies.addresses import Anywhere
from podwall.policies.rules import METADATA_NAME
from podwall.portset import NO_PORTS, PortSet, Ranges, difference, intersection
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.matching import FAMILIES, Match, network_ranges, networks
from podwall.reachability.result import Reachability
from podwall.reachability.values import AnyEndpoint, Endpoint, ExternalRange, WorkloadEndpoint
from podwall.suggest.selectors import ChosenSelector

__all__ = [
    "Allowance",
    "Opening",
    "PeerWriter",
    "ResolvedExpectation",
    "contradictions",
    "merged",
    "openings",
    "ports_unsaid",
]

_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


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


def openings(expectation: Expectation, workloads: KnownEnds) -> Iterator[Opening]:
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
                ingress = Ports(
                    tuple(Port(_protocol(each), _name_or_number(each)) for each in found)
                )
                egress = Ports(tuple(Port(_protocol(each), each.number) for each in found))
                own = egress if not expectation.ports else ingress
                yield Opening(expectation, source, WorkloadId(server.id), egress, own)


def ports_unsaid(expectations: Iterable[Expectation], workloads: KnownEnds) -> Iterator[Finding]:
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


def _servers(expectation: Expectation, workloads: KnownEnds) -> list[WorkloadEndpoint]:
    """Return the workloads that are certainly destinations."""
    return [
        each
        for each in workloads.meant_at_most(expectation.destinations)
        if isinstance(each, WorkloadEndpoint)
        and any(matches(end, each) is Match.YES for end in expectation.destinations)
    ]


def _of_server(expectation: Expectation, server: WorkloadEndpoint) -> Iterator[WorkloadPort]:
    """Yield the declared ports that an expectation means by name, or by naming none."""
    declared = [each for each in server.workload.ports if each.protocol is not IpProtocol.OTHER]
    if not expectation.ports:
        yield from declared
    for text in expectation.ports:
        typed = typed_port(text)
        if typed is not None and typed.name:
            named = (each for each in declared if each.name == typed.name)
            yield from (each for each in named if typed.protocol in {None, each.protocol})


def _by_number(text: str) -> Iterator[Port]:
    """Yield the entry that a text means by itself: a number, a range, or a whole protocol."""
    typed = typed_port(text)
    if typed is not None and not typed.name:
        last = typed.last if typed.last != typed.first else None
        yield Port(Protocol(typed.protocol or "TCP"), typed.first, last)


def _protocol(port: WorkloadPort) -> Protocol:
    return Protocol(port.protocol.value)


def _name_or_number(port: WorkloadPort) -> str | int:
    return port.name if port.name is not None else port.number


class PeerWriter:
    """Writes ends as peers, seen from a policy of a namespace."""

    def __init__(
        self,
        cluster: EnforcedCluster,
        workloads: Mapping[str, WorkloadEndpoint],
        chosen: Mapping[str, ChosenSelector],
    ) -> None:
        """Take the cluster, its workloads by id, and the selectors of those that have one."""
        self._cluster = cluster
        self._workloads = workloads
        self._chosen = chosen
        ignored = cluster.engine.ipv6_blocks.value is Treatment.IGNORED
        self._families = FAMILIES[:1] if ignored else FAMILIES
        self._versions = frozenset(each.version for each in self._families)

    def of(self, selection: Selection, own: str) -> tuple[Peer, ...] | Anywhere:
        """Return the peers that mean an end to a policy of the namespace `own`.

        There are none where no selector means a workload, such as one on the network of its node,
        and for IPv6 addresses under an engine that would ignore the whole policy for them.
        """
        match selection:
            case Anything():
                return ANYWHERE
            case WorkloadId(id_):
                return tuple(self._workload(id_, own))
            case PodSelection(namespace, labels):
                pods = Pods(LabelSelector(Labels(dict(labels))))
                return (_peer_in(namespace, pods, own),)
            case Addresses(network):
                return (ip_block(network),) if network.version in self._versions else ()
            case Internet():
                return tuple(self._without(not_public()))
            case Outside(namespace):
                elsewhere = namespaces(not_in(METADATA_NAME, namespace))
                return (elsewhere, *self._without(self._where_pods_are()))

    def _workload(self, id_: str, own: str) -> Iterator[Peer]:
        chosen = self._chosen.get(id_)
        if chosen is not None:
            yield _peer_in(str(self._workloads[id_].workload.namespace), chosen.pods, own)

    def _where_pods_are(self) -> Ranges:
        """Return the addresses by which an ip block could mean pods; private ones if not known.

        Pods that have others are found when the suggestion is checked.
        """
        cluster = self._cluster
        if cluster.engine.pods_by_block.value is BlockMatch.NEVER:
            return ()
        private = network_ranges(*map(ip_network, _PRIVATE))
        return cluster.pods_at.possible if cluster.snapshot.pod_cidrs else private

    def _without(self, left_out: Ranges) -> Iterator[IpBlock]:
        """Yield blocks for each family of addresses that there is, without what is left out."""
        for family in self._families:
            line = network_ranges(family)
            rest = tuple(networks(difference(line, left_out)))
            if len(rest) == 1:
                yield ip_block(rest[0])
            elif rest:
                yield ip_block(family, except_=tuple(networks(intersection(line, left_out))))


def _peer_in(namespace: str | None, pods: Pods, own: str) -> Peer:
    if namespace == own:
        return pods
    if namespace is None:
        return ALL_NAMESPACES if pods == ALL_PODS else PodsIn(ALL_NAMESPACES, pods)
    there = NamedNamespace(namespace)
    return there if pods == ALL_PODS else PodsIn(there, pods)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Peers with ports, in one direction of one workload."""

    peers: tuple[Peer, ...] | Anywhere
    ports: Ports


def merged(allowances: Iterable[Allowance]) -> tuple[Allowance, ...]:
    """Return allowances that mean the same together, with every peer and every set of ports once.

    The ports of one peer are united first, and then the peers that have the same ports.
    """
    by_peer: dict[Peer | Anywhere, Ports] = {}
    for each in allowances:
        for peer in _each(each.peers):
            by_peer[peer] = by_peer[peer] | each.ports if peer in by_peer else each.ports
    by_ports: dict[Ports, list[Peer]] = {}
    alone: list[Allowance] = []
    for peer, ports in by_peer.items():
        if isinstance(peer, Anywhere):
            alone.append(Allowance(peer, ports))
        else:
            by_ports.setdefault(ports, []).append(peer)
    return (*alone, *(Allowance(tuple(peers), ports) for ports, peers in by_ports.items()))


def _each(peers: tuple[Peer, ...] | Anywhere) -> tuple[Peer | Anywhere, ...]:
    return (peers,) if isinstance(peers, Anywhere) else peers


class ResolvedExpectation:
    """An expectation, with the endpoints and ports that it means."""

    def __init__(self, expectation: Expectation, ends: KnownEnds) -> None:
        """Look up the endpoints."""
        self.expectation = expectation
        self._ends = ends
        self.sources = self._selected(expectation.sources)
        self.destinations = self._selected(expectation.destinations)

    def _selected(self, selections: Sequence[Selection]) -> SelectedEndpoints:
        return selected(selections, self._ends.meant_at_most(selections))

    @property
    def opens(self) -> bool:
        """Whether it asks for something to be open."""
        return self.expectation.kind is not Kind.DENIED

    @cached_property
    def closed_to(self) -> frozenset[str]:
        """The sources for which it asks that everything be closed."""
        match self.expectation.kind:
            case Kind.DENIED:
                return self.sources.certain
            case Kind.ONLY:
                return self._selected((ANYTHING,)).all - self.sources.all
            case Kind.ALLOWED:
                return frozenset()

    def ports(self, destination: AnyEndpoint) -> PortSet:
        """Return the ports that it means at a destination."""
        if self.expectation.ports:
            return ports_at(self.expectation.ports, destination)
        if not isinstance(destination, WorkloadEndpoint):
            return NO_PORTS
        declared = destination.workload.ports
        return PortSet.union(PortSet.of(each.protocol, each.number) for each in declared)


def contradictions(
    resolved: Iterable[ResolvedExpectation], found: Reachability
) -> Iterator[Finding]:
    """Yield a finding for two expectations of which one denies what the other asks for."""
    listed = list(resolved)
    ends = {each.id: each for each in found.endpoints}
    for closing, opening in product(listed, listed):
        if closing is opening or not opening.opens:
            continue
        flow = _clash(closing, opening, ends)
        if flow is not None:
            yield Finding(
                "contradiction",
                Severity.ERROR,
                f"`{closing.expectation.name}` and `{opening.expectation.name}` contradict each "
                f"other: {flow}",
                closing.expectation.place,
                "exempt one from the other, or remove one of the two",
            )


def _clash(
    closing: ResolvedExpectation, opening: ResolvedExpectation, ends: dict[str, Endpoint]
) -> str | None:
    sources = sorted(closing.closed_to & opening.sources.certain)
    targets = sorted(_both(closing.destinations, opening.destinations))
    for source, target in product(sources, targets):
        outside = isinstance(ends[source], ExternalRange) and isinstance(
            ends[target], ExternalRange
        )
        if source == target or outside:
            continue
        closed = closing.ports(ends[target]) if closing.expectation.ports else None
        wanted = opening.ports(ends[target])
        shared = wanted if closed is None else wanted & closed
        if shared:
            return f"{source} -> {target} on {shared}"
    return None


def _both(one: SelectedEndpoints, other: SelectedEndpoints) -> frozenset[str]:
    return one.certain & other.certain
