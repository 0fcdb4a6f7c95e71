"""Who can reach whom as JSON, in the format `podwall/reach/v1`: whole, or as a stream of lines.

A pair of workloads or ranges that is not listed is denied. Protocols are TCP, UDP and SCTP; port
ranges are inclusive, sorted and merged, within 1 to 65535. The stream is the same document, with
one line for each workload and each connection: there may be millions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from podwall.documents import TypedDocument, about
from podwall.model import Unknown
from podwall.reachability import Connection, Reachability, WorkloadEndpoint
from podwall.reports.findings.documents import ReadingDocument
from podwall.reports.formats import (
    EngineName,
    PortsDocument,
    UndeterminedPortsDocument,
    ports_documents,
    undetermined_documents,
)
from podwall.reports.reach.rows import LineFormat, pair_lines
from podwall.streams import shown_json

__all__ = [
    "ReachDocument",
    "WorkloadDocument",
    "reach_document",
    "reach_stream",
    "workload_document",
]


class WorkloadDocument(TypedDocument):
    """Pods that are alike. Null stands for what is not known yet."""

    id: Annotated[
        str,
        about(
            "`namespace/name`, with the kind between them where two would clash; an "
            "unknown namespace is `?`."
        ),
    ]
    namespace: str | None
    name: str
    kind: str
    labels: Annotated[dict[str, str | None], about("A value that is not known yet is null.")]
    replicas: Annotated[int, Meta(ge=0)] | None


class ConnectionDocument(TypedDocument):
    """What passes between two workloads, or addresses outside the cluster as a CIDR."""

    source: str
    destination: str
    allowed: tuple[PortsDocument, ...]
    undetermined: tuple[UndeterminedPortsDocument, ...]


class ReachDocument(ReadingDocument, tag_field="format", tag="podwall/reach/v1"):
    """What `podwall reach -o json` prints: who can reach whom, and on which ports."""

    engine: EngineName
    workloads: tuple[WorkloadDocument, ...]
    connections: Annotated[
        tuple[ConnectionDocument, ...],
        about("Pairs between which something passes, or may. A pair that is not listed is denied."),
    ]


def reach_document(reachability: Reachability, **reading: Any) -> ReachDocument:
    """Return a reachability as a document, with the `reading_fields` of its source."""
    found = (each for each in reachability.connections() if each.has_ports)
    return ReachDocument(
        reachability.engine.name,
        tuple(map(workload_document, reachability.workloads)),
        tuple(_connection(each.source_id, each) for each in found),
        **reading,
    )


def workload_document(endpoint: WorkloadEndpoint) -> WorkloadDocument:
    """Return one workload as a document."""
    workload = endpoint.workload
    return WorkloadDocument(
        endpoint.id,
        _known(workload.namespace),
        workload.name,
        workload.kind,
        {key: _known(value) for key, value in workload.labels.items},
        _known(workload.replicas),
    )


def _known(value: Any) -> Any:
    """Return a value, or None where only deployment decides it."""
    return None if isinstance(value, Unknown) else value


def _connection(source_id: str, connection: Connection) -> ConnectionDocument:
    return ConnectionDocument(
        source_id,
        connection.destination_id,
        ports_documents(connection.allowed),
        undetermined_documents(connection.undetermined),
    )


_STREAMED: Final = frozenset({"format", "engine", "workloads", "connections"})


def reach_stream(reachability: Reachability, **reading: Any) -> Iterator[str]:
    """Yield the text of the document, piece by piece, with the `reading_fields` of its source."""
    bare = msgspec.to_builtins(ReachDocument(reachability.engine.name, (), (), **reading))
    yield f'{{"format": "{bare["format"]}",\n"engine": "{bare["engine"]}",\n"workloads": ['
    yield from _listed(f",\n{_json(workload_document(each))}" for each in reachability.workloads)
    yield '],\n"connections": ['
    yield from _listed(pair_lines(reachability, _FORM))
    yield "]"
    further = {key: value for key, value in bare.items() if key not in _STREAMED}
    yield from (f",\n{_json(key)}: {_json(value)}" for key, value in further.items())
    yield "}\n"


def _listed(texts: Iterator[str]) -> Iterator[str]:
    """Yield texts that begin with a comma each, without the first comma."""
    yield next(texts, "").removeprefix(",")
    yield from texts


def _beginning(source_id: str) -> str:
    return f',\n{{"source":{_json(source_id)},'


def _ending(connection: Connection) -> str:
    if not connection.has_ports:
        return ""
    return _json(_connection("", connection)).removeprefix('{"source":"",')


def _json(value: Any) -> str:
    return shown_json(msgspec.json.encode(value).decode())


_FORM: Final = LineFormat(_beginning, _ending)
