"""The manifests in `deploy/` are what a real API server takes, and what they may do is enough."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import parsed
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


BUILDERS = ("podman", "docker")


def _builder() -> str | None:
    """Return what builds images here: a program whose service answers as well."""
    for each in filter(shutil.which, BUILDERS):
        answers = subprocess.run([each, "info"], check=False, capture_output=True, timeout=60)
        if answers.returncode == 0:
            return each
    return None


def test_the_image_is_built_and_runs_as_nobody() -> None:
    builder = _builder()
    if builder is None:
        pytest.skip(f"nothing here builds images ({' or '.join(BUILDERS)})")
    words = [builder, "build", "-q", "-f", str(DEPLOY / "Containerfile"), str(ROOT)]
    built = subprocess.run(words, check=False, capture_output=True, text=True, timeout=500)
    if built.returncode and "registry" in built.stderr.lower():
        pytest.skip(f"the base of the image can't be pulled here: {built.stderr.strip()[-200:]}")
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip().splitlines()[-1]
    run = [builder, "run", "--rm", "--read-only", "--network=none", image, "walkthrough"]
    ran = subprocess.run(run, check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "own-namespace" in ran.stdout


def test_the_image_has_what_the_manifests_run() -> None:
    """Where nothing builds it, too: its program and its user are those of the manifests."""
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert "USER 65532:65532" in lines
    assert 'ENTRYPOINT ["podwall"]' in lines
    templates = [each["spec"] for each in _pods()]
    assert {each["securityContext"]["runAsUser"] for each in templates} == {65532}
    commands = [each["containers"][0]["command"] for each in templates]
    assert {each[0] for each in commands} == {"podwall"}


def test_every_command_of_the_manifests_is_one() -> None:
    """Each is understood by podwall's own parser; none is run."""
    commands = [each["spec"]["containers"][0]["command"][1:] for each in _pods()]
    assert sorted(each[0] for each in commands) == ["check", "diff", "verify", "watch"]
    for words in commands:
        assert parsed(COMMANDS, words).chosen == words[0]


def test_proof_waits_until_somebody_lets_it() -> None:
    """It may make no pod anywhere before its role is bound, and does not begin by itself."""
    jobs = {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == "CronJob"}
    assert jobs["podwall-verify"]["spec"]["suspend"] is True
    bound = {each["roleRef"]["name"] for each in OBJECTS if each["kind"].endswith("Binding")}
    assert bound == {"podwall-reader"}
