"""Tiers: the analysis equals the judge, packet by packet, and the replay of each pair.

`SOAK=1000 python -m pytest tests/core/test_tier_agreement.py` adds that many clusters to each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Final

import pytest

from podwall.engines import ENGINES, SPEC
from podwall.model import IpProtocol, LabelMap, Snapshot, SnapshotNamespace
from podwall.policies.rules import Direction
from podwall.reachability import ExternalRange, Reachability, reachability
from podwall.reachability.exposure import exposure
from podwall.reachability.unseen_peers import Counted
from podwall.reachability.values import Verdict
from tests.core.clusters import NUMBERS, POD_CIDR, Size, random_cluster
from tests.core.judged import World, _ends
from tests.core.obscured import obscured
from tests.core.test_agreement import assert_the_replay_agrees
from tests.core.test_exposure import claimed, of_workload, open_cluster
from tests.core.tier_clusters import Manifest, random_tier_policies, with_tier_policies
from tests.oracle import Pod
from tests.tier_oracle import verdicts
from tests.unseen_oracle import FRESH, Hypothetical

SOAK: Final = int(os.environ.get("SOAK", "0"))
SIZE: Final = Size(workloads=4, policies=3, blocks=False, hosts=False, replicas=(1, 2))
WORLD: Final = World(POD_CIDR[7])
"""Networks speak of pods by their addresses, which no block cuts apart."""

_NEAR = sorted({port + step for port in NUMBERS for step in (-1, 0, 1)} - {0, 65536})
PACKETS: Final = [
    *product((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP), _NEAR),
    (IpProtocol.OTHER, 0),
]
_SAYS = {
    frozenset({True}): Verdict.ALLOWED,
    frozenset({False}): Verdict.DENIED,
    frozenset({True, False}): Verdict.UNDETERMINED,
}


def tiered(seed: str) -> tuple[Snapshot, list[Manifest]]:
    rng = Random(seed)
    manifests = random_tier_policies(rng)
    return with_tier_policies(random_cluster(rng, SIZE), manifests), manifests


def differences(found: Reachability, manifests: list[Manifest]) -> Iterator[str]:
    for source, destination in product(found.endpoints, repeat=2):
        if isinstance(source, ExternalRange) and isinstance(destination, ExternalRange):
            continue
        ends = _ends(source, destination, WORLD)
        for packet in PACKETS:
            judged = _SAYS[frozenset(verdicts(found.snapshot, manifests, *ends, packet))]
            here = found.verdict(source.id, destination.id, *packet)
            if here is not judged:
                yield f"{source.id} -> {destination.id} {packet}: {here}, and not {judged}"


@pytest.mark.parametrize("batch", range(15))
@pytest.mark.long(keep=1)
def test_every_packet_of_clusters_with_tiers(batch: int) -> None:
    for seed in range(2 * batch, 2 * batch + 2 + SOAK // 15):
        cluster, manifests = tiered(f"tiers {batch} {seed}")
        assert list(differences(reachability(cluster, SPEC), manifests)) == [], seed


@pytest.mark.parametrize("hidden", [0.0, 0.1, 0.4], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=1)
def test_the_replay_equals_the_analysis_under_tiers(engine: str, hidden: float) -> None:
    for seed in range(3 + SOAK // 10):
        rng = Random(f"{engine} {seed}")
        cluster = obscured(rng, random_cluster(rng, Size(workloads=4, policies=4)), hidden)
        cluster = with_tier_policies(cluster, random_tier_policies(rng))
        version = rng.choice((None, "1.33", "1.40"))
        assert_the_replay_agrees(reachability(replace(cluster, kubernetes_version=version), engine))


_LABELS: Final = [
    LabelMap.of({key: value for key, value in zip(("app", "tier"), values, strict=True) if value})
    for values in product(("a", "b", FRESH, None), repeat=2)
]


@pytest.mark.parametrize("batch", range(5))
@pytest.mark.long
def test_unseen_pods_are_exposed_as_tiers_let_them(batch: int) -> None:
    for seed in range(3 * batch, 3 * batch + 3 + SOAK // 10):
        rng = Random(f"unseen {seed}")
        manifests = random_tier_policies(rng)
        cluster = with_tier_policies(open_cluster(rng, SIZE), manifests)
        assert list(unseen_differences(cluster, manifests, rng)) == [], seed


def unseen_differences(cluster: Snapshot, manifests: list[Manifest], rng: Random) -> Iterator[str]:
    found = reachability(cluster, SPEC)
    exposed = exposure(found.analysis, Counted.EVERY_POD)
    fresh = SnapshotNamespace(FRESH, LabelMap.of({"kubernetes.io/metadata.name": FRESH}))
    pods = [Hypothetical(*each) for each in product((*cluster.namespaces, fresh), _LABELS)]
    named = "amedPort" in repr(manifests) or "port='" in repr(cluster.policies)
    for hypothetical in rng.sample(pods, 12):
        other = hypothetical.pod((), WORLD.pod_address)
        there = hypothetical.added_to(cluster)
        for number, workload in enumerate(cluster.workloads):
            here = Pod(workload, 0, WORLD.pod_address)
            for direction, classes in exposed.items():
                openings = of_workload(classes, int(found.analysis.classes.of_workload[number]))
                must, may = claimed(openings, hypothetical, cluster)
                ends = (here, other) if direction is Direction.EGRESS else (other, here)
                for packet in PACKETS:
                    judged = verdicts(there, manifests, *ends, packet)
                    said = {True} if must.contains(*packet) else {True, False}
                    said = said if may.contains(*packet) else {False}
                    if not judged <= said or (said != judged and not named):
                        yield f"{direction} {workload.name} {hypothetical} {packet} {said} {judged}"
