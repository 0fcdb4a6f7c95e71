"""A policy with a tier that comes, goes or changes beside edits of everything else."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from podwall.diff import diff
from podwall.model import Snapshot
from podwall.reachability import (
    AnyEndpoint,
    ExternalRange,
    Reachability,
    UnseenPods,
    reachability,
)
from podwall.reachability.values import PairVerdict
from tests.core.clusters import Size, random_cluster
from tests.core.tier_clusters import random_tier_policies, with_tier_policies
from tests.diff.edits import edited
from tests.diff.naive import compared, told

SMALL = Size(workloads=5, policies=4)


@pytest.mark.parametrize("batch", range(4))
@pytest.mark.long(keep=1)
def test_a_diff_under_tiers_is_the_naive_comparison_of_all_pairs(batch: int) -> None:
    for seed in range(8 * batch, 8 * batch + 8):
        rng = Random(f"tiers {seed}")
        known = random_cluster(rng, SMALL)
        before = with_tier_policies(known, random_tier_policies(rng))
        after = edited(rng, before, SMALL)
        if seed % 3:
            after = with_tier_policies(after, random_tier_policies(rng))
        elif seed % 2:
            after = replace(after, tier_policies=())
        old, new = reachability(before), reachability(after)
        assert told(diff(old, new)) == compared(old, new), seed
        assert told(diff(new, old)) == compared(new, old), seed


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=3)
def test_the_only_policy_in_tiers_that_differs_is_behind_all_that_changes(seed: int) -> None:
    rng = Random(f"one of the tiers {seed}")
    before = with_tier_policies(random_cluster(rng, SMALL), random_tier_policies(rng))
    gone = rng.choice(before.tier_policies).full_name
    kept = tuple(each for each in before.tier_policies if each.full_name != gone)
    found = diff(reachability(before), reachability(replace(before, tier_policies=kept)))
    assert [(each.name, each.kind.value) for each in found.every_policy] == [(gone, "removed")]
    for change in found.changes():
        assert [each.name for each in change.policies] == [gone]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.long(keep=3)
def test_of_several_those_are_named_without_which_it_would_not_have_changed(seed: int) -> None:
    rng = Random(f"several of the tiers {seed}")
    before = with_tier_policies(random_cluster(rng, SMALL), random_tier_policies(rng))
    after = replace(before, tier_policies=())
    found = diff(reachability(before), reachability(after))
    names = sorted({each.full_name for each in before.tier_policies})
    assert [each.name for each in found.every_policy] == names
    kept = {name: _with(after, before, {name}) for name in names}
    alone = {name: _with(after, before, {*names} - {name}) for name in names}
    for change in found.changes():
        if not isinstance(change.source, UnseenPods) and not isinstance(
            change.destination, UnseenPods
        ):
            ends = (change.source, change.destination)
            needed = [each for each in names if _passes(kept[each], *ends) != change.after]
            sufficing = [each for each in names if _passes(alone[each], *ends) != change.before]
            assert [each.name for each in change.policies] == (needed or sufficing)


def _with(after: Snapshot, before: Snapshot, names: set[str]) -> Reachability:
    kept = tuple(each for each in before.tier_policies if each.full_name in names)
    return reachability(replace(after, tier_policies=kept))


def _passes(side: Reachability, source: AnyEndpoint, destination: AnyEndpoint) -> PairVerdict:
    """Return what passes between the ends, the range outside by its first address."""
    ids = []
    for end in (source, destination):
        if isinstance(end, ExternalRange):
            first = end.network.network_address
            ids.append(next(each.id for each in side.externals if first in each.network))
        else:
            ids.append(end.id)
    found = side.connection(*ids)
    return PairVerdict(found.allowed, found.undetermined_ports)
