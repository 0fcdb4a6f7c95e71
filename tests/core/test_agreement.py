"""The analysis equals the oracle, packet by packet, on random clusters of every feature.

`SOAK=1000 python -m pytest tests/core/test_agreement.py` adds that many clusters of up to 200 pods,
and a tenth of it, under every engine, to those of which the analysis is compared with the replay.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from itertools import count, product
from random import Random
from typing import Final

import pytest

from podwall.engines import CALICO, ENGINES, SPEC
from podwall.model import PortRule, Rule, Selector, Snapshot, Unknown
from podwall.portset import ALL_PORTS, NO_PORTS
from podwall.reachability import (
    Connection,
    Endpoint,
    ExternalRange,
    Reachability,
    reachability,
)
from tests.core.clusters import POD_CIDR, Size, addressed, exposed, random_cluster
from tests.core.judged import World, compared, differences, service_differences
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
@pytest.mark.long(keep=2)
def test_every_packet_of_a_thousand_small_clusters(batch: int, record_property: Record) -> None:
    for seed in range(50 * batch, 50 * batch + 50):
        assert_the_oracle_agrees(random_cluster(Random(seed), SMALL), record_property)


@pytest.mark.parametrize("batch", range(10))
@pytest.mark.long(keep=1)
def test_every_packet_where_the_addresses_of_pods_are_known(
    batch: int, record_property: Record
) -> None:
    for seed in range(30 * batch, 30 * batch + 30):
        rng = Random(f"addresses {seed}")
        snapshot = addressed(rng, random_cluster(rng, replace(SMALL, hosts=False)))
        assert_the_oracle_agrees(snapshot, record_property)
        by_address = reachability(snapshot, CALICO)
        assert list(differences(by_address, MOST, MOST)) == []


@pytest.mark.parametrize("batch", range(5))
@pytest.mark.long(keep=1)
def test_every_packet_behind_services_that_may_hide_their_clients(
    batch: int, record_property: Record
) -> None:
    for seed in range(30 * batch, 30 * batch + 30 + SOAK):
        rng = Random(f"services {seed}")
        found = reachability(exposed(rng, random_cluster(rng, SMALL)), SPEC)
        assert list(service_differences(found, LEAST, MOST)) == []
        record_property("compared: clusters with the oracle", 1)
        record_property("compared: verdicts with the oracle", compared(found))


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


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("hidden", [0.0, 0.1, 0.4], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=2)
def test_the_replay_of_a_pair_equals_the_analysis_of_all_pairs(engine: str, hidden: float) -> None:
    for seed in range(8 + SOAK // 10):
        rng = Random(f"{engine} {seed}")
        size = SMALL if seed < 8 else Size(rng.choice((4, 8, 12)), policies=rng.choice((8, 12, 16)))
        snapshot = addressed(rng, random_cluster(rng, size))
        snapshot = obscured(rng, exposed(rng, snapshot) if seed % 2 else snapshot, hidden)
        assert_the_replay_agrees(reachability(snapshot, engine))


@pytest.mark.parametrize("seed", range(20 + SOAK // 10))
@pytest.mark.long(keep=5)
def test_the_replay_equals_the_analysis_where_policies_only_perhaps_isolate(seed: int) -> None:
    rng = Random(f"perhaps {seed}")
    snapshot = random_cluster(rng, Size(workloads=4, policies=8))
    assert_the_replay_agrees(reachability(_perhaps_isolating(snapshot, rng), SPEC))


def _perhaps_isolating(snapshot: Snapshot, rng: Random) -> Snapshot:
    """Return a cluster of one namespace, of whose policies it is not known whom they select."""
    hidden = (Unknown(f"the selector of policy {number}") for number in count())
    policies = (
        replace(
            each,
            namespace="x",
            name=f"p{number}",
            pod_selector=Selector(unknown=next(hidden) if rng.random() < 0.9 else None),
            ingress=(*(each.ingress or ()), Rule(ports=(PortRule(port=80),))),  # type: ignore[misc]  # all known
        )
        for number, each in enumerate(snapshot.policies)
    )
    workloads = (replace(each, namespace="x") for each in snapshot.workloads)
    return replace(snapshot, policies=tuple(policies), workloads=tuple(workloads))


def assert_the_replay_agrees(found: Reachability) -> None:
    """Assert that each pair by itself, and all of them listed, are as the replay of the pair."""
    listed = {(each.source_id, each.destination_id): each for each in found.connections()}
    for source, destination in product(found.endpoints, repeat=2):
        replayed = _replayed(found, source, destination)
        assert replayed == _bounds(found.connection(source.id, destination.id))
        assert replayed == _bounds(listed.get((source.id, destination.id)))


def _replayed(found: Reachability, source: Endpoint, destination: Endpoint) -> tuple[str, str]:
    if isinstance(source, ExternalRange):
        if isinstance(destination, ExternalRange):
            return str(NO_PORTS), str(NO_PORTS)
    elif source == destination and source.workload.replicas == 1:
        return str(ALL_PORTS), str(ALL_PORTS)
    bounds = found.replay(source.id, destination.id).allowed
    return str(bounds.must), str(bounds.may)


def _bounds(connection: Connection | None) -> tuple[str, str]:
    """Return what passes for certain, and what passes at most; nothing where none is listed."""
    if connection is None:
        return str(NO_PORTS), str(NO_PORTS)
    assert not connection.allowed & connection.undetermined_ports
    return str(connection.allowed), str(connection.allowed | connection.undetermined_ports)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_stream_of_connections_has_what_each_pair_has(engine: str) -> None:
    rng = Random(engine)
    found = reachability(obscured(rng, random_cluster(rng, Size(12, 8)), 0.1), engine)
    stream = {(each.source_id, each.destination_id): each for each in found.connections()}
    for source in found.endpoints:
        for destination in found.endpoints:
            connection = found.connection(source.id, destination.id)
            passes = connection.allowed or connection.undetermined
            assert stream.get((source.id, destination.id)) == (connection if passes else None)
    order = {each.id: number for number, each in enumerate(found.endpoints)}
    assert list(stream) == sorted(stream, key=lambda pair: (order[pair[0]], order[pair[1]]))
