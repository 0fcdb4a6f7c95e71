"""np-guard's second opinion on generated clusters; skipped where `netpol` is not on PATH.

PATH=/folder/of/netpol:$PATH SOAK=1000 .venv/bin/python -m pytest tests/peers/test_netpol.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import pytest

from podwall.portset import PortSet
from podwall.reachability import ExternalRange, Reachability
from podwall.reachability.values import AnyEndpoint
from podwall.review import review
from podwall.sources import source
from tests.peers.documents import documents
from tests.peers.netpol import Connections, Range, executable, listed
from tests.peers.within_reach import cluster

CLUSTERS: Final = max(10, int(os.environ.get("SOAK", "0")))


@pytest.fixture(scope="module")
def tool() -> str:
    found = executable()
    if found is None:
        pytest.skip("no second opinion: np-guard's `netpol` is not on PATH")
    return found


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("batch", range(10))
def test_np_guard_lists_the_same_connections(
    tool: str, batch: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for seed in range(batch, CLUSTERS, 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        items = documents(cluster(Random(f"np-guard {seed}")))
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        (folder / "cluster.json").write_text(text, encoding="utf-8")
        found = review(source(str(folder))).reachability
        theirs, ours = listed(tool, folder), dict(connections(found))
        assert compared(ours, theirs) == compared(theirs, ours), seed
        record_property("compared: clusters with np-guard", 1)
        record_property("compared: connections with np-guard", len(ours))


def connections(found: Reachability) -> Iterator[tuple[tuple[str | Range, str | Range], PortSet]]:
    """Yield what surely passes in the terms of np-guard: no ICMP, no IPv6, no way to itself.

    Ip blocks never match pods there. Here that is undetermined, so not among what surely passes.
    """
    for each in found.connections():
        assert all("ip block" in part.because for part in each.undetermined)
        ends = (_end(each.source), _end(each.destination))
        ports = replace(each.allowed, other=False)
        if ports and ends[0] != ends[1] and ends[0] is not None and ends[1] is not None:
            yield (ends[0], ends[1]), ports


def _end(end: AnyEndpoint) -> str | Range | None:
    if not isinstance(end, ExternalRange):
        return end.id
    if end.network.version != 4:
        return None
    return int(end.network.network_address), int(end.network.broadcast_address)


def compared(some: Connections, others: Connections) -> set[tuple[object, object, PortSet]]:
    """Return connections with their ranges cut wherever either side cuts."""
    ranges = {
        end for told in (some, others) for pair in told for end in pair if isinstance(end, tuple)
    }
    cuts = sorted({cut for first, last in ranges for cut in (first, last + 1)})
    return {
        (source, destination, ports)
        for (left, right), ports in some.items()
        for source in _pieces(left, cuts)
        for destination in _pieces(right, cuts)
    }


def _pieces(end: str | Range, cuts: list[int]) -> list[str | Range]:
    if isinstance(end, str):
        return [end]
    first, last = end
    return [(low, high - 1) for low, high in pairwise(cuts) if first <= low <= high - 1 <= last]
