"""The grid of namespaces counts what the grid of workloads shows."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.model import Snapshot
from podwall.overview import Share, namespace_grid, reach_grid
from podwall.reachability import Reachability, reachability
from podwall.verdict_table import verdict_table
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
def test_shares_are_the_counts_of_the_cells(engine: str, hidden: float) -> None:
    for seed in range(8):
        rng = Random(f"namespaces {engine} {seed}")
        found = reachability(obscured(rng, random_cluster(rng, Size(9, 6)), hidden), engine)
        grid = namespace_grid(verdict_table(found))
        assert {
            (grid.names[row], grid.names[column]): share
            for (row, column), share in grid.shares.items()
        } == _counted(found)


def _counted(found: Reachability) -> dict[tuple[str, str], Share]:
    """Return the shares the long way, cell by cell."""
    grid = reach_grid(found)
    opens: Counter[tuple[str, str]] = Counter()
    unsure: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for source in grid.names:
        for destination in grid.names:
            cell = grid.cell(source, destination)
            pair = grid.namespace(source) or source, grid.namespace(destination) or destination
            opens[pair] += bool(cell.allowed)
            unsure[pair] += bool(cell.unsure and not cell.allowed)
            total[pair] += not cell.itself
    pairs = [pair for pair in total if opens[pair] or unsure[pair]]
    return {pair: Share(opens[pair], unsure[pair], total[pair]) for pair in pairs}


def test_nothing_at_all_is_an_empty_grid() -> None:
    grid = namespace_grid(verdict_table(reachability(Snapshot())))
    assert grid.shares == {}
