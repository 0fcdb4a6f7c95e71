"""Each numbered rule in manifests of its own: what reach, explain and lint make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.explain import answers
from podwall.lint import lint
from podwall.policies import Severity
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, SnapshotReading, snapshot

CASES = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text("utf-8"))
RULES = range(1, 35)
DEFAULT_PODS: dict[str, Any] = {f"{where}/{name}": {} for where in "xy" for name in "ab"}


def read(case: dict[str, Any]) -> SnapshotReading:
    """Return what is read of a case's manifests."""
    pods: dict[str, Any] = case.get("pods", DEFAULT_PODS)
    written = [
        *(_object("v1", "Namespace", name, {}, {"team": name}) for name in "xy"),
        *(_workload(name, pod) for name, pod in pods.items()),
        *(
            _object("networking.k8s.io/v1", "NetworkPolicy", name, spec)
            for name, spec in case.get("policies", {}).items()
        ),
        *case.get("objects", ()),
    ]
    return snapshot([Document(each) for each in written], complete=True)


def _object(
    version: str, kind: str, name: str, spec: Any, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    where, _, short = name.rpartition("/")
    metadata = {"name": short, "labels": labels or {}, **({"namespace": where} if where else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _workload(name: str, pod: dict[str, Any]) -> dict[str, Any]:
    labels = pod.get("labels", {"app": name.split("/")[1]})
    spec = {
        "hostNetwork": pod.get("hostNetwork", False),
        "containers": [_container("one", pod, "ports"), _container("two", pod, "more")],
        "initContainers": [
            _container("sidecar", pod, "sidecar") | {"restartPolicy": "Always"},
            _container("init", pod, "init"),
        ],
    }
    if "replicas" not in pod:
        status = {"status": {"podIP": pod["ip"]}} if "ip" in pod else {}
        return _object("v1", "Pod", name, spec, labels) | status
    template = {"metadata": {"labels": labels}, "spec": spec}
    controller = {
        "replicas": pod["replicas"],
        "selector": {"matchLabels": labels},
        "template": template,
    }
    return _object("apps/v1", "Deployment", name, controller)


def _container(name: str, pod: dict[str, Any], key: str) -> dict[str, Any]:
    return {"name": name, "ports": [_port(each) for each in pod.get(key, ())]}


def _port(text: str) -> dict[str, Any]:
    """Read `http 80` or `dns 53/UDP`."""
    name, _, rest = text.partition(" ")
    number, _, protocol = rest.partition("/")
    return {"name": name, "containerPort": int(number), "protocol": protocol or "TCP"}


def told(found: Reachability, flow: str) -> str:
    """Return what `explain` says of a flow such as `x/a -> y/b 53/UDP`."""
    source, _, destination, port = flow.split()
    (answer,) = answers(found, source, destination, port)
    return str(answer.explanation.verdict)


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=f"{each['rule']} {each['is']}") for each in CASES]
)
def test_rule(case: dict[str, Any]) -> None:
    reading = read(case)
    found = reachability(reading.snapshot, case.get("engine", "spec"))
    asked = [flow.rpartition(" ") for flow in case.get("asks", ())]
    assert [(flow, told(found, flow)) for flow, _, _ in asked] == [
        (flow, verdict) for flow, _, verdict in asked
    ]
    refused = [each for each in reading.findings if each.severity is Severity.ERROR]
    if "refused" in case:
        assert [each.place.path for each in refused] == [case["refused"]]
        assert found.snapshot.policies == ()
    if "finds" in case:
        assert case["finds"] in {each.id for each in (*reading.findings, *lint(found))}


def test_every_rule_has_a_case() -> None:
    assert {each["rule"] for each in CASES} == set(RULES)
