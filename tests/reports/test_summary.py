"""The numbers with which a report begins are those of the analysis, pair by pair."""

from __future__ import annotations

from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.overview import Summary, summary
from podwall.reachability import reachability
from podwall.reports.reach import headline
from podwall.reports.words import printable
from podwall.verdict_table import verdict_table
from tests.core.builders import allow, block, cluster, policy, selector
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=2)
def test_every_connection_is_counted(engine: str) -> None:
    for seed in range(8):
        rng = Random(f"{engine} {seed}")
        snapshot = obscured(rng, random_cluster(rng, Size(workloads=8)), 0.1)
        found = reachability(snapshot, engine)
        counted = summary(verdict_table(found))
        pairs = [
            found.connection(a.id, b.id)
            for a in found.workloads
            for b in found.workloads
            if a != b or not a.is_one_pod
        ]
        assert counted.connections == len(pairs)
        assert counted.open == sum(bool(each.allowed) for each in pairs)
        doubts = (each for each in pairs if each.undetermined and not each.allowed)
        assert counted.undetermined == sum(1 for _ in doubts)
        outside = {
            each.destination_id
            for each in found.connections()
            if each.allowed and each.source_id in {e.id for e in found.externals}
        }
        assert {found.endpoints[each].id for each in counted.from_outside} == outside
        perhaps = {
            each.destination_id
            for each in found.connections()
            if each.undetermined and each.source_id in {e.id for e in found.externals}
        }
        told = {found.endpoints[each].id for each in counted.perhaps_from_outside}
        assert told == perhaps - outside


def test_who_is_not_restricted_is_named() -> None:
    closed = policy("x", selector(app="a"), ingress=(allow(block("10.0.0.0/8")),), egress=())
    found = reachability(cluster(closed), "cilium")
    told = summary(verdict_table(found))
    assert [found.endpoints[each].id for each in told.open_ingress] == ["x/b", "y/a", "y/b"]
    assert [found.endpoints[each].id for each in told.open_egress] == ["x/b", "y/a", "y/b"]
    assert len(told.from_outside) == 4


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        pytest.param((1, 1, 0, 0, 0), "1 workload, and no two pods to connect", id="one pod"),
        pytest.param(
            (2, 1, 2, 2, 0),
            "all 2 connections between 2 workloads in 1 namespace are open",
            id="all",
        ),
        pytest.param(
            (2, 1, 2, 0, 0),
            "none of 2 connections between 2 workloads in 1 namespace are open",
            id="none",
        ),
        pytest.param(
            (2, 2, 2, 1, 1),
            "1 of 2 connections between 2 workloads in 2 namespaces is open, "
            "1 more is undetermined",
            id="one and a doubt",
        ),
    ],
)
def test_the_headline(numbers: tuple[int, int, int, int, int], sentence: str) -> None:
    assert headline(Summary(*numbers, (), (), ())) == sentence


@pytest.mark.parametrize("text", ["a\u202eb", "a\u200bb", "a\xadb", "\ud800", "a\nb", "\x1b[31m"])
def test_what_cannot_be_seen_is_made_visible(text: str) -> None:
    shown = printable(text)
    assert "\\" in shown
    assert shown.isprintable()


@pytest.mark.parametrize("text", ["web", "größe", "日本", "🛑"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert printable(text) == text
