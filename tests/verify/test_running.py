"""A run against a stand-in cluster that goes wrong in every way: no wrong word, nothing left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest

from podwall.live.connection import ClusterError
from podwall.model import IpProtocol
from podwall.reachability import Reachability, Verdict
from podwall.verify import (
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    MadeProbes,
    boundary_probes,
    running,
)
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
            return Answer(self.log(self.objects[asked.path.removesuffix("/log")]))
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

    def log(self, pod: dict[str, Any]) -> bytes:
        """Return what a client would log under a network that does what is declared."""
        environment = {
            each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]
        }
        lines = ['{"reached":"10.0.0.2,8080"}']
        for probe in environment["PROBES"].split():
            number, _, _, wanted, _ = probe.split(",")
            passes = wanted == "pass" or not self.enforces
            status, words = (0, "") if passes else (1, "nc: timed out")
            line = {"probe": int(number), "attempts": 1, "status": status, "message": words}
            lines.append(json.dumps({**line, "again": True}))
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
        made = run_probes(connection, FOUND, PROBES, HOW)
        return made.results, made.notes


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


class _SlowCluster(Cluster):
    """A cluster whose engine is behind for a while: what its first client sees is not enforced."""

    clients = 0

    def log(self, pod: dict[str, Any]) -> bytes:
        self.clients += 1
        self.enforces = self.clients > 1
        return super().log(pod)


def test_what_fresh_clients_do_not_see_later_is_no_disagreement_and_is_noted() -> None:
    cluster = _SlowCluster()
    results, notes = _results(cluster)
    assert {each.agreement for each in results} == {Agreement.AGREES}
    first = PROBES[0].client
    denied = [each for each in PROBES if not each.should_pass]
    late = [str(each) for each in denied if each.client == first]
    assert 0 < len(late) < len(denied)
    assert notes[-1] == f"as predicted only when it was tried again later: {'; '.join(late)}"
    assert cluster.left == []


def test_a_silence_that_proved_nothing_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    whole, cut = cluster.log, list[bool]()

    def log(pod: dict[str, Any]) -> bytes:
        cut.append(True)
        return whole(pod) if len(cut) > 2 else whole(pod).replace(b"true", b"false")

    monkeypatch.setattr(cluster, "log", log)
    results, _ = _results(cluster)
    assert {each.agreement for each in results} == {Agreement.AGREES}


def test_a_disagreement_stays_where_it_can_not_be_tried_again() -> None:
    cluster = _SlowCluster()
    cluster.refuses = lambda asked: _no_pods(asked) if cluster.clients == 2 else None
    results, _ = _results(cluster)
    first = PROBES[0].client
    wrong = {each.probe for each in results if each.agreement is Agreement.DISAGREES}
    assert wrong == {each for each in PROBES if each.client == first and not each.should_pass}
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


_ENDED = {"reason": "StartError", "message": "no shim task", "exitCode": 128}
_WAITS = {"reason": "ImagePullBackOff", "message": "no such image"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"phase": "Pending", "containerStatuses": [{"state": {"waiting": _WAITS}}]}, "no such"),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": _ENDED}}]}, "no shim"),
    ],
)
def test_a_client_that_never_runs_is_not_observed(status: dict[str, Any], reason: str) -> None:
    cluster = Cluster()
    cluster.ended = status
    cluster.refuses = lambda asked: Answer(b"") if asked.path.endswith("/log") else None
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


_BOTH: Final = (IpProtocol.TCP, IpProtocol.UDP)
_OVER_UDP: Final = boundary_probes(FOUND, protocols=_BOTH).probes


def _run_over_udp(cluster: Cluster, probes: Sequence[ConnectionProbe] = _OVER_UDP) -> MadeProbes:
    with _running(cluster) as server, server.connection() as connection:
        return run_probes(connection, FOUND, probes, HOW)


class _RunningCluster(Cluster):
    """A cluster in which pods that attempt nothing, which stand for servers, keep running."""

    def _make(self, asked: Asked) -> Answer:
        made = super()._make(asked)
        for path, each in self.objects.items():
            if each.get("kind") == "Pod" and not _attempts(each):
                each["status"] = {"phase": "Running", "podIP": f"10.0.1.{len(path) % 250}"}
        return made


def _attempts(pod: dict[str, Any]) -> bool:
    return any(each["name"] == "PROBES" for each in pod["spec"]["containers"][0]["env"])


def test_over_udp_pods_with_the_labels_of_servers_stand_for_them() -> None:
    made: list[dict[str, Any]] = []
    cluster = _RunningCluster()

    def keep(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.path.endswith("/pods"):
            made.append(json.loads(asked.body))
        return None

    cluster.refuses = keep
    found = _run_over_udp(cluster)
    assert {each.agreement for each in found.results} == {Agreement.AGREES}
    assert cluster.left == []
    stood = [each for each in made if not _attempts(each)]
    assert [each["metadata"]["labels"]["app"] for each in stood] == ["api"]
    assert stood[0]["spec"]["readinessGates"]
    assert "over UDP, temporary pods with their labels stood for `shop/api`" in found.notes


def test_over_udp_a_server_that_no_pod_may_stand_for_is_not_observed() -> None:
    cluster = _RunningCluster()
    cluster.refuses = _no_standing
    found = _run_over_udp(cluster)
    over = [each for each in found.results if each.probe.protocol is IpProtocol.UDP]
    assert {each.agreement for each in over} == {Agreement.NOT_OBSERVED}
    assert all("no pod can stand for the server" in each.reason for each in over)
    rest = [each for each in found.results if each.probe.protocol is IpProtocol.TCP]
    assert {each.agreement for each in rest} == {Agreement.AGREES}
    assert cluster.left == []


def _no_standing(asked: Asked) -> Answer | None:
    makes = asked.method == "POST" and asked.path.endswith("/pods")
    if makes and not _attempts(json.loads(asked.body)):
        return refusal(403, "Forbidden", "exceeded quota: pods=1")
    return None


def test_a_pod_that_stands_for_a_server_and_does_not_stay_proves_nothing() -> None:
    cluster = _RunningCluster()

    def evict(asked: Asked) -> Answer | None:
        if asked.path.endswith("/log"):
            for each in cluster.objects.values():
                if each.get("kind") == "Pod" and not _attempts(each):
                    each["status"] = {"phase": "Failed", "reason": "Evicted"}
        return None

    cluster.refuses = evict
    over = [e for e in _run_over_udp(cluster).results if e.probe.protocol is IpProtocol.UDP]
    assert {each.agreement for each in over} == {Agreement.NOT_OBSERVED}
    assert cluster.left == []


def _by_service(cluster: Cluster, *, passes: bool) -> list[ComparedProbe]:
    spec = {"clusterIP": "10.96.0.9", "ports": [{"port": 80}]}
    cluster.services = [{"metadata": {"name": "api", "namespace": "shop"}, "spec": spec}]
    open_one = next(each for each in PROBES if each.server == "shop/api" and each.should_pass)
    direct = replace(open_one, service="api:80")
    shut = replace(direct, client="shop/api", predicted=Verdict.DENIED)
    probes = [shut, *([direct] if passes else [])]
    return list(_run_over_udp(cluster, probes).results)


def test_a_service_through_which_nobody_gets_proves_nothing() -> None:
    assert [each.agreement for each in _by_service(Cluster(), passes=False)] == [
        Agreement.NOT_OBSERVED
    ]
    assert {each.agreement for each in _by_service(Cluster(), passes=True)} == {Agreement.AGREES}


def test_a_service_without_an_address_is_not_observed() -> None:
    probe = replace(PROBES[0], service="gone:80")
    (found,) = _run_over_udp(Cluster(), [probe]).results
    assert (
        found.reason
        == f"service `{probe.server.partition('/')[0]}/gone:80` has no address of its own"
    )


def test_an_image_by_its_tag_is_named_with_what_ran() -> None:
    cluster = Cluster()
    ran = "registry.example/busybox@sha256:7"
    cluster.ended = {"phase": "Succeeded", "containerStatuses": [{"imageID": ran}]}
    said = _run_over_udp(cluster, PROBES).unpinned
    assert said.startswith("`registry.example/busybox` is a tag")
    assert said.endswith(f"these probes ran `{ran}`")


class _Executed:
    """Stands for what executes in pods: it keeps where, and answers as a right network would."""

    def __init__(self, problem: ClusterError | None = None) -> None:
        self.where: list[str] = []
        self._problem = problem

    def __call__(self, connection: object, pod: str, words: Sequence[str], seconds: float) -> bytes:
        del connection, seconds
        self.where.append(pod.rpartition("/")[2])
        if self._problem is not None:
            raise self._problem
        given = dict(each.split("=", 1) for each in words if "=" in each.partition(" ")[0])
        env = [{"name": key, "value": value} for key, value in given.items()]
        return Cluster().log({"spec": {"containers": [{"env": env}]}})


def test_attempts_are_executed_in_pods_that_exist_and_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = _Executed()
    monkeypatch.setattr("podwall.verify.existing.executed", ran)
    cluster = Cluster()
    posted: list[str] = []
    cluster.refuses = lambda asked: posted.append(asked.path) if asked.method == "POST" else None
    with _running(cluster) as server, server.connection() as connection:
        found = run_probes(connection, FOUND, PROBES, replace(HOW, existing=True))
    assert posted == []
    assert (found.notes, found.unpinned) == ((), "")
    assert sorted(ran.where) == ["api-0", "web-0"]
    seen = {each.reason: each.agreement for each in found.results}
    alone = "the only pod of the client is the one that is connected to"
    assert seen.pop(alone, Agreement.NOT_OBSERVED) is Agreement.NOT_OBSERVED
    assert {*seen.values()} == {Agreement.AGREES}


def test_what_may_not_be_executed_is_not_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = _Executed(ClusterError("it answers 403", status={"code": 403}))
    monkeypatch.setattr("podwall.verify.existing.executed", ran)
    with _running(Cluster()) as server, server.connection() as connection:
        found = run_probes(connection, FOUND, PROBES, replace(HOW, existing=True))
    assert {each.agreement for each in found.results} == {Agreement.NOT_OBSERVED}
