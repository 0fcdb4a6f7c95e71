from __future__ import annotations

from typing import Any

import pytest

from podwall.components.workload_args import ContainerPort, Probe, WorkloadArgs, WorkloadKind
from podwall.policies import InvalidValue, Protocol, namespace

HTTP = ContainerPort(name="http", number=8080)
DNS = ContainerPort(name="dns", number=53, protocol=Protocol.UDP)
VALID: dict[str, Any] = {
    "name": "api",
    "namespace": "shop",
    "labels": {"app": "api"},
    "image": "docker.io/library/api:1.0",
}


def test_a_workload_is_a_peer_of_connections() -> None:
    assert WorkloadArgs(**VALID).peer == namespace("shop").pods(app="api")


def test_what_the_caller_changes_later_changes_no_workload() -> None:
    labels, environment = {"app": "api"}, {"LEVEL": "info"}
    args = WorkloadArgs(**{**VALID, "labels": labels, "environment": environment})
    labels["app"] = environment["LEVEL"] = "other"
    assert (args.labels["app"], args.environment["LEVEL"]) == ("api", "info")


def test_a_port_is_written_into_policies_by_number() -> None:
    args = WorkloadArgs(**VALID, ports=(HTTP, DNS))
    assert str(args.port("http").rule | args.port("dns").rule) == "TCP 8080, UDP 53"


def test_the_probe_connects_to_the_first_tcp_port_unless_said_otherwise() -> None:
    assert WorkloadArgs(**VALID, ports=(DNS, HTTP)).effective_probe == Probe(port="http")
    assert WorkloadArgs(**VALID, ports=(DNS,)).effective_probe is None
    assert WorkloadArgs(**VALID).effective_probe is None


@pytest.mark.parametrize(
    ("choices", "count"),
    [
        pytest.param({}, 2, id="a Deployment has two pods by default"),
        pytest.param({"replicas": 5}, 5, id="a Deployment has as many as asked"),
        pytest.param({"kind": WorkloadKind.POD}, 1, id="a bare pod is one"),
    ],
)
def test_how_many_pods_run(choices: dict[str, Any], count: int) -> None:
    assert WorkloadArgs(**VALID, **choices).pod_count == count


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1.29",
        "ghcr.io/owner/app:v1.0.0",
        "registry.example:5000/team/app:1",
        "docker.io/library/busybox@sha256:" + "0" * 64,
        "docker.io/library/busybox:latest@sha256:" + "0" * 64,
    ],
)
def test_images_with_a_version_or_a_digest_are_accepted(image: str) -> None:
    assert WorkloadArgs(**{**VALID, "image": image}).image == image


REFUSED = [
    pytest.param({"name": "1st"}, "metadata.name: `1st` must begin with a letter", id="digit"),
    pytest.param({"name": "a.b"}, "metadata.name: `a.b`", id="a dot, which no Service can have"),
    pytest.param({"namespace": "kube-system"}, "namespace of the system", id="system namespace"),
    pytest.param({"namespace": "default"}, "`default` is there", id="the default namespace"),
    pytest.param({"labels": {}}, "metadata.labels: no label is given", id="no label"),
    pytest.param({"labels": {"kubernetes.azure.com/a": "b"}}, "belong to AKS", id="AKS's label"),
    pytest.param({"labels": {"app": "a b"}}, r"metadata.labels\[app\]: `a b`", id="bad label"),
    pytest.param({"image": ""}, "image: `` is not an image", id="no image"),
    pytest.param({"image": "nginx"}, "neither a tag nor a digest", id="no tag"),
    pytest.param({"image": "host:5000/nginx"}, "neither a tag", id="a registry's port is no tag"),
    pytest.param({"image": "nginx:latest"}, "with every release", id="latest"),
    pytest.param({"image": "nginx :1"}, "not an image reference", id="a space"),
    pytest.param({"user": 0}, "runAsUser: `0` is less than 1", id="root"),
    pytest.param({"replicas": 0}, "spec.replicas: `0` is less than 1", id="no replica"),
    pytest.param(
        {"kind": WorkloadKind.POD, "replicas": 1}, "a bare pod is always one", id="pod replicas"
    ),
    pytest.param({"ports": (HTTP, HTTP)}, "`http` is given twice", id="a port's name twice"),
    pytest.param(
        {"ports": (HTTP, ContainerPort(name="web", number=8080))},
        "ports.containerPort: `8080` is given twice",
        id="a port's number twice",
    ),
    pytest.param({"probe": Probe(port="http")}, "no port `http`", id="a probe without its port"),
    pytest.param(
        {"ports": (DNS,), "probe": Probe(port="dns")}, "not a TCP port", id="a probe over UDP"
    ),
    pytest.param({"writable_paths": ("data",)}, "not a folder below", id="a relative path"),
    pytest.param({"writable_paths": ("/",)}, "not a folder below", id="the whole file system"),
    pytest.param({"writable_paths": ("/a", "/a")}, "given twice", id="a path twice"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_wrong_workloads_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        WorkloadArgs(**{**VALID, **wrong})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"number": 0}, "ports.containerPort: `0` is not a port", id="zero"),
        pytest.param({"number": 65536}, "`65536` is not a port", id="too high"),
        pytest.param({"name": "Http"}, "ports.name: `Http`", id="upper case"),
        pytest.param({"name": "a-very-long-name"}, "at most 15", id="too long a name"),
    ],
)
def test_wrong_ports_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        ContainerPort(**{"name": "http", "number": 80, **wrong})


def test_a_probe_asks_for_an_absolute_path() -> None:
    with pytest.raises(InvalidValue, match="`healthz` is not absolute"):
        Probe(port="http", path="healthz")
