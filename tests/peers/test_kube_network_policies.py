"""Tiers as the Kubernetes project's own evaluator judges them; skipped where nobody asked it.

It is a Go module, and wants no cluster: the evaluators are asked packet by packet.

python -m tests.peers.tier_cases 1000 > clusters.jsonl
cd tests/peers/kube_network_policies && go mod tidy && go run . < clusters.jsonl > judged.jsonl
PODWALL_TIERS_JUDGED=judged.jsonl python -m pytest tests/peers/test_kube_network_policies.py

https://github.com/kubernetes-sigs/kube-network-policies
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from podwall.engines import CALICO, SPEC
from podwall.reachability import Reachability, reachability
from podwall.reachability.values import ExternalRange, Verdict
from tests.peers.tier_cases import OUTSIDE, PACKETS, case, has_ties

WRITTEN = os.environ.get("PODWALL_TIERS_JUDGED", "")
ENGINE: Final = replace(SPEC, pods_by_block=CALICO.pods_by_block)
"""An ip block matches a pod by its address there, which the specification leaves open."""
_SAYS = {"+": Verdict.ALLOWED, "-": Verdict.DENIED}


def test_the_evaluator_of_the_kubernetes_project_says_the_same(
    record_property: Callable[[str, object], None],
) -> None:
    """What a pod says to itself, and an address to another, is left out."""
    if not WRITTEN:
        pytest.skip("nobody asked kube-network-policies: see how at the top of this file")
    clusters = packets = 0
    for line in Path(WRITTEN).read_text("utf-8").splitlines():
        judged = json.loads(line)
        number = int(judged["name"])
        found = reachability(case(number)[0], ENGINE)
        differing = list(differences(found, judged["passes"], undecided=has_ties(number)))
        assert differing == [], judged["name"]
        clusters, packets = clusters + 1, packets + len(judged["passes"]) * len(PACKETS)
    record_property("compared: clusters with kube-network-policies", clusters)
    record_property("compared: packets with kube-network-policies", packets)


def differences(
    found: Reachability, passes: list[str], *, undecided: bool = False
) -> Iterator[str]:
    """Yield the packets on which the two disagree.

    `undecided`: between policies of one priority there is no order, so that what depends on it is
    undetermined here, and the judge says one of the two.
    """
    pods = [each.id for each in sorted(found.workloads, key=lambda each: each.workload.name)]
    ends = [*(_range(found, each) for each in OUTSIDE), *pods]
    for (source, destination), letters in zip(product(ends, repeat=2), passes, strict=True):
        if source == destination or not {source, destination} & {*pods}:
            continue
        for packet, letter in zip(PACKETS, letters, strict=True):
            here = found.verdict(source, destination, *packet)
            if undecided and here is Verdict.UNDETERMINED:
                continue
            if here is not _SAYS[letter]:
                yield f"{source} -> {destination} on {packet}: {here}, and there {letter}"


def _range(found: Reachability, address: str) -> str:
    """Return the range outside of the cluster in which an address is."""
    ranges = (each for each in found.endpoints if isinstance(each, ExternalRange))
    return next(each.id for each in ranges if ip_address(address) in each.network)
