"""What the API server refuses of workloads, namespaces and services, each with its place."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.model import Unknown
from podwall.policies.errors import Severity
from podwall.reading import Document, SnapshotReading, snapshot

APIS = {
    "CronJob": "batch/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
}
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main"}]}}
OWN: dict[str, Any] = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
HOLE = Unknown("a hole")


def read(kind: str, spec: object, **metadata: object) -> SnapshotReading:
    manifest = {
        "apiVersion": APIS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": "web", **metadata},
        "spec": spec,
    }
    return snapshot([Document(manifest)])


def refused(kind: str, spec: object, **metadata: object) -> list[str]:
    """Return id and path of all errors; an object with one is no part of the snapshot."""
    reading = read(kind, spec, **metadata)
    errors = [each for each in reading.findings if each.severity is Severity.ERROR]
    found = reading.snapshot
    declared = [each for each in found.namespaces if str(each.place)]
    assert bool(errors) != bool(found.workloads or found.services or declared) or kind == (
        "Namespace"
    )
    return [f"{each.id} {each.place.path}" for each in errors]


@pytest.mark.parametrize(
    ("kind", "name", "is_refused"),
    [
        ("Pod", "Web_1", True),
        ("Pod", "web.1", False),
        ("Pod", "x" * 254, True),
        ("Namespace", "Shop", True),
        ("Namespace", "shop.a", True),
        ("Namespace", "x" * 63, False),
        ("Service", "web.a", True),
        ("StatefulSet", "web.a", True),
        ("Deployment", "web.a", False),
        ("Deployment", "-web", True),
        ("CronJob", "x" * 52, False),
        ("CronJob", "x" * 53, True),
        ("Job", "x" * 63, False),
        ("Job", "x" * 64, True),
    ],
)
def test_names(kind: str, name: str, is_refused: bool) -> None:  # noqa: FBT001 - a table
    specs: dict[str, Any] = {
        "CronJob": {"jobTemplate": {"spec": {"template": TEMPLATE}}},
        "Deployment": OWN,
        "Job": {"template": TEMPLATE},
        "StatefulSet": OWN,
        "Service": {"ports": [{"port": 80}]},
    }
    expected = ["invalid-text metadata.name"] if is_refused else []
    assert refused(kind, specs.get(kind, {}), name=name) == expected


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"namespace": "Shop"}, "metadata.namespace"),
        ({"labels": {"a b": "c"}}, "metadata.labels"),
        ({"labels": {"a": "b c"}}, "metadata.labels[a]"),
        ({"annotations": {"a b": "c"}}, "metadata.annotations"),
        ({"name": None, "generateName": "Web-"}, "metadata.generateName"),
    ],
)
def test_metadata(metadata: dict[str, Any], path: str) -> None:
    assert refused("Pod", {}, **metadata) == [f"invalid-text {path}"]
    assert refused("Deployment", OWN, **metadata) == [f"invalid-text {path}"]


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (OWN, []),
        ({"replicas": 3}, ["selector-required spec.selector", "template-required spec.template"]),
        (None, ["selector-required spec.selector", "template-required spec.template"]),
        ({**OWN, "selector": {}}, ["empty-selector spec.selector"]),
        ({**OWN, "selector": {"matchLabels": {}}}, ["empty-selector spec.selector"]),
        ({"selector": OWN["selector"]}, ["template-required spec.template"]),
        ({**OWN, "selector": {"matchLabels": {"app": "api"}}}, ["malformed-object spec.selector"]),
        (
            {**OWN, "selector": {"matchLabels": LABELS | {"tier": "x"}}},
            ["malformed-object spec.selector"],
        ),
        (
            {**OWN, "selector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}},
            ["malformed-object spec.selector"],
        ),
        (
            {
                **OWN,
                "selector": {
                    "matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]
                },
            },
            ["malformed-object spec.selector"],
        ),
        (
            {**OWN, "selector": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}},
            ["malformed-object spec.selector"],
        ),
        (
            {**OWN, "selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
            [],
        ),
        ({**OWN, "template": {}}, ["malformed-object spec.selector"]),
        ({**OWN, "selector": HOLE}, []),
        ({**OWN, "template": HOLE}, []),
        ({**OWN, "template": {"metadata": HOLE}}, []),
        (HOLE, []),
        (
            {**OWN, "template": {**TEMPLATE, "metadata": {"labels": LABELS | {"a": "b c"}}}},
            ["invalid-text spec.template.metadata.labels[a]"],
        ),
    ],
)
def test_controllers(kind: str, spec: object, expected: list[str]) -> None:
    assert refused(kind, spec) == expected


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Deployment", {**OWN, "replicas": -1}, ["negative-number spec.replicas"]),
        ("DaemonSet", {**OWN, "replicas": -1}, []),
        ("Job", {}, ["template-required spec.template"]),
        ("Job", {"template": TEMPLATE, "parallelism": -2}, ["negative-number spec.parallelism"]),
        ("Job", {"template": {}}, []),
        ("CronJob", {}, ["template-required spec.jobTemplate.spec.template"]),
        ("CronJob", {"jobTemplate": HOLE}, []),
        ("CronJob", {"jobTemplate": {"spec": HOLE}}, []),
        ("ReplicationController", {}, ["template-required spec.template"]),
        ("ReplicationController", {"template": {}}, ["empty-selector spec.selector"]),
        ("ReplicationController", {"template": TEMPLATE}, []),
        ("ReplicationController", {"template": {"metadata": HOLE}}, []),
        (
            "ReplicationController",
            {"template": TEMPLATE, "selector": {"app": "api"}},
            ["malformed-object spec.selector"],
        ),
    ],
)
def test_other_controllers(kind: str, spec: object, expected: list[str]) -> None:
    assert refused(kind, spec) == expected


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([{"containerPort": 80}, {"containerPort": 80}], []),
        ([{}], ["port-required [0].containerPort"]),
        ([{"containerPort": 0}], ["invalid-port [0].containerPort"]),
        ([{"containerPort": 65536}], ["invalid-port [0].containerPort"]),
        ([{"containerPort": "80"}], ["wrong-type [0].containerPort"]),
        ([{"containerPort": 80, "hostPort": 70000}], ["invalid-port [0].hostPort"]),
        ([{"containerPort": 80, "hostPort": 0}], []),
        ([{"containerPort": 80, "name": "HTTP"}], ["invalid-port-name [0].name"]),
        ([{"containerPort": 80, "name": "80"}], ["invalid-port-name [0].name"]),
        ([{"containerPort": 80, "name": ""}], []),
        ([{"containerPort": 80, "protocol": "tcp"}], ["invalid-protocol [0].protocol"]),
        ([{"containerPort": 80, "protocol": ""}], []),
        (
            [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}],
            ["port-name-repeated [1].name"],
        ),
        ("80", ["wrong-type "]),
        (HOLE, []),
        ([HOLE, {"containerPort": HOLE, "name": HOLE, "protocol": HOLE}], []),
    ],
)
def test_container_ports(ports: object, expected: list[str]) -> None:
    for field in ("containers", "initContainers"):
        pod = {field: [{"ports": ports}]}
        template = {**OWN, "template": {**TEMPLATE, "spec": pod}}
        for kind, spec, path in (
            ("Pod", pod, f"spec.{field}[0].ports"),
            ("Deployment", template, f"spec.template.spec.{field}[0].ports"),
        ):
            assert refused(kind, spec) == [each.replace(" ", f" {path}", 1) for each in expected]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["ports-required spec.ports"]),
        ({"clusterIP": "None"}, []),
        ({"type": "ExternalName", "externalName": "a.example"}, []),
        ({"type": HOLE}, []),
        ({"ports": HOLE}, []),
        ({"type": "Nodeport", "ports": [{"port": 80}]}, ["invalid-type spec.type"]),
        ({"ports": [{"port": 80}, {"port": 81}]}, 2 * ["port-name-required spec.ports[{}].name"]),
        (
            {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]},
            ["port-name-repeated spec.ports[1].name"],
        ),
        ({"ports": [{}]}, ["port-required spec.ports[0].port"]),
        ({"ports": [{"port": 0}]}, ["invalid-port spec.ports[0].port"]),
        (
            {"ports": [{"port": 80, "targetPort": "HTTP"}]},
            ["invalid-port-name spec.ports[0].targetPort"],
        ),
        ({"ports": [{"port": 80, "targetPort": 0}]}, []),
        (
            {"ports": [{"port": 80, "protocol": "http"}]},
            ["invalid-protocol spec.ports[0].protocol"],
        ),
        ({"ports": [{"port": 80}], "selector": {"a": "b c"}}, ["invalid-text spec.selector[a]"]),
    ],
)
def test_services(spec: object, expected: list[str]) -> None:
    assert refused("Service", spec) == [each.format(index) for index, each in enumerate(expected)]
