"""Whether an analysis fulfils expectations, and the flow that decides where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from podwall.expectations.expectation import (
    ANYTHING,
    Expectation,
    Kind,
    Outcome,
    Result,
    Selection,
    WorkloadId,
)
from podwall.expectations.selecting import SelectedEndpoints, is_real, selected
from podwall.explain import explain_ports, ports_at
from podwall.policies.wording import guess
from podwall.portset import TRANSPORT_PORTS, PortSet
from podwall.reachability import Connection, Reachability
from podwall.reachability.values import Endpoint, ExternalRange

__all__ = ["check"]

_FEW: Final = 20_000
"""So many pairs are looked up one by one; for more, all connections are read once."""


def check(found: Reachability, expectations: Iterable[Expectation]) -> tuple[Result, ...]:
    """Return what becomes of each expectation under an analysis, in order."""
    real = [end for end in found.endpoints if is_real(end, found.cluster)]
    return tuple(_Check(found, real, each).result() for each in expectations)


class _Flow(NamedTuple):
    """A pair and the ports on it that are not as expected; `sure` unless that is not certain."""

    source: str
    destination: str
    ports: PortSet
    sure: bool


class _Check:
    """Checks one expectation."""

    def __init__(
        self, found: Reachability, real_ends: Sequence[Endpoint], expectation: Expectation
    ) -> None:
        self._found = found
        self._real_ends = real_ends
        self._expectation = expectation
        self._sources = selected(expectation.sources, found.endpoints)
        self._destinations = selected(expectation.destinations, found.endpoints)

    def result(self) -> Result:
        """Return what becomes of the expectation."""
        expectation = self._expectation
        missing = self._missing()
        if missing and expectation.may_be_empty:
            return Result(expectation, Outcome.PASS, f"{missing}, which it may")
        if missing:
            return Result(expectation, Outcome.FAIL, missing)
        doubtful: _Flow | None = None
        for flow in self._flows():
            if flow.sure:
                return self._broken(flow, Outcome.FAIL)
            doubtful = doubtful or flow
        if doubtful is not None:
            return self._broken(doubtful, Outcome.UNDETERMINED)
        return Result(expectation, Outcome.PASS, "as expected")

    def _missing(self) -> str:
        """Return what selects nothing at all, in words."""
        sides = (
            ("from", self._expectation.sources, self._sources),
            ("to", self._expectation.destinations, self._destinations),
        )
        for side, selections, ends in sides:
            for each in selections:
                alone = ends if len(selections) == 1 else selected((each,), self._found.endpoints)
                if not alone.all:
                    return f"`{side}` selects nothing: {_nothing(each, self._found)}"
            if not any(self._ends(ends)):
                return f"`{side}` selects nothing: no traffic has an address of these ranges"
        if not any(self._wanted(end) for end in self._ends(self._destinations)):
            return f"no destination has a port `{', '.join(self._expectation.ports)}`"
        return "" if self._expectation.kind is Kind.ONLY else self._no_pair()

    def _no_pair(self) -> str:
        """Return why there is no pair to check, in words."""
        sources, destinations = (
            list(self._ends(self._sources)),
            list(self._ends(self._destinations)),
        )
        for source in sources:
            for destination in destinations:
                if source.id != destination.id and not (_outside(source) and _outside(destination)):
                    return ""
        if _outside(sources[0]):
            return "both ends are outside the cluster, where no policy applies"
        return f"`{sources[0].id}` is not asked about itself: a pod always reaches itself"

    def _ends(self, ends: SelectedEndpoints) -> Iterator[Endpoint]:
        these = ends.all
        return (end for end in self._real_ends if end.id in these)

    def _flows(self) -> Iterator[_Flow]:
        """Yield the pairs that are not as expected, or may not be."""
        match self._expectation.kind:
            case Kind.ALLOWED:
                yield from self._closed(self._sources)
            case Kind.DENIED:
                yield from self._open(self._sources)
            case Kind.ONLY:
                yield from self._open(self._others())
                yield from self._closed(self._sources)

    def _others(self) -> SelectedEndpoints:
        """Return everything that is not among the sources, for certain or perhaps."""
        everything = selected((ANYTHING,), self._found.endpoints).all
        return SelectedEndpoints(everything - self._sources.all, self._sources.perhaps)

    def _open(self, sources: SelectedEndpoints) -> Iterator[_Flow]:
        """Yield what passes, or may, although it must not."""
        for connection, wanted in self._pairs(self._passing(sources)):
            passing = connection.allowed & wanted
            perhaps = connection.undetermined_ports & wanted
            if passing:
                yield self._flow(connection, passing, sources)
            elif perhaps:
                yield self._flow(connection, perhaps, sources)._replace(sure=False)

    def _closed(self, sources: SelectedEndpoints) -> Iterator[_Flow]:
        """Yield what does not pass, or may not, although it must."""
        anyhow = not self._expectation.ports
        for connection, wanted in self._pairs(self._every(sources)):
            if anyhow and connection.allowed & wanted:
                continue
            missing = wanted - connection.allowed
            perhaps = connection.undetermined_ports & wanted
            sure = not perhaps if anyhow else bool(missing - perhaps)
            if missing:
                ports = missing - perhaps if sure else perhaps
                flow = self._flow(connection, ports, sources)
                yield flow if sure else flow._replace(sure=False)

    def _flow(self, connection: Connection, ports: PortSet, sources: SelectedEndpoints) -> _Flow:
        source, destination = connection.source_id, connection.destination_id
        certain = source in sources.certain and destination in self._destinations.certain
        return _Flow(source, destination, ports, certain)

    def _pairs(self, connections: Iterable[Connection]) -> Iterator[tuple[Connection, PortSet]]:
        """Yield connections with the ports that count."""
        wanted = {end.id: self._wanted(end) for end in self._ends(self._destinations)}
        for connection in connections:
            ports = wanted[connection.destination_id]
            if ports and connection.source != connection.destination:
                yield connection, ports

    def _passing(self, sources: SelectedEndpoints) -> Iterator[Connection]:
        """Yield at least the connections on which something passes, or may."""
        these, those = (
            {end.id for end in self._ends(each)} for each in (sources, self._destinations)
        )
        if len(these) * len(those) <= _FEW:
            yield from self._every(sources)
            return
        for each in self._found.connections():
            if each.source_id in these and each.destination_id in those:
                yield each

    def _every(self, sources: SelectedEndpoints) -> Iterator[Connection]:
        """Yield every connection, those on which nothing passes included."""
        for source in self._ends(sources):
            for destination in self._ends(self._destinations):
                if not (_outside(source) and _outside(destination)):
                    yield self._found.connection(source.id, destination.id)

    def _wanted(self, destination: Endpoint) -> PortSet:
        """Return the ports that count at a destination."""
        ports = self._expectation.ports
        return ports_at(ports, destination) if ports else TRANSPORT_PORTS

    def _broken(self, flow: _Flow, outcome: Outcome) -> Result:
        explanation = explain_ports(self._found, flow.source, flow.destination, flow.ports)
        sure = "" if flow.sure else "perhaps "
        verb = "reaches" if explanation.verdict != "denied" else "does not reach"
        ports = str(flow.ports)
        if flow.ports == TRANSPORT_PORTS:
            ports = "all ports" if explanation.verdict != "denied" else "any port"
        reason = f"{flow.source} {sure}{verb} {flow.destination} on {ports}"
        return Result(self._expectation, outcome, reason, explanation)


def _outside(end: Endpoint) -> bool:
    return isinstance(end, ExternalRange)


def _nothing(selection: Selection, found: Reachability) -> str:
    """Return why a selection means nothing, with the nearest that there is."""
    if not isinstance(selection, WorkloadId):
        return f"there are no {selection}"
    return no_such_workload(selection.id, found)


def no_such_workload(name: str, found: Reachability) -> str:
    """Return the message for the name of a workload that is not there, with the nearest one."""
    near = guess(name, (each.id for each in found.workloads))
    return f"there is no workload `{name}`{near and f', {near}'}"
