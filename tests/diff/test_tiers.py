"""A policy with a tier that comes, goes or changes beside edits of everything else."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from podwall.diff import diff
from podwall.reachability import reachability
from tests.core.clusters import Size, random_cluster
from tests.core.tier_clusters import random_tier_policies, with_tier_policies
from tests.diff.edits import edited
from tests.diff.naive import compared, told

SMALL = Size(workloads=5, policies=4)


@pytest.mark.parametrize("batch", range(4))
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
