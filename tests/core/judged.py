"""Every packet that could show a difference, judged by the oracle and by the analysis."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from podwall.model import IpProtocol, PortRule, Rule
from podwall.portset import FIRST_PORT, LAST_PORT
from podwall.reachability import ExternalRange, WorkloadEndpoint
from tests.oracle import Pod, Probe, certain, exposed, passing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Snapshot
    from podwall.portset import PortSet
    from podwall.reachability import Connection, Endpoint, Reachability
    from tests.oracle import Address

__all__ = ["World", "compared", "differences", "probes", "service_differences"]


class World(NamedTuple):
    """What policies do not tell: whether pods and nodes have addresses, and share one node.

    Where they have, those of a workload whose addresses are known are these.
    """

    pod_address: Address | None = None
    node_address: Address | None = None
    one_node: bool = False


def probes(snapshot: Snapshot) -> list[Probe]:
    """Return every port that a rule or a pod mentions, its neighbours, and the ends."""
    numbers = {FIRST_PORT, LAST_PORT}
    for workload in snapshot.workloads:
        numbers.update(port.number for port in workload.ports)
    for policy in snapshot.policies:
        rules = [*(policy.ingress or ()), *(policy.egress or ())]  # type: ignore[misc]  # all known
        for rule in rules:
            assert isinstance(rule, Rule)
            for entry in rule.ports or ():  # type: ignore[union-attr]  # all known
                assert isinstance(entry, PortRule)
                numbers.update(n for n in (entry.port, entry.end_port) if isinstance(n, int))
    for service in snapshot.services:
        numbers.update(port.target for port in service.ports if isinstance(port.target, int))
    near = {number + step for number in numbers for step in (-1, 0, 1)}
    ports = sorted(port for port in near if FIRST_PORT <= port <= LAST_PORT)
    return [
        *product((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP), ports),
        (IpProtocol.OTHER, 0),
    ]


def differences(found: Reachability, least: World, most: World) -> Iterator[str]:
    """Yield the packets on which the analysis differs from the oracle.

    What the analysis says is allowed must pass in the world that allows least, what it does not
    deny must pass in the world that allows most, and nothing else may.
    """
    found_pairs = {(each.source_id, each.destination_id): each for each in found.connections()}
    claims = _Claims(probes(found.snapshot))
    for source, destination in product(found.endpoints, repeat=2):
        connection = found_pairs.get((source.id, destination.id))
        if isinstance(source, ExternalRange) and isinstance(destination, ExternalRange):
            assert connection is None
            continue
        for claimed, world in zip(claims.of(connection), (least, most), strict=True):
            ends = _ends(source, destination, world)
            passed = passing(found.snapshot, *ends, claims.probes)
            for probe in sorted(passed ^ claimed):
                told = f"{probe} passes: {probe in passed} in {world}"
                yield f"{source.id} -> {destination.id} {told}"


def service_differences(found: Reachability, least: World, most: World) -> Iterator[str]:
    """Yield the packets of which services may hide the source, and on which the analysis differs.

    The specification leaves open whether policies are asked at all about such a packet.
    """
    claims, snapshot = _Claims(probes(found.snapshot)), found.snapshot
    for source, destination in product(found.endpoints, repeat=2):
        if isinstance(source, ExternalRange) and isinstance(destination, ExternalRange):
            continue
        must, may = claims.of(found.connection(source.id, destination.id))
        low, high = (_ends(source, destination, each) for each in (least, most))
        passed = certain(snapshot, *low, claims.probes)
        perhaps = passing(snapshot, *high, claims.probes)
        perhaps |= exposed(snapshot, high[1], claims.probes)
        for probe in sorted(passed ^ must):
            yield f"{source.id} -> {destination.id} {probe} passes for certain: {probe in passed}"
        for probe in sorted(perhaps ^ may):
            yield f"{source.id} -> {destination.id} {probe} may pass: {probe in perhaps}"


def compared(found: Reachability) -> int:
    """Return how many verdicts of the oracle `differences` asks for."""
    pairs = len(found.endpoints) ** 2 - len(found.externals) ** 2
    return 2 * pairs * len(probes(found.snapshot))


class _Claims:
    """What connections claim about each probe: which must pass, and which may."""

    def __init__(self, probes: list[Probe]) -> None:
        self.probes = probes
        self._inside: dict[PortSet, frozenset[Probe]] = {}

    def of(self, connection: Connection | None) -> tuple[frozenset[Probe], frozenset[Probe]]:
        if connection is None:
            return frozenset(), frozenset()
        must = self._in(connection.allowed)
        return must, must.union(*(self._in(each.ports) for each in connection.undetermined))

    def _in(self, ports: PortSet) -> frozenset[Probe]:
        if ports not in self._inside:
            inside = (probe for probe in self.probes if ports.contains(*probe))
            self._inside[ports] = frozenset(inside)
        return self._inside[ports]


def _ends(
    source: Endpoint, destination: Endpoint, world: World
) -> tuple[Pod | Address, Pod | Address]:
    """Return two pods, different ones of a workload with replicas, or addresses."""
    alone = isinstance(source, WorkloadEndpoint) and source.workload.replicas == 1
    number = 0 if source == destination and alone else 1
    return _end(source, 0, world), _end(destination, number, world)


def _end(endpoint: Endpoint, number: int, world: World) -> Pod | Address:
    if isinstance(endpoint, ExternalRange):
        return endpoint.network.network_address
    workload = endpoint.workload
    address = world.node_address if workload.host_network else world.pod_address
    if address is not None and workload.addresses:
        (address,) = workload.addresses
    node = "a" if world.one_node else f"{workload.name}-{number}"
    return Pod(workload, number, address, node)
