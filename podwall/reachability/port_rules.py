"""The ports that a rule allows, or a service opens, on a destination, as an engine reads them.

Numbers, ranges and names are resolved on each destination.
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/

With externalTrafficPolicy Cluster some engines do not see, or not truly, who sends the traffic of
a NodePort or LoadBalancer service, so that it passes by the rules.
https://learn.microsoft.com/en-us/azure/aks/migrate-from-npm-to-cilium-network-policy
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Final

from podwall.aks.network_engine import EngineVersions
from podwall.engines import SPEC, Engine, Treatment
from podwall.model import (
    IpProtocol,
    PortRule,
    Service,
    ServicePort,
    Snapshot,
    Unknown,
    WorkloadPort,
)
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, LAST_PORT, TRANSPORT_PORTS, TRANSPORTS, PortSet
from podwall.reachability.matching import Match, running_versions
from podwall.reachability.values import ALL, NOTHING, Bounds

__all__ = [
    "FROM_OWN_NODE",
    "OWN_NODE",
    "OWN_NODE_LINK",
    "UNSEEN_PORTS",
    "NamedPorts",
    "PortReader",
    "RulePorts",
    "entry_bounds",
    "exposed_ports",
    "has_names",
    "hides_clients",
    "opens",
    "passes_own_node",
    "ranges_work",
    "seen_names",
]


RulePorts = tuple[PortRule | Unknown, ...] | None | Unknown
"""What `Rule.ports` holds."""


def has_names(ports: RulePorts) -> bool:
    """Return whether a rule names a port, which then depends on the destination."""
    return isinstance(ports, tuple) and any(
        isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in ports
    )


class NamedPorts:
    """The ports that a destination declares, as far as names matter; none for an address.

    Every container's ports count, as the union where a name repeats, and a name stands for a number
    only together with its protocol. https://github.com/projectcalico/calico/issues/8881
    """

    __slots__ = ("open", "ports")

    def __init__(self, ports: tuple[WorkloadPort, ...] = (), more: Unknown | None = None) -> None:
        """Keep the declared ports, and why there may be `more`."""
        self.ports = ports
        self.open = more

    def without_sidecars(self) -> NamedPorts:
        """Return them as an engine sees them that does not look at native sidecars."""
        if not any(port.sidecar for port in self.ports):
            return self
        return NamedPorts(tuple(port for port in self.ports if not port.sidecar), self.open)

    def repeats(self, name: str) -> bool:
        """Return whether a name is declared for several ports of the pod."""
        return len({(p.number, p.protocol) for p in self.ports if p.name == name}) > 1

    def resolve(self, name: str, protocol: IpProtocol) -> Bounds:
        """Return the ports of that name and protocol."""
        numbers = (p.number for p in self.ports if (p.name, p.protocol) == (name, protocol))
        must = PortSet.union(PortSet.of(protocol, number) for number in numbers)
        if self.open is None:
            return Bounds.exactly(must)
        return Bounds(must, PortSet.all_of(protocol), (self.open.cause,))


UNSEEN_PORTS: Final = NamedPorts(
    more=Unknown("an unseen pod may give any port of its own the name that a rule asks for")
)
"""The port names of an unseen pod."""


class PortReader:
    """Reads the ports of rules as an engine does, in one cluster."""

    def __init__(self, snapshot: Snapshot, engine: Engine) -> None:
        """Learn from the cluster what the engine's reading depends on: version and port names."""
        self._engine = engine
        versions = running_versions(snapshot, engine)
        self._ranges = ranges_work(engine, versions)
        found = engine.egress_port_names.at(versions)
        replaces = Treatment.IGNORED in found
        self._numbers = _numbers_of_names(snapshot, engine) if replaces else None
        #: That some of the versions that may run look a name up on each destination, and some not.
        self.doubts_names = len(found) > 1

    def reads_like(self, other: PortReader) -> bool:
        """Return whether rules mean the same ports to the other reader."""
        mine = (self._engine, self._ranges, self._numbers, self.doubts_names)
        return mine == (other._engine, other._ranges, other._numbers, other.doubts_names)

    def instead_of(self, name: str, protocol: IpProtocol) -> Bounds | None:
        """Return what an egress rule opens on every peer instead of a port name; else None.

        None means that the name is looked up on each destination. Nothing: the entry is skipped.
        Where it `doubts_names`, only some of the versions that may run do it.
        """
        return None if self._numbers is None else self._numbers.get((name, protocol))

    def bounds(self, ports: RulePorts, destination: NamedPorts, direction: Direction) -> Bounds:
        """Return the ports that a rule's `ports` allow on a destination."""
        if ports is None:
            return ALL
        if isinstance(ports, Unknown):
            return Bounds.perhaps(ALL_PORTS, ports.cause)
        return Bounds.union(self._entry(entry, destination, direction) for entry in ports)

    def _entry(
        self, entry: PortRule | Unknown, destination: NamedPorts, direction: Direction
    ) -> Bounds:
        if isinstance(entry, Unknown):
            return Bounds.perhaps(TRANSPORT_PORTS, entry.cause)
        if entry.condition is not None:
            found = self._entry(replace(entry, condition=None), destination, direction)
            return Bounds.perhaps(found.may, *found.causes, entry.condition.cause)
        if isinstance(entry.protocol, Unknown):
            each = (self._one(entry, protocol, destination, direction) for protocol in TRANSPORTS)
            found = Bounds.union(each)
            return Bounds.perhaps(found.may, entry.protocol.cause, *found.causes)
        found = self._one(entry, entry.protocol, destination, direction)
        if (
            entry.protocol is IpProtocol.SCTP
            and self._engine.sctp_rules.value is Treatment.UNDEFINED
        ):
            return Bounds.perhaps(found.may, *found.causes, self._engine.sctp_rules.says)
        return found

    def _one(
        self,
        entry: PortRule,
        protocol: IpProtocol,
        destination: NamedPorts,
        direction: Direction,
    ) -> Bounds:
        match entry.port:
            case None:
                return Bounds.exactly(PortSet.all_of(protocol))
            case Unknown(cause):
                return Bounds.perhaps(PortSet.all_of(protocol), cause)
            case str() as name:
                return self._named(name, protocol, destination, direction)
            case int() as first:
                return self._numbered(protocol, first, entry.end_port)

    def _numbered(self, protocol: IpProtocol, first: int, last: int | Unknown | None) -> Bounds:
        single = PortSet.of(protocol, first)
        if last is None or self._ranges is Match.NO:
            return Bounds.exactly(single)
        if isinstance(last, Unknown):
            return Bounds(single, PortSet.of(protocol, first, LAST_PORT), (last.cause,))
        whole = PortSet.of(protocol, first, last)
        if self._ranges is Match.YES:
            return Bounds.exactly(whole)
        return Bounds(single, whole, (self._engine.end_port.says,))

    def _named(
        self, name: str, protocol: IpProtocol, destination: NamedPorts, direction: Direction
    ) -> Bounds:
        if direction is Direction.INGRESS or self._numbers is None:
            return _resolved(self._engine, destination, name, protocol)
        replaced = self._replaced(name, protocol, destination)
        if not self.doubts_names:
            return replaced
        found = _resolved(self._engine, destination, name, protocol)
        if found == replaced:
            return found
        either = found | replaced
        cause = _UNKNOWN_READING.format(self._engine.egress_port_names.says, self._engine.title)
        return Bounds((found & replaced).must, either.may, (*either.causes, cause))

    def _replaced(self, name: str, protocol: IpProtocol, destination: NamedPorts) -> Bounds:
        """Return the ports of a name of which the engine knows one number for all destinations."""
        found = self.instead_of(name, protocol)
        if found is None:
            return seen_names(self._engine, destination).resolve(name, protocol)
        if destination.open is None or not found.may:
            return found
        return Bounds.perhaps(found.may, *found.causes, destination.open.cause)


_UNKNOWN_READING: Final = (
    "{}, and which version of {} runs is not known; a number in place of the name is certain"
)


def seen_names(engine: Engine, pods: NamedPorts) -> NamedPorts:
    """Return the port names of pods that an engine sees."""
    overlooked = engine.sidecar_port_names.value is Treatment.IGNORED
    return pods.without_sidecars() if overlooked else pods


def _resolved(engine: Engine, pods: NamedPorts, name: str, protocol: IpProtocol) -> Bounds:
    """Return the ports of a name on pods, as an engine looks them up there."""
    seen = seen_names(engine, pods)
    found, fact = seen.resolve(name, protocol), engine.repeated_port_names
    if fact.value is Treatment.UNDEFINED and seen.repeats(name):
        return Bounds.perhaps(found.may, *found.causes, fact.says)
    return found


def ranges_work(engine: Engine, versions: EngineVersions) -> Match:
    """Return whether an engine applies port ranges as ranges in some versions of it."""
    found = engine.end_port.at(versions)
    if len(found) > 1:
        return Match.MAYBE
    return Match.YES if found[0] is Treatment.ENFORCED else Match.NO


def _numbers_of_names(snapshot: Snapshot, engine: Engine) -> dict[tuple[str, IpProtocol], Bounds]:
    """Return for each port name the one number that it stands for in the whole cluster.

    With several numbers it stands for nothing; where some pod may give it another one, perhaps.
    """
    pods = [workload for workload in snapshot.workloads if workload.host_network is not True]
    named = [seen_names(engine, NamedPorts(each.ports, each.open_ports)) for each in pods]
    numbers: defaultdict[tuple[str, IpProtocol], set[int]] = defaultdict(set)
    kept: set[str] = set()
    for each in named:
        for port in (port for port in each.ports if port.name is not None):
            numbers[port.name or "", port.protocol].add(port.number)
            if each.repeats(port.name or ""):
                kept.add(port.name or "")
    unknown = any(each.open is not None for each in named)
    result = {}
    for (name, protocol), found in numbers.items():
        causes = [engine.egress_port_names.says] if unknown else []
        causes += [engine.repeated_port_names.says] if name in kept else []
        ports = PortSet.union(PortSet.of(protocol, number) for number in found)
        single = len(found) == 1 or name in kept
        exact = Bounds.exactly(ports) if single else NOTHING
        result[name, protocol] = Bounds.perhaps(ports, *causes) if causes and single else exact
    return result


_BY_SPEC: Final = PortReader(Snapshot(), SPEC)
_ANY_NAMES: Final = NamedPorts(more=Unknown("which port has this name"))


def entry_bounds(entry: PortRule | Unknown) -> Bounds:
    """Return the ports that an entry of `ports` allows on every pod, and those it may on some.

    >>> named = entry_bounds(PortRule(port="http"))
    >>> print(entry_bounds(PortRule(port=80)).must, named.must, named.may, sep=" | ")
    TCP 80 | no ports | all TCP
    """
    return _BY_SPEC.bounds((entry,), _ANY_NAMES, Direction.INGRESS)


OWN_NODE: Final = (
    "traffic between a pod and its own node passes, and which node a pod runs on is not known"
)
FROM_OWN_NODE: Final = "traffic from the node that a pod runs on always passes"
OWN_NODE_LINK: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def passes_own_node(engine: Engine, direction: Direction) -> bool:
    """Return whether traffic between a pod and its own node passes, at least with some engines.

    Traffic from the node always does: the kubelet's probes must arrive; see `OWN_NODE_LINK`.
    """
    filtered = engine.own_node_egress.value is Treatment.ENFORCED
    return direction is Direction.INGRESS or not filtered


def opens(engine: Engine, direction: Direction) -> bool:
    """Return whether the backends of exposed services are open in a direction too."""
    match engine.cluster_services.value:
        case Treatment.ENFORCED | Treatment.NODE_SEEN:
            return False
        case Treatment.SOURCE_HIDDEN:
            return direction is Direction.INGRESS
        case _:
            return True


def hides_clients(engine: Engine) -> bool:
    """Return whether rules may see a node's address where a client comes by a service."""
    hiding = {Treatment.UNDEFINED, Treatment.SOURCE_HIDDEN, Treatment.NODE_SEEN}
    return engine.cluster_services.value in hiding


def exposed_ports(service: Service, selected: Match, names: NamedPorts, engine: Engine) -> Bounds:
    """Return the ports that a service opens on pods it selects, for sure or perhaps."""
    found = Bounds.union(_target_ports(port, names) for port in service.ports)
    causes = [each.cause for each in _unknowns(service)]
    if engine.cluster_services.value is not Treatment.OPEN:
        causes.append(f"service `{service.name}`: {engine.cluster_services.says}")
    if service.narrows_clients:
        causes.append(f"service `{service.name}` lets in the clients of its source ranges only")
    if not service.is_behind_nodes:
        causes.append(
            f"traffic to the externalIPs of service `{service.name}` may pass like a node port's"
        )
    if selected is Match.YES and not causes:
        return found
    return Bounds.perhaps(found.may, *found.causes, *causes)


def _target_ports(port: ServicePort, names: NamedPorts) -> Bounds:
    """Return the target ports, which Kubernetes looks up, not the engine."""
    target = PortRule(port.protocol, port.target)
    return _BY_SPEC.bounds((target,), names, Direction.INGRESS)


def _unknowns(service: Service) -> list[Unknown]:
    values = (service.type, service.external_traffic_policy, service.external_ips)
    return [each for each in values if isinstance(each, Unknown)]
