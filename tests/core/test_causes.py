"""What pairs are undetermined for is found for all at once, and equals the replay of each pair.

`SOAK=1000 python -m pytest tests/core/test_causes.py` adds that many clusters.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from random import Random
from typing import Final

import pytest

from benchmarks.mix import random_mix
from podwall.engines import ENGINES, SPEC, Engine
from podwall.model import (
    IpPeer,
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.portset import PortSet
from podwall.reachability import Reachability, reachability
from podwall.reachability.replay import Replay
from podwall.reachability.unseen_causes import doubts_of, in_doubt
from tests.core.clusters import Size, addressed, exposed, random_cluster
from tests.core.obscured import obscured

SOAK: Final = int(os.environ.get("SOAK", "0"))
SIZE: Final = Size(workloads=6, policies=6)
OUTSIDE: Final = IpPeer(ip_network("203.0.113.0/24"))


def known(rng: Random) -> Snapshot:
    return random_cluster(rng, SIZE)


def with_services(rng: Random) -> Snapshot:
    return exposed(rng, random_cluster(rng, SIZE))


def with_addresses(rng: Random) -> Snapshot:
    return addressed(rng, random_cluster(rng, replace(SIZE, hosts=False)))


def partly_unknown(rng: Random) -> Snapshot:
    return obscured(rng, random_cluster(rng, SIZE), 0.15)


def partly_unknown_with_services(rng: Random) -> Snapshot:
    return obscured(rng, with_services(rng), 0.1)


def differing(found: Reachability) -> list[str]:
    """Return the pairs of which the causes are not those of their replay."""
    replay = Replay(found.cluster)
    return [
        f"{each.source_id} -> {each.destination_id}"
        for each in found.connections()
        if not (each.source is each.destination and found.endpoint(each.source_id).is_one_pod)
        and each.undetermined != replay.pair(each.source, each.destination).undetermined()
    ]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda each: str(each.name))
@pytest.mark.parametrize(
    "cluster", [with_services, with_addresses, partly_unknown, partly_unknown_with_services]
)
@pytest.mark.long(keep=8)
def test_the_causes_of_all_pairs_are_those_of_their_replays(
    cluster: Callable[[Random], Snapshot], engine: Engine
) -> None:
    for seed in range(6 + SOAK):
        snapshot = cluster(Random(f"causes {seed}"))
        assert differing(reachability(snapshot, engine)) == []


def pod(name: str, **labels: str | Unknown) -> SnapshotWorkload:
    return SnapshotWorkload("shop", name, "Deployment", LabelMap.of({"app": name, **labels}))


def labelled(**labels: str) -> Selector:
    required = (SelectorRequirement(key, Operator.IN, (each,)) for key, each in labels.items())
    return Selector(tuple(required))


def test_rules_with_blocks_only_are_looked_at_once_for_all_pods() -> None:
    pods = [pod(f"p{number}") for number in range(30)]
    policy = Policy("shop", "all", Selector(), ingress=(Rule((OUTSIDE,)),))
    found = reachability(Snapshot(workloads=tuple(pods), policies=(policy,)), SPEC)
    assert {each.undetermined[0].because for each in found.connections() if each.undetermined} == {
        f"ip block `203.0.113.0/24`: {SPEC.pods_by_block.says}"
    }
    assert differing(found) == []


def test_a_doubt_of_one_pod_is_not_told_of_another() -> None:
    first, second = (Unknown(f"the label of {name}") for name in ("a", "b"))
    pods = (pod("a", tier=first), pod("b", tier=second), pod("c"))
    peer = PodPeer(labelled(tier="front"))
    policy = Policy("shop", "front", labelled(app="c"), ingress=(Rule((peer,)),))
    found = reachability(Snapshot(workloads=pods, policies=(policy,)), SPEC)
    because = {
        name: found.connection(f"shop/{name}", "shop/c").undetermined[0].because for name in "ab"
    }
    assert because == {"a": "the label of a", "b": "the label of b"}
    assert differing(found) == []


def test_whom_the_rules_of_a_policy_mean_that_perhaps_isolates_tells_ends_apart() -> None:
    pods = (pod("a"), pod("b"), pod("c", tier=Unknown("the label of c")))
    blocks = Rule((OUTSIDE,), (PortRule(port=80),))
    from_a = Rule((PodPeer(labelled(app="a")),), (PortRule(port=80, end_port=90),))
    policies = (
        Policy("shop", "certain", labelled(app="c"), ingress=(blocks,)),
        Policy("shop", "perhaps", labelled(tier="front"), ingress=(from_a,)),
    )
    found = reachability(Snapshot(workloads=pods, policies=policies), SPEC)
    assert differing(found) == []
    told = {
        name: " | ".join(each.because for each in found.connection(name, "shop/c").undetermined)
        for name in ("shop/a", "shop/b")
    }
    assert "the label of c" in told["shop/a"]
    assert "the label of c" not in told["shop/b"]


def test_a_rule_that_means_nobody_is_in_no_doubt() -> None:
    pods = (pod("a"), pod("b", tier=Unknown("the label of b")))
    perhaps = Rule((PodPeer(labelled(tier="front")),))
    policies = (Policy("shop", "nobody", labelled(app="a"), ingress=(Rule(()), perhaps)),)
    found = reachability(Snapshot(workloads=pods, policies=policies), SPEC)
    assert differing(found) == []
    (because,) = found.connection("shop/b", "shop/a").undetermined
    assert because.because == "the label of b"


def test_port_names_of_the_other_end_tell_ends_apart() -> None:
    ports = {name: (WorkloadPort(number, name="http"),) for name, number in (("a", 80), ("b", 81))}
    pods = tuple(replace(pod(name), ports=each) for name, each in ports.items())
    policy = Policy("shop", "out", Selector(), egress=(Rule((OUTSIDE,), (PortRule(port="http"),)),))
    found = reachability(Snapshot(workloads=(*pods, pod("c")), policies=(policy,)), SPEC)
    assert differing(found) == []
    assert [
        str(found.connection("shop/c", f"shop/{name}").undetermined[0].ports) for name in "ab"
    ] == ["TCP 80", "TCP 81"]


def test_a_policy_without_rules_in_a_direction_is_no_part_of_it() -> None:
    pods = (pod("a"), pod("b"))
    policies = (
        Policy("shop", "in", labelled(app="a"), ingress=(Rule((OUTSIDE,)),)),
        Policy("shop", "idle", labelled(app="b")),
    )
    found = reachability(Snapshot(workloads=pods, policies=policies), SPEC)
    assert found.connection("shop/b", "shop/a").undetermined
    assert differing(found) == []


def differing_unseen(found: Reachability) -> list[str]:
    """Return the connections with unseen pods of which the causes are not those of their replay."""
    replay = Replay(found.cluster)
    wrong = []
    for each in found.exposures():
        pods = each.unseen
        assert pods is not None
        ends = tuple(pods.one() if end is pods else end for end in (each.source, each.destination))
        left = PortSet.union(part.ports for part in each.undetermined)
        meant = tuple(in_doubt(left, doubts_of(replay.pair(*ends))))
        if left and each.undetermined != meant:
            wrong.append(f"{each.source_id} -> {each.destination_id}: {each.undetermined}, {meant}")
    return wrong


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda each: str(each.name))
@pytest.mark.parametrize("cluster", [known, with_services, with_addresses, partly_unknown])
@pytest.mark.long(keep=4)
def test_the_causes_with_unseen_pods_are_those_of_their_replays(
    cluster: Callable[[Random], Snapshot], engine: Engine
) -> None:
    for seed in range(8 + SOAK):
        snapshot = replace(cluster(Random(f"unseen causes {seed}")), complete=False)
        assert differing_unseen(reachability(snapshot, engine)) == []


@pytest.mark.long
def test_the_causes_with_unseen_pods_in_a_mix_are_those_of_their_replays() -> None:
    snapshot = replace(random_mix(100), pod_cidrs=(), complete=False)
    assert differing_unseen(reachability(snapshot, SPEC)) == []
