"""On a real node with an engine: predictions are true, and nothing is left whatever happens.

The node takes a minute, root, and what `tests.live.node` names; without it these are skipped, and
say so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from podwall.live.connection import ApiConnection, ApiRequest
from tests.cli.running import ROOT
from tests.cli.running import podwall as podwall_here
from tests.live.lab import created
from tests.live.node import IMAGE, LabNode, missing_for_node, running_node
from tests.live.outside import OutsideMachine, exposed_objects, machine_outside

_SPACES = ("shop", "monitoring", "starwind", "visitor")
_VERIFY = ("verify", "--image", IMAGE, "--engine", "spec", "-o", "json")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """Give a node with an engine, the shop and the dev stack in it."""
    if missing := missing_for_node():
        pytest.skip(f"no whole node here: {', '.join(missing)} not there")
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("a whole node runs alone: `make test-live`")
    folder = tmp_path_factory.mktemp("node")
    with running_node(folder) as found:
        objects = [*_shop(), *_dev_stack(folder)]
        found.ask(lambda connection: created(connection, objects))
        found.wait(_all_ready)
        yield found


def _shop() -> Iterator[dict[str, Any]]:
    for name in ("workloads.yaml", "policies.yaml"):
        text = (ROOT / "examples" / "shop" / name).read_text(encoding="utf-8")
        yield from map(_runnable, yaml.safe_load_all(text))


def _dev_stack(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of the program's own dev stack, namespaces first."""
    words = ("preview", "--stack", "dev", "--with", "embedded", "--out", str(folder / "out"))
    assert podwall_here(ROOT, *words).code == 0
    for path in sorted((folder / "out" / "dev" / "manifests").glob("*.yaml")):
        yield _runnable(yaml.safe_load(path.read_text(encoding="utf-8")))


def _runnable(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose containers are of the image that is here, and only sleep."""
    spec = found.get("spec", {})
    pods = spec.get("template", {}).get("spec") if "template" in spec else spec
    for each in (pods or {}).get("containers", ()):
        for key in ("livenessProbe", "readinessProbe", "command", "args", "resources"):
            each.pop(key, None)
        each.update(image=IMAGE, imagePullPolicy="IfNotPresent")
        if {"shop", "monitoring"} & {found["metadata"].get("namespace")}:
            each["command"] = ["sh", "-c", "httpd -f -p 8080 -h /tmp || sleep 3600"]
    return found


def _all_ready(connection: ApiConnection) -> bool:
    pods = [
        each
        for name in _SPACES
        for each in _pods(connection, name)
        if "podwall.dev/verify" not in each["metadata"].get("labels", {})
    ]
    return _are_ready(pods, 10)


def _are_ready(pods: Sequence[dict[str, Any]], least: int) -> bool:
    ready = [
        each
        for each in pods
        for condition in each["status"].get("conditions", ())
        if condition["type"] == "Ready" and condition["status"] == "True"
    ]
    return len(pods) >= least and len(ready) == len(pods)


def _pods(connection: ApiConnection, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        connection.get(f"/api/v1/namespaces/{namespace}/pods")
    )["items"]
    return found


_KINDS = (
    "/api/v1/pods", "/api/v1/configmaps", "/apis/batch/v1/jobs", "/api/v1/namespaces",
    "/api/v1/services", "/apis/networking.k8s.io/v1/networkpolicies",
)  # fmt: skip


def _left(connection: ApiConnection) -> list[str]:
    """Return what is there of podwall, by either of its labels."""
    return [
        f"{path}: {each['metadata']['name']}"
        for path in _KINDS
        for label in ("podwall.dev/verify", "app.kubernetes.io/managed-by=podwall")
        for each in json.loads(connection.get(path, labelSelector=label))["items"]
    ]


def assert_nothing_left(node: LabNode) -> None:
    """Hold that nothing of podwall is there, after the moment that a deletion takes."""
    deadline = time.monotonic() + 60
    while left := node.ask(_left):
        assert time.monotonic() < deadline, left
        time.sleep(1)


def _verified(
    node: LabNode, *words: str, before: str = ""
) -> tuple[int, list[dict[str, Any]], str]:
    code, out, err = node.podwall(*_VERIFY, *words, before=before)
    assert out, err
    return code, json.loads(out)["results"], err


def test_the_walkthrough_is_as_predicted(node: LabNode) -> None:
    code, out, err = node.podwall("walkthrough", "--live", "--image", IMAGE, "-o", "json")
    assert out, err
    rows = json.loads(out)
    assert len(rows) == 15
    assert [each["observed"] for each in rows] == [each["predicted"] for each in rows]
    assert code == 0
    assert_nothing_left(node)


def test_every_pair_of_the_shop_and_the_dev_stack_agrees(node: LabNode) -> None:
    code, results, err = _verified(node, "--max-probes", "1000")
    assert [each for each in results if each["agreement"] != "agrees"] == [], err
    assert len(results) > 40
    assert {each["predicted"] for each in results} == {"allowed", "denied"}
    assert code == 0
    assert_nothing_left(node)


_UDP: Final = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "api-over-udp", "namespace": "shop"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "api"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
                "ports": [{"protocol": "UDP", "port": 5353, "endPort": 5360}],
            }
        ],
    },
}


@pytest.fixture
def over_udp(node: LabNode) -> Iterator[LabNode]:
    """Give the node with a policy that lets some in over UDP."""
    node.ask(lambda connection: created(connection, [_UDP]))
    yield node
    path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/api-over-udp"
    node.ask(lambda connection: connection.send(ApiRequest("DELETE", path)))


def test_both_sides_of_every_turn_over_udp_agree(over_udp: LabNode) -> None:
    code, results, err = _verified(over_udp, "--protocols", "udp", "--max-probes", "1000")
    assert {each["protocol"] for each in results} == {"UDP"}
    assert [each for each in results if each["agreement"] != "agrees"] == [], err
    seen = {(each["port"], each["observed"]) for each in results if each["client"] == "shop/web"}
    assert {(5353, "refused"), (5360, "refused")} <= seen
    assert {(5352, "timed out"), (5361, "timed out")} <= seen
    assert code == 0
    assert_nothing_left(over_udp)


def test_what_is_not_enforced_over_udp_is_named(over_udp: LabNode) -> None:
    over_udp.stop_engine()
    try:
        code, results, err = _verified(over_udp, "--protocols", "udp", "--max-probes", "1000")
    finally:
        over_udp.start_engine()
    denied = [each for each in results if each["predicted"] == "denied"]
    assert denied, err
    assert {each["agreement"] for each in denied} == {"disagrees"}
    assert code == 1
    assert_nothing_left(over_udp)


def test_services_lead_where_policies_let_them(node: LabNode) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "by-name", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    node.ask(lambda connection: created(connection, [service]))
    words = ("--services", "--protocols", "tcp", "--max-probes", "1000")
    try:
        code, results, err = _verified(node, *words)
    finally:
        path = "/api/v1/namespaces/shop/services/by-name"
        node.ask(lambda connection: connection.send(ApiRequest("DELETE", path)))
    by = [each for each in results if each["service"]]
    assert {each["service"] for each in by} >= {"by-name:80", "backend:80"}
    assert {each["predicted"] for each in by} == {"allowed", "denied"}
    assert [each for each in results if each["agreement"] != "agrees"] == [], err
    assert code == 0
    assert_nothing_left(node)


@pytest.fixture
def outside(node: LabNode) -> Iterator[OutsideMachine]:
    """Give a machine beside the node, and pods with node ports: some are open, some are shut."""
    node.ask(lambda connection: created(connection, exposed_objects("edge")))
    node.wait(lambda connection: _are_ready(_pods(connection, "edge"), 2))
    with machine_outside(node) as machine:
        yield machine
    path = "/api/v1/namespaces/edge"
    node.ask(lambda connection: connection.send(ApiRequest("DELETE", path)))
    node.wait(lambda connection: "edge" not in str(connection.get("/api/v1/namespaces")))


_TRIED: Final = ("--namespace", "edge", "--outside", "-o", "json", "--image", IMAGE)


def _from_outside(machine: OutsideMachine, engine: str) -> tuple[int, dict[str, tuple[str, ...]]]:
    code, out, err = machine.podwall("verify", "--engine", engine, *_TRIED)
    assert out, err
    found = [each for each in json.loads(out)["results"] if each["client"] == "outside"]
    keys = ("predicted", "observed", "agreement")
    return code, {each["service"]: tuple(each[key] for key in keys) for each in found}


def test_what_comes_in_by_node_ports_is_as_predicted(
    node: LabNode, outside: OutsideMachine
) -> None:
    opened, shut = ("allowed", "connected", "agrees"), ("denied", "timed out", "agrees")
    local = {"open-local:80": opened, "shut-local:80": shut}
    # The specification says nothing of a shut pod behind a service that may hide its clients.
    assert _from_outside(outside, "spec") == (0, {**local, "open-cluster:80": opened})
    both = {"open-cluster:80": opened, "shut-cluster:80": shut}
    assert _from_outside(outside, "cilium") == (0, {**local, **both})
    assert_nothing_left(node)


def test_what_is_shut_from_outside_and_not_enforced_is_named(
    node: LabNode, outside: OutsideMachine
) -> None:
    node.stop_engine()
    try:
        code, found = _from_outside(outside, "cilium")
    finally:
        node.start_engine()
    opened, wrong = ("allowed", "connected", "agrees"), ("denied", "connected", "disagrees")
    ways = ("local:80", "cluster:80")
    assert found == {f"open-{each}": opened for each in ways} | {
        f"shut-{each}": wrong for each in ways
    }
    assert code == 1
    assert_nothing_left(node)


def test_pods_that_exist_make_the_attempts(node: LabNode) -> None:
    code, out, err = node.podwall(
        "verify", "--exec", "--engine", "spec", "-o", "json", "--max-probes", "1000"
    )
    results = json.loads(out)["results"]
    unseen = [each for each in results if each["agreement"] == "not observed"]
    alone = "the only pod of the client is the one that is connected to"
    silent = "the server answers nobody on this port, so that its silence proves nothing"
    assert {each["reason"] for each in unseen} <= {alone, silent}, err
    seen = [each for each in results if each not in unseen]
    assert len(seen) > 40
    assert {each["agreement"] for each in seen} == {"agrees"}, err
    assert code == 3
    assert json.loads(out)["notes"] == []
    assert_nothing_left(node)


def test_walkthroughs_at_once_do_not_disturb_each_other(node: LabNode) -> None:
    words = ("walkthrough", "--live", "--image", IMAGE, "-o", "json")
    both = [node.start_podwall(*words) for _ in range(2)]
    ended = [(*each.communicate(timeout=900), each.returncode) for each in both]
    for out, err, code in ended:
        rows = json.loads(out)
        assert [each["observed"] for each in rows] == [each["predicted"] for each in rows], err
        assert code == 0
    assert_nothing_left(node)


def test_an_image_that_is_missing_lets_nothing_be_observed(node: LabNode) -> None:
    words = ["--image", "lab.local/no-such:1", "--max-probes", "4"]
    code, out, err = node.podwall("verify", "--engine", "spec", "-o", "json", *words)
    results = json.loads(out)["results"]
    assert {each["agreement"] for each in results} == {"not observed"}, err
    assert code == 3
    assert_nothing_left(node)


def test_a_quota_lets_nothing_be_observed(node: LabNode) -> None:
    path = "/api/v1/namespaces/shop/resourcequotas"
    quota = {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", **quota}
    node.ask(lambda connection: connection.send(ApiRequest("POST", path, body=body)))
    try:
        node.wait(lambda connection: "used" in json.loads(connection.get(f"{path}/full"))["status"])
        code, results, _ = _verified(node, "--max-probes", "40")
    finally:
        node.ask(lambda connection: connection.send(ApiRequest("DELETE", f"{path}/full")))
    inside = [each for each in results if each["client"].startswith("shop/")]
    assert inside
    assert {each["agreement"] for each in inside} == {"not observed"}
    assert all("quota" in each["reason"] for each in inside)
    assert code == 3
    assert_nothing_left(node)


def test_a_server_that_is_never_ready_is_not_observed(node: LabNode) -> None:
    gates = [{"conditionType": "test.example/never"}]
    containers = [{"name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "unready", "namespace": "shop", "labels": {"app": "unready"}},
        "spec": {"containers": containers, "readinessGates": gates},
    }
    node.ask(lambda connection: created(connection, [pod]))
    try:
        code, results, _ = _verified(node, "--max-probes", "1000")
    finally:
        path = "/api/v1/namespaces/shop/pods/unready"
        now = {"gracePeriodSeconds": 0}
        node.ask(lambda connection: connection.send(ApiRequest("DELETE", path, body=now)))
    asked = [each for each in results if each["server"] == "shop/unready"]
    assert asked
    assert {each["agreement"] for each in asked} == {"not observed"}
    assert code == 3
    assert_nothing_left(node)


def _clients(connection: ApiConnection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        connection.get("/api/v1/pods", labelSelector="podwall.dev/verify")
    )["items"]
    return found


def _running_clients(connection: ApiConnection) -> list[dict[str, Any]]:
    return [each for each in _clients(connection) if each["status"]["phase"] == "Running"]


def _wait_for_clients(node: LabNode, process: subprocess.Popen[str]) -> None:
    """Wait until a temporary pod of a process runs, which must not end before."""
    deadline = time.monotonic() + 120
    while not node.ask(_running_clients):
        if process.poll() is not None or time.monotonic() > deadline:
            out, err = process.communicate(timeout=60)
            pytest.fail(f"no client has run ({process.returncode}): {out} {err}")
        time.sleep(0.2)


def _meanwhile(
    node: LabNode, *words: str, act: Callable[[subprocess.Popen[str]], object]
) -> tuple[int, str, str]:
    """Run a verification, act while its clients run, and return how it ended."""
    process = node.start_podwall(*_VERIFY, *words)
    _wait_for_clients(node, process)
    act(process)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def test_a_client_that_is_evicted_is_not_observed(node: LabNode) -> None:
    gone: list[str] = []

    def evict(_: object) -> None:
        meta = node.ask(_running_clients)[0]["metadata"]
        name, where = meta["name"], meta["namespace"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": where},
            "deleteOptions": {"gracePeriodSeconds": 0},
        }
        path = f"/api/v1/namespaces/{where}/pods/{name}/eviction"
        node.ask(lambda connection: connection.send(ApiRequest("POST", path, body=eviction)))
        gone.append(name)

    code, out, err = _meanwhile(node, "--max-probes", "12", act=evict)
    results = json.loads(out)["results"]
    assert gone
    assert [each for each in results if each["agreement"] == "not observed"], err
    assert not [each for each in results if each["agreement"] == "disagrees"], err
    assert code == 3
    assert_nothing_left(node)


def test_an_engine_that_stands_still_for_a_while_is_no_deviation(node: LabNode) -> None:
    def stall(_: object) -> None:
        engine = node.processes["engine"]
        engine.send_signal(signal.SIGSTOP)
        time.sleep(20)
        engine.send_signal(signal.SIGCONT)

    _, out, err = _meanwhile(node, "--protocols", "tcp", "--max-probes", "60", act=stall)
    assert {each["agreement"] for each in json.loads(out)["results"]} == {"agrees"}, (out, err)
    assert_nothing_left(node)


def test_two_verifications_at_once_do_not_disturb_each_other(node: LabNode) -> None:
    both = [node.start_podwall(*_VERIFY, "--max-probes", "12", "--seed", each) for each in "12"]
    ended = [(*each.communicate(timeout=600), each.returncode) for each in both]
    for out, err, code in ended:
        assert {each["agreement"] for each in json.loads(out)["results"]} == {"agrees"}, err
        assert code == 0
    assert_nothing_left(node)


def test_a_server_that_stops_ends_the_run_without_any_answer(node: LabNode) -> None:
    process = node.start_podwall(*_VERIFY, "--max-probes", "12")
    _wait_for_clients(node, process)
    node.end("kube-apiserver")
    try:
        out, err = process.communicate(timeout=600)
    finally:
        node.start_server()
        node.wait(_all_ready)  # pods of a node that could not report count as not ready
    assert process.returncode == 2, err
    assert out == ""
    assert "--cleanup" in err
    assert node.podwall("verify", "--cleanup")[0] == 0
    assert_nothing_left(node)


def test_what_a_killed_verification_leaves_is_removed(node: LabNode) -> None:
    code, out, _ = _meanwhile(node, "--max-probes", "12", act=_kill)
    assert (code != 0, out) == (True, "")
    assert node.podwall("verify", "--cleanup")[0] == 0
    assert_nothing_left(node)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill podwall itself; nsenter has become it."""
    os.kill(process.pid, signal.SIGKILL)


def test_a_clock_that_is_wrong_changes_nothing(node: LabNode) -> None:
    before = "import time; time.time = lambda real=time.time: real() + 86400 * 400"
    code, results, err = _verified(node, "--max-probes", "8", before=before)
    assert {each["agreement"] for each in results} == {"agrees"}, err
    assert code == 0
    assert_nothing_left(node)


def test_a_killed_walkthrough_is_removed_by_the_next_one(node: LabNode) -> None:
    process = node.start_podwall("walkthrough", "--live", "--image", IMAGE, "-o", "json")
    _wait_for_clients(node, process)
    _kill(process)
    process.communicate(timeout=60)
    assert node.ask(_left)
    # As if the killed one were older than any gets.
    before = "import podwall.verify.steps as steps; steps._LONGEST = -1"
    words = ("walkthrough", "--live", "--image", IMAGE, "-o", "json")
    code, out, err = node.podwall(*words, before=before)
    assert code == 0, err
    assert len(json.loads(out)) == 15
    assert "removed" in err
    assert_nothing_left(node)


def test_without_an_engine_every_denied_pair_is_declared_but_not_enforced(node: LabNode) -> None:
    """The test that a verification can fail."""
    node.stop_engine()
    try:
        code, results, err = _verified(node, "--max-probes", "1000")
    finally:
        node.start_engine()
    denied = [each for each in results if each["predicted"] == "denied"]
    assert denied, err
    assert {each["agreement"] for each in denied} == {"disagrees"}
    assert all(each["reason"].startswith("declared but not enforced") for each in denied)
    allowed = [each for each in results if each["predicted"] == "allowed"]
    assert {each["agreement"] for each in allowed} == {"agrees"}
    assert code == 1
    assert_nothing_left(node)
