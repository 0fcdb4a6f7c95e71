from __future__ import annotations

from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.reachability import Reachability, reachability
from podwall.verdict_table import DENIED, OPEN, verdict_table
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured


def _random(seed: str, hidden: float, engine: str) -> Reachability:
    rng = Random(seed)
    return reachability(obscured(rng, random_cluster(rng, Size(workloads=8)), hidden), engine)


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids=["all known", "some values hidden"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_table_tells_of_every_pair_what_the_analysis_tells(engine: str, hidden: float) -> None:
    for seed in range(8):
        found = _random(f"{engine} {seed}", hidden, engine)
        table = verdict_table(found)
        for i, source in enumerate(table.endpoints):
            row = table.row(i).tolist()
            for j, destination in enumerate(table.endpoints):
                told = table.verdicts[table.number(i, j)]
                pair = found.connection(source.id, destination.id)
                assert told == table.verdicts[row[j]]
                assert told.allowed == pair.allowed
                assert bool(told.undetermined) == bool(pair.undetermined)


def test_the_first_verdicts_are_denied_and_open() -> None:
    table = verdict_table(_random("any", 0.0, "spec"))
    assert [str(table.verdicts[number].allowed) for number in (DENIED, OPEN)] == [
        "no ports",
        "all ports",
    ]
