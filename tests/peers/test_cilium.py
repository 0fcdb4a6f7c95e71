"""Cilium's own policy code says the same of random clusters; skipped where nobody has built it.

cd tests/peers/cilium && go mod tidy && go build -o judge .
PODWALL_CILIUM=tests/peers/cilium/judge python -m pytest tests/peers/test_cilium.py

Ports by name are left out: that code looks them up on each destination, where the agent has one
number for the whole cluster. `PODWALL_CILIUM_CLUSTERS` says how many clusters are asked about.
https://github.com/cilium/cilium/tree/v1.18.6/pkg/policy
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from podwall.model import IpProtocol, PortRule, Rule, Snapshot
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.reachability import (
    Endpoint,
    ExternalRange,
    Reachability,
    WorkloadEndpoint,
    reachability,
)
from podwall.reachability.cluster import rules_of
from tests.core.cilium_clusters import (
    Manifest,
    random_cilium_policies,
    with_cilium_policies,
)
from tests.core.clusters import NUMBERS, Size, random_cluster
from tests.peers.documents import documents

JUDGE: Final = os.environ.get("PODWALL_CILIUM", "")
CLUSTERS: Final = int(os.environ.get("PODWALL_CILIUM_CLUSTERS", "1000"))
BATCHES: Final = 10
SIZE: Final = Size(workloads=5, policies=3, hosts=False, replicas=(2,))
_NEAR = sorted({port + step for port in NUMBERS for step in (-1, 0, 1)} - {0, 65536})
PACKETS: Final = [*product(("TCP", "UDP"), _NEAR)]


@pytest.fixture(scope="module")
def judge() -> str:
    if not (JUDGE and Path(JUDGE).is_file()):
        pytest.skip("no policy code of Cilium: build it, and name the program in PODWALL_CILIUM")
    return JUDGE


def clusters(batch: int) -> Iterator[tuple[Snapshot, list[Manifest]]]:
    for seed in range(batch * CLUSTERS // BATCHES, (batch + 1) * CLUSTERS // BATCHES):
        rng = Random(f"judged by cilium {seed}")
        known = random_cluster(rng, SIZE)
        last = {(each.namespace, each.name): each for each in known.policies}
        kept = tuple(each for each in last.values() if not _names_ports(each))
        known = Snapshot(
            namespaces=known.namespaces,
            workloads=known.workloads,
            policies=kept,
            complete=True,
            kubernetes_version="1.34",
        )
        policies = random_cilium_policies(rng, names=False)
        yield with_cilium_policies(known, policies), [*_written(known), *policies]


def _names_ports(policy: Any) -> bool:
    rules = (rule for each in Direction for rule in rules_of(policy, each) or ())
    lists = (rule.ports for rule in rules if isinstance(rule, Rule))
    entries = (entry for each in lists if isinstance(each, tuple) for entry in each)
    return any(isinstance(each, PortRule) and isinstance(each.port, str) for each in entries)


def _written(known: Snapshot) -> list[Manifest]:
    return [each for each in documents(known) if each["kind"] == "NetworkPolicy"]


def asked(found: Reachability, policies: list[Manifest]) -> Manifest:
    """Return the question to Cilium's code: pods, addresses, policies and packets."""
    pods = [each for each in found.endpoints if isinstance(each, WorkloadEndpoint)]
    blocks = [each for each in found.endpoints if isinstance(each, ExternalRange)]
    return {
        "pods": [_pod(found, each) for each in pods],
        "addresses": [_address(each) for each in blocks],
        "policies": policies,
        "packets": [{"protocol": each, "port": port} for each, port in PACKETS],
    }


def _pod(found: Reachability, end: WorkloadEndpoint) -> Manifest:
    namespace = str(end.workload.namespace)
    spaces = dict(found.cluster.namespaces.of(namespace).items)
    return {
        "namespace": namespace,
        "labels": dict(end.workload.labels.items),
        "namespaceLabels": {**spaces, METADATA_NAME: namespace},
    }


def _address(block: ExternalRange) -> str:
    return str(block.network.network_address)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_cilium_says_the_same(
    batch: int, judge: str, record_property: Callable[[str, object], None]
) -> None:
    known = list(clusters(batch))
    found = [reachability(cluster, "cilium") for cluster, _ in known]
    questions = [
        json.dumps(asked(each, policies)) for each, (_, policies) in zip(found, known, strict=True)
    ]
    said = subprocess.run(
        [judge], input="\n".join(questions), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(said) == len(found)
    counts = Counter[str]()
    for each, line, (_, policies) in zip(found, said, known, strict=True):
        answer = json.loads(line)
        assert not any(answer["refused"]), answer["refused"]
        counts.update(_compared(each, answer["verdict"], policies))
    assert counts["undetermined"] < counts["certain"] / 10
    record_property("compared: clusters with cilium", len(found))
    record_property("compared: verdicts with cilium", counts["certain"])


def _compared(found: Reachability, said: str, policies: list[Manifest]) -> Iterator[str]:
    """Yield what each verdict is; one that is certain has to be Cilium's."""
    pods = [each for each in found.endpoints if isinstance(each, WorkloadEndpoint)]
    blocks = [each for each in found.endpoints if isinstance(each, ExternalRange)]
    ends: list[Endpoint] = [*pods, *blocks]
    for number, (source, destination) in enumerate(product(ends, repeat=2)):
        letters = said[number * len(PACKETS) : (number + 1) * len(PACKETS)]
        if isinstance(source, ExternalRange) and isinstance(destination, ExternalRange):
            continue
        said_here = found.connection(source.id, destination.id)
        for (protocol, port), letter in zip(PACKETS, letters, strict=True):
            if letter == "-":
                continue
            packet = IpProtocol(protocol), port
            if said_here.undetermined_ports.contains(*packet):
                yield "undetermined"
                continue
            here = said_here.allowed.contains(*packet)
            assert here == (letter == "y"), (
                f"{source.id} -> {destination.id} {protocol} {port}: {here}, Cilium {letter}\n"
                + json.dumps(policies, indent=1)
            )
            yield "certain"
