"""Whether an analysis fulfils expectations, the flow that decides where not, and the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from podwall.expectations.expectation import (
    ANYTHING,
    Anything,
    Expectation,
    Kind,
    Outcome,
    Outside,
    Result,
    Selection,
    WorkloadId,
)
from podwall.expectations.selecting import (
    KnownEnds,
    SelectedEndpoints,
    UnseenSelection,
    closing,
    has_ipv6,
    in_shown_names,
    is_real,
    selected,
)
from podwall.explain import explain_ports, ports_at
from podwall.policies.errors import Finding, Severity
from podwall.policies.rules import Direction
from podwall.policies.wording import guess
from podwall.portset import TRANSPORT_PORTS, PortSet
from podwall.reachability import Connection, Reachability
from podwall.reachability.values import (
    AnyEndpoint,
    Endpoint,
    ExternalRange,
    NodeEndpoint,
    UnseenPods,
)

__all__ = [
    "check",
    "unmet",
]

_LINK: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def unmet(results: Iterable[Result]) -> Iterator[Finding]:
    """Yield an error for each broken expectation, and a warning for each uncertain one."""
    for result in results:
        if result.outcome is not Outcome.PASS:
            yield _finding(result)


def _finding(result: Result) -> Finding:
    broken = result.outcome is Outcome.FAIL
    what = "is broken" if broken else "may be broken"
    return Finding(
        "expectation-broken" if broken else "expectation-undetermined",
        Severity.ERROR if broken else Severity.WARNING,
        f"the expectation `{result.expectation.name}` {what}: {result.reason}",
        replace(result.expectation.place, path=""),
        "change the policies, or what is expected",
        _LINK,
    )


_FEW: Final = 20_000
"""So many pairs are looked up one by one; for more, all connections are read once."""


def check(found: Reachability, expectations: Iterable[Expectation]) -> tuple[Result, ...]:
    """Return what becomes of each expectation under an analysis, in order."""
    known = KnownEnds((*found.endpoints, *found.cluster.nodes.values()))
    real = KnownEnds(end for end in known.all if is_real(end, found.cluster))
    shown, listed = in_shown_names(found), tuple(expectations)
    results = (_Check(found, known, real, shown(each)).result() for each in listed)
    return tuple(
        replace(result, expectation=each) for result, each in zip(results, listed, strict=True)
    )


class _Flow(NamedTuple):
    """A pair and the ports on it that are not as expected; `sure` unless that is not certain."""

    source: AnyEndpoint
    destination: AnyEndpoint
    ports: PortSet
    sure: bool

    @property
    def unseen(self) -> UnseenPods | None:
        """The unseen pods at one of the ends."""
        ends = (self.source, self.destination)
        return next((each for each in ends if isinstance(each, UnseenPods)), None)


class _Check:
    """Checks one expectation."""

    def __init__(
        self, found: Reachability, ends: KnownEnds, real_ends: KnownEnds, expectation: Expectation
    ) -> None:
        self._found = found
        self._known = ends
        self._real_ends = real_ends
        self._expectation = expectation
        self._sources = self._selected(expectation.sources)
        self._destinations = self._selected(expectation.destinations)

    def _selected(self, selections: Sequence[Selection]) -> SelectedEndpoints:
        cluster = self._found.cluster
        ends = self._known.meant_at_most(selections)
        ipv6, nodes = has_ipv6(cluster.engine), cluster.node_ranges
        return selected(selections, ends, ipv6=ipv6, nodes=nodes)

    def result(self) -> Result:
        """Return what becomes of the expectation."""
        expectation = self._expectation
        missing = self._missing()
        if missing and not expectation.may_be_empty:
            return Result(expectation, Outcome.FAIL, missing)
        doubtful: _Flow | None = None
        for flow in chain(() if missing else self._flows(), self._unseen_flows()):
            if flow.sure:
                return self._broken(flow, Outcome.FAIL)
            doubtful = doubtful or flow
        if doubtful is not None:
            return self._broken(doubtful, Outcome.UNDETERMINED)
        reason = f"{missing}, which it may" if missing else "as expected"
        return Result(expectation, Outcome.PASS, reason)

    def _missing(self) -> str:
        """Return what selects nothing at all, in words."""
        sides = (
            ("from", self._expectation.sources, self._sources),
            ("to", self._expectation.destinations, self._destinations),
        )
        for side, selections, ends in sides:
            for each in selections:
                alone = ends if len(selections) == 1 else self._selected((each,))
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
        return self._real_ends.with_ids(ends.all)

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
        everything = self._selected((ANYTHING,)).all
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

    def _unseen_flows(self) -> Iterator[_Flow]:
        """Yield what passes between a workload and unseen pods, or does not, against the intent."""
        if self._found.is_closed:
            return
        shown, stated = self._found.cluster.shown_namespaces, self._expectation
        sources = UnseenSelection(stated.sources, shown)
        destinations = UnseenSelection(stated.destinations, shown)
        match stated.kind:
            case Kind.DENIED:
                yield from self._unseen_open(Direction.INGRESS, self._destinations, sources.among)
                yield from self._unseen_open(Direction.EGRESS, self._sources, destinations.among)
            case Kind.ONLY:
                yield from self._unseen_open(
                    Direction.INGRESS, self._destinations, sources.not_among
                )
                yield from self._unseen_open(Direction.EGRESS, self._others(), destinations.among)
            case Kind.ALLOWED:
                yield from self._unseen_closed(Direction.INGRESS, self._destinations)
                yield from self._unseen_closed(Direction.EGRESS, self._sources)

    def _unseen_open(
        self,
        direction: Direction,
        ends: SelectedEndpoints,
        parts: Callable[[UnseenPods], Iterator[UnseenPods]],
    ) -> Iterator[_Flow]:
        """Yield what passes, or may, between workloads and some parts of the unseen pods."""
        for end in self._ends(ends):
            for connection in self._found.exposure(end.id, direction):
                pods = connection.unseen
                assert pods is not None
                wanted = self._wanted(end if direction is Direction.INGRESS else pods)
                passing = connection.allowed & wanted
                perhaps = connection.undetermined_ports & wanted
                sure = passing if direction is Direction.INGRESS else passing & self._numbers()
                for part in parts(pods) if passing or perhaps else ():
                    flow = _between(end, part.one(), direction, sure or passing or perhaps)
                    yield flow._replace(sure=end.id in ends.certain and bool(sure))

    def _unseen_closed(self, direction: Direction, ends: SelectedEndpoints) -> Iterator[_Flow]:
        """Yield unseen pods that everything means, and for which something does not pass."""
        ingress = direction is Direction.INGRESS
        stated = self._expectation.sources if ingress else self._expectation.destinations
        everyone = [each for each in stated if isinstance(each, Anything | Outside)]
        pods = list(UnseenSelection(everyone, self._found.cluster.shown_namespaces).all())
        for end in self._ends(ends):
            for each in pods:
                ids = (each.id, end.id) if ingress else (end.id, each.id)
                connection = self._found.connection(*ids)
                wanted = self._wanted(end) if ingress else self._numbers()
                perhaps = connection.undetermined_ports & wanted
                missing = wanted - connection.allowed
                if missing:
                    sure = bool(missing - perhaps) and end.id in ends.certain
                    flow = _between(end, each, direction, missing - perhaps or perhaps)
                    yield flow._replace(sure=sure)

    def _flow(self, connection: Connection, ports: PortSet, sources: SelectedEndpoints) -> _Flow:
        certain = connection.source_id in sources.certain
        certain = certain and connection.destination_id in self._destinations.certain
        return _Flow(connection.source, connection.destination, ports, certain)

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
        nodes = self._found.cluster.nodes.keys()
        if len(these) * len(those) <= _FEW or nodes & (these | those):
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

    def _numbers(self) -> PortSet:
        """Return the ports that count at any destination: those that are given by number.

        Whether an unseen pod gives a name to one of its ports is not known.
        """
        ports = self._expectation.ports
        return ports_at(ports, self._found.externals[0]) if ports else TRANSPORT_PORTS

    def _wanted(self, destination: AnyEndpoint) -> PortSet:
        """Return the ports that count at a destination."""
        ports = self._expectation.ports
        return ports_at(ports, destination) if ports else TRANSPORT_PORTS

    def _broken(self, flow: _Flow, outcome: Outcome) -> Result:
        explanation = explain_ports(self._found, flow.source.id, flow.destination.id, flow.ports)
        passes = explanation.verdict != "denied"
        ports = str(flow.ports)
        if flow.ports == TRANSPORT_PORTS:
            ports = "all ports" if passes else "any port"
        reason = f"{_verb(flow, passes=passes)} on {ports}"
        remedy = closing(explanation) if flow.unseen and passes else ""
        return Result(self._expectation, outcome, reason, explanation, remedy)


def _between(end: Endpoint, pods: UnseenPods, direction: Direction, ports: PortSet) -> _Flow:
    if direction is Direction.INGRESS:
        return _Flow(pods, end, ports, sure=True)
    return _Flow(end, pods, ports, sure=True)


def _verb(flow: _Flow, *, passes: bool) -> str:
    """Return what passes a flow, or does not, as a sentence."""
    source, destination = (_name(each) for each in (flow.source, flow.destination))
    sure = "" if flow.sure else "perhaps "
    if flow.unseen:
        return f"{source} could {sure}{'' if passes else 'not '}reach {destination}"
    return f"{source} {sure}{'reaches' if passes else 'does not reach'} {destination}"


def _name(end: AnyEndpoint) -> str:
    return str(end) if isinstance(end, UnseenPods) else end.id


def _outside(end: Endpoint) -> bool:
    return isinstance(end, ExternalRange | NodeEndpoint)


def _nothing(selection: Selection, found: Reachability) -> str:
    """Return why a selection means nothing, with the nearest that there is."""
    if not isinstance(selection, WorkloadId):
        return f"there are no {selection}"
    return no_such_workload(selection.id, found)


def no_such_workload(name: str, found: Reachability) -> str:
    """Return the message for the name of a workload that is not there, with the nearest one."""
    near = guess(name, (each.id for each in found.workloads))
    return f"there is no workload `{name}`{near and f', {near}'}"
