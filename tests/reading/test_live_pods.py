"""What only a live pod carries counts: a dump is read pod by pod where the labels differ."""

from __future__ import annotations

import pytest

from podwall.model import SnapshotWorkload
from tests.reading.written import seen

TEMPLATE = "template: {metadata: {labels: {app: web}}}"


def controller(kind: str, name: str, more: str = "", owner: str = "") -> str:
    api = "batch/v1" if kind.endswith("Job") else "apps/v1"
    selector = "" if kind.endswith("Job") else "selector: {matchLabels: {app: web}}, "
    return (
        f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: shop"
        f"{owned(owner)}}}, spec: {{{more}{selector}{TEMPLATE}}}}}"
    )


def pod(name: str, owner: str, labels: str) -> str:
    return (
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop{owned(owner)}, "
        f"labels: {{{labels}}}}}}}"
    )


def owned(owner: str) -> str:
    if not owner:
        return ""
    kind, name = owner.split("/")
    return f", ownerReferences: [{{controller: true, kind: {kind}, name: {name}}}]"


def read(*documents: str) -> list[tuple[str, object]]:
    workloads: tuple[SnapshotWorkload, ...] = seen("\n---\n".join(documents)).workloads
    return [(f"{each.kind}/{each.name}", each.replicas) for each in workloads]


DEPLOYMENT = controller("Deployment", "web", "replicas: 2, ")
REPLICA_SET = controller("ReplicaSet", "web-1", owner="Deployment/web")
PLAIN = pod("web-1-a", "ReplicaSet/web-1", "app: web, pod-template-hash: '1'")
MARKED = pod("web-1-b", "ReplicaSet/web-1", "app: web, pod-template-hash: '1', quarantine: 'true'")


def test_pods_like_their_template_are_their_controller() -> None:
    assert read(DEPLOYMENT, REPLICA_SET, PLAIN) == [("Deployment/web", 2)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_pod_with_another_label_is_one_by_itself(order: int) -> None:
    found = read(*[DEPLOYMENT, REPLICA_SET, PLAIN, MARKED][::order])
    assert sorted(found, key=str) == [("Deployment/web", 1), ("Pod/web-1-b", 1)]


def test_a_pod_that_lacks_a_label_of_its_template_is_one_by_itself() -> None:
    freed = pod("web-1-c", "ReplicaSet/web-1", "pod-template-hash: '1'")
    assert read(DEPLOYMENT, REPLICA_SET, freed)[1] == ("Pod/web-1-c", 1)


def test_a_pod_of_an_older_template_is_compared_with_the_one_that_there_is_now() -> None:
    older = pod("web-0-a", "ReplicaSet/web-1", "app: web, version: old")
    assert read(DEPLOYMENT, REPLICA_SET, older)[1] == ("Pod/web-0-a", 1)


@pytest.mark.parametrize(
    ("kind", "added", "left"),
    [
        ("StatefulSet", "statefulset.kubernetes.io/pod-name: web-0", 2),
        ("DaemonSet", "controller-revision-hash: x", 2),
        ("Job", "job-name: web", 2),
    ],
)
def test_other_controllers(kind: str, added: str, left: int) -> None:
    count = {"StatefulSet": "replicas: 2, ", "Job": "parallelism: 2, "}.get(kind, "")
    made = controller(kind, "web", count)
    assert read(made, pod("web-0", f"{kind}/web", f"app: web, {added}")) == [(f"{kind}/web", left)]
    marked = pod("web-1", f"{kind}/web", f"app: web, {added}, role: leader")
    less = left if kind == "DaemonSet" else left - 1
    assert read(made, marked) == [(f"{kind}/web", less), ("Pod/web-1", 1)]


def test_a_pod_whose_controller_is_not_here_stays_as_it_is() -> None:
    assert read(MARKED) == [("Pod/web-1-b", 1)]
