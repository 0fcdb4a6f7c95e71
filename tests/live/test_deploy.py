"""The manifests in `deploy/` are what a real API server takes, and what they may do is enough."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from podwall.live.cluster import read_connection
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, Patience
from podwall.live.kubeconfig import ClusterLogin, KubeUser
from podwall.model import IpProtocol
from podwall.reachability import Verdict
from podwall.review import review
from podwall.sources import sources
from tests.house.test_size import ROOT
from tests.live.lab import LabServer, created
from tests.live.objects import namespace, pod

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "podwall.yaml"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(FILE.read_text(encoding="utf-8")))


def test_the_file_is_what_the_program_makes() -> None:
    made = runpy.run_path(str(DEPLOY / "manifests.py"))
    text = made["text"](made["manifests"]())
    assert FILE.read_text(encoding="utf-8") == f"# Made by deploy/manifests.py.\n{text}"


def test_nothing_reaches_it_but_prometheus(tmp_path: Path) -> None:
    others = tmp_path / "others.yaml"
    where = ("monitoring", "shop")
    found = [*map(namespace, where), *(pod(each, "web", app="web") for each in where)]
    others.write_text(yaml.safe_dump_all(found), encoding="utf-8")
    reach = review(sources([str(FILE), str(others)]), "cilium").reachability
    watch, nightly = "podwall/podwall-watch", "podwall/podwall-nightly"
    verdicts = {
        (client, port): reach.verdict(client, watch, IpProtocol.TCP, port).value
        for client in ("monitoring/web", "shop/web", nightly)
        for port in (9797, 443)
    }
    allowed = {flow for flow, verdict in verdicts.items() if verdict != "denied"}
    assert allowed == {("monitoring/web", 9797)}
    for outside in (each.id for each in reach.externals):
        for port in (443, 6443):
            assert reach.verdict(watch, outside, IpProtocol.TCP, port) is Verdict.ALLOWED
        assert reach.verdict(watch, outside, IpProtocol.TCP, 80) is Verdict.DENIED
        assert reach.verdict(outside, watch, IpProtocol.TCP, 9797) is Verdict.DENIED


def test_a_real_server_takes_it_and_its_account_reads_the_cluster(lab: LabServer) -> None:
    with lab.connection() as admin:
        created(admin, OBJECTS)
        created(admin, list(_pods()))
        token = _token(admin)
    cluster = lab.login().cluster
    login = ClusterLogin("lab", cluster, KubeUser(token=token))
    with ApiConnection(login, Patience()) as account:
        found = read_connection(account)
        with pytest.raises(ClusterError, match="forbidden"):
            account.get("/api/v1/secrets")
    assert found.whole
    names = {each.place.source for each in found.documents}
    assert "cluster://lab/Deployment/podwall/podwall-watch" in names


def _pods() -> list[dict[str, Any]]:
    """Return a pod of each template: the API server refuses those that its namespace forbids."""
    templates = [each["spec"].get("template") for each in OBJECTS if each["kind"] == "Deployment"]
    templates += [
        each["spec"]["jobTemplate"]["spec"]["template"]
        for each in OBJECTS
        if each["kind"] == "CronJob"
    ]
    head = {"apiVersion": "v1", "kind": "Pod"}
    return [
        {**head, "metadata": {"name": f"try-{n}", "namespace": "podwall"}, "spec": each["spec"]}
        for n, each in enumerate(templates)
    ]


def _token(admin: ApiConnection) -> str:
    path = "/api/v1/namespaces/podwall/serviceaccounts/podwall/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = admin.send(ApiRequest("POST", path, body=body))
    return str(msgspec.json.decode(answer)["status"]["token"])
