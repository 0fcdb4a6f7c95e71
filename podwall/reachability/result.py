"""The answer of an analysis: endpoints, and the connections between them as a stream."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from podwall.portset import PortSet
from podwall.reachability.endpoints import Endpoints
from podwall.reachability.replay import Replay
from podwall.reachability.rows import Rows
from podwall.reachability.values import (
    Connection,
    Endpoint,
    ExternalRange,
    Undetermined,
    Verdict,
    WorkloadEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.engines import Engine
    from podwall.model import Protocol, Snapshot
    from podwall.reachability.analysis import Analysis
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.replayed import PairReplay
    from podwall.reachability.rows import Row

__all__ = ["Reachability"]


class Reachability:
    """Who can reach whom, in one snapshot under one engine.

    Made by `reachability`. Pairs are never all held in memory: `connections` streams them.
    """

    def __init__(self, analysis: Analysis) -> None:
        """Keep the analysis; endpoints and connections are made when asked for."""
        self._analysis = analysis
        self._causes: dict[tuple[int, int], tuple[Undetermined, ...]] = {}

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
        return self._ends.all[self._ends.number(endpoint_id)]

    def connection(self, source_id: str, destination_id: str) -> Connection:
        """Return what may pass between two endpoints, which may be nothing.

        Raises:
            InvalidValue: there is no such endpoint.
        """
        source, destination = self._ends.number(source_id), self._ends.number(destination_id)
        allowed, undetermined = self._rows.pair(source, destination)
        return self._connection(source, destination, allowed, undetermined)

    def connections(self) -> Iterator[Connection]:
        """Yield every pair between which something passes, or may, by source, then destination.

        A pair that is not yielded is denied. Connections between external ranges are not told.
        """
        for row in chain.from_iterable(self.blocks()):
            for destination, ports in row.pairs():
                yield self.connection_on(row.source, destination, ports)

    def blocks(self) -> Iterator[list[Row]]:
        """Yield the same connections in numbers, row by row, for readers of very many.

        The numbers of endpoints are their places in `endpoints`; `connection_on` takes them. Rows
        of sources that nothing tells apart share what they reach.
        """
        return self._rows.blocks()

    def connection_on(self, source: int, destination: int, ports: int) -> Connection:
        """Return the connection that a row tells in numbers."""
        return self._connection(source, destination, *self._analysis.ports.port_sets(ports))

    @property
    def is_certain(self) -> bool:
        """Whether every verdict is allowed or denied."""
        if self._analysis.ports.certain:
            return True
        return not any(each.undetermined for each in self.connections())

    def verdict(
        self, source_id: str, destination_id: str, protocol: Protocol, port: int
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
        return self._replay.pair(self.endpoint(source_id), self.endpoint(destination_id))

    @property
    def cluster(self) -> Cluster:
        """The snapshot as the engine reads it."""
        return self._analysis.cluster

    @property
    def ends(self) -> Endpoints:
        """The endpoints with their elements, for readers of all pairs at once."""
        return self._ends

    @cached_property
    def _ends(self) -> Endpoints:
        return Endpoints(
            self._analysis.cluster.workloads, self._analysis.classes, self._analysis.addresses
        )

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self._analysis, self._ends)

    @cached_property
    def _replay(self) -> Replay:
        return Replay(self._analysis.cluster)

    def _connection(
        self, source: int, destination: int, allowed: PortSet, undetermined: PortSet
    ) -> Connection:
        ends = self._ends.all
        because = self._because(source, destination) if undetermined else ()
        return Connection(ends[source], ends[destination], allowed, because)

    def _because(self, source: int, destination: int) -> tuple[Undetermined, ...]:
        """Return the undetermined ports with their causes, found once for a pair of classes."""
        element = self._ends.element
        key = (int(element[source]), int(element[destination]))
        if key not in self._causes:
            pair = self._replay.pair(self._ends.all[source], self._ends.all[destination])
            self._causes[key] = pair.undetermined()
        return self._causes[key]
