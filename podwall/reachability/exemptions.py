"""What isolated pods may send or receive whatever their policies say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.engines import Treatment
from podwall.portset import ALL_PORTS
from podwall.reachability.bounds import Bounds
from podwall.reachability.exposures import opens
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.engines import Engine
    from podwall.reachability.destinations import Destinations
    from podwall.reachability.grouping import IntArray

__all__ = ["Exemptions", "exemptions", "passes_own_node"]


@dataclass(frozen=True, slots=True)
class Exemptions:
    """For each element of the universe the number of a list of peers and ports."""

    of: IntArray
    lists: Sequence[Sequence[tuple[IntArray, Bounds]]]


def passes_own_node(engine: Engine, direction: Direction) -> bool:
    """Say whether traffic between a pod and its own node passes, at least with some engines.

    Traffic from the node always does: the kubelet's probes must arrive.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    filtered = engine.own_node_egress.value is Treatment.ENFORCED
    return direction is Direction.INGRESS or not filtered


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
        return Exemptions(np.zeros_like(exposure), [common])
    everyone = np.arange(len(exposure))
    each = ([(everyone, ports)] if ports.may else [] for ports in destinations.exposures)
    return Exemptions(exposure, [[*common, *opened] for opened in each])


def _backends(destinations: Destinations) -> Iterator[tuple[IntArray, Bounds]]:
    """Yield the backends of services, with the ports that are open on them."""
    for number, ports in enumerate(destinations.exposures):
        if ports.may:
            yield np.flatnonzero(destinations.exposure == number), ports
