"""Temporary pods on a real API server: admitted, never ready, and gone, under the documented role.

Nothing runs pods here: whatever is made is said to have ended, and has no log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
import yaml

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.reachability import Reachability
from podwall.verify import Agreement, ComparedProbe, boundary_probes
from podwall.verify.cleanup import leftovers, owner_manifest, removed, timer_manifest
from podwall.verify.running import run_probes
from podwall.verify.temporary import ProbeRun
from tests.house.test_size import ROOT
from tests.live.lab import LabServer, created
from tests.live.objects import namespace, pod
from tests.verify.test_choosing import shop

_WHERE: Final = "shop"
_HOW: Final = ProbeRun("registry.example/busybox@sha256:0", "0a1b")
_SEEN: Final[list[dict[str, Any]]] = []


@pytest.fixture
def admin(lab: LabServer) -> Iterator[ApiConnection]:
    """Give a connection that may do everything, to a cluster with two ready servers."""
    pods = f"/api/v1/namespaces/{_WHERE}/pods"
    with lab.connection() as connection:
        created(connection, [namespace(_WHERE)])
        created(connection, [pod(_WHERE, f"{each}-0", app=each) for each in ("api", "web")])
        for number, each in enumerate(("api-0", "web-0")):
            _patch(connection, f"{pods}/{each}/status", {"status": _running(f"10.9.0.{number}")})
        _label(connection, "restricted")
        yield connection
        _label(connection, None)
        for each in ("api-0", "web-0"):
            connection.send(ApiRequest("DELETE", f"{pods}/{each}", body={"gracePeriodSeconds": 0}))


def _running(address: str) -> dict[str, Any]:
    ready = [{"type": "Ready", "status": "True"}]
    addresses = {"podIP": address, "podIPs": [{"ip": address}]}
    return {"phase": "Running", "conditions": ready, **addresses}


def _label(connection: ApiConnection, level: str | None) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    _patch(connection, f"/api/v1/namespaces/{_WHERE}", {"metadata": {"labels": labels}})


def _patch(connection: ApiConnection, path: str, body: object) -> None:
    kind = "application/merge-patch+json"
    connection.send(ApiRequest("PATCH", path, body=body, content_type=kind))


def _listed(connection: ApiConnection, path: str) -> list[dict[str, Any]]:
    answer = connection.get(path, labelSelector="podwall.dev/verify")
    return list(msgspec.json.decode(answer)["items"])


def _left(connection: ApiConnection) -> list[str]:
    paths = ("/api/v1/pods", "/api/v1/configmaps", "/apis/batch/v1/jobs")
    return [each["metadata"]["name"] for path in paths for each in _listed(connection, path)]


def _run(
    connection: ApiConnection, admin: ApiConnection, monkeypatch: pytest.MonkeyPatch
) -> tuple[ComparedProbe, ...]:
    def end_all(_: float) -> None:
        for each in _listed(admin, "/api/v1/pods"):
            _SEEN.append(each)
            path = f"/api/v1/namespaces/{_WHERE}/pods/{each['metadata']['name']}/status"
            _patch(admin, path, {"status": {"phase": "Succeeded"}})

    _SEEN.clear()
    monkeypatch.setattr("podwall.verify.running.time.sleep", end_all)
    found: Reachability = shop()
    return run_probes(connection, found, boundary_probes(found).probes, _HOW).results


def test_clients_are_admitted_where_only_restricted_pods_are(
    admin: ApiConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = _run(admin, admin, monkeypatch)
    assert len({each["metadata"]["name"] for each in _SEEN}) == 2
    assert not any("can't be made" in each.reason for each in results)
    assert {each.agreement for each in results} == {Agreement.NOT_OBSERVED}
    assert _left(admin) == []


def test_the_documented_role_is_enough(
    admin: ApiConnection, lab: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    blocks = [
        list(yaml.safe_load_all(each)) for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]
    role = next(each for block in blocks for each in block if "podwall-verify" in str(each))
    head = {"apiVersion": role["apiVersion"], "metadata": role["metadata"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "podwall-verify"}
    user = {"kind": "User", "name": "stranger", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {**head, "kind": "RoleBinding", "roleRef": reference, "subjects": [user]}
    created(admin, [role, binding])
    with lab.connection("stranger") as connection:
        _wait_until_it_may_list(connection)
        results = _run(connection, admin, monkeypatch)
    assert len({each["metadata"]["name"] for each in _SEEN}) == 2
    assert not any("can't be made" in each.reason for each in results)
    assert _left(admin) == []


def _wait_until_it_may_list(connection: ApiConnection) -> None:
    """Wait until the server has heard of a role, which takes it a moment."""
    for _ in range(3000):
        try:
            connection.get(f"/api/v1/namespaces/{_WHERE}/pods")
        except ClusterError:
            time.sleep(0.1)
        else:
            return


def test_what_a_quota_refuses_is_the_reason(
    admin: ApiConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/namespaces/{_WHERE}/resourcequotas"
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "0"}}}
    admin.send(
        ApiRequest("POST", path, body={"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    )
    try:
        _patch(
            admin, f"{path}/few/status", {"status": {"hard": {"pods": "0"}, "used": {"pods": "2"}}}
        )
        results = _run(admin, admin, monkeypatch)
    finally:
        admin.send(ApiRequest("DELETE", f"{path}/few"))
    assert all("the client can't be made" in each.reason for each in results)
    assert all("quota" in each.reason for each in results)
    assert _left(admin) == []


def test_what_a_killed_run_has_left_is_removed(admin: ApiConnection) -> None:
    jobs = f"/apis/batch/v1/namespaces/{_WHERE}/jobs"
    timer = admin.send(ApiRequest("POST", jobs, body=timer_manifest("dead", _WHERE, 60)))
    uid = msgspec.json.decode(timer)["metadata"]["uid"]
    maps = f"/api/v1/namespaces/{_WHERE}/configmaps"
    admin.send(ApiRequest("POST", maps, body=owner_manifest("dead", _WHERE, uid)))
    left = leftovers(admin)
    assert [(each.namespace, each.run) for each in left] == [(_WHERE, "dead")]
    assert len(list(removed(admin, left))) == 1
    assert _left(admin) == []
