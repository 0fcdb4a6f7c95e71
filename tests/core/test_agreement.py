"""The analysis equals the oracle, packet by packet, on random clusters of every feature.

`SOAK=1000 python -m pytest tests/core/test_agreement.py` adds that many clusters of up to 200 pods.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from random import Random
from typing import Final

import pytest

from podwall.engines import CALICO, ENGINES, SPEC
from podwall.model import Snapshot
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.reachability import Endpoint, ExternalRange, Reachability, reachability
from tests.core.clusters import POD_CIDR, Size, addressed, random_cluster
from tests.core.judged import World, compared, differences
from tests.core.obscured import obscured

SOAK: Final = int(os.environ.get("SOAK", "0"))
SMALL: Final = Size(workloads=4, policies=4)

LEAST: Final = World()
"""Ip blocks speak neither of pods nor of nodes, and no pod shares a node with another."""

MOST: Final = World(POD_CIDR[7], ip_address("10.9.9.9"), one_node=True)
"""Ip blocks speak of pods and of nodes by their addresses, and everything runs on one node."""


Record = Callable[[str, object], None]


def assert_the_oracle_agrees(snapshot: Snapshot, record: Record) -> None:
    """Assert that there is no difference, and record how much was compared."""
    found = reachability(snapshot, SPEC)
    assert list(differences(found, LEAST, MOST)) == []
    record("compared: clusters with the oracle", 1)
    record("compared: verdicts with the oracle", compared(found))


@pytest.mark.parametrize("batch", range(20))
def test_every_packet_of_a_thousand_small_clusters(batch: int, record_property: Record) -> None:
    for seed in range(50 * batch, 50 * batch + 50):
        assert_the_oracle_agrees(random_cluster(Random(seed), SMALL), record_property)


@pytest.mark.parametrize("batch", range(10))
def test_every_packet_where_the_addresses_of_pods_are_known(
    batch: int, record_property: Record
) -> None:
    for seed in range(30 * batch, 30 * batch + 30):
        rng = Random(f"addresses {seed}")
        snapshot = addressed(rng, random_cluster(rng, replace(SMALL, hosts=False)))
        assert_the_oracle_agrees(snapshot, record_property)
        by_address = reachability(snapshot, CALICO)
        assert list(differences(by_address, MOST, MOST)) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_every_packet_of_larger_clusters(seed: int, record_property: Record) -> None:
    size = Size(workloads=25, policies=15, keys=3)
    assert_the_oracle_agrees(random_cluster(Random(seed), size), record_property)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(SOAK or 1))
def test_every_packet_of_clusters_of_up_to_two_hundred_pods(
    seed: int, record_property: Record
) -> None:
    rng = Random(f"soak {seed}")
    workloads = rng.choice((10, 20, 40, 40, 80, 200))
    size = Size(workloads, policies=workloads // 2, keys=3)
    assert_the_oracle_agrees(random_cluster(rng, size), record_property)


@pytest.mark.parametrize("hidden", [0.0, 0.1, 0.4], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_replay_of_a_pair_equals_the_analysis_of_all_pairs(engine: str, hidden: float) -> None:
    for seed in range(8):
        rng = Random(f"{engine} {seed}")
        snapshot = obscured(rng, addressed(rng, random_cluster(rng, SMALL)), hidden)
        found = reachability(snapshot, engine)
        for source in found.endpoints:
            for destination in found.endpoints:
                assert _replayed(found, source, destination) == _told(found, source, destination)


def _replayed(found: Reachability, source: Endpoint, destination: Endpoint) -> tuple[str, str]:
    if isinstance(source, ExternalRange):
        if isinstance(destination, ExternalRange):
            return str(NO_PORTS), str(NO_PORTS)
    elif source == destination and source.workload.replicas == 1:
        return str(ALL_PORTS), str(ALL_PORTS)
    bounds = found.replay(source.id, destination.id).allowed
    return str(bounds.must), str(bounds.may)


def _told(found: Reachability, source: Endpoint, destination: Endpoint) -> tuple[str, str]:
    connection = found.connection(source.id, destination.id)
    may = connection.allowed
    for part in connection.undetermined:
        assert not may & part.ports
        may |= part.ports
    return str(connection.allowed), str(may)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_stream_of_connections_tells_what_each_pair_is_told(engine: str) -> None:
    rng = Random(engine)
    found = reachability(obscured(rng, random_cluster(rng, Size(12, 8)), 0.1), engine)
    stream = {(each.source_id, each.destination_id): each for each in found.connections()}
    for source in found.endpoints:
        for destination in found.endpoints:
            connection = found.connection(source.id, destination.id)
            said = connection.allowed or connection.undetermined
            assert stream.get((source.id, destination.id)) == (connection if said else None)
    order = {each.id: number for number, each in enumerate(found.endpoints)}
    assert list(stream) == sorted(stream, key=lambda pair: (order[pair[0]], order[pair[1]]))
