"""Observed flows, counted by the endpoints and the port: what is kept is bounded.

Millions of records are a few thousand flows between workloads. Where they are more than can be
kept, the rest is counted and said, and nothing is claimed of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from podwall.model import IpProtocol
from podwall.observed.ends import PlacedEnds, Unplaced
from podwall.observed.flow import Fate, SeenEnd, SeenFlow
from podwall.reachability import Reachability

__all__ = ["MOST_ADDRESSES", "FlowKey", "ObservedFlow", "ObservedFlows"]

MOST_ADDRESSES: Final = 16
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
        if len(self.addresses) < MOST_ADDRESSES:
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
