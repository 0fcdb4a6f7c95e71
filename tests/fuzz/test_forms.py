"""Whatever form documents come in, they mean the same, and mean what was written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import pytest

from podwall.engines import SPEC
from podwall.model import LabelMap, Snapshot, SnapshotNamespace
from podwall.reachability import reachability
from tests.core.changes import distinct
from tests.core.clusters import KNOWN_REPLICAS, NAMESPACES, Size, random_cluster
from tests.fuzz.reading import findings_and_snapshot
from tests.fuzz.writers import WRITERS
from tests.peers.documents import documents
from tests.peers.mutations import policy

CLUSTERS: Final = max(10, int(os.environ.get("SOAK", "0")))
SIZE: Final = Size(workloads=5, policies=5, keys=3, hosts=False, replicas=KNOWN_REPLICAS)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.timeout(3600)
@pytest.mark.long(keep=1)
def test_a_cluster_that_is_written_and_read_has_the_same_verdicts(
    form: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for seed in range(CLUSTERS):
        cluster = written_whole(random_cluster(Random(f"forms {seed}"), SIZE))
        written = documents(cluster)
        _, read = findings_and_snapshot(tmp_path, WRITERS[form](written))
        assert told(read) == told(cluster), seed
    record_property("compared: clusters in one form with the same in memory", CLUSTERS)


def written_whole(cluster: Snapshot) -> Snapshot:
    """Return the cluster with what manifests can say: each name once, every namespace declared."""
    declared = {each.name: each for each in cluster.namespaces}
    whole = tuple(declared.get(name, SnapshotNamespace(name, LabelMap())) for name in NAMESPACES)
    return replace(distinct(cluster), namespaces=whole, pod_cidrs=(), complete=False)


def told(snapshot: Snapshot) -> set[str]:
    """Return every connection with its ports."""
    return {
        f"{each.source_id} {each.destination_id} {each.allowed} {each.undetermined}"
        for each in reachability(snapshot, SPEC).connections()
    }


@pytest.mark.parametrize("form", [each for each in WRITERS if each != "a JSON list"])
@pytest.mark.timeout(3600)
@pytest.mark.long(keep=1)
def test_a_policy_that_is_nearly_right_is_judged_alike_in_every_form(
    form: str, tmp_path: Path
) -> None:
    for seed in range(2 * CLUSTERS):
        written = [policy(Random(seed))]
        findings, read = findings_and_snapshot(tmp_path, WRITERS[form](written))
        others, other = findings_and_snapshot(tmp_path, WRITERS["a JSON list"](written))
        assert read.policies == other.policies, seed
        assert {(each.id, each.message) for each in findings} == {
            (each.id, each.message) for each in others
        }, seed
