"""A run against a stand-in cluster that goes wrong in every way: no wrong word, nothing left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pytest

from podwall.live.connection import ClusterError
from podwall.reachability import Reachability
from podwall.verify import Agreement, ComparedProbe, ConnectionProbe, boundary_probes, running
from podwall.verify.cleanup import leftovers, removed
from podwall.verify.running import run_probes
from podwall.verify.temporary import ProbeRun
from tests.live.stand_in import Answer, Asked, StandIn, refusal, serving
from tests.verify.test_choosing import shop

FOUND: Final[Reachability] = shop()
PROBES: Final[Sequence[ConnectionProbe]] = boundary_probes(FOUND).probes
HOW: Final = ProbeRun("registry.example/busybox", "0a1b", together=1)
_READY: Final = [{"type": "Ready", "status": "True"}]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_POLL", 0.0)


def _server(name: str, app: str, address: str) -> dict[str, Any]:
    status = {"phase": "Running", "podIP": address, "conditions": _READY}
    meta = {"name": name, "namespace": "shop", "labels": {"app": app}}
    return {"metadata": meta, "status": status}


class Cluster:
    """Keeps objects by path; its pods end at once, and log what a right network would give."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.enforces = True
        self.ended: dict[str, Any] = {"phase": "Succeeded"}
        self.refuses: Callable[[Asked], Answer | None] = lambda _: None
        self.services: list[dict[str, Any]] = []
        for each in (_server("api-0", "api", "10.0.0.1"), _server("web-0", "web", "10.0.0.2")):
            self.objects[f"/api/v1/namespaces/shop/pods/{each['metadata']['name']}"] = each

    def answer(self, asked: Asked) -> Answer:
        """Answer as an API server would, as far as a verification asks."""
        refused = self.refuses(asked)
        if refused is not None:
            return refused
        if asked.method == "POST":
            return self._make(asked)
        if asked.method == "DELETE":
            gone = self.objects.pop(asked.path, None)
            return Answer({}) if gone else refusal(404, "NotFound", "it is not there")
        if asked.path.endswith("/log"):
            return Answer(self._log(self.objects[asked.path.removesuffix("/log")]))
        return Answer({"metadata": {}, "items": list(self._listed(asked))})

    def _make(self, asked: Asked) -> Answer:
        made = json.loads(asked.body)
        made["metadata"]["uid"] = f"uid-{len(self.objects)}"
        if made["kind"] == "Pod":
            made["status"] = self.ended
        self.objects[f"{asked.path}/{made['metadata']['name']}"] = made
        return Answer(made, 201)

    def _listed(self, asked: Asked) -> Iterator[dict[str, Any]]:
        if asked.path.endswith("/services"):
            yield from self.services
        label = asked.query.get("labelSelector", "").partition("=")
        plural = asked.path.rpartition("/")[2]
        for path, each in self.objects.items():
            labels = each["metadata"].get("labels", {})
            value = labels.get(label[0])
            of_kind = path.rpartition("/")[0].endswith(f"/{plural}")
            if of_kind and (not label[0] or (value and label[2] in {"", value})):
                yield each

    def _log(self, pod: dict[str, Any]) -> bytes:
        environment = {
            each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]
        }
        lines = ['{"reached":"10.0.0.2,8080"}']
        for probe in environment["PROBES"].split():
            number, _, _, wanted = probe.split(",")
            passes = wanted == "pass" or not self.enforces
            status, words = (0, "") if passes else (1, "nc: timed out")
            lines.append(f'{{"probe":{number},"attempts":1,"status":{status},"message":"{words}"}}')
        return "\n".join(lines).encode()

    @property
    def left(self) -> list[str]:
        """What a verification has made and is still there."""
        return [path for path in self.objects if "podwall" in path]


@contextmanager
def _running(cluster: Cluster) -> Iterator[StandIn]:
    with serving(cluster.answer) as server:
        yield server


def _results(cluster: Cluster) -> tuple[tuple[ComparedProbe, ...], tuple[str, ...]]:
    with _running(cluster) as server, server.connection() as connection:
        return run_probes(connection, FOUND, PROBES, HOW)


def test_all_agree_where_the_network_does_what_is_declared() -> None:
    cluster = Cluster()
    results, notes = _results(cluster)
    assert [each.probe for each in results] == list(PROBES)
    assert {each.agreement for each in results} == {Agreement.AGREES}
    assert notes == ("labels of workloads were borrowed by temporary pods in `shop`",)
    assert cluster.left == []


def test_every_denied_one_disagrees_where_nothing_is_enforced() -> None:
    cluster = Cluster()
    cluster.enforces = False
    results, _ = _results(cluster)
    for each in results:
        expected = Agreement.AGREES if each.probe.should_pass else Agreement.DISAGREES
        assert each.agreement is expected
    assert cluster.left == []


def _no_pods(asked: Asked) -> Answer | None:
    if asked.method == "POST" and asked.path.endswith("/pods"):
        return refusal(403, "Forbidden", "exceeded quota: pods=1")
    return None


def _no_jobs(asked: Asked) -> Answer | None:
    if asked.method == "POST" and asked.path.endswith("/jobs"):
        return refusal(403, "Forbidden", "may not create jobs")
    return None


def _no_logs(asked: Asked) -> Answer | None:
    return refusal(403, "Forbidden", "may not read logs") if asked.path.endswith("/log") else None


@pytest.mark.parametrize(
    ("refuses", "reason"),
    [(_no_pods, "exceeded quota"), (_no_jobs, "create jobs"), (_no_logs, "read logs")],
)
def test_what_is_refused_is_not_observed_and_says_why(
    refuses: Callable[[Asked], Answer | None], reason: str
) -> None:
    cluster = Cluster()
    cluster.refuses = refuses
    results, _ = _results(cluster)
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert all(reason in each.reason for each in results)
    assert cluster.left == []


_WAITS = {"reason": "ImagePullBackOff", "message": "no such image"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"phase": "Pending", "containerStatuses": [{"state": {"waiting": _WAITS}}]}, "no such"),
    ],
)
def test_a_client_that_never_runs_is_not_observed(status: dict[str, Any], reason: str) -> None:
    cluster = Cluster()
    cluster.ended = status
    results, _ = _results(cluster)
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert all(reason in each.reason for each in results)
    assert cluster.left == []


def test_a_client_that_was_evicted_has_nothing_seen() -> None:
    cluster = Cluster()
    cluster.ended = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    cluster.refuses = lambda asked: (
        refusal(400, "BadRequest", "container is gone") if asked.path.endswith("/log") else None
    )
    results, _ = _results(cluster)
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert cluster.left == []


def test_a_server_that_is_not_the_same_afterwards_proves_nothing() -> None:
    cluster = Cluster()

    def replace(asked: Asked) -> Answer | None:
        if asked.path.endswith("/log"):
            moved = _server("api-1", "api", "10.0.0.9")
            cluster.objects.pop("/api/v1/namespaces/shop/pods/api-0", None)
            cluster.objects["/api/v1/namespaces/shop/pods/api-1"] = moved
        return None

    cluster.refuses = replace
    results, _ = _results(cluster)
    seen = {each.probe.server: each.agreement for each in results}
    assert seen == {"shop/api": Agreement.NOT_OBSERVED, "shop/web": Agreement.AGREES}


def test_where_no_server_runs_no_client_is_made() -> None:
    cluster = Cluster()
    cluster.objects.clear()
    results, notes = _results(cluster)
    assert {each.reason for each in results} == {
        "no pod of `shop/api` is ready",
        "no pod of `shop/web` is ready",
    }
    assert notes == ()


def test_a_client_that_a_service_would_take_in_is_not_made() -> None:
    cluster = Cluster()
    spec = {"selector": {"app": "web"}, "publishNotReadyAddresses": True}
    cluster.services = [{"metadata": {"name": "peers", "namespace": "shop"}, "spec": spec}]
    results, _ = _results(cluster)
    seen = {each.probe.client: each.agreement for each in results}
    assert seen == {"shop/web": Agreement.NOT_OBSERVED, "shop/api": Agreement.AGREES}


def test_ctrl_c_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    cluster.ended = {"phase": "Running"}

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("podwall.verify.running.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _results(cluster)
    assert cluster.left == []


def test_a_server_that_is_lost_is_an_error_and_what_is_left_is_removed_later() -> None:
    cluster = Cluster()
    cluster.ended = {"phase": "Running"}
    lost: list[bool] = []

    def lose(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.path.endswith("/pods"):
            lost.append(True)
            return None
        return Answer(closes=True) if lost else None

    cluster.refuses = lose
    with _running(cluster) as server, server.connection() as connection:
        with pytest.raises(ClusterError, match="does not answer") as problem:
            run_probes(connection, FOUND, PROBES, HOW)
        assert "podwall verify --cleanup" in problem.value.help
        assert len(cluster.left) == 3
        cluster.refuses = lambda _: None
        left = leftovers(connection)
        assert [(each.namespace, each.run) for each in left] == [("shop", "0a1b")]
        assert len(list(removed(connection, left))) == 1
    assert cluster.left == []
