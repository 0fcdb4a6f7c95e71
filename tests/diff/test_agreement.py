"""The comparison of what may differ equals the naive comparison of everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from podwall.diff import ConnectionChangeKind, diff
from podwall.engines import ENGINES
from podwall.reachability import ExternalRange, reachability
from podwall.reachability.matching import first_address
from tests.core.builders import load_balancer, policy, selector
from tests.core.clusters import Size, random_cluster
from tests.diff.edits import edited
from tests.diff.naive import compared, told

SMALL = Size(workloads=5, policies=5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch", range(4))
@pytest.mark.long(keep=1)
def test_a_diff_is_the_naive_comparison_of_all_pairs(engine: str, batch: int) -> None:
    for seed in range(30 * batch, 30 * batch + 30):
        rng = Random(f"{engine} {seed}")
        before = random_cluster(rng, SMALL)
        if seed % 3 == 0:
            before = replace(before, services=(load_balancer("x/lb", 80, selector(app="a")),))
        after = edited(rng, before, SMALL)
        if seed % 6 == 0:
            after = replace(after, services=())
        old, new = reachability(before, engine), reachability(after, engine)
        assert told(diff(old, new)) == compared(old, new), seed


@pytest.mark.parametrize("batch", range(4))
@pytest.mark.long(keep=1)
def test_a_service_that_comes_or_goes_opens_or_closes_what_is_behind_it(batch: int) -> None:
    opening = 0
    for seed in range(10 * batch, 10 * batch + 10):
        before = random_cluster(Random(f"service {seed}"), SMALL)
        closed = policy("x", name="closed", ingress=())
        before = replace(before, policies=(*before.policies, closed))
        opened = replace(before, services=(load_balancer("x/lb", 80, selector(app="a")),))
        old, new = reachability(before, "azure"), reachability(opened, "azure")
        assert told(diff(old, new)) == compared(old, new), seed
        assert told(diff(new, old)) == compared(new, old), seed
        opening += bool(compared(old, new))
    assert opening > 0


@pytest.mark.parametrize("seed", range(10))
def test_a_diff_of_engines_is_the_naive_comparison_too(seed: int) -> None:
    rng = Random(f"engines {seed}")
    snapshot = random_cluster(rng, SMALL)
    old, new = (reachability(snapshot, rng.choice([*ENGINES])) for _ in range(2))
    assert told(diff(old, new)) == compared(old, new)


@pytest.mark.parametrize("seed", range(3))
def test_a_diff_of_larger_clusters_is_the_naive_comparison_too(seed: int) -> None:
    rng = Random(f"larger {seed}")
    size = Size(workloads=30, policies=20, keys=3)
    before = random_cluster(rng, size)
    old, new = reachability(before), reachability(edited(rng, before, size))
    assert told(diff(old, new)) == compared(old, new)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.long(keep=8)
def test_changes_are_told_in_order_and_their_kind_is_what_it_says(seed: int) -> None:
    rng = Random(f"order {seed}")
    before = random_cluster(rng, SMALL)
    changes = list(diff(reachability(before), reachability(edited(rng, before, SMALL))).changes())
    keys = [(_rank(each.source), _rank(each.destination)) for each in changes]
    assert keys == sorted(keys)
    assert Counter(keys).most_common(1) in ([], [(keys[0], 1)]) if keys else True
    for each in changes:
        assert bool(each.opened) == (
            each.kind not in {ConnectionChangeKind.REMOVED, ConnectionChangeKind.NARROWED}
        )
        assert bool(each.closed) == (
            each.kind not in {ConnectionChangeKind.ADDED, ConnectionChangeKind.WIDENED}
        )


def _rank(end: object) -> tuple[int, str, int, int]:
    if isinstance(end, ExternalRange):
        return 1, "", first_address(end.network), end.network.prefixlen
    return 0, str(getattr(end, "id", "")), 0, 0


@pytest.mark.parametrize("seed", range(10))
def test_nothing_changes_between_equal_clusters(seed: int) -> None:
    snapshot = random_cluster(Random(seed), SMALL)
    again = random_cluster(Random(seed), SMALL)
    assert diff(reachability(snapshot), reachability(again)).is_empty
