"""What depends on the destination: its port names, and ports that services open on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.reachability.bounds import NOTHING, Bounds
from podwall.reachability.exposures import exposed_ports
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import NamedPorts
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.model import Service
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.members import Members
    from podwall.reachability.pod_classes import PodClasses

__all__ = ["NAMELESS", "Destinations", "destinations"]

NAMELESS: Final = 0
"""The naming of addresses and of pods on the host network: no port has a name."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """For each element of the universe: numbers into `namings` and into `exposures`."""

    naming: IntArray
    exposure: IntArray
    namings: tuple[NamedPorts, ...]
    exposures: tuple[Bounds, ...]


def destinations(
    cluster: Cluster,
    classes: PodClasses,
    members: Members,
    services: Sequence[tuple[int, Service]],
    size: int,
) -> Destinations:
    """Return what depends on the destination, for a universe of some size.

    `services` are those that open ports, each with the term of the pods that it selects.
    """
    namings = tuple(NamedPorts(*each) for each in classes.namings)
    naming = np.full(size, NAMELESS)
    named = np.where(classes.host == Match.YES, NAMELESS, classes.naming)
    naming[: len(classes)] = named
    exposed: dict[int, Bounds] = {}
    for term, service in services:
        for selected, elements in zip((Match.YES, Match.MAYBE), members.of(term), strict=True):
            for element in elements.tolist():
                names = namings[naming[element]]
                ports = exposed_ports(service, selected, names, cluster.engine, cluster.ports)
                exposed[element] = exposed.get(element, NOTHING) | ports
    bounds = Registry[Bounds]()
    bounds.number(NOTHING)
    exposure = np.zeros(size, dtype=np.int64)
    for element, ports in exposed.items():
        exposure[element] = bounds.number(ports)
    return Destinations(naming, exposure, namings, tuple(bounds.values))
