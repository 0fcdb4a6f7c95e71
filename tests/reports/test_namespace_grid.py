"""The grid of namespaces counts what the grid of workloads shows."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import or_
from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.model import Snapshot
from podwall.overview import Grid, Share, namespace_grid, reach_grid
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, Reachability, reachability
from podwall.verdict_table import verdict_table
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=4)
def test_shares_are_the_counts_of_the_cells(engine: str, hidden: float) -> None:
    for seed in range(8):
        rng = Random(f"namespaces {engine} {seed}")
        found = reachability(obscured(rng, random_cluster(rng, Size(9, 6)), hidden), engine)
        grid = namespace_grid(verdict_table(found))
        assert {
            (grid.names[row], grid.names[column]): share
            for (row, column), share in grid.shares.items()
        } == _counted(found)


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=2)
def test_the_cells_are_the_connections(engine: str, hidden: float) -> None:
    for seed in range(8):
        rng = Random(f"cells {engine} {seed}")
        found = reachability(obscured(rng, random_cluster(rng, Size(9, 6)), hidden), engine)
        grid = reach_grid(verdict_table(found))
        workloads = [each.id for each in found.workloads]
        assert list(grid.names[: len(workloads)]) == workloads
        for row, source in enumerate(workloads):
            for column, destination in enumerate(workloads):
                cell = grid.cell(row, column)
                known = found.connection(source, destination)
                if not cell.itself:
                    assert cell.allowed == known.allowed
                    assert cell.undetermined == _in_doubt(known)
        for each in found.externals:
            alike = [
                place
                for place in range(len(workloads), len(grid.names))
                if all(
                    _cells(grid, place, k) == _pairs(found, each.id, name)
                    for k, name in enumerate(workloads)
                )
            ]
            assert len(alike) == 1


def _cells(grid: Grid, outside: int, workload: int) -> list[tuple[PortSet, PortSet]]:
    both = grid.cell(outside, workload), grid.cell(workload, outside)
    return [(each.allowed, each.undetermined) for each in both]


def _pairs(found: Reachability, outside: str, workload: str) -> list[tuple[PortSet, PortSet]]:
    both = found.connection(outside, workload), found.connection(workload, outside)
    return [(each.allowed, _in_doubt(each)) for each in both]


def _in_doubt(connection: Connection) -> PortSet:
    return reduce(or_, (part.ports for part in connection.undetermined), NO_PORTS)


def _counted(found: Reachability) -> dict[tuple[str, str], Share]:
    """Return the shares the long way, cell by cell."""
    grid = reach_grid(verdict_table(found))
    opens: Counter[tuple[str, str]] = Counter()
    unsure: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    rows = [namespace or name for namespace, name in zip(grid.namespaces, grid.names, strict=True)]
    for source, row in enumerate(rows):
        for destination, column in enumerate(rows):
            cell = grid.cell(source, destination)
            pair = row, column
            opens[pair] += bool(cell.allowed)
            unsure[pair] += bool(cell.undetermined and not cell.allowed)
            total[pair] += not cell.itself
    pairs = [pair for pair in total if opens[pair] or unsure[pair]]
    return {pair: Share(opens[pair], unsure[pair], total[pair]) for pair in pairs}


def test_nothing_at_all_is_an_empty_grid() -> None:
    grid = namespace_grid(verdict_table(reachability(Snapshot())))
    assert grid.shares == {}
