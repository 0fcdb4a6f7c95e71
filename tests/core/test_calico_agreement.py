"""Calico's kinds: the analysis equals the judge, packet by packet, and the replay of each pair.

`SOAK=1000 python -m pytest tests/core/test_calico_agreement.py` adds that many clusters to each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Final

import pytest

from podwall.engines import CALICO
from podwall.model import Snapshot
from podwall.reachability import ExternalRange, Reachability, reachability
from podwall.reachability.values import Verdict
from tests.calico_oracle import passes
from tests.core.calico_clusters import Manifest, random_calico, with_calico
from tests.core.clusters import Size, random_cluster
from tests.core.judged import _ends
from tests.core.obscured import obscured
from tests.core.test_agreement import assert_the_replay_agrees
from tests.core.test_tier_agreement import PACKETS, WORLD

SOAK: Final = int(os.environ.get("SOAK", "0"))
SIZE: Final = Size(workloads=4, policies=3, hosts=False, ipv6=False, replicas=(1, 2))


def calico(seed: str) -> tuple[Snapshot, list[Manifest]]:
    rng = Random(seed)
    manifests = random_calico(rng)
    return with_calico(random_cluster(rng, SIZE), manifests), manifests


def differences(found: Reachability, manifests: list[Manifest]) -> Iterator[str]:
    for source, destination in product(found.endpoints, repeat=2):
        if isinstance(source, ExternalRange) and isinstance(destination, ExternalRange):
            continue
        ends = _ends(source, destination, WORLD)
        for packet in PACKETS:
            judged = passes(found.snapshot, manifests, *ends, packet)
            here = found.verdict(source.id, destination.id, *packet)
            if here is not (Verdict.ALLOWED if judged else Verdict.DENIED):
                if here is Verdict.UNDETERMINED and leaves_out_a_set(manifests):
                    continue
                yield f"{source.id} -> {destination.id} {packet}: {here}, and not {judged}"


def leaves_out_a_set(manifests: list[Manifest]) -> bool:
    """Return whether a `notSelector` may leave out networks, which stays undetermined."""
    return any(each["kind"] == "GlobalNetworkSet" for each in manifests) and any(
        "notSelector" in str(each) for each in manifests
    )


@pytest.mark.parametrize("batch", range(20))
@pytest.mark.long(keep=1)
def test_every_packet_of_clusters_with_policies_of_calico(batch: int) -> None:
    for seed in range(2 * batch, 2 * batch + 2 + SOAK // 20):
        cluster, manifests = calico(f"calico {batch} {seed}")
        assert list(differences(reachability(cluster, CALICO), manifests)) == [], seed


@pytest.mark.parametrize("hidden", [0.0, 0.3], ids="{:.0%} of the values hidden".format)
def test_the_replay_equals_the_analysis_under_calico(hidden: float) -> None:
    for seed in range(6 + SOAK // 10):
        rng = Random(f"{hidden} {seed}")
        cluster, _ = calico(f"replayed {seed}")
        assert_the_replay_agrees(reachability(obscured(rng, cluster, hidden), CALICO))
