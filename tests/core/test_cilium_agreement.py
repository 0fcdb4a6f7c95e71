"""Cilium's kinds: the analysis equals the judge, packet by packet, and the replay of each pair.

`SOAK=1000 python -m pytest tests/core/test_cilium_agreement.py` adds that many clusters to each.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Final

import pytest

from podwall.model import IpProtocol, PortRule, Snapshot
from podwall.reachability import Endpoint, ExternalRange, Reachability, Verdict, reachability
from tests import cilium_oracle
from tests.cilium_oracle import passes
from tests.core import cilium_clusters, clusters
from tests.core.cilium_clusters import Manifest, random_cilium_policies, with_cilium_policies
from tests.core.clusters import NUMBERS, Size, exposed, random_cluster
from tests.core.obscured import obscured
from tests.core.test_agreement import assert_the_replay_agrees
from tests.oracle import End, Pod

SOAK: Final = int(os.environ.get("SOAK", "0"))
SIZE: Final = Size(workloads=4, policies=3, hosts=False, replicas=(1, 2))
_NEAR = sorted({port + step for port in NUMBERS for step in (-1, 0, 1)} - {0, 65536})
PACKETS: Final = [*product((IpProtocol.TCP, IpProtocol.UDP), _NEAR), (IpProtocol.OTHER, 0)]


def judged(seed: str) -> tuple[Snapshot, list[Manifest]]:
    """Return a cluster without names of ports, of which Cilium has its own reading."""
    rng = Random(seed)
    known = random_cluster(rng, SIZE)
    known = replace(
        known,
        policies=tuple(each for each in known.policies if "port='" not in repr(each)),
        pod_cidrs=(),
        kubernetes_version="1.34",
    )
    manifests = random_cilium_policies(rng, names=False)
    return with_cilium_policies(known, manifests), manifests


def differences(found: Reachability, manifests: list[Manifest]) -> Iterator[str]:
    """Yield the verdicts that are not the judge's; one on what may have no namespace is open."""
    excluding = any(word in json.dumps(manifests) for word in ("NotIn", "DoesNotExist"))
    excluding = excluding or "NotIn" in repr(found.snapshot.policies)
    excluding = excluding or "DoesNotExist" in repr(found.snapshot.policies)
    for source, destination in product(found.endpoints, repeat=2):
        ends = _end(source), _end(destination, number=1)
        if not any(isinstance(each, Pod) for each in ends):
            continue
        outside = any(not isinstance(each, Pod) for each in ends)
        for packet in PACKETS:
            here = found.verdict(source.id, destination.id, *packet)
            if here is Verdict.UNDETERMINED and outside and excluding:
                continue
            judge = passes(found.snapshot, manifests, *ends, packet)
            if source == destination and isinstance(ends[0], Pod) and ends[0].workload.is_one_pod:
                judge = True
            if here is not (Verdict.ALLOWED if judge else Verdict.DENIED):
                yield f"{source.id} -> {destination.id} {packet}: {here}, and not {judge}"


def _end(endpoint: Endpoint, number: int = 0) -> End:
    if isinstance(endpoint, ExternalRange):
        return endpoint.network.network_address
    return Pod(endpoint.workload, number)


@pytest.mark.parametrize("batch", range(15))
@pytest.mark.long(keep=1)
def test_every_packet_of_clusters_with_cilium_policies(batch: int) -> None:
    for seed in range(2 * batch, 2 * batch + 2 + SOAK // 15):
        cluster, manifests = judged(f"cilium {batch} {seed}")
        assert list(differences(reachability(cluster, "cilium"), manifests)) == [], seed


@pytest.mark.parametrize(
    ("keys", "counts"),
    [
        (("app", "app.kubernetes.io/x", "env"), True),
        (("app", "kubernetes.io/tier", "env"), False),
        (("pod-template-hash", "tier.beta.kubernetes.io/x", "env"), False),
    ],
)
@pytest.mark.long
def test_every_packet_where_a_label_may_be_no_part_of_the_identity(
    keys: tuple[str, ...], *, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (clusters, cilium_clusters):
        monkeypatch.setattr(module, "KEYS", keys)
    known = [judged(f"identity kubernetes.io/tier {seed}") for seed in range(12, 18 + SOAK // 15)]
    found = [(reachability(cluster, "cilium"), manifests) for cluster, manifests in known]
    assert [list(differences(*each)) for each in found] == [[] for _ in found]
    before = [_of_first_packet(*each) for each in found]
    monkeypatch.setattr(cilium_oracle, "_NO_IDENTITY", re.compile("(?!)"))
    assert ([_of_first_packet(*each) for each in found] == before) is counts


def _of_first_packet(found: Reachability, manifests: list[Manifest]) -> list[bool]:
    """Return what the judge says of one packet, so that its labels are seen to decide something."""
    return [
        passes(found.snapshot, manifests, _end(source), _end(destination, 1), PACKETS[0])
        for source, destination in product(found.endpoints, repeat=2)
    ]


@pytest.mark.parametrize("hidden", [0.0, 0.1, 0.4], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ["cilium", "spec"])
@pytest.mark.long(keep=1)
def test_the_replay_equals_the_analysis_of_cilium_policies(engine: str, hidden: float) -> None:
    for seed in range(6 + SOAK // 10):
        rng = Random(f"{engine} {hidden} {seed}")
        cluster = obscured(rng, random_cluster(rng, Size(workloads=4, policies=4)), hidden)
        cluster = with_cilium_policies(cluster, random_cilium_policies(rng))
        version = rng.choice((None, "1.33", "1.40"))
        assert_the_replay_agrees(reachability(replace(cluster, kubernetes_version=version), engine))


@pytest.mark.long
def test_the_replay_equals_the_analysis_where_services_hide_clients() -> None:
    for seed in range(20 + SOAK):
        rng = Random(f"hidden {seed}")
        cluster = exposed(rng, random_cluster(rng, Size(workloads=4, policies=2)))
        cluster = with_cilium_policies(cluster, random_cilium_policies(rng))
        assert_the_replay_agrees(reachability(cluster, "cilium"))


def test_a_port_of_the_vocabulary_has_a_number_or_a_name() -> None:
    """The clusters above are chosen by how a name is shown."""
    assert "port='http'" in repr(PortRule(port="http"))
