"""Which workload an observed end is, and when that can't be told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from podwall.model import (
    LabelMap,
    Snapshot,
    SnapshotNode,
    SnapshotWorkload,
    Unknown,
)
from podwall.observed import SeenEnd, Unplaced, UnplacedReason
from podwall.observed.flow import PlacedEnds
from podwall.reachability import reachability


def workload(name: str, kind: str = "Deployment", **labels: str) -> SnapshotWorkload:
    return SnapshotWorkload("shop", name, kind, LabelMap(tuple(sorted(labels.items()))))


SNAPSHOT = Snapshot(
    workloads=(
        workload("web", app="web"),
        workload("db", "StatefulSet", app="db"),
        workload("log", "DaemonSet", app="log"),
        workload("night", "CronJob", app="night"),
        workload("alone", "Pod", app="alone"),
        workload("blue", app="twin"),
        workload("green", app="twin"),
        SnapshotWorkload(Unknown("later"), "lost", "Pod", LabelMap((("app", "lost"),))),
    ),
    nodes=(SnapshotNode("node1", (ip_address("10.224.0.4"),)),),
    complete=True,
)
ENDS = PlacedEnds(reachability(SNAPSHOT))


def pod(name: str, workload: str = "", kind: str = "", **labels: str) -> SeenEnd:
    return SeenEnd("", "shop", name, workload, kind, tuple(sorted(labels.items())))


@pytest.mark.parametrize(
    ("end", "id_"),
    [
        pytest.param(pod("web-7c9-abcde", "web", "Deployment"), "shop/web", id="controller"),
        pytest.param(pod("web-7c9-abcde", "web-7c9", "ReplicaSet"), "shop/web", id="its-maker"),
        pytest.param(pod("night-28-x", "night-28912345", "Job"), "shop/night", id="job-of-a-cron"),
        pytest.param(pod("web-7c9d8b6f5-abcde"), "shop/web", id="name-of-a-deployment"),
        pytest.param(pod("db-0"), "shop/db", id="name-of-a-stateful-set"),
        pytest.param(pod("log-x2v4q"), "shop/log", id="name-of-a-daemon-set"),
        pytest.param(pod("alone"), "shop/alone", id="name-of-a-pod"),
        pytest.param(pod("odd", app="web", more="yes"), "shop/web", id="labels"),
        pytest.param(
            SeenEnd("203.0.113.7", reserved=frozenset({"world"})), "0.0.0.0/0", id="outside"
        ),
        pytest.param(
            SeenEnd("2001:db8::1", reserved=frozenset({"world-ipv6"})), "::/0", id="outside-ipv6"
        ),
        pytest.param(
            SeenEnd("10.224.0.4", reserved=frozenset({"host"})), "10.224.0.4", id="a-known-node"
        ),
    ],
)
def test_an_end_that_is_known(end: SeenEnd, id_: str) -> None:
    assert ENDS.place(end) == id_


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        pytest.param(pod("x", app="twin"), UnplacedReason.SEVERAL, id="labels-of-two"),
        pytest.param(pod("lost", app="lost"), UnplacedReason.NOT_IN_SOURCE, id="another-namespace"),
        pytest.param(
            pod("web-0", "web", "StatefulSet"), UnplacedReason.NOT_IN_SOURCE, id="another-kind"
        ),
        pytest.param(pod("ghost-1-abcde"), UnplacedReason.NOT_IN_SOURCE, id="nobody"),
        pytest.param(SeenEnd("10.0.0.9"), UnplacedReason.UNKNOWN, id="an-address-alone"),
        pytest.param(SeenEnd(), UnplacedReason.UNKNOWN, id="nothing"),
        pytest.param(
            SeenEnd("203.0.113.7", reserved=frozenset({"unknown"})),
            UnplacedReason.UNKNOWN,
            id="reserved-unknown",
        ),
        pytest.param(
            SeenEnd("10.0.0.9", reserved=frozenset({"health"})), UnplacedReason.UNKNOWN, id="health"
        ),
        pytest.param(
            SeenEnd("10.224.0.9", reserved=frozenset({"remote-node"})),
            UnplacedReason.NODE,
            id="another-node",
        ),
        pytest.param(
            SeenEnd("", reserved=frozenset({"world"})), UnplacedReason.NO_ADDRESS, id="no-address"
        ),
    ],
)
def test_an_end_that_can_not_be_told(end: SeenEnd, reason: UnplacedReason) -> None:
    found = ENDS.place(end)
    assert isinstance(found, Unplaced)
    assert found.reason is reason
