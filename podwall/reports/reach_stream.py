"""Who can reach whom as JSON, one line for each workload and each connection.

The same document as `reach_json` makes, written as a stream: it may have millions of connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from podwall.reachability import Reachability
from podwall.reports.reach_json import FORMAT, connection_document, workload_document

__all__ = ["reach_stream"]


def reach_stream(reachability: Reachability) -> Iterator[str]:
    """Yield the text of the document, piece by piece."""
    yield f'{{"format": "{FORMAT}",\n"engine": "{reachability.engine.name}",\n"workloads": ['
    yield from _lines(map(workload_document, reachability.workloads))
    yield '],\n"connections": ['
    documents = map(connection_document, reachability.connections())
    yield from _lines(item for item in documents if item["allowed"] or item["undetermined"])
    yield "]}\n"


def _lines(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    encode = msgspec.json.Encoder().encode
    separator = "\n"
    for document in documents:
        yield f"{separator}{encode(document).decode()}"
        separator = ",\n"
