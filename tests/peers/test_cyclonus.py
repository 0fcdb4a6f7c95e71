"""The cases that cyclonus generates, judged by its own simulator; skipped where nobody wrote them.

cd tests/peers/cyclonus && go mod tidy && go run . > cases.jsonl
PODWALL_CYCLONUS=cases.jsonl python -m pytest tests/peers/test_cyclonus.py

https://github.com/mattfenwick/cyclonus
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from podwall.model import IpProtocol
from podwall.policies import Severity
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, snapshot

WRITTEN = os.environ.get("PODWALL_CYCLONUS", "")
SAYS = {"allowed": "allowed", "blocked": "denied"}
PORTS = [
    {"name": f"serve-{number}-{protocol.lower()}", "containerPort": number, "protocol": protocol}
    for number, protocol in product((80, 81), ("TCP", "UDP", "SCTP"))
]


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    if not WRITTEN:
        pytest.skip("no cases of cyclonus: write them, and name the file in PODWALL_CYCLONUS")
    return [json.loads(line) for line in Path(WRITTEN).read_text("utf-8").splitlines()]


def test_its_simulator_says_the_same(
    steps: list[dict[str, Any]], record_property: Callable[[str, object], None]
) -> None:
    """What a pod says to itself is left out: there, a policy may forbid it."""
    for step in steps:
        found = read(step)
        asked = [each for each in step["verdicts"] if each["from"] != each["to"]]
        said = [SAYS[each["says"]] for each in asked]
        assert [verdict(found, each) for each in asked] == said, step["description"]
        record_property("compared: verdicts with cyclonus", len(asked))
    record_property("compared: cases with cyclonus", len({step["case"] for step in steps}))


def read(step: dict[str, Any]) -> Reachability:
    """Return the reachability of a step, ip blocks matching pods by address as they do there."""
    reading = snapshot([Document(each) for each in documents(step)], complete=True)
    assert all(each.severity is not Severity.ERROR for each in reading.findings)
    return reachability(reading.snapshot, "calico")


def documents(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a step's cluster as manifests."""
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in step["namespaces"].items()
    ]
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return [
        *spaces,
        *map(_pod, step["pods"]),
        *({**each, **kind} for each in step["policies"] or ()),
    ]


def _pod(pod: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: pod[key] for key in ("namespace", "name", "labels")},
        "spec": {"containers": [{"name": "server", "ports": PORTS}]},
        "status": {"podIP": pod["address"]},
    }


def verdict(found: Reachability, asked: dict[str, Any]) -> str:
    """Return the verdict on a probe."""
    return str(
        found.verdict(asked["from"], asked["to"], IpProtocol(asked["protocol"]), asked["port"])
    )
