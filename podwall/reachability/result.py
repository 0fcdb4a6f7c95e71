"""The answer of an analysis: endpoints, and the connections between them as a stream.

The join knows roles; here they are expanded to endpoints, for each source all its destinations,
in order. What a role reaches is listed once for all its endpoints: 100,000 rows may share a
hundred lists.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.engines import Engine
from podwall.model import IpProtocol, Snapshot
from podwall.policies.errors import InvalidValue
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability.analysis import Analysis, Endpoints
from podwall.reachability.arrays import Csr, IntArray, is_in, spans
from podwall.reachability.cluster import SOME_OF_THESE, EnforcedCluster
from podwall.reachability.exposure import ExposedClasses, UnseenOpening, exposure
from podwall.reachability.few_arrays import np
from podwall.reachability.join import Edges
from podwall.reachability.label_conditions import can_exist
from podwall.reachability.port_table import ALL_PORTS_NUMBER
from podwall.reachability.profiles import UNISOLATED
from podwall.reachability.unseen_peers import Counted
from podwall.reachability.values import (
    EVERYTHING_PASSES,
    NOTHING_PASSES,
    AnyEndpoint,
    Connection,
    Endpoint,
    ExternalRange,
    PairVerdict,
    Undetermined,
    UnseenPods,
    Verdict,
    WorkloadEndpoint,
    is_unseen,
    read_unseen,
)

if TYPE_CHECKING:
    from podwall.reachability.causes import Causes
    from podwall.reachability.replay import PairReplay, Replay
    from podwall.reachability.unseen_causes import UnseenCauses

__all__ = ["Reachability", "Reached", "SourceRow", "SourceRows"]


_MOST_PAIRS: Final = 250_000
"""So many are listed at once, unless a single source needs more; each takes about 100 bytes."""

_MOST_SOURCES: Final = 4096
"""So many sources are listed at once, at most."""


class Reached(NamedTuple):
    """What a source role reaches: endpoints in ascending order, each with a port table's number."""

    role: int
    destinations: list[int]
    ports: list[int]


class SourceRow(NamedTuple):
    """What one source reaches. `alone`: it is one pod, which reaches itself whatever is listed."""

    source: int
    reached: Reached
    alone: bool

    @property
    def own_ports(self) -> int:
        """The number of what one pod may send to itself: everything."""
        return ALL_PORTS_NUMBER

    @property
    def itself(self) -> slice:
        """The part of the list in which the source is, or into which it belongs."""
        destinations = self.reached.destinations
        index = bisect_left(destinations, self.source)
        there = destinations[index : index + 1] == [self.source]
        return slice(index, index + there)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield each destination with the number of its ports."""
        _, destinations, ports = self.reached
        if not self.alone:
            return zip(destinations, ports, strict=True)
        itself = self.itself
        before, after = slice(itself.start), slice(itself.stop, None)
        return zip(
            [*destinations[before], self.source, *destinations[after]],
            [*ports[before], self.own_ports, *ports[after]],
            strict=True,
        )


class SourceRows:
    """The connections of an analysis, by the numbers of the endpoints."""

    def __init__(self, analysis: Analysis, ends: Endpoints) -> None:
        """Find the roles of the endpoints."""
        self._join = analysis.join
        self._ports = analysis.ports
        self._ends = ends
        join = analysis.join
        self._source_role = join.sources.of[ends.element]
        self._destination_role = join.destinations.of[ends.element]
        numbers = np.arange(len(ends.all))
        self._holders = Csr.of_pairs(self._destination_role, numbers, len(join.destinations))
        unrestricted = is_in(self._destination_role, join.destinations.unisolated)
        self._open = np.flatnonzero(unrestricted)
        self._open_inside = np.flatnonzero(unrestricted[: len(ends.workloads)])

    def pair(self, source: int, destination: int) -> PairVerdict:
        """Return what passes between two endpoints."""
        if source == destination and self._ends.all[source].is_one_pod:
            return EVERYTHING_PASSES
        if min(source, destination) >= len(self._ends.workloads):
            return NOTHING_PASSES
        start, end = self._source_role[source], self._destination_role[destination]
        return self._ports.verdict(self._join.pair(start, end))

    def blocks(self) -> Iterator[list[SourceRow]]:
        """Yield the rows of all sources in order, some at a time; one block fits into memory."""
        for numbers in self._listable(self._join.cost[self._source_role]):
            roles, firsts, role_of = np.unique(
                self._source_role[numbers], return_index=True, return_inverse=True
            )
            edges = self._join.edges(roles)
            counts = np.zeros(len(numbers), dtype=np.int64)
            counts[firsts] = self._expanded(roles, edges)
            for part in self._listable(counts):
                here, index = np.unique(role_of[part], return_inverse=True)
                found = self._reached(roles, here, edges)
                yield [
                    SourceRow(source, found[at], self._ends.all[source].is_one_pod)
                    for source, at in zip(numbers[part].tolist(), index.tolist(), strict=True)
                ]

    def _listable(self, costs: IntArray) -> Iterator[IntArray]:
        """Yield indices in ascending order, in blocks that do not cost too much to list at once."""
        total = np.cumsum(costs)
        first = 0
        while first < len(total):
            before = total[first - 1] if first else 0
            fitting = int(np.searchsorted(total, before + _MOST_PAIRS))
            end = min(max(fitting, first + 1), first + _MOST_SOURCES)
            yield np.arange(first, min(end, len(total)))
            first = end

    def _expanded(self, roles: IntArray, edges: Edges) -> IntArray:
        """Return how many endpoints each role reaches."""
        listed = self._holders.lengths[edges.destination]
        counts = np.bincount(edges.row, weights=listed, minlength=len(roles)).astype(np.int64)
        return counts + np.where(
            self._join.sources.profile[roles] == UNISOLATED, len(self._open), 0
        )

    def _reached(self, roles: IntArray, here: IntArray, edges: Edges) -> list[Reached]:
        """Return what some of the roles reach, `here` being their indices among the roles."""
        row, edge = spans(*np.searchsorted(edges.row, [here, here + 1]))
        owner, position = self._holders.gather(edges.destination[edge])
        free_row, free = self._free(roles[here])
        rows = np.concatenate([row[owner], free_row])
        destinations = np.concatenate([self._holders.items[position], free])
        ports = np.concatenate([edges.ports[edge[owner]], np.full(len(free), ALL_PORTS_NUMBER)])
        order = np.argsort(rows * len(self._ends.all) + destinations, kind="stable")
        ends, numbers = destinations[order].tolist(), ports[order].tolist()
        cuts = np.searchsorted(rows[order], np.arange(len(here) + 1)).tolist()
        return [
            Reached(role, ends[start:end], numbers[start:end])
            for role, start, end in zip(roles[here].tolist(), cuts, cuts[1:], strict=False)
        ]

    def _free(self, roles: IntArray) -> tuple[IntArray, IntArray]:
        """Return what unisolated roles reach beside their edges: index of the role, endpoint."""
        sources = self._join.sources
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
        for outside, ends in enumerate((self._open, self._open_inside)):
            asked = (sources.profile[roles] == UNISOLATED) & (sources.outside[roles] == outside)
            indices = np.flatnonzero(asked)
            found.append((np.repeat(indices, len(ends)), np.tile(ends, len(indices))))
        rows, destinations = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(destinations)


class Reachability:
    """Who can reach whom, in one snapshot under one engine.

    Made by `reachability`. Pairs are never all held in memory: `connections` streams them.
    """

    def __init__(self, analysis: Analysis) -> None:
        """Keep the analysis; endpoints and connections are made when asked for."""
        self._analysis = analysis
        self._sole: dict[str, tuple[WorkloadEndpoint, int]] = {}

    @property
    def analysis(self) -> Analysis:
        """The analysis in classes, atoms and roles, for readers of all pairs at once."""
        return self._analysis

    @property
    def snapshot(self) -> Snapshot:
        """What was analysed."""
        return self._analysis.cluster.snapshot

    @property
    def engine(self) -> Engine:
        """The network policy engine that was assumed."""
        return self._analysis.cluster.engine

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints: the workloads by id, then the external ranges by address."""
        return self._ends.all

    @property
    def workloads(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads, by id."""
        return self._ends.workloads

    @property
    def externals(self) -> tuple[ExternalRange, ...]:
        """The ranges outside the cluster that no ip block tells apart, both families."""
        return self._ends.externals

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return the endpoint with an id.

        Raises:
            InvalidValue: there is none; the help names the nearest id.
        """
        if (sole := self._sole_workload(endpoint_id)) is not None:
            return sole[0]
        return self._ends.all[self._ends.number(endpoint_id)]

    def _sole_workload(self, full_name: str) -> tuple[WorkloadEndpoint, int] | None:
        """Return the only workload of a name and its class, while nobody asked for all ids."""
        if "_ends" in vars(self) or full_name.count("/") != 1:
            return None
        if full_name not in self._sole:
            name = full_name.partition("/")[2]
            workloads = self._analysis.cluster.workloads
            alike = [number for number, each in enumerate(workloads) if each.name == name]
            found = [each for each in alike if workloads[each].full_name == full_name]
            if len(found) != 1:
                return None
            element = int(self._analysis.classes.of_workload[found[0]])
            self._sole[full_name] = WorkloadEndpoint(full_name, workloads[found[0]]), element
        return self._sole[full_name]

    def any_endpoint(self, endpoint_id: str) -> AnyEndpoint:
        """Return the endpoint with an id, or unseen pods (`shop/any:role=batch`), or a node.

        A node is meant by one of its addresses (`10.224.0.4`).

        Raises:
            InvalidValue: there is none; the help names the nearest id.
        """
        if is_unseen(endpoint_id):
            return self._unseen(endpoint_id)
        return self.cluster.nodes.get(endpoint_id) or self.endpoint(endpoint_id)

    def _unseen(self, pods_id: str) -> UnseenPods:
        """Return the unseen pods with an id; nobody can be asked about who can't exist."""
        shown = self.cluster.shown_namespaces
        pods = read_unseen(pods_id, shown)
        if not can_exist(pods, shown):
            raise InvalidValue(
                f"no pod can be `{pods_id}`",
                help="labels contradict each other, or the namespace is shown: `shop/any:app=web`",
                value=pods_id,
            )
        return pods

    def connection(self, source_id: str, destination_id: str) -> Connection:
        """Return what may pass between two endpoints, which may be nothing.

        Of unseen pods it is what passes all of them; what passes some of them is undetermined.

        Raises:
            InvalidValue: there is no such endpoint.
        """
        named = (source_id, destination_id)
        if any(is_unseen(each) or each in self.cluster.nodes for each in named):
            replay = self.replay(source_id, destination_id)
            ends = (replay.source, replay.destination)
            return Connection(*ends, replay.allowed.must, replay.undetermined())
        if (found := self._sole_connection(source_id, destination_id)) is not None:
            return found
        source, destination = self._ends.number(source_id), self._ends.number(destination_id)
        return self._connection(source, destination, self._rows.pair(source, destination))

    def _sole_connection(self, source_id: str, destination_id: str) -> Connection | None:
        """Return what passes between two workloads, None where that asks for more than them."""
        one, other = self._sole_workload(source_id), self._sole_workload(destination_id)
        if one is None or other is None:
            return None
        if source_id == destination_id and one[0].is_one_pod:
            return Connection(one[0], other[0], EVERYTHING_PASSES.allowed)
        join = self._analysis.join
        roles = int(join.sources.of[one[1]]), int(join.destinations.of[other[1]])
        verdict = self._analysis.ports.verdict(join.pair(*roles))
        return None if verdict.undetermined else Connection(one[0], other[0], verdict.allowed)

    def connections(self) -> Iterator[Connection]:
        """Yield every pair between which something passes, or may, by source, then destination.

        A pair that is not yielded is denied. Pairs of external ranges are not among them.
        """
        for row in chain.from_iterable(self.blocks()):
            yield from self._connections(row)

    def _connections(self, row: SourceRow) -> Iterator[Connection]:
        pairs = list(row.pairs())
        doubted = [end for end, ports in pairs if self.is_undetermined(ports)]
        causes = iter(self.causes.of(row.source, doubted) if doubted else ())
        for end, ports in pairs:
            because = next(causes) if self.is_undetermined(ports) else None
            yield self.connection_on(row.source, end, ports, because)

    def blocks(self) -> Iterator[list[SourceRow]]:
        """Yield the same connections in numbers, row by row, for readers of very many.

        The numbers of endpoints are their indices in `endpoints`; `connection_on` takes them.
        Rows of sources that nothing tells apart share what they reach.
        """
        return self._rows.blocks()

    def connection_on(
        self, source: int, destination: int, ports: int, causes: int | None = None
    ) -> Connection:
        """Return the connection that a row has in numbers; `causes` is a number into `causes`."""
        verdict = self._analysis.ports.verdict(ports)
        if causes is None:
            return self._connection(source, destination, verdict)
        ends = self._ends.all
        return Connection(ends[source], ends[destination], verdict.allowed, self.causes[causes])

    def is_undetermined(self, ports: int) -> bool:
        """Return whether ports that a row has in numbers are undetermined, if only in part."""
        return bool(self._analysis.ports.verdict(ports).undetermined)

    @property
    def is_certain(self) -> bool:
        """Whether every verdict is allowed or denied."""
        if self._analysis.ports.certain:
            return True
        return not any(map(self._is_in_doubt, chain.from_iterable(self.blocks())))

    def _is_in_doubt(self, row: SourceRow) -> bool:
        """Return whether anything that a row has is undetermined; few numbers of ports differ."""
        doubted = {each for each in set(row.reached.ports) if self.is_undetermined(each)}
        if row.alone and doubted:
            return any(ports in doubted for _, ports in row.pairs())
        return bool(doubted)

    def verdict(
        self, source_id: str, destination_id: str, protocol: IpProtocol, port: int
    ) -> Verdict:
        """Return the verdict on one flow.

        Raises:
            InvalidValue: there is no such endpoint.
        """
        source, destination = self._ends.number(source_id), self._ends.number(destination_id)
        allowed, undetermined = self._rows.pair(source, destination)
        if allowed.contains(protocol, port):
            return Verdict.ALLOWED
        doubtful = undetermined.contains(protocol, port)
        return Verdict.UNDETERMINED if doubtful else Verdict.DENIED

    def replay(self, source_id: str, destination_id: str) -> PairReplay:
        """Return what every policy and rule says about one pair of endpoints.

        The replay of a workload with itself is that of two different pods.

        Raises:
            InvalidValue: there is no such endpoint.
        """
        ends = (self.any_endpoint(each) for each in (source_id, destination_id))
        return self._replay.pair(*ends)

    @property
    def is_closed(self) -> bool:
        """Whether there are no pods but those that the source shows: it is a whole cluster."""
        return self.snapshot.complete

    def exposure(self, workload_id: str, direction: Direction) -> tuple[Connection, ...]:
        """Return which unseen pods may connect to a workload, or for egress it to them.

        Pods that a class of another connection contains, with the same ports, are not listed. There
        are none in a closed source.

        Raises:
            InvalidValue: there is no such workload.
        """
        number = self._ends.number(workload_id)
        if self.is_closed or number >= len(self.workloads):
            return ()
        return tuple(self._exposure_of(number, direction))

    def exposures(self) -> Iterator[Connection]:
        """Yield the connections with unseen pods: of each workload by id, ingress before egress."""
        for number in range(0 if self.is_closed else len(self.workloads)):
            for direction in Direction:
                yield from self._exposure_of(number, direction)

    def _exposure_of(self, number: int, direction: Direction) -> Iterator[Connection]:
        exposed = self.exposed_classes[direction]
        group = int(exposed.of[self._ends.element[number]])
        for each in exposed.openings(group):
            yield self._unseen_connection(number, direction, each)

    def doubts_about(
        self, element: int, direction: Direction, pods: UnseenPods, left: PortSet
    ) -> tuple[str, ...]:
        """Return why ports that are `left` between a class of pods and unseen pods are open."""
        parts = self._unseen_causes.about(element, direction, pods.one(), left)
        causes = chain.from_iterable(each.because.split("; ") for each in parts)
        return tuple(dict.fromkeys(each for each in causes if each != SOME_OF_THESE))

    @cached_property
    def exposed_classes(self) -> dict[Direction, ExposedClasses]:
        """The exposure of classes of pods, for readers of very many workloads."""
        return exposure(self._analysis)

    @cached_property
    def admitted_classes(self) -> dict[Direction, ExposedClasses]:
        """The same with twins: everything that is admitted, for readers that compare."""
        return exposure(self._analysis, Counted.EVERY_POD, self.exposed_classes)

    def _unseen_connection(
        self, workload: int, direction: Direction, opening: UnseenOpening
    ) -> Connection:
        here, ports = self.workloads[workload], opening.ports
        ends: tuple[AnyEndpoint, AnyEndpoint] = (opening.pods, here)
        if direction is Direction.EGRESS:
            ends = (here, opening.pods)
        because: tuple[Undetermined, ...] = ()
        if not ports.certain:
            because = self._unseen_causes.of(int(self._ends.element[workload]), direction, opening)
        return Connection(*ends, ports.must, because)

    @cached_property
    def _unseen_causes(self) -> UnseenCauses:
        from podwall.reachability.unseen_causes import UnseenCauses  # noqa: PLC0415 - where all is certain

        return UnseenCauses(self._analysis, self._ends, self._replay, self.causes)

    @property
    def cluster(self) -> EnforcedCluster:
        """The snapshot as the engine reads it."""
        return self._analysis.cluster

    @property
    def ends(self) -> Endpoints:
        """The endpoints with their elements, for readers of all pairs at once."""
        return self._ends

    @cached_property
    def _ends(self) -> Endpoints:
        found = self._analysis
        return Endpoints(found.cluster.workloads, found.classes, found.addresses)

    @cached_property
    def _rows(self) -> SourceRows:
        return SourceRows(self._analysis, self._ends)

    @cached_property
    def _replay(self) -> Replay:
        from podwall.reachability.replay import Replay  # noqa: PLC0415 - as above

        return Replay(self._analysis.cluster)

    @cached_property
    def causes(self) -> Causes:
        """Why pairs of endpoints are undetermined, for readers of very many."""
        from podwall.reachability.causes import Causes  # noqa: PLC0415 - as above

        return Causes(self._analysis, self._ends, self._replay)

    def _connection(self, source: int, destination: int, verdict: PairVerdict) -> Connection:
        ends = self._ends.all
        if not verdict.undetermined:
            return Connection(ends[source], ends[destination], verdict.allowed)
        (number,) = self.causes.of(source, [destination])
        return Connection(ends[source], ends[destination], verdict.allowed, self.causes[number])
