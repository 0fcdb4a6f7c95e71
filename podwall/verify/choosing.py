"""Choose what to probe: every boundary of a verdict, as far as the number of probes allows.

Pods that no policy can tell apart are one class, and one of its workloads stands for all. Of each
pair of classes the verdict on the ports is a line on which allowed turns into denied and back. Each
turn is a boundary, and both sides of it are probed; where there is none, one port is. A port that
the server declares is probed as well, since something listens there. UDP and SCTP are probed where
they are asked for, and where their verdict is another one than that of TCP, or the server declares
a port of theirs.

Where there are more probes than asked for, they are taken in turns from strata, which have the same
namespaces and the same prediction, and within a stratum by chance; the same seed chooses the same.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Final, NamedTuple

from podwall.diff import ConnectionChange
from podwall.expectations import Expectation, Kind
from podwall.expectations.selecting import selected
from podwall.explain import ports_at
from podwall.model import IpProtocol, Service, ServicePort, SnapshotWorkload, Unknown
from podwall.policies.syntax import is_system_namespace
from podwall.portset import FIRST_PORT, LAST_PORT, NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, Verdict, WorkloadEndpoint
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.values import PairVerdict
from podwall.verdict_table import VerdictTable, verdict_table
from podwall.verify.comparing import (
    BALANCER,
    NODE_PORT,
    OUTSIDE,
    RUN_LABEL,
    ConnectionProbe,
    NotProbed,
    OutsideWays,
    ProbePlan,
    outside_ranges,
)

__all__ = [
    "MOST_PROBES",
    "boundary_probes",
    "changed_probes",
    "from_outside",
    "port_sides",
    "stated_probes",
    "through_services",
]

MOST_PROBES: Final = 200
"""So many probes are chosen unless another number is asked for."""

_MOST_PAIRS: Final = 20_000
"""Of so many pairs of classes the boundaries are looked up; of more, of so many by chance."""

_USUAL_PORT: Final = 80
_UNDETERMINED: Final = "pair with undetermined ports, of which nothing is predicted"
_NOT_ASKED: Final = "pair with other verdicts on {}, which is not among --protocols"
_TCP_ONLY: Final = (IpProtocol.TCP,)


class _Pair(NamedTuple):
    """A client and a server by their numbers, and ports that are asked about beside boundaries."""

    client: int
    server: int
    ports: PortSet = NO_PORTS


def boundary_probes(
    found: Reachability,
    most: int = MOST_PROBES,
    seed: int = 0,
    protocols: Sequence[IpProtocol] = _TCP_ONLY,
) -> ProbePlan:
    """Return the probes of an analysis: both sides of every boundary, at most so many.

    Args:
        found: what is predicted.
        most: the number of probes that are chosen at most.
        seed: chooses among what is alike.
        protocols: over which is probed.
    """
    choice = _Choice.of(most, seed, protocols)
    ends = _Ends.of(found, choice.chance)
    return choice.plan(found, ends, *ends.pairs(choice.chance))


def changed_probes(
    found: Reachability,
    changes: Iterable[ConnectionChange],
    most: int = MOST_PROBES,
    seed: int = 0,
    protocols: Sequence[IpProtocol] = _TCP_ONLY,
) -> ProbePlan:
    """Return the probes of the pairs that a change touches, and of the ports that it touches.

    What is predicted is what `found` says, which need not have the change.
    """
    asked = (
        (each.source.id, each.destination.id, (each.opened | each.closed).without_other)
        for each in changes
    )
    return _asked(found, asked, _Choice.of(most, seed, protocols))


def stated_probes(
    found: Reachability,
    expectations: Iterable[Expectation],
    most: int = MOST_PROBES,
    seed: int = 0,
    protocols: Sequence[IpProtocol] = _TCP_ONLY,
) -> ProbePlan:
    """Return the probes of the pairs and ports that expectations state.

    Of those that only some may do, all others are probed as well. What is predicted is what `found`
    says, which need not be what is expected.
    """
    stated = _stated(found, tuple(expectations))
    return _asked(found, stated, _Choice.of(most, seed, protocols))


_Asked = tuple[str, str, PortSet]


def _stated(found: Reachability, expectations: Sequence[Expectation]) -> Iterator[_Asked]:
    for each in expectations:
        servers = selected(each.destinations, found.workloads).certain
        everyone = frozenset(end.id for end in found.workloads)
        only = each.kind is Kind.ONLY
        clients = everyone if only else selected(each.sources, found.workloads).certain
        for client, server in product(sorted(clients), sorted(servers)):
            if client != server:
                yield client, server, ports_at(each.ports, found.endpoint(server))


def _asked(found: Reachability, asked: Iterable[_Asked], choice: _Choice) -> ProbePlan:
    numbers = {each.id: number for number, each in enumerate(found.workloads)}
    ports: defaultdict[tuple[int, int], PortSet] = defaultdict(lambda: NO_PORTS)
    elsewhere = 0
    for client, server, wanted in asked:
        if client in numbers and server in numbers:
            ports[numbers[client], numbers[server]] |= wanted
        else:
            elsewhere += 1
    beyond = Counter({"pair with an end that is no workload of the cluster": elsewhere})
    pairs = [_Pair(*pair, wanted) for pair, wanted in ports.items()]
    return choice.plan(found, _Ends.of(found, choice.chance), pairs, beyond)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Who can connect and who can be connected to, in classes, and why others can't."""

    clients: tuple[tuple[int, ...], ...]
    servers: tuple[tuple[int, ...], ...]
    no_client: dict[int, str]
    no_server: dict[int, str]

    @classmethod
    def of(cls, found: Reachability, chance: random.Random) -> _Ends:
        ends = list(enumerate(found.workloads))
        no_client = {number: why for number, each in ends if (why := _no_client(each))}
        no_server = {number: why for number, each in ends if (why := _no_server(each.workload))}
        element = found.ends.element
        clients = ((number, int(element[number])) for number, _ in ends if number not in no_client)
        join = found.analysis.join.destinations.of
        servers = (
            (number, (int(element[number]), int(join[element[number]])))
            for number, _ in ends
            if number not in no_server
        )
        return cls(_classes(clients, chance), _classes(servers, chance), no_client, no_server)

    def pairs(self, chance: random.Random) -> tuple[list[_Pair], Counter[str]]:
        """Return a pair of workloads for each pair of classes, and why there are not more."""
        clients, servers = self.clients, self.servers
        total = len(clients) * len(servers)
        beyond = Counter(dict.fromkeys([*self.no_client.values(), *self.no_server.values()], 0))
        beyond.update(self.no_client.values())
        beyond.update(self.no_server.values())
        numbers: Iterable[int] = range(total)
        if total > _MOST_PAIRS:
            numbers = sorted(chance.sample(range(total), _MOST_PAIRS))
            beyond["pair of classes that chance left out"] = total - _MOST_PAIRS
        rows = (divmod(number, len(servers)) for number in numbers)
        return [_different(clients[row], servers[column]) for row, column in rows], beyond


def _classes(
    ends: Iterable[tuple[int, object]], chance: random.Random
) -> tuple[tuple[int, ...], ...]:
    """Return two examples at most of each class."""
    found: defaultdict[object, list[int]] = defaultdict(list)
    for number, class_ in ends:
        found[class_].append(number)
    return tuple(tuple(chance.sample(each, min(2, len(each)))) for each in found.values())


def _different(clients: Sequence[int], servers: Sequence[int]) -> _Pair:
    pairs = list(product(clients, servers))
    return _Pair(*next((each for each in pairs if each[0] != each[1]), pairs[0]))


def _no_client(end: WorkloadEndpoint) -> str:
    """Return why no pod can stand for a workload as a client, nothing where one can."""
    workload = end.workload
    if isinstance(workload.namespace, Unknown) or is_system_namespace(workload.namespace):
        return "workload in a namespace of the system, where no client is made"
    if workload.host_network is not False:
        return _ON_NODE
    labels = workload.labels
    if RUN_LABEL in dict(labels.items):
        return _TEMPORARY
    if labels.more is not None or any(isinstance(value, Unknown) for _, value in labels.items):
        return "workload whose labels are not known"
    return ""


def _no_server(workload: SnapshotWorkload) -> str:
    if workload.host_network is not False:
        return _ON_NODE
    if RUN_LABEL in dict(workload.labels.items):
        return _TEMPORARY
    return "workload without pods" if workload.replicas == 0 else ""


_TEMPORARY: Final = "temporary pod of another verification"
_ON_NODE: Final = "workload on the network of its node, where policies mean little"


@dataclass(frozen=True, slots=True)
class _Choice:
    """How many probes are chosen at most, what chooses among them, and over which protocols."""

    most: int
    chance: random.Random
    protocols: tuple[IpProtocol, ...]

    @classmethod
    def of(cls, most: int, seed: int, protocols: Sequence[IpProtocol]) -> _Choice:
        chance = random.Random(seed)  # noqa: S311 - chooses examples, hides nothing
        return cls(most, chance, tuple(protocols))

    def plan(
        self, found: Reachability, ends: _Ends, pairs: Iterable[_Pair], beyond: Counter[str]
    ) -> ProbePlan:
        """Return the probes of pairs, so many in turns from the strata, and what is left out."""
        table = verdict_table(found)
        strata: defaultdict[object, list[ConnectionProbe]] = defaultdict(list)
        for pair in pairs:
            why = ends.no_client.get(pair.client) or ends.no_server.get(pair.server)
            if why:
                beyond[f"pair with a {why}"] += 1
                continue
            for rank, probe in enumerate(_probes(table, pair, self.protocols, beyond)):
                namespaces = (each.partition("/")[0] for each in (probe.client, probe.server))
                strata[min(rank, 1), *namespaces, probe.predicted].append(probe)
        for stratum in strata.values():
            self.chance.shuffle(stratum)
        chosen = list(_in_turns([strata[key] for key in sorted(strata, key=str)]))
        beyond["probe beyond the number that was asked for"] += max(0, len(chosen) - self.most)
        left_out = (NotProbed(reason, count) for reason, count in beyond.items() if count)
        return ProbePlan(tuple(islice(chosen, self.most)), tuple(left_out))


def _in_turns(strata: Sequence[Sequence[ConnectionProbe]]) -> Iterator[ConnectionProbe]:
    """Yield one of each stratum, then the next of each."""
    for turn in range(max(map(len, strata), default=0)):
        yield from (each[turn] for each in strata if turn < len(each))


def _probes(
    table: VerdictTable, pair: _Pair, protocols: Sequence[IpProtocol], beyond: Counter[str]
) -> Iterator[ConnectionProbe]:
    """Yield the probes of one pair; between a pod and another of its own, not to itself."""
    number = table.cells[table.sources[pair.client], table.destinations[pair.server]]
    verdict = table.verdicts[int(number)]
    client, server = (table.endpoints[each] for each in (pair.client, pair.server))
    if not isinstance(client, WorkloadEndpoint) or not isinstance(server, WorkloadEndpoint):
        return
    for protocol in _PROBED:
        declared = [each.number for each in server.workload.ports if each.protocol is protocol]
        if not _is_worth_it(verdict, pair, protocol, declared):
            continue
        if protocol not in protocols:
            beyond[_NOT_ASKED.format(protocol)] += 1
            continue
        sides = port_sides(verdict, declared, pair.ports, protocol)
        for port, each in sides:
            yield ConnectionProbe(client.id, server.id, port, each, protocol)
        if verdict.undetermined.ranges(protocol):
            beyond[_UNDETERMINED] += 1


_PROBED: Final = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)


def _is_worth_it(
    verdict: PairVerdict, pair: _Pair, protocol: IpProtocol, declared: Sequence[int]
) -> bool:
    """Return whether a protocol of a pair says something that TCP does not, or is asked about."""
    tcp = verdict.allowed.tcp, verdict.undetermined.tcp
    own = verdict.allowed.ranges(protocol), verdict.undetermined.ranges(protocol)
    asked = bool(pair.ports.ranges(protocol))
    return protocol is IpProtocol.TCP or asked or bool(declared) or own != tcp


def port_sides(
    verdict: PairVerdict,
    declared: Sequence[int] = (),
    asked: PortSet = NO_PORTS,
    protocol: IpProtocol = IpProtocol.TCP,
) -> tuple[tuple[int, Verdict], ...]:
    """Return the ports of a protocol to probe, each with its verdict: both sides of every boundary.

    Where there is no boundary and nothing else to ask about, it is one at which TCP turns, or 80.

    Args:
        verdict: what passes between two ends.
        declared: the ports that the server declares; the first one is probed, and comes first.
        asked: further ports, of which the first and the last of each range are probed.
        protocol: TCP, UDP or SCTP.

    >>> from podwall.portset import PortSet
    >>> sides = port_sides(PairVerdict(PortSet.of(IpProtocol.TCP, 80, 81)))
    >>> [(port, verdict.value) for port, verdict in sides]
    [(80, 'allowed'), (79, 'denied'), (81, 'allowed'), (82, 'denied')]
    """
    wanted = _range_ends(asked.ranges(protocol))
    ports = [*declared[:1], *wanted, *_turning_ports(verdict, protocol)]
    verdicts = ((port, _verdict(verdict, port, protocol)) for port in dict.fromkeys(ports))
    known = [each for each in verdicts if each[1] is not Verdict.UNDETERMINED]
    if known:
        return tuple(known)
    usual = next(_turning_ports(verdict, IpProtocol.TCP), _USUAL_PORT)
    certain = _verdict(verdict, usual, protocol)
    return () if certain is Verdict.UNDETERMINED else ((usual, certain),)


def _range_ends(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    for first, last in ranges:
        yield first
        yield last


def _turning_ports(verdict: PairVerdict, protocol: IpProtocol) -> Iterator[int]:
    """Yield the ports at which the verdict turns, those that pass before their neighbours."""
    for ranges in (verdict.allowed.ranges(protocol), verdict.undetermined.ranges(protocol)):
        for first, last in ranges:
            for inner, outer in ((first, first - 1), (last, last + 1)):
                if FIRST_PORT <= outer <= LAST_PORT:
                    yield inner
                    yield outer


def _verdict(verdict: PairVerdict, port: int, protocol: IpProtocol) -> Verdict:
    if verdict.allowed.contains(protocol, port):
        return Verdict.ALLOWED
    doubtful = verdict.undetermined.contains(protocol, port)
    return Verdict.UNDETERMINED if doubtful else Verdict.DENIED


def through_services(plan: ProbePlan, found: Reachability) -> ProbePlan:
    """Return a plan with the probes beside it that are made by way of services.

    Policies hold for the pods behind a service. It is certain which these are where it selects the
    pods of one workload alone; of others, and of ports that no service has, nothing is added.
    """
    services = dict(_services_of(found))
    more = (
        replace(each, service=name)
        for each in plan.probes
        if each.protocol is not IpProtocol.UDP  # few servers answer what is sent to them over UDP
        for name in services.get((each.server, each.protocol, each.port), ())
    )
    return replace(plan, probes=(*plan.probes, *more))


_Port = tuple[str, IpProtocol, int]


def _services_of(found: Reachability) -> Iterator[tuple[_Port, tuple[str, ...]]]:
    """Yield the services, by name and port, that lead to a port of one workload alone."""
    names: defaultdict[_Port, list[str]] = defaultdict(list)
    for service in found.snapshot.services:
        for port, server, target in _leads_to(found, service):
            protocol = port.protocol
            assert isinstance(protocol, IpProtocol), "others lead nowhere"
            names[server.id, protocol, target].append(f"{service.name}:{port.port}")
    for key, each in names.items():
        yield key, tuple(each)


def _leads_to(
    found: Reachability, service: Service
) -> Iterator[tuple[ServicePort, WorkloadEndpoint, int]]:
    """Yield the ports of a service with where they lead, if that is one workload for certain."""
    if service.selector is None or not service.selector.requirements:
        return
    inside = (each for each in found.workloads if each.namespace == service.namespace)
    perhaps = {each: labels_match(service.selector, each.workload.labels) for each in inside}
    only = [each for each, match in perhaps.items() if match is not Match.NO]
    if len(only) != 1 or perhaps[only[0]] is Match.MAYBE:
        return
    for port in service.ports:
        target = _target(port.target, only[0].workload)
        if target and isinstance(port.protocol, IpProtocol) and isinstance(port.port, int):
            yield port, only[0], target


def _target(target: int | str | Unknown, workload: SnapshotWorkload) -> int:
    """Return the number of a service's target port on pods of a workload, 0 if there is none."""
    if isinstance(target, int):
        return target
    return next((each.number for each in workload.ports if each.name == target), 0)


def from_outside(plan: ProbePlan, found: Reachability, most: int = MOST_PROBES) -> ProbePlan:
    """Return a plan with at most so many probes beside it from outside, over TCP and IPv4.

    They are made to the node ports and load balancers of services. As which address the cluster
    sees a client depends on what is between, so that something is predicted only where the verdict
    is the same for every address outside of the cluster.
    """
    beyond: Counter[str] = Counter()
    ways = OutsideWays(found)
    more: list[ConnectionProbe] = []
    for service in found.snapshot.services:
        if not service.is_behind_nodes:
            continue
        table = ways.table(service)
        ports = list(_leads_to(found, service))
        beyond[_LEADS_ELSEWHERE] += len(service.ports) - len(ports)
        for port, server, target in ports:
            if port.protocol is not IpProtocol.TCP:
                beyond["port of a service that is not TCP, from outside"] += 1
                continue
            verdict = _verdict_of_outside(table, server, target)
            if verdict is None:
                beyond[_BY_ADDRESS] += 1
                continue
            name = f"{service.name}:{port.port}"
            more += (
                ConnectionProbe(OUTSIDE, server.id, target, verdict, service=name, way=way)
                for way in _ways(service, beyond)
            )
    beyond["probe from outside beyond the number that was asked for"] += max(0, len(more) - most)
    left_out = (NotProbed(reason, count) for reason, count in beyond.items() if count)
    return ProbePlan((*plan.probes, *more[:most]), (*plan.left_out, *left_out))


_LEADS_ELSEWHERE: Final = "port of a service that does not lead to one workload for certain"
_BY_ADDRESS: Final = (
    "port of a service for which the verdict depends on the client's address, which from outside "
    "only the cluster sees, or is undetermined"
)


def _verdict_of_outside(table: VerdictTable, server: WorkloadEndpoint, port: int) -> Verdict | None:
    """Return what all addresses outside of the cluster get at a port, None if it is not certain."""
    ranges = outside_ranges(table.reachability)
    numbers = {each.id: number for number, each in enumerate(table.endpoints)}
    found = {
        _verdict(
            table.verdicts[table.number(numbers[each.id], numbers[server.id])], port, IpProtocol.TCP
        )
        for each in ranges
    }
    return next(iter(found)) if len(found) == 1 and Verdict.UNDETERMINED not in found else None


def _ways(service: Service, beyond: Counter[str]) -> Iterator[str]:
    """Yield how connections come in from outside, as far as no list of addresses decides."""
    if service.type == "LoadBalancer":
        if service.source_ranges == ():
            yield BALANCER
        else:
            beyond["load balancer that lets only some addresses in"] += 1
    if service.type == "NodePort" or service.node_ports is True:
        yield NODE_PORT
