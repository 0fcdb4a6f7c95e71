"""Who can reach whom as JSON, one line for each workload and each connection.

The same document as `reach_json` makes, written as a stream: it may have millions of connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from podwall.reachability import Connection, Reachability
from podwall.reports.pair_lines import LineForm, pair_lines
from podwall.reports.reach_json import FORMAT, connection_document, workload_document

__all__ = ["reach_stream"]


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
    document = connection_document(connection)
    del document["source"]
    told = document["allowed"] or document["undetermined"]
    return _json(document).removeprefix("{") if told else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_FORM: Final = LineForm(_beginning, _ending)
