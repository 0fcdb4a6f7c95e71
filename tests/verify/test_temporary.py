"""What a temporary pod is to policies, services, controllers and the cluster's collector."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from podwall.live.objects import SpecObject
from podwall.model import (
    LabelMap,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
)
from podwall.policies.labels import Operator
from podwall.verify import steps
from podwall.verify.cleanup import owner_manifest, timer_manifest
from podwall.verify.existing import RunningPod, publishing_service, server_of
from podwall.verify.temporary import (
    AddressAttempt,
    ClientPod,
    ProbeRun,
    client_manifest,
    server_manifest,
    used_keys,
)

HOW = ProbeRun("registry.example/busybox@sha256:0", "0a1b")
MANAGED = "app.kubernetes.io/managed-by"


def _workload(**labels: str) -> SnapshotWorkload:
    return SnapshotWorkload("shop", "web", "Deployment", LabelMap.of(dict(labels)), replicas=2)


def _client(used: frozenset[str] = frozenset(), /, **labels: str) -> Any:
    attempts = (AddressAttempt(0, "10.0.0.1", 80, should_pass=True),)
    pod = ClientPod("podwall-verify-0a1b-0", "shop", _workload(**labels), attempts)
    return client_manifest(pod, HOW, "uid-1", used)


def test_policies_take_it_for_a_pod_of_the_workload() -> None:
    labels = _client(app="web", tier="front")["metadata"]["labels"]
    assert labels == {
        "app": "web", "tier": "front", MANAGED: "podwall", "podwall.dev/verify": "0a1b"
    }  # fmt: skip


def test_a_label_that_the_workload_has_stays() -> None:
    assert _client(frozenset(), **{MANAGED: "Helm"})["metadata"]["labels"][MANAGED] == "Helm"


def test_a_label_by_which_something_selects_is_not_added() -> None:
    assert MANAGED not in _client(frozenset({MANAGED}))["metadata"]["labels"]


def test_keys_are_used_wherever_a_selector_stands() -> None:
    def selector(key: str) -> Selector:
        return Selector((SelectorRequirement(key, Operator.EXISTS),))

    peer = PodPeer(selector("from"), selector("of"))
    policy = Policy("shop", "p", selector("pods"), ingress=(Rule((peer,)),))
    assert used_keys(Snapshot(policies=(policy,))) == {"pods", "from", "of"}


def test_no_service_sends_it_traffic_and_no_controller_adopts_it() -> None:
    pod = _client()
    assert pod["spec"]["readinessGates"] == [{"conditionType": "podwall.dev/never-ready"}]
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("ConfigMap", "uid-1", True)


def test_it_ends_by_itself_and_so_does_its_owner() -> None:
    assert 0 < _client()["spec"]["activeDeadlineSeconds"] < 600
    timer = timer_manifest("0a1b", "shop", 100)["spec"]
    assert timer["parallelism"] == 0
    assert timer["ttlSecondsAfterFinished"] == 0
    assert timer["activeDeadlineSeconds"] > 100
    (owner,) = owner_manifest("0a1b", "shop", "uid-2")["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", "uid-2")


def _pod(name: str, ready: str = "True", **more: Any) -> RunningPod:
    labels = {"app": "web", "pod-template-hash": "5d", **more.pop("labels", {})}
    status = {
        "phase": "Running",
        "podIP": "10.0.0.7",
        "conditions": [{"type": "Ready", "status": ready}],
    }
    meta = {"name": name, "namespace": "shop", "labels": labels, **more.pop("metadata", {})}
    return msgspec.convert({"metadata": meta, "status": {**status, **more}}, RunningPod)


def _of_web(*pods: RunningPod) -> str:
    found = server_of(_workload(app="web"), pods)
    return "" if found is None else found.name


def test_a_server_is_a_ready_pod_with_the_labels_of_the_workload() -> None:
    other = _pod("web-1", labels={"role": "canary"})
    assert _of_web(other, _pod("web-3"), _pod("web-2")) == "web-2"


def test_of_workloads_with_the_same_labels_the_name_tells() -> None:
    assert _of_web(_pod("api-1"), _pod("web-2")) == "web-2"


@pytest.mark.parametrize(
    "pod",
    [
        _pod("web-1", "False"),
        _pod("web-1", phase="Pending"),
        _pod("web-1", podIP=""),
        _pod("web-1", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        _pod("web-1", metadata={"namespace": "other"}),
        _pod("web-1", labels={"podwall.dev/verify": "0a1b"}),
    ],
    ids=["not-ready", "pending", "no-address", "leaving", "elsewhere", "a-client"],
)
def test_such_a_pod_is_no_server(pod: RunningPod) -> None:
    assert _of_web(pod) == ""


def _service(namespace: str = "shop", **spec: Any) -> SpecObject:
    document = {"metadata": {"name": "all", "namespace": namespace}, "spec": spec}
    return msgspec.convert(document, SpecObject)


@pytest.mark.parametrize(
    ("service", "publishes"),
    [
        (_service(selector={"app": "web"}, publishNotReadyAddresses=True), True),
        (_service(selector={"app": "web"}), False),
        (_service(selector={"app": "api"}, publishNotReadyAddresses=True), False),
        (_service("other", selector={"app": "web"}, publishNotReadyAddresses=True), False),
        (_service(publishNotReadyAddresses=True), False),
    ],
)
def test_a_service_that_takes_in_what_is_not_ready(service: SpecObject, *, publishes: bool) -> None:
    assert (publishing_service(_workload(app="web"), [service]) is not None) is publishes


def test_no_walkthrough_that_still_has_its_backend_is_taken_for_a_killed_one() -> None:
    backend = server_manifest("backend", "shop", {}, HOW)
    assert backend["spec"]["activeDeadlineSeconds"] < steps._LONGEST  # noqa: SLF001 - the same module keeps both promises
