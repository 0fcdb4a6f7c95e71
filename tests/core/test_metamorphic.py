"""Changes of a cluster that must not change who reaches whom, or only in one direction."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from random import Random
from typing import TYPE_CHECKING

import pytest

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, reachability
from tests.core.changes import (
    distinct,
    duplicated,
    more_replicas,
    policies_split,
    relabelled,
    rules_split,
    shuffled,
    with_a_dead_policy,
)
from tests.core.clusters import Size, random_cluster, random_policy, random_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from podwall.model import Snapshot

SIZE = Size(workloads=6, policies=5, keys=3)
SEEDS = range(25)


def told(snapshot: Snapshot) -> dict[tuple[str, str], tuple[PortSet, PortSet]]:
    """Return what must and what may pass between each pair."""
    connections = reachability(snapshot).connections()
    return {(each.source_id, each.destination_id): bounds(each) for each in connections}


def bounds(connection: Connection) -> tuple[PortSet, PortSet]:
    """Return what must and what may pass."""
    undetermined = (part.ports for part in connection.undetermined)
    return connection.allowed, reduce(PortSet.__or__, undetermined, connection.allowed)


@pytest.mark.parametrize(
    "change",
    [
        shuffled,
        duplicated,
        with_a_dead_policy,
        rules_split,
        policies_split,
        relabelled,
        more_replicas,
    ],
)
@pytest.mark.long(keep=1)
def test_a_change_that_means_nothing(change: Callable[[Random, Snapshot], Snapshot]) -> None:
    for seed in SEEDS:
        rng = Random(seed)
        snapshot = distinct(random_cluster(rng, SIZE))
        assert told(change(rng, snapshot)) == told(snapshot), seed


def assert_within(less: Snapshot, more: Snapshot) -> None:
    """Assert that nothing passes in one cluster that does not in the other."""
    small, large = reachability(less), reachability(more)
    ids = [each.id for each in large.endpoints if each.id in {e.id for e in small.endpoints}]
    for source in ids:
        for destination in ids:
            pair = (small.connection(source, destination), large.connection(source, destination))
            for low, high in zip(*map(bounds, pair), strict=True):
                assert low - high == NO_PORTS


@pytest.mark.long
def test_another_rule_in_an_isolated_direction_never_closes_anything() -> None:
    for seed in SEEDS:
        rng = Random(seed)
        snapshot = distinct(random_cluster(rng, SIZE))
        rule = random_rule(rng, SIZE)
        more = (
            replace(each, ingress=(*each.ingress, rule))
            if isinstance(each.ingress, tuple)
            else each
            for each in snapshot.policies
        )
        assert_within(snapshot, replace(snapshot, policies=tuple(more)))


def test_a_policy_that_allows_nothing_never_opens_anything() -> None:
    for seed in SEEDS:
        rng = Random(seed)
        snapshot = distinct(random_cluster(rng, SIZE))
        deny = replace(random_policy(rng, 99, SIZE), name="deny", ingress=(), egress=())
        denied = replace(snapshot, policies=(*snapshot.policies, deny))
        assert_within(denied, snapshot)
