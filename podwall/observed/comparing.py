"""Observed flows against an analysis: what is used and denied, and what is open and never used.

Nothing observed proves that something is not needed: records cover a time, and may be lost. So what
was not seen is called that, and of what no record can tell nothing is said: what one pod sends to
itself never reaches the network, and the traffic of pods on the network of their node is recorded
as the node's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podwall.model import IpProtocol
from podwall.observed.records import FlowRecords
from podwall.observed.tally import FlowKey, ObservedFlow, ObservedFlows
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import (
    Connection,
    Reachability,
    Verdict,
    WorkloadEndpoint,
)
from podwall.reachability.matching import Match, host_match
from podwall.reachability.values import PairVerdict

__all__ = ["ComparedFlows", "JudgedFlow", "NeverUsed", "judged", "never_used"]


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
