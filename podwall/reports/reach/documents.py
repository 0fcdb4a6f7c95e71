"""Who can reach whom as JSON, in the format `podwall/reach/v1`: whole, or as a stream of lines.

A pair of workloads or ranges that is not listed is denied. Protocols are TCP, UDP and SCTP; port
ranges are inclusive, sorted and merged, within 1 to 65535. The stream is the same document, with
one line for each workload and each connection: there may be millions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from podwall.model import LabelMap, Unknown
from podwall.reachability import Connection, Reachability, WorkloadEndpoint
from podwall.reports.formats import port_documents
from podwall.reports.reach.rows import LineFormat, pair_lines

__all__ = ["FORMAT", "connection_document", "reach_document", "reach_stream", "workload_document"]


FORMAT: Final = "podwall/reach/v1"


def reach_document(reachability: Reachability) -> dict[str, Any]:
    """Return a reachability as a JSON document."""
    found = (each for each in reachability.connections() if each.has_ports)
    return {
        "format": FORMAT,
        "engine": reachability.engine.name,
        "workloads": [workload_document(each) for each in reachability.workloads],
        "connections": [connection_document(each) for each in found],
    }


def workload_document(endpoint: WorkloadEndpoint) -> dict[str, Any]:
    """Return one workload as a JSON object."""
    workload = endpoint.workload
    return {
        "id": endpoint.id,
        "namespace": _known(workload.namespace),
        "name": workload.name,
        "kind": workload.kind,
        "labels": _labels(workload.labels),
        "replicas": _known(workload.replicas),
    }


def _labels(labels: LabelMap) -> dict[str, str | None]:
    return {key: _known(value) for key, value in labels.items}


def _known(value: Any) -> Any:
    """Return a value, or None where only deployment tells it."""
    return None if isinstance(value, Unknown) else value


def connection_document(connection: Connection) -> dict[str, Any]:
    """Return one connection as a JSON object."""
    return {
        "source": connection.source_id,
        "destination": connection.destination_id,
        "allowed": port_documents(connection.allowed),
        "undetermined": [
            {**ports, "because": part.because}
            for part in connection.undetermined
            for ports in port_documents(part.ports)
        ],
    }


def reach_stream(reachability: Reachability) -> Iterator[str]:
    """Yield the text of the document, piece by piece."""
    yield f'{{"format": "{FORMAT}",\n"engine": "{reachability.engine.name}",\n"workloads": ['
    yield from _listed(f",\n{_json(workload_document(each))}" for each in reachability.workloads)
    yield '],\n"connections": ['
    yield from _listed(pair_lines(reachability, _FORM))
    yield "]}\n"


def _listed(texts: Iterator[str]) -> Iterator[str]:
    """Yield texts that begin with a comma each, without the first comma."""
    yield next(texts, "").removeprefix(",")
    yield from texts


def _beginning(source_id: str) -> str:
    return f',\n{{"source":{_json(source_id)},'


def _ending(connection: Connection) -> str:
    if not connection.has_ports:
        return ""
    document = connection_document(connection)
    del document["source"]
    return _json(document).removeprefix("{")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_FORM: Final = LineFormat(_beginning, _ending)
