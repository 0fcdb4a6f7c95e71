"""What depends on the destination: its port names, and what passes whatever the policies say.

Traffic between a pod and its own node, and traffic of services that an engine does not filter, is
exempt from the rules.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from podwall.engines import Engine
from podwall.model import Service
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reachability.arrays import IntArray, Registry, unique_rows
from podwall.reachability.cluster import EnforcedCluster
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
    "destinations",
    "exemptions",
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
