"""The manifests in `deploy/` are what a real API server takes, and what they may do is enough."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
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
from tests.live.lab import BUILT, LabServer, created
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
        # Whether an ip block opens AKS LocalDNS depends on the version of Cilium.
        is_local_dns = outside == "169.254.10.10/31"
        expected = Verdict.UNDETERMINED if is_local_dns else Verdict.ALLOWED
        for port in (443, 6443):
            assert reach.verdict(watch, outside, IpProtocol.TCP, port) is expected
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
BASE = BUILT / "python-base.tar"
"""The root of a Debian with Python, which `make test-live` makes where it can."""
BY_PARTS = ("buildah", "runc")


def _builder() -> str | None:
    """Return what builds images here: a program whose service answers as well."""
    for each in filter(shutil.which, BUILDERS):
        answers = subprocess.run([each, "info"], check=False, capture_output=True, timeout=60)
        if answers.returncode == 0:
            return each
    return None


def _done(*words: str, seconds: int = 120) -> str:
    """Return what a command says; where nothing can be pulled there is nothing to test."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=seconds)
    for each in ("registry", "no matching distribution found"):
        if done.returncode and each in done.stderr.lower():
            pytest.skip(f"what the image needs can't be pulled: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_image_is_built_and_runs_as_nobody() -> None:
    builder = _builder()
    if builder is None:
        pytest.skip(f"nothing here builds images ({' or '.join(BUILDERS)})")
    words = [builder, "build", "-q", "-f", str(DEPLOY / "Containerfile"), str(ROOT)]
    image = _done(*words, seconds=500).strip().splitlines()[-1]
    ran = _done(builder, "run", "--rm", "--read-only", "--network=none", image, "walkthrough")
    assert "own-namespace" in ran


@pytest.fixture(scope="module")
def unpacked() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the image, built without a registry, as a folder and what it says of its command."""
    missing = [each for each in BY_PARTS if shutil.which(each) is None]
    missing += [] if BASE.is_file() else [str(BASE)]
    missing += [] if os.geteuid() == 0 else ["root"]
    if missing:
        pytest.skip(f"no image is built by parts here: {', '.join(missing)} not there")
    with tempfile.TemporaryDirectory() as folder:
        own = ("--storage-driver=vfs", f"--root={folder}/store", f"--runroot={folder}/run")

        def buildah(*words: str) -> str:
            return _done("buildah", *own, *words, seconds=500).strip()

        empty = buildah("from", "scratch")
        buildah("add", "-q", empty, str(BASE), "/")
        buildah("commit", "-q", "--rm", empty, "localhost/base")
        # What this machine trusts is what its package index may be signed by.
        trusted = ["-v", "/etc/ssl/certs:/etc/ssl/certs:ro"]
        network = ["--isolation=chroot", "--network=host", *trusted]
        file = ["-f", str(DEPLOY / "Containerfile"), str(ROOT)]
        built = buildah("bud", "-q", *network, "--build-arg=BASE=localhost/base", *file)
        image = built.splitlines()[-1]
        container = buildah("from", image)
        settings = msgspec.json.decode(buildah("inspect", "--type=image", image))
        yield Path(buildah("mount", container)), settings["OCIv1"]["config"]
        buildah("umount", container)


def _ran(
    unpacked: tuple[Path, dict[str, Any]], folder: Path, *command: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the image as it says: nothing may be written, and there is no network."""
    root, settings = unpacked
    user, group = map(int, settings["User"].split(":"))
    none = dict.fromkeys(("bounding", "effective", "permitted", "inheritable"), ())
    process = {
        "user": {"uid": user, "gid": group},
        "args": command or (*settings["Entrypoint"], "walkthrough"),
        "cwd": settings["WorkingDir"],
        "env": settings["Env"],
        "noNewPrivileges": True,
        "capabilities": none,
    }
    spaces = [{"type": each} for each in ("pid", "mount", "ipc", "uts", "network")]
    bundle = {
        "ociVersion": "1.0.2",
        "root": {"path": str(root), "readonly": True},
        "process": process,
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": spaces},
    }
    (folder / "config.json").write_bytes(msgspec.json.encode(bundle))
    name = f"podwall-{os.getpid()}"
    words = ["runc", f"--root={folder}/state", "run", "-b", str(folder), name]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)


def test_the_image_runs_as_nobody_where_nothing_can_be_written(
    unpacked: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    ran = _ran(unpacked, tmp_path)
    assert "own-namespace" in ran.stdout, ran.stderr
    assert _ran(unpacked, tmp_path, "id", "-u").stdout.split() == ["65532"]
    refused = _ran(unpacked, tmp_path, "touch", "file")
    assert "Read-only file system" in refused.stderr


def test_the_image_has_what_a_running_cluster_needs(
    unpacked: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    ran = _ran(unpacked, tmp_path, "python", "-c", "import lightkube, httpx2, podwall.live.cluster")
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = _ran(unpacked, tmp_path, "podwall", "watch", "--kubeconfig", "none")
    assert ran.returncode == 2
    assert "`az aks get-credentials` writes one" in ran.stderr


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
