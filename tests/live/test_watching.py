"""A cluster is followed: nothing is missed, and nothing is said that decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from podwall.live import watching
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.live.followed_index import NO_WORKLOADS
from podwall.live.watching import ClusterChange, ClusterWatch, Pace
from tests.live.lab import LabServer, created, path_of
from tests.live.objects import controller, namespace, pod, policy
from tests.live.stand_in import Answer, Asked, refusal, serving

WAIT = 20


@contextmanager
def _followed(connection: ApiConnection, pace: Pace | None = None) -> Iterator[ClusterWatch]:
    with ClusterWatch(connection, pace=pace) as watch:
        watch.first()
        yield watch


def _next(watch: ClusterWatch) -> ClusterChange:
    return next(watch.changes(WAIT))


def _deleted(connection: ApiConnection, found: dict[str, Any]) -> None:
    path = f"{path_of(found)}/{found['metadata']['name']}"
    connection.send(ApiRequest("DELETE", path, body={"gracePeriodSeconds": 0}))


def test_what_comes_changes_and_goes_is_seen(lab: LabServer) -> None:
    with lab.connection() as admin:
        created(admin, [namespace("seen")])
        one = policy("seen", "one")
        with _followed(admin) as watch:
            created(admin, [one])
            came = _next(watch)
            edited = {**one, "spec": {"podSelector": {"matchLabels": {"app": "web"}}}}
            path = f"{path_of(one)}/one"
            admin.send(ApiRequest("PUT", path, {"fieldManager": "ops"}, body=edited))
            changed = _next(watch)
            _deleted(admin, one)
            gone = _next(watch)
    objects = [each.objects[0] for each in (came, changed, gone)]
    assert [(each.kind, each.name, each.event) for each in objects] == [
        ("NetworkPolicy", "seen/one", "added"),
        ("NetworkPolicy", "seen/one", "modified"),
        ("NetworkPolicy", "seen/one", "deleted"),
    ]
    assert (objects[0].manager[:6], objects[1].manager) == ("python", "ops")
    assert not objects[2].manager
    versions = [each.different.policies[0] for each in (came, changed, gone)]
    there = [(each.before is not None, each.after is not None) for each in versions]
    assert there == [(False, True), (True, True), (True, False)]


def test_who_takes_a_field_away_is_not_somebody_else(lab: LabServer) -> None:
    """Who has no field of an object any more is not among its managers; others have been before."""
    path, content = "/api/v1/namespaces/marked", "application/merge-patch+json"
    managers = list[str]()
    with lab.connection() as admin, _followed(admin) as watch:
        created(admin, [namespace("marked", team="a")])
        assert _next(watch).objects[0].manager
        for value in ("yes", None, "no"):
            words = {"metadata": {"labels": {"mark": value}}}
            asked = {"fieldManager": "marker"}
            admin.send(ApiRequest("PATCH", path, asked, body=words, content_type=content))
            managers.append(_next(watch).objects[0].manager)
    assert managers == ["marker", "", "marker"]


@pytest.mark.parametrize(
    ("age", "event", "manager"),
    [(1, "MODIFIED", "helm"), (3600, "MODIFIED", ""), (3600, "ADDED", "helm")],
)
def test_who_changed_it_long_ago_has_not_changed_it_now(age: int, event: str, manager: str) -> None:
    at = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    managers = frozenset({watching._Manager("helm", at)})  # noqa: SLF001 - as objects have them
    found = watching._changed_by(managers, frozenset(), event)  # noqa: SLF001 - as above
    assert found.manager == manager


def test_what_decides_nothing_is_passed_over(lab: LabServer) -> None:
    with lab.connection() as admin:
        created(admin, [namespace("still"), pod("still", "web", app="web")])
        with _followed(admin) as watch:
            path = "/api/v1/namespaces/still/pods/web"
            content = "application/merge-patch+json"
            words = {"metadata": {"annotations": {"note": "nothing"}}}
            admin.send(ApiRequest("PATCH", path, body=words, content_type=content))
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            admin.send(
                ApiRequest("PATCH", f"{path}/status", body={"status": ready}, content_type=content)
            )
            labels = {"metadata": {"labels": {"app": "api"}}}
            admin.send(ApiRequest("PATCH", path, body=labels, content_type=content))
            change = _next(watch)
        _deleted(admin, pod("still", "web"))
    assert [each.name for each in change.objects] == ["still/web"]


def test_a_watch_that_ends_goes_on_without_a_gap(lab: LabServer) -> None:
    with lab.connection() as admin:
        created(admin, [namespace("gap")])
        with _followed(admin, Pace(watch=1)) as watch:
            names: set[str] = set()
            for number in range(12):
                created(admin, [policy("gap", f"p{number}")])
                names |= {each.name for each in _next(watch).objects}
    assert names == {f"gap/p{number}" for number in range(12)}


def test_a_version_that_was_forgotten_is_listed_again_and_compared() -> None:
    server_state = {"policies": ["a", "b"], "gone": False}

    def answer(asked: Asked) -> Answer:
        query = asked.query
        if asked.path == "/version":
            return Answer({"gitVersion": "v1.34.4"})
        if asked.path == "/apis":
            return Answer({"kind": "APIGroupDiscoveryList", "items": []})
        if "watch" in query:
            if asked.path.endswith("networkpolicies") and query["resourceVersion"] == "7":
                server_state.update(policies=["b", "c"], gone=True)
                return refusal(410, "Expired", "too old resource version")
            return Answer(b"", seconds=0.2)
        named = server_state["policies"] if asked.path.endswith("networkpolicies") else []
        assert isinstance(named, list)
        version = "9" if server_state["gone"] else "7"
        items = [{"metadata": {"name": each, "namespace": "shop"}} for each in named]
        return Answer({"metadata": {"resourceVersion": version}, "items": items})

    with (
        serving(answer) as server,
        server.connection() as connection,
        _followed(connection, Pace(again=0.01)) as watch,
    ):
        change = next(watch.changes(5))
    found = {(each.name, each.event) for each in change.objects}
    assert found == {("shop/a", "deleted"), ("shop/c", "added")}


def test_a_refusal_ends_it() -> None:
    def answer(asked: Asked) -> Answer:
        if "watch" in asked.query:
            return refusal(403, "Forbidden", "pods is forbidden")
        if asked.path == "/apis":
            return Answer({"kind": "APIGroupDiscoveryList", "items": []})
        return Answer({"metadata": {"resourceVersion": "7"}, "items": [], "gitVersion": "v1.34.4"})

    with (
        serving(answer) as server,
        server.connection() as connection,
        _followed(connection) as watch,
        pytest.raises(ClusterError, match="forbidden"),
    ):
        next(watch.changes(5))


@pytest.mark.long
def test_a_server_that_does_not_answer_is_a_fault_until_it_does() -> None:
    state = {"down": False}

    def answer(asked: Asked) -> Answer:
        if "watch" in asked.query:
            return Answer(closes=True) if state["down"] else Answer(b"", seconds=0.1)
        if asked.path == "/apis":
            return Answer({"kind": "APIGroupDiscoveryList", "items": []})
        return Answer({"metadata": {"resourceVersion": "7"}, "items": [], "gitVersion": "v1.34.4"})

    with (
        serving(answer) as server,
        server.connection() as connection,
        _followed(connection, Pace(again=0.05)) as watch,
    ):
        assert watch.faults == {}
        state["down"] = True
        assert _until(watch, faulty=True)
        assert "does not answer" in watch.faults["pods"]
        state["down"] = False
        assert _until(watch, faulty=False)


def _until(watch: ClusterWatch, *, faulty: bool) -> bool:
    for _ in range(100):
        list(watch.changes(0.1))
        if bool(watch.faults) is faulty and ("pods" in watch.faults) is faulty:
            return True
    return False


def test_a_pod_that_comes_and_goes_as_a_copy_is_said_and_nothing_is_read_for_it(
    lab: LabServer,
) -> None:
    deployment = controller("Deployment", "copies", "web")
    replicas = {**controller("ReplicaSet", "copies", "web-1"), "spec": deployment["spec"]}
    with lab.connection() as admin:
        created(admin, [namespace("copies"), deployment])
        above = _owner(admin, deployment)
        replicas["metadata"]["ownerReferences"] = [{**above, "apiVersion": "apps/v1"}]
        created(admin, [replicas])
        below = {**_owner(admin, replicas), "apiVersion": "apps/v1"}
        copies = [pod("copies", f"web-1-{each}", owner=below, app="web") for each in "ab"]
        odd = pod("copies", "web-1-c", owner=below, app="other")
        with _followed(admin) as watch:
            created(admin, copies[:1])
            came = _next(watch)
            created(admin, [odd])
            apart = _next(watch)
            _deleted(admin, copies[0])
            gone = _next(watch)
    assert [each.objects[0].name for each in (came, gone)] == ["copies/web-1-a"] * 2
    assert (came.reading, apart.reading, gone.reading) == (None, None, None)
    assert came.different.workloads == gone.different.workloads == NO_WORKLOADS
    labels = [dict(each.labels.items)["app"] for each in apart.different.workloads.after]
    assert "other" in labels  # the pod that is no copy is a workload of its own


def _owner(connection: ApiConnection, found: dict[str, Any]) -> dict[str, Any]:
    path = f"{path_of(found)}/{found['metadata']['name']}"
    made = json.loads(connection.get(path))
    uid = made["metadata"]["uid"]
    return {"kind": found["kind"], "name": made["metadata"]["name"], "uid": uid, "controller": True}
