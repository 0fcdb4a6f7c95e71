"""Observed flows against an analysis: what is denied, what is not used, and what would keep them.

Millions of records are a few thousand flows between workloads, counted by ends and port. Where they
are more than can be kept, the rest is counted and said, and nothing is claimed of it.

Nothing observed proves that something is not needed: records cover a time, and may be lost. So what
was not seen is called that, and of what no record can tell nothing is said: what one pod sends to
itself never reaches the network, and the traffic of pods on the network of their node is recorded
as the node's.

Stated as expectations, the flows of each pair of endpoints are one expectation for all its ports,
so that `podwall.suggest` writes the policies and proves them as it does for expectations that a
person wrote. What no policy with ports can keep is not stated, and said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from ipaddress import ip_network
from typing import Final, NamedTuple

from podwall.expectations import Addresses, Expectation, Selection, WorkloadId, allowed
from podwall.model import IpProtocol
from podwall.observed.flow import Fate, FlowRecords, PlacedEnds, SeenEnd, SeenFlow, Unplaced
from podwall.portset import NO_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Connection, Reachability, Verdict, WorkloadEndpoint
from podwall.reachability.matching import Match, host_match
from podwall.reachability.values import PairVerdict

__all__ = [
    "ComparedFlows",
    "FlowKey",
    "JudgedFlow",
    "NeverUsed",
    "ObservedFlow",
    "ObservedFlows",
    "StatedFlows",
    "judged",
    "never_used",
    "stated",
]


_MOST_ADDRESSES: Final = 16
"""So many single addresses outside of the cluster are kept of one flow; more are a range."""

_MOST_FLOWS: Final = 500_000
_MOST_UNPLACED: Final = 1_000


class FlowKey(NamedTuple):
    """A flow between two endpoints, by their ids, to one port (0 of `OTHER`)."""

    source: str
    destination: str
    protocol: IpProtocol
    port: int

    def __str__(self) -> str:
        """Write it as a person would ask for it."""
        port = "" if self.protocol is IpProtocol.OTHER else f" {self.port}"
        name = "ICMP" if self.protocol is IpProtocol.OTHER else str(self.protocol)
        return f"{self.source} -> {self.destination} on {name}{port}"


@dataclass(slots=True)
class ObservedFlow:
    """How often a flow passed, left and was denied, and at which addresses outside of the cluster.

    `addresses` are at most `MOST_ADDRESSES`; `more_addresses` says that there were others.
    """

    passed: int = 0
    left: int = 0
    denied: int = 0
    addresses: set[str] = field(default_factory=set)
    more_addresses: bool = False

    @property
    def seen(self) -> int:
        """How many records show it in use: those that arrived, else those that left."""
        return self.passed or (0 if self.denied else self.left)

    def count(self, flow: SeenFlow) -> None:
        """Count one record."""
        match flow.fate:
            case Fate.PASSED:
                self.passed += flow.times
            case Fate.LEFT:
                self.left += flow.times
            case Fate.DENIED:
                self.denied += flow.times

    def note_address(self, end: SeenEnd) -> None:
        """Keep the address of an end that is outside of the cluster, within limits."""
        if end.address in self.addresses:
            return
        if len(self.addresses) < _MOST_ADDRESSES:
            self.addresses.add(end.address)
        else:
            self.more_addresses = True


class ObservedFlows:
    """Flows between the endpoints of an analysis, as they were observed.

    `flows` has each with how often; `unplaced` how often an end was no endpoint; `beyond` counts
    the records that were too many to keep apart.
    """

    def __init__(self, found: Reachability) -> None:
        """Begin with nothing observed."""
        self.found = found
        self.flows: dict[FlowKey, ObservedFlow] = {}
        self.unplaced: Counter[Unplaced] = Counter()
        self.more_unplaced = 0
        self.beyond = 0
        self._ends = PlacedEnds(found)
        self._outside = frozenset(each.id for each in found.externals)

    def add(self, flow: SeenFlow) -> None:
        """Count a flow where its ends are known, else what is not known of them."""
        source, destination = self._ends.place(flow.source), self._ends.place(flow.destination)
        unplaced = [each for each in (source, destination) if isinstance(each, Unplaced)]
        for each in unplaced:
            self._count_unplaced(each, flow.times)
        if isinstance(source, Unplaced) or isinstance(destination, Unplaced):
            return
        key = FlowKey(source, destination, flow.protocol, flow.port)
        kept = self.flows.get(key)
        if kept is None:
            if len(self.flows) >= _MOST_FLOWS:
                self.beyond += flow.times
                return
            kept = self.flows[key] = ObservedFlow()
        kept.count(flow)
        for id_, end in ((source, flow.source), (destination, flow.destination)):
            if id_ in self._outside:
                kept.note_address(end)

    def _count_unplaced(self, end: Unplaced, times: int) -> None:
        if end in self.unplaced or len(self.unplaced) < _MOST_UNPLACED:
            self.unplaced[end] += times
        else:
            self.more_unplaced += times

    @property
    def is_whole(self) -> bool:
        """Whether every flow that was counted has two ends that are known."""
        return not (self.unplaced or self.more_unplaced or self.beyond)

    def in_use(self) -> Iterator[tuple[FlowKey, ObservedFlow]]:
        """Yield the flows that are in use, by source, destination and port."""
        flows = sorted(self.flows.items(), key=lambda each: each[0])
        yield from ((key, each) for key, each in flows if each.seen)


@dataclass(frozen=True, slots=True)
class JudgedFlow:
    """An observed flow, and what the analysis says of it."""

    flow: FlowKey
    seen: ObservedFlow
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class NeverUsed:
    """An open connection, the ports of it that were not seen in use, and those that were."""

    connection: Connection
    unused: PortSet
    used: PortSet


@dataclass(frozen=True, slots=True)
class ComparedFlows:
    """Observed flows, what became of their records, and both held against the analysis."""

    observed: ObservedFlows
    records: FlowRecords
    flows: tuple[JudgedFlow, ...]
    unused: tuple[NeverUsed, ...]

    @classmethod
    def of(cls, observed: ObservedFlows, records: FlowRecords) -> ComparedFlows:
        """Compare flows that were observed with the analysis of their endpoints."""
        return cls(observed, records, tuple(judged(observed)), tuple(never_used(observed)))

    @property
    def is_certain(self) -> bool:
        """Whether every flow that is in use has ends that are known, and a verdict."""
        return self.observed.is_whole and not any(self.in_use(Verdict.UNDETERMINED))

    def in_use(self, verdict: Verdict) -> Iterator[JudgedFlow]:
        """Yield the flows in use that have a verdict."""
        yield from (each for each in self.flows if each.verdict is verdict and each.seen.seen)


def judged(observed: ObservedFlows) -> Iterator[JudgedFlow]:
    """Yield each flow that was observed with the verdict on it, in order of its ends."""
    known: tuple[str, str, PairVerdict] | None = None
    outside = {each.id for each in observed.found.externals}
    for key, seen in sorted(observed.flows.items(), key=lambda each: each[0]):
        if key.source in outside and key.destination in outside:
            continue  # nothing of the cluster
        if known is None or known[:2] != key[:2]:
            known = (*key[:2], _verdicts(observed.found, *key[:2]))
        yield JudgedFlow(key, seen, _verdict(known[2], key))


def _verdicts(found: Reachability, source: str, destination: str) -> PairVerdict:
    connection = found.connection(source, destination)
    return PairVerdict(connection.allowed, connection.undetermined_ports)


def _verdict(verdicts: PairVerdict, key: FlowKey) -> Verdict:
    if verdicts.allowed.contains(key.protocol, key.port):
        return Verdict.ALLOWED
    if verdicts.undetermined.contains(key.protocol, key.port):
        return Verdict.UNDETERMINED
    return Verdict.DENIED


def never_used(observed: ObservedFlows) -> Iterator[NeverUsed]:
    """Yield what is certainly open and was not seen in use, in part or at all, by source."""
    used = _used(observed.flows)
    for connection in observed.found.connections():
        if not _can_be_recorded(connection):
            continue
        seen = used.get((connection.source_id, connection.destination_id), NO_PORTS)
        unused = (connection.allowed - seen).without_other
        if unused:
            yield NeverUsed(connection, unused, seen)


def _used(flows: Mapping[FlowKey, ObservedFlow]) -> dict[tuple[str, str], PortSet]:
    """Return the ports that are in use, by pair."""
    found: defaultdict[tuple[str, str], list[FlowKey]] = defaultdict(list)
    for key, seen in flows.items():
        if seen.seen:
            found[key.source, key.destination].append(key)
    return {pair: _ports(keys) for pair, keys in found.items()}


def _ports(keys: list[FlowKey]) -> PortSet:
    by_protocol: defaultdict[IpProtocol, list[tuple[int, int]]] = defaultdict(list)
    for each in keys:
        if each.protocol is not IpProtocol.OTHER:
            by_protocol[each.protocol].append((each.port, each.port))
    ranges = {protocol: tuple(ports) for protocol, ports in by_protocol.items()}
    return PortSet.from_ranges(
        ranges, other=any(each.protocol is IpProtocol.OTHER for each in keys)
    )


def _can_be_recorded(connection: Connection) -> bool:
    """Return whether a record would show the two ends as what they are."""
    ends = (connection.source, connection.destination)
    pods = [each for each in ends if isinstance(each, WorkloadEndpoint)]
    if connection.source == connection.destination and any(each.is_one_pod for each in pods):
        return False
    return all(host_match(each.workload) is Match.NO for each in pods)


@dataclass(frozen=True, slots=True)
class StatedFlows:
    """Expectations that state what was observed, and what is to be known of them.

    `rare` are the flows that were seen at most so often as was asked for, `left_out` how often
    something passed that is not kept, by the reason, and `silent` the workloads that no record
    shows.
    """

    expectations: tuple[Expectation, ...]
    rare: tuple[tuple[FlowKey, ObservedFlow], ...]
    left_out: Counter[str]
    silent: tuple[str, ...]
    ranges: tuple[FlowKey, ...]


def stated(observed: ObservedFlows, rare: int = 3) -> StatedFlows:
    """Return what was observed to pass as expectations.

    Args:
        observed: the flows, with the analysis that has their ends.
        rare: a flow that was seen so often at most is listed as rare; it is stated all the same.
    """
    kept: defaultdict[tuple[str, str], list[tuple[FlowKey, ObservedFlow]]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    workloads = {each.id for each in observed.found.workloads}
    for key, seen in observed.in_use():
        reason = _not_kept(key, workloads, observed.found.cluster.nodes.keys())
        if reason:
            left_out[reason] += seen.seen
        else:
            kept[key.source, key.destination].append((key, seen))
    flows = [each for pair in kept.values() for each in pair]
    shown = {id_ for pair in kept for id_ in pair}
    return StatedFlows(
        tuple(each for pair in kept.values() for each in _expectations(pair, workloads)),
        tuple((key, seen) for key, seen in flows if seen.seen <= rare),
        left_out,
        tuple(each.id for each in observed.found.workloads if each.id not in shown),
        tuple(key for key, seen in flows if seen.more_addresses),
    )


def _not_kept(key: FlowKey, workloads: set[str], nodes: AbstractSet[str]) -> str:
    """Return why no policy is written for a flow; empty where one is."""
    if key.protocol is IpProtocol.OTHER:
        return "ICMP, which no rule with ports allows"
    if not {key.source, key.destination} & workloads:
        return "traffic without a workload of the source at either end"
    if {key.source, key.destination} & nodes:
        return "traffic of nodes, whose addresses change, and which no selector means"
    return ""


def _expectations(
    flows: list[tuple[FlowKey, ObservedFlow]], workloads: set[str]
) -> Iterator[Expectation]:
    """Yield what states the flows of one pair: once, or for each set of addresses outside."""
    by_ends: defaultdict[tuple[tuple[Selection, ...], tuple[Selection, ...]], list[FlowKey]]
    by_ends = defaultdict(list)
    counts: Counter[tuple[tuple[Selection, ...], tuple[Selection, ...]]] = Counter()
    for key, seen in flows:
        ends = _end(key.source, seen, workloads), _end(key.destination, seen, workloads)
        by_ends[ends].append(key)
        counts[ends] += seen.seen
    for number, (ends, keys) in enumerate(by_ends.items(), 1):
        which = f" ({number})" if len(by_ends) > 1 else ""
        name = f"{keys[0].source} -> {keys[0].destination}{which}, seen in {counts[ends]:,}"
        yield allowed(name, *ends, [_port(each) for each in keys])


def _end(id_: str, seen: ObservedFlow, workloads: set[str]) -> tuple[Selection, ...]:
    """Return a workload, or the addresses that were seen: each, or the range that has them all."""
    if id_ in workloads:
        return (WorkloadId(id_),)
    if seen.more_addresses or not seen.addresses or len(seen.addresses) > _MOST_ADDRESSES:
        return (Addresses(ip_network(id_)),)
    return tuple(Addresses(ip_network(each)) for each in sorted(seen.addresses))


def _port(key: FlowKey) -> str:
    return f"{key.port}/{key.protocol.value.lower()}"
