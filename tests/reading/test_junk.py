"""Whatever a document is, reading it gives a snapshot and findings, and never an exception."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.model import Unknown
from podwall.reading import Document, SnapshotReading, snapshot
from podwall.reading.workloads import WORKLOAD_KINDS

KINDS = [
    *sorted(WORKLOAD_KINDS),
    ("", "Namespace"),
    ("", "Service"),
    ("", "List"),
    ("networking.k8s.io", "NetworkPolicy"),
]
WORDS = [
    "apiVersion",
    "containers",
    "containerPort",
    "cidr",
    "egress",
    "endPort",
    "except",
    "from",
    "generateName",
    "hostNetwork",
    "ingress",
    "initContainers",
    "ipBlock",
    "items",
    "jobTemplate",
    "kind",
    "labels",
    "matchExpressions",
    "matchLabels",
    "metadata",
    "name",
    "namespace",
    "namespaceSelector",
    "operator",
    "ownerReferences",
    "podSelector",
    "policyTypes",
    "port",
    "ports",
    "protocol",
    "replicas",
    "restartPolicy",
    "selector",
    "spec",
    "template",
    "to",
    "type",
    "values",
]
TEXTS = ["", "TCP", "In", "Always", "Ingress", "web", "10.0.0.0/8", "10.0.0.1/8", "::/0", "80"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.floats()
    | st.sampled_from(TEXTS)
    | st.text(max_size=5)
    | st.builds(Unknown, st.just("a hole"))
    | st.binary(max_size=2)
)
keys = st.sampled_from(WORDS) | st.text(max_size=3) | st.integers() | st.none()
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
)

WHOLE: list[dict[str, Any]] = [
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "api", "namespace": "shop", "labels": {"a": "b"}},
        "spec": {
            "podSelector": {
                "matchLabels": {"app": "api"},
                "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}],
            },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 1, "endPort": 2}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
        },
    },
    {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": "backup",
            "ownerReferences": [{"controller": True, "kind": "X", "name": "y"}],
        },
        "spec": {
            "jobTemplate": {
                "spec": {
                    "parallelism": 2,
                    "template": {
                        "metadata": {"labels": {"app": "backup"}},
                        "spec": {
                            "hostNetwork": False,
                            "containers": [{"ports": [{"containerPort": 80, "name": "http"}]}],
                            "initContainers": [{"restartPolicy": "Always", "ports": []}],
                        },
                    },
                }
            }
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "api"},
        "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 1, "nodePort": 2}]},
    },
]


def read(manifest: Any) -> SnapshotReading:
    return snapshot([Document(manifest)])


@given(junk)
def test_junk(manifest: Any) -> None:
    read(manifest)


@given(st.sampled_from(KINDS), junk, junk)
@pytest.mark.long
def test_junk_of_a_known_kind(kind: tuple[str, str], metadata: Any, spec: Any) -> None:
    group, name = kind
    version = f"{group}/v1".removeprefix("/")
    read({"apiVersion": version, "kind": name, "metadata": metadata, "spec": spec})


@given(st.sampled_from(WHOLE), st.data(), junk)
@pytest.mark.long
def test_one_field_of_a_whole_object_is_junk(
    manifest: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    damaged = copy.deepcopy(manifest)
    places = list(paths(damaged))
    *steps, last = data.draw(st.sampled_from(places))
    node: Any = damaged
    for step in steps:
        node = node[step]
    node[last] = value
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "healthy"}}
    reading = snapshot([Document(damaged), Document(pod)])
    assert "healthy" in {workload.name for workload in reading.snapshot.workloads}
    assert all(finding.message and "\n" not in finding.message for finding in reading.findings)


def paths(node: Any, path: tuple[Any, ...] = ()) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, (*path, key))
