"""Ports of pods that a NodePort or LoadBalancer service opens past the pods' policies.

With externalTrafficPolicy Cluster some engines do not see, or not truly, who sends the traffic.
https://learn.microsoft.com/en-us/azure/aks/migrate-from-npm-to-cilium-network-policy
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from podwall.engines import Treatment
from podwall.model import PortRule, ServicePort, Unknown
from podwall.reachability.bounds import NOTHING, Bounds
from podwall.reachability.matching import Match
from podwall.reachability.port_rules import Direction, NamedPorts, PortReader

if TYPE_CHECKING:
    from podwall.engines import Engine
    from podwall.model import Service

__all__ = ["exposed_ports", "opens"]


def opens(engine: Engine, direction: Direction) -> bool:
    """Say whether an exposed backend opens the rules of a direction, and not the other's only."""
    hidden = engine.cluster_services.value is Treatment.SOURCE_HIDDEN
    return direction is Direction.INGRESS or not hidden


def exposed_ports(
    service: Service, selected: Match, names: NamedPorts, engine: Engine, reader: PortReader
) -> Bounds:
    """Return the ports that a service opens on pods it selects, for sure or perhaps."""
    targets = (_target_ports(port, names, reader) for port in service.ports)
    found = reduce(Bounds.__or__, targets, NOTHING)
    causes = [each.cause for each in _unknowns(service)]
    if engine.cluster_services.value is not Treatment.OPEN:
        causes.append(f"service `{service.name}`: {engine.cluster_services.says}")
    if selected is Match.YES and not causes:
        return found
    return Bounds.perhaps(found.may, *found.causes, *causes)


def _target_ports(port: ServicePort, names: NamedPorts, reader: PortReader) -> Bounds:
    target = PortRule(port.protocol, port.target)
    return reader.bounds((target,), names, Direction.INGRESS)


def _unknowns(service: Service) -> list[Unknown]:
    values = (service.type, service.external_traffic_policy)
    return [each for each in values if isinstance(each, Unknown)]
