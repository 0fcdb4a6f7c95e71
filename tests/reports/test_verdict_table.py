from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Reachability, Undetermined, reachability
from podwall.verdict_table import (
    DENIED,
    OPEN,
    CausedVerdicts,
    caused_verdicts,
    verdict_table,
)
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured


def _random(seed: str, hidden: float, engine: str) -> Reachability:
    rng = Random(seed)
    return reachability(obscured(rng, random_cluster(rng, Size(workloads=8)), hidden), engine)


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids=["all known", "some values hidden"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=1)
def test_the_table_has_the_verdict_of_the_analysis_on_every_pair(
    engine: str, hidden: float
) -> None:
    for seed in range(8):
        found = _random(f"{engine} {seed}", hidden, engine)
        table = verdict_table(found)
        for i, source in enumerate(table.endpoints):
            row = table.row(i).tolist()
            for j, destination in enumerate(table.endpoints):
                verdict = table.verdicts[table.number(i, j)]
                pair = found.connection(source.id, destination.id)
                assert verdict == table.verdicts[row[j]]
                assert verdict.allowed == pair.allowed
                assert bool(verdict.undetermined) == bool(pair.undetermined)


@pytest.mark.parametrize("most", [1000, 1, 0], ids="at most {} classes or causes".format)
@pytest.mark.long(keep=1)
def test_causes_are_those_of_the_pair_where_they_are_exact(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podwall.verdict_table.MOST_CAUSES", most)
    if most == 0:
        monkeypatch.setattr("podwall.verdict_table.MOST_CLASSES", most)
    exact, shared = 0, 0
    for seed in range(12):
        found = _random(f"causes {seed}", 0.2, "spec")
        caused = caused_verdicts(verdict_table(found))
        for i, source in enumerate(found.endpoints):
            for j, destination in enumerate(found.endpoints):
                number = caused.selves[i] if i == j else caused.cells[_cell(caused, i, j)]
                verdict = caused.verdicts[number]
                pair = found.connection(source.id, destination.id)
                assert verdict.allowed == pair.allowed
                assert _ports(verdict.undetermined) == _ports(pair.undetermined)
                if verdict.exact:
                    assert verdict.undetermined == pair.undetermined
                exact += verdict.exact and bool(verdict.undetermined)
                shared += not verdict.exact
    assert bool(exact) == (most > 0)
    assert bool(shared) == (most < 1000)


def _cell(caused: CausedVerdicts, source: int, destination: int) -> tuple[int, int]:
    return int(caused.sources[source]), int(caused.destinations[destination])


def _ports(parts: Iterable[Undetermined]) -> PortSet:
    return reduce(or_, (each.ports for each in parts), NO_PORTS)


def test_the_first_verdicts_are_denied_and_open() -> None:
    table = verdict_table(_random("any", 0.0, "spec"))
    assert [str(table.verdicts[number].allowed) for number in (DENIED, OPEN)] == [
        "no ports",
        "all ports",
    ]
