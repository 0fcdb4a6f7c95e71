"""What depends on the destination: port names, exemptions, and clients that a node may hide.

Traffic between a pod and its own node, and traffic of services that an engine does not filter, is
exempt from the rules.

How it works: behind a service that can hide its clients, what a rule allows an address is certain
only as far as a node's address may do it too. For each family of addresses the universe therefore
has one *node*, which is no endpoint: the rules are read for it like for anybody else, and what they
allow addresses of that family is cut to what they allow the node, on the ports of the service.

    service web hides clients on TCP 8080, and web's rules allow
    203.0.113.0/24      TCP 8080, 9090    certain: TCP 9090, since no block contains the nodes
    everyone            TCP 443           certain, for the node as well

What they allow the node beyond that, addresses perhaps have on the same ports. It is exact: a
client arrives either by its own address or by that of a node of its family.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-ipblock-selectors
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from podwall.engines import Engine
from podwall.model import Service
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import IntArray, Registry, is_in, unique_rows
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import Match
from podwall.reachability.peers import PeerSetElements
from podwall.reachability.pod_classes import PodClasses
from podwall.reachability.port_rules import (
    NamedPorts,
    exposed_ports,
    hides_clients,
    opens,
    passes_own_node,
)
from podwall.reachability.values import NOTHING, Bounds

__all__ = [
    "NAMELESS",
    "Destinations",
    "Exemptions",
    "OutsideElements",
    "destinations",
    "exemptions",
    "with_clients_hidden",
]

T = TypeVar("T", bound=Hashable)

NAMELESS: Final = 0
"""The naming of addresses and of pods on the host network: no port has a name."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """For each element of the universe: numbers into `namings`, `exposures` and `hidden`.

    `hidden` are ports on which rules may see a node in place of a client outside.
    """

    naming: IntArray
    exposure: IntArray
    hiding: IntArray
    namings: tuple[NamedPorts, ...]
    exposures: tuple[Bounds, ...]
    hidden: tuple[PortSet, ...]


def destinations(
    cluster: EnforcedCluster,
    classes: PodClasses,
    found: PeerSetElements,
    services: Sequence[tuple[int, Service]],
    size: int,
) -> Destinations:
    """Return what depends on the destination, for a universe of some size.

    `services` are those that open ports, each with the peer set of the pods that it selects.
    """
    namings = tuple(NamedPorts(*each) for each in classes.namings)
    naming = np.full(size, NAMELESS)
    named = np.where(classes.host == Match.YES, NAMELESS, classes.naming)
    naming[: len(classes)] = named
    engine = cluster.engine
    exposed: dict[int, Bounds] = {}
    hidden: dict[int, PortSet] = {}
    for peer_set, service in services:
        for selected, elements in zip((Match.YES, Match.MAYBE), found.of(peer_set), strict=True):
            for element in elements.tolist():
                names = namings[naming[element]]
                ports = exposed_ports(service, selected, names, engine)
                if opens(engine, Direction.INGRESS):
                    exposed[element] = exposed.get(element, NOTHING) | ports
                if hides_clients(engine):
                    hidden[element] = hidden.get(element, NO_PORTS) | ports.may
    exposure, exposures = _numbered(exposed, NOTHING, size)
    hiding, hidden_ports = _numbered(hidden, NO_PORTS, size)
    return Destinations(naming, exposure, hiding, namings, exposures, hidden_ports)


def _numbered(known: Mapping[int, T], nothing: T, size: int) -> tuple[IntArray, tuple[T, ...]]:
    """Return for each element the number of its value, and the values, `nothing` first."""
    values = Registry[T]()
    values.number(nothing)
    numbers = np.zeros(size, dtype=np.int64)
    for element, value in known.items():
        numbers[element] = values.number(value)
    return numbers, tuple(values.values)


@dataclass(frozen=True, slots=True)
class Exemptions:
    """For each element of the universe the number of a list of peers and ports.

    `hidden` has for each number the ports on which rules may see a node in place of a client.
    """

    of: IntArray
    lists: Sequence[Sequence[tuple[IntArray, Bounds]]]
    hidden: Sequence[PortSet]


def exemptions(
    direction: Direction, engine: Engine, on_host: IntArray, destinations: Destinations
) -> Exemptions:
    """Return the exemptions in a direction; `on_host` are the pods that share a node's address.

    Which node a pod runs on is not known before deployment, so that its own node is undetermined.
    """
    common: list[tuple[IntArray, Bounds]] = []
    if len(on_host) and passes_own_node(engine, direction):
        common.append((on_host, Bounds.perhaps(ALL_PORTS)))
    exposure = destinations.exposure
    if direction is Direction.EGRESS:
        if opens(engine, direction):
            common.extend(_backends(destinations))
        return Exemptions(np.zeros_like(exposure), [common], [NO_PORTS])
    everyone = np.arange(len(exposure))
    both, of = unique_rows(np.stack([exposure, destinations.hiding], axis=1))
    exposed = (destinations.exposures[number] for number in both[:, 0].tolist())
    each = ([(everyone, ports)] if ports.may else [] for ports in exposed)
    hidden = [destinations.hidden[number] for number in both[:, 1].tolist()]
    return Exemptions(of, [[*common, *opened] for opened in each], hidden)


def _backends(destinations: Destinations) -> Iterator[tuple[IntArray, Bounds]]:
    """Yield the backends of services, with the ports that are open on them."""
    for number, ports in enumerate(destinations.exposures):
        if ports.may:
            yield np.flatnonzero(destinations.exposure == number), ports


class OutsideElements(NamedTuple):
    """The elements outside of the cluster, by family: addresses, and the node of each family."""

    addresses: tuple[IntArray, ...]
    nodes: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first element that is no pod."""
        return min((int(each[0]) for each in self.addresses if len(each)), default=0)


class _Row(NamedTuple):
    """A set of elements by its number, its elements, and the ports that it is allowed."""

    peers: int
    elements: IntArray
    ports: Bounds


class _Sets(NamedTuple):
    """Where the elements of sets are looked up, and new sets are added."""

    elements: Callable[[int], IntArray]
    add: Callable[[IntArray], int]


def with_clients_hidden(  # noqa: PLR0913, PLR0917 - what decides, each part from its own module
    rows: IntArray,
    hidden: Mapping[int, PortSet],
    outside: OutsideElements,
    bounds: Registry[Bounds],
    elements: Callable[[int], IntArray],
    add_set: Callable[[IntArray], int],
) -> IntArray:
    """Return rows of a number, a set and its ports, with less that is certain for clients.

    Args:
        rows: the rows.
        hidden: for some of the numbers the ports on which clients are hidden.
        outside: the elements that are no pods.
        bounds: numbers port bounds.
        elements: returns the elements of a set.
        add_set: returns the number of a set that is new.
    """
    concerned = is_in(rows[:, 0], np.array(list(hidden), dtype=np.int64))
    found = [rows[~concerned]]
    here = rows[concerned]
    here = here[np.argsort(here[:, 0], kind="stable")]
    sets = _Sets(elements, add_set)
    for part in np.split(here, np.flatnonzero(np.diff(here[:, 0])) + 1) if len(here) else ():
        number = int(part[0, 0])
        stated = [_Row(s, elements(s), bounds.values[p]) for s, p in part[:, 1:].tolist()]
        cut = _cut(stated, hidden[number], outside, sets)
        lines = [(number, peers, bounds.number(ports)) for peers, ports in cut]
        found.append(np.array(lines, dtype=np.int64).reshape(-1, 3))
    return np.concatenate(found)


def _cut(
    rows: Sequence[_Row], hidden: PortSet, outside: OutsideElements, sets: _Sets
) -> Iterator[tuple[int, Bounds]]:
    """Yield sets and ports where clients of every family get no more than the node of it."""
    allowed = [
        Bounds.union(row.ports for row in rows if node in row.elements) for node in outside.nodes
    ]
    for theirs, addresses in zip(allowed, outside.addresses, strict=True):
        if (perhaps := theirs.may & hidden) and len(addresses):
            yield sets.add(addresses), Bounds.perhaps(perhaps)
    for row in rows:
        lost = [row.ports.must & hidden - each.must for each in allowed]
        parts = [np.intersect1d(row.elements, each) for each in outside.addresses]
        if not any(less and len(part) for less, part in zip(lost, parts, strict=True)):
            yield row.peers, row.ports
            continue
        yield sets.add(row.elements[row.elements < outside.first]), row.ports
        for less, part, node in zip(lost, parts, outside.nodes, strict=True):
            ports = Bounds(row.ports.must - less, row.ports.may, row.ports.causes)
            yield sets.add(part), ports
            if node in row.elements:
                yield sets.add(np.array([node])), row.ports
