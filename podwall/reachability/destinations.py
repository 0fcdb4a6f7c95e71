"""What depends on the destination: its port names, and ports that services open on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.reachability.bounds import NOTHING, Bounds
from podwall.reachability.exposures import exposed_ports
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import NamedPorts
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.peers import Universe
    from podwall.reachability.pod_classes import PodClasses
    from podwall.reachability.pod_sets import PodSets

__all__ = ["NAMELESS", "Destinations", "destinations"]

NAMELESS = 0
"""The naming of addresses and of pods on the host network: no port has a name."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """For each element of the universe: numbers into `namings` and into `exposures`."""

    naming: IntArray
    exposure: IntArray
    namings: tuple[NamedPorts, ...]
    exposures: tuple[Bounds, ...]


def destinations(
    cluster: Cluster, classes: PodClasses, pod_sets: PodSets, universe: Universe
) -> Destinations:
    """Return what depends on the destination, for the whole universe."""
    namings = [NamedPorts(), *(NamedPorts(*each) for each in classes.namings)]
    naming = np.zeros(universe.size, dtype=np.int64)
    on_host = classes.host == Match.YES
    naming[: universe.pods] = np.where(on_host, NAMELESS, classes.naming + 1)
    exposed = _exposed(cluster, pod_sets, naming, namings)
    bounds = Registry[Bounds]()
    bounds.number(NOTHING)
    exposure = np.zeros(universe.size, dtype=np.int64)
    for element, ports in exposed.items():
        exposure[element] = bounds.number(ports)
    return Destinations(naming, exposure, tuple(namings), tuple(bounds.values))


def _exposed(
    cluster: Cluster, pod_sets: PodSets, naming: IntArray, namings: list[NamedPorts]
) -> dict[int, Bounds]:
    """Return the ports that services open on classes of pods past the policies."""
    found: dict[int, Bounds] = {}
    for service in cluster.services:
        assert service.selector is not None
        must, may = pod_sets.within(service.namespace, service.selector)
        certain = set(must.tolist())
        for number in may.tolist():
            selected = Match.YES if number in certain else Match.MAYBE
            names = namings[naming[number]]
            ports = exposed_ports(service, selected, names, cluster.engine, cluster.ports)
            found[number] = found.get(number, NOTHING) | ports
    return found
