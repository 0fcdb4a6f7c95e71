"""Every kind of object that is pods, or makes them."""

from __future__ import annotations

import pytest

from podwall.model import IpProtocol, LabelMap, Unknown, WorkloadPort
from podwall.reading import ObjectStatus
from tests.reading.written import ids, policy_text, read, seen, workload

TEMPLATE = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}"
OWN = f"selector: {{matchLabels: {{app: web}}}}, {TEMPLATE}"


@pytest.mark.parametrize(
    ("api", "kind", "spec", "replicas"),
    [
        pytest.param("v1", "ReplicationController", f"replicas: 3, {TEMPLATE}", 3, id="rc"),
        pytest.param("apps/v1", "Deployment", OWN, 1, id="one replica by default"),
        pytest.param("apps/v1", "Deployment", f"replicas: 0, {OWN}", 0, id="scaled to zero"),
        pytest.param("apps/v1", "ReplicaSet", f"replicas: 2, {OWN}", 2, id="replica set"),
        pytest.param("apps/v1", "StatefulSet", f"replicas: 5, {OWN}", 5, id="stateful set"),
        pytest.param("apps/v1", "DaemonSet", OWN, 2, id="a daemon set is more than one pod"),
        pytest.param("batch/v1", "Job", TEMPLATE, 1, id="job"),
        pytest.param("batch/v1", "Job", f"parallelism: 4, {TEMPLATE}", 4, id="parallel job"),
        pytest.param(
            "batch/v1",
            "CronJob",
            f"jobTemplate: {{spec: {{parallelism: 3, {TEMPLATE}}}}}",
            3,
            id="cron job",
        ),
    ],
)
def test_a_controller_is_its_template(api: str, kind: str, spec: str, replicas: int) -> None:
    found = workload(f"""
        apiVersion: {api}
        kind: {kind}
        metadata: {{name: web, namespace: shop, labels: {{not: the-pods}}}}
        spec: {{{spec}}}
    """)
    assert (found.namespace, found.name, found.kind) == ("shop", "web", kind)
    assert found.labels == LabelMap.of({"app": "web"})
    assert found.replicas == replicas


def pod(spec: str) -> str:
    return f"{{apiVersion: v1, kind: Pod, metadata: {{name: web}}, spec: {{{spec}}}}}"


def test_a_bare_pod_is_in_namespace_default_by_default() -> None:
    found = workload("{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {a: b}}}")
    assert (found.namespace, found.labels, found.replicas) == (
        "default",
        LabelMap.of({"a": "b"}),
        1,
    )
    assert found.host_network is False


def test_a_label_that_is_null_is_the_empty_string() -> None:
    found = workload("{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {a: }}}")
    assert found.labels == LabelMap.of({"a": ""})


def test_host_network() -> None:
    assert workload(pod("hostNetwork: true")).host_network is True


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        pytest.param("containers: [{name: c}]", (), id="none declared"),
        pytest.param(
            "containers: [{ports: [{containerPort: 80, name: http}]},"
            " {ports: [{containerPort: 53, protocol: UDP}]}]",
            (WorkloadPort(80, name="http"), WorkloadPort(53, IpProtocol.UDP)),
            id="those of all containers",
        ),
        pytest.param(
            "containers: [{ports: [{containerPort: 80}, {containerPort: 80}]}]",
            (WorkloadPort(80),),
            id="each once",
        ),
        pytest.param(
            "initContainers: [{ports: [{containerPort: 1}], restartPolicy: Always}]",
            (WorkloadPort(1, sidecar=True),),
            id="a native sidecar listens",
        ),
        pytest.param(
            "initContainers: [{ports: [{containerPort: 1}]}]", (), id="an init container ends"
        ),
    ],
)
def test_ports(spec: str, ports: tuple[WorkloadPort, ...]) -> None:
    assert workload(pod(spec)).ports == ports


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        pytest.param("containers: web", "wrong-type spec.containers", id="containers"),
        pytest.param(
            "containers: [{ports: [{name: http}]}]",
            "port-required spec.containers[0].ports[0].containerPort",
            id="a port without a number",
        ),
        pytest.param(
            "containers: [{}, {ports: [{containerPort: 70000}]}]",
            "invalid-port spec.containers[1].ports[0].containerPort",
            id="a port out of range",
        ),
        pytest.param(
            "containers: [{ports: [{containerPort: 1, protocol: tcp}]}]",
            "invalid-protocol spec.containers[0].ports[0].protocol",
            id="a protocol in lower case",
        ),
        pytest.param(
            "hostNetwork: 'true'", "malformed-object spec.hostNetwork", id="a quoted boolean"
        ),
    ],
)
def test_a_malformed_pod_is_left_out(spec: str, finding: str) -> None:
    reading = read(pod(spec))
    assert reading.snapshot.workloads == ()
    assert ids(reading) == [finding]


def test_the_place_of_a_workload_is_its_document() -> None:
    (first, second) = seen(f"{pod('')}\n---\n\n{pod('').replace('web', 'api')}").workloads
    assert (str(first.place), str(second.place)) == ("test.yaml:1", "test.yaml:4")


def deployment(selector: str) -> str:
    return (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, "
        f"spec: {{selector: {selector}, {TEMPLATE}}}}}"
    )


def test_a_controller_that_would_not_know_its_own_pods_is_refused() -> None:
    assert ids(read(deployment("{matchLabels: {app: api}}"))) == ["malformed-object spec.selector"]
    assert ids(read(deployment("{matchLabels: {app: web}}"))) == []
    assert ids(read(deployment("{matchExpressions: [{key: app, operator: Exists}]}"))) == []


def test_a_pod_that_has_ended_has_no_address() -> None:
    ended = pod("").replace("spec:", "status: {phase: Succeeded}, spec:")
    reading = read(ended)
    assert reading.snapshot.workloads == ()
    assert [each.status for each in reading.ledger] == [ObjectStatus.HARMLESS]
    assert len(seen(ended.replace("Succeeded", "Running")).workloads) == 1


def asking(key: str, *, of: str = "Job", value: str = "web") -> LabelMap:
    """Return the labels of a workload in a cluster with a policy that asks for a key."""
    group = "batch" if of == "Job" else "apps"
    workload_text = (
        f"{{apiVersion: {group}/v1, kind: {of}, metadata: {{name: web, namespace: shop}}, "
        f"spec: {{{TEMPLATE if of == 'Job' else OWN}}}}}"
    )
    policy = policy_text(
        f"{{podSelector: {{matchLabels: {{{key}: {value}}}}}, policyTypes: [Egress]}}"
    )
    (found,) = seen(f"{workload_text}\n---\n{policy}").workloads
    return found.labels


def test_a_label_that_a_job_gives_to_its_pods() -> None:
    assert asking("job-name") == LabelMap.of({"app": "web", "job-name": "web"})


def test_a_label_that_differs_from_pod_to_pod() -> None:
    key = "statefulset.kubernetes.io/pod-name"
    labels = asking(key, of="StatefulSet", value="web-0")
    assert isinstance(dict(labels.items)[key], Unknown)


def test_labels_that_nobody_asks_for_are_left_out() -> None:
    assert asking("app", of="StatefulSet") == LabelMap.of({"app": "web"})


RUNNING = [
    pytest.param("podIP: 10.244.0.7, podIPs: [{ip: 10.244.0.7}]", ["10.244.0.7"], id="one"),
    pytest.param("podIPs: [{ip: 10.0.0.7}, {ip: 'fd00::7'}]", ["10.0.0.7", "fd00::7"], id="two"),
    pytest.param("podIP: 10.0.0.7, podIPs: [{ip: 'fd00::7'}]", ["10.0.0.7", "fd00::7"], id="both"),
    pytest.param("phase: Pending", [], id="none yet"),
    pytest.param("podIP: '', podIPs: [3, {}, {ip: x}]", [], id="what is no address"),
    pytest.param("podIP: 10.0.0.7, phase: Succeeded", None, id="of a pod that has ended"),
]


@pytest.mark.parametrize(("status", "expected"), RUNNING)
def test_a_running_pod_has_its_addresses(status: str, expected: list[str] | None) -> None:
    text = f"{{apiVersion: v1, kind: Pod, metadata: {{name: web}}, status: {{{status}}}}}"
    pods = read(text).snapshot.workloads
    assert [list(map(str, each.addresses)) for each in pods] == (
        [] if expected is None else [expected]
    )
