"""From files to the whole listing: podwall and np-guard on the same files, with equal results.

Both also say what pods that are not shown could reach; the connections of those that are shown are
compared. np-guard is run where its `netpol` is on PATH. https://github.com/np-guard/netpol-analyzer
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.commands import Run, podwall_run, runs, write_manifests
from benchmarks.presets import full_mesh, ladder
from podwall.model import Snapshot
from podwall.reachability.values import is_unseen
from tests.peers.netpol import Connections, connections_in, executable, ports_in

__all__ = ["SIZES", "Beside", "beside", "meshes"]

SIZES: Final = (100, 300, 500, 1_000, 2_000, 10_000)
FEASIBLE: Final = 2_000
"""np-guard takes four times as long for twice the workloads: larger ones are not begun."""

MESH: Final = 500


@dataclass(frozen=True, slots=True)
class Beside:
    """One cluster: podwall from YAML and from JSON, np-guard from YAML (None: not run).

    `pairs` are the lines of the listing; `equal` says whether both list the same connections.
    """

    workloads: int
    policies: int
    pairs: int
    from_yaml: Run
    from_json: Run
    np_guard: Run | None
    equal: bool | None


def beside() -> Iterator[Beside]:
    """Yield the ladder: namespaces of ten workloads with ten policies."""
    for size in SIZES:
        yield _beside(ladder(size))


def meshes() -> Iterator[Beside]:
    """Yield a cluster without policies, in which everything reaches everything."""
    yield _beside(full_mesh(MESH))


def _beside(snapshot: Snapshot) -> Beside:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_manifests(snapshot, folder)
        ours = folder / "ours.csv"
        from_json = podwall_run(paths["json"], ours)
        from_yaml = podwall_run(paths["yaml"], ours)
        np_guard, equal = None, None
        if (tool := executable()) and len(snapshot.workloads) <= FEASIBLE:
            theirs = folder / "theirs.csv"
            np_guard = _np_guard(tool, paths["yaml"], theirs)
            equal = _connections(ours) == _without_itself(connections_in(theirs))
        with ours.open(encoding="utf-8") as lines:
            pairs = sum(1 for _ in lines) - 1
        return Beside(len(snapshot.workloads), len(snapshot.policies), pairs, from_yaml, from_json,
                      np_guard, equal)  # fmt: skip


def _np_guard(tool: str, folder: Path, output: Path) -> Run:
    options = ["-q", "--exposure", "--multiple-networks=false", "-o", "csv", "-f", str(output)]
    return runs([tool, "list", *options, "--dirpath", str(folder)], output.with_suffix(".log"))


def _connections(path: Path) -> Connections:
    """Return what podwall lists as np-guard says it: shown pods, no IPv6, no way to itself."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = (
            (row["source"], row["destination"], row["allowed"]) for row in csv.DictReader(lines)
        )
        told = {
            (_end(source), _end(destination)): ports_in(allowed.replace(", ", ","))
            for source, destination, allowed in rows
            if "::/0" not in (source, destination)
            and not (is_unseen(source) or is_unseen(destination))
        }
    return _without_itself(told)


def _end(name: str) -> str | tuple[int, int]:
    return (0, (1 << 32) - 1) if name == "0.0.0.0/0" else name


def _without_itself(told: Connections) -> Connections:
    return {ends: ports for ends, ports in told.items() if ends[0] != ends[1]}
