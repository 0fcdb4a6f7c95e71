"""The newcomer's path: from an empty folder to a gated pull request, by the documented commands.

The repository is pushed to a bare one beside it, which is what a server of git is; the host is the
one that its recorded answers make.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.runner import ROOT, Job, Runner
from tests.action.situations import runner
from tests.cli.running import Result, podwall
from tests.posting.servers import GitHub, serving

GUIDE = (ROOT / "docs/pull-requests.md").read_text(encoding="utf-8")
WORKFLOW = ROOT / ".github/workflows/preview.yml"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: NAME, image: "example.com/NAME:1", ports: [{containerPort: 8080}]}]}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  policyTypes: [Ingress]
  ingress: []
"""
OPENED = POLICY.replace(
    "ingress: []",
    "ingress:\n    - from: [{podSelector: {matchLabels: {app: web}}}]\n      ports: [{port: 8080}]",
)
ACCEPTED = """\
accepted:
- from: shop/web
  to: shop/api
  ports: 8080
  because: the web shop asks its interface
"""


@pytest.fixture
def github() -> Iterator[tuple[GitHub, str]]:
    server = GitHub()
    with serving(server) as address:
        yield server, address


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Desk:
    """A folder of a newcomer, and the repository on a server that it is pushed to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        self._server = folder / "server.git"
        self._clones = folder / "clones"
        git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self._server))
        git(self.folder, "init", "--quiet", "--initial-branch", "main")
        git(self.folder, "remote", "add", "origin", str(self._server))

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def push(self, branch: str) -> None:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", branch)
        git(self.folder, "push", "--quiet", "origin", branch)

    def clone(self, branch: str) -> Path:
        """Return what the server has of a branch, without git's own folder."""
        there = self._clones / f"{branch}-{len(list(self._clones.glob('*')))}"
        git(self.folder, "clone", "--quiet", "--branch", branch, str(self._server), str(there))
        found = there.with_name(f"{there.name}-files")
        git(there, "checkout-index", "--all", f"--prefix={found}/")
        return found

    def podwall(self, *words: str) -> Result:
        path = (
            f"{Path(sys.executable).parent}:{Path(shutil.which('git') or '').parent}:/usr/bin:/bin"
        )
        return podwall(self.folder, *words, PATH=path)


def documented_inputs() -> dict[str, Any]:
    """Return the inputs of the action that the guide shows for a folder of manifests."""
    block = re.search(r"```yaml\n(on: pull_request\n.*?)```", GUIDE, re.DOTALL)
    assert block is not None
    steps = yaml.safe_load(block[1])["jobs"]["network"]["steps"]
    return dict(steps[-1]["with"])


def pull_request(desk: Desk, folder: Path, address: str, **more: str) -> tuple[Job, Runner]:
    """Run the action as the guide shows it on the merge of `allow` into `main`."""
    folder.mkdir()
    machine = runner(folder, address, desk.clone("main"), desk.clone("allow"))
    inputs = documented_inputs() | {"manifests": "app/deploy/"} | more
    inputs.pop("expectations")  # this shop states none yet
    return machine.action(inputs), machine


@pytest.mark.long
def test_from_three_manifests_to_a_gated_pull_request(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    desk = Desk(tmp_path)
    workloads = {f"deploy/{name}.yaml": DEPLOYMENT.replace("NAME", name) for name in ("web", "api")}
    desk.write(workloads | {"deploy/policies.yaml": POLICY})

    # My folder of manifests.
    assert desk.podwall("init").code == 0
    reached = desk.podwall("reach", "deploy", "-o", "csv")
    assert reached.code == 0
    assert "shop/web,shop/api" not in reached.out
    why = desk.podwall("explain", "deploy", "shop/web", "shop/api", "8080")
    assert "TCP 8080: denied" in why.out
    desk.push("main")

    # What my branch opens, before anybody sees it.
    git(desk.folder, "switch", "--quiet", "--create", "allow")
    desk.write({"deploy/policies.yaml": OPENED})
    opened = desk.podwall("diff", "--base", "main", "deploy/")
    assert opened.code == 1
    assert re.search(r"added +shop/web -> shop/api +nothing => TCP 8080  \[shop/api\]", opened.out)
    desk.push("allow")

    assert_it_stops_until_it_is_stated(desk, server, address, tmp_path)


def assert_it_stops_until_it_is_stated(
    desk: Desk, server: GitHub, address: str, folder: Path
) -> None:
    """The pull request stops, and says what to do; stated in the same pull request, it passes."""
    job, _ = pull_request(desk, folder / "first", address)
    assert job.result == "failure"
    (comment,) = server.comments
    assert "### Stops: 1 connection opens" in comment["body"]
    assert "or with a reason in the file for `--accepted`" in comment["body"]

    desk.write({"accepted.yaml": ACCEPTED})
    stated = desk.podwall("diff", "--base", "main", "deploy/", "--accepted", "accepted.yaml")
    assert stated.code == 0, stated.err
    desk.push("allow")
    job, machine = pull_request(desk, folder / "second", address, accepted="app/accepted.yaml")
    assert job.result == "success", job.log
    (comment,) = server.comments
    assert "### Passes: 1 connection opens" in comment["body"]
    assert "the web shop asks its interface" in comment["body"]
    assert comment["body"] in machine.summary


PROGRAM = """\
from pulumi_kubernetes.core.v1 import Pod
from pulumi_kubernetes.networking.v1 import NetworkPolicy

for name in ("web", "api"):
    Pod(name, metadata={"name": name, "namespace": "shop", "labels": {"app": name}})
NetworkPolicy(
    "api",
    metadata={"name": "api", "namespace": "shop"},
    spec={
        "pod_selector": {"match_labels": {"app": "api"}},
        "policy_types": ["Ingress"],
        "ingress": RULES,
    },
)
"""
RULE = """[
            {
                "from_": [{"pod_selector": {"match_labels": {"app": "web"}}}],
                "ports": [{"port": 8080}],
            }
        ]"""


@pytest.mark.long
def test_from_a_small_program_to_a_gated_pull_request(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    desk = Desk(tmp_path)
    project = "name: shop\nruntime: python\n"
    files = {"Pulumi.yaml": project, "Pulumi.dev.yaml": "config: {}\n"}
    desk.write(files | {"__main__.py": PROGRAM.replace("RULES", "[]"), ".gitignore": "out/\n"})

    # My program, without a path.
    reached = desk.podwall("reach", "-o", "csv")
    assert reached.code == 0
    assert "shop/web,shop/api" not in reached.out
    assert desk.podwall("preview").code == 0
    assert (desk.folder / "out/dev/index.html").exists()
    desk.push("main")

    # What my branch opens.
    git(desk.folder, "switch", "--quiet", "--create", "allow")
    desk.write({"__main__.py": PROGRAM.replace("RULES", RULE)})
    opened = desk.podwall("diff", "--base", "main")
    assert opened.code == 1
    assert "added     shop/web -> shop/api  nothing => TCP 8080" in opened.out
    desk.push("allow")

    assert_the_workflow_stops_until_it_is_stated(desk, server, address, tmp_path)


def workflow_run(desk: Desk, folder: Path, address: str, **more: str) -> Runner:
    """Return a machine with the merge of `allow` into `main`, and the variables of the guide.

    Without `PULUMI_STACK` the program is planned there, without an account.
    """
    folder.mkdir()
    variables = {"PULUMI_PROJECT": "app"} | more
    return runner(folder, address, desk.clone("main"), desk.clone("allow"), variables=variables)


def assert_the_workflow_stops_until_it_is_stated(
    desk: Desk, server: GitHub, address: str, folder: Path
) -> None:
    """The workflow to copy stops the pull request; stated in it, the opening passes."""
    jobs = workflow_run(desk, folder / "first", address).workflow(WORKFLOW)
    assert jobs["embedded"].result == "failure"
    (comment,) = server.comments
    assert "### Stops: 1 connection opens" in comment["body"]
    assert "`shop/web` | `shop/api` | TCP 8080" in comment["body"]

    desk.write({"accepted.yaml": ACCEPTED})
    stated = desk.podwall("diff", "--base", "main", "--accepted", "accepted.yaml")
    assert stated.code == 0, stated.err
    desk.push("allow")
    machine = workflow_run(desk, folder / "second", address, PODWALL_ACCEPTED="app/accepted.yaml")
    jobs = machine.workflow(WORKFLOW)
    assert jobs["embedded"].result == "success", jobs["embedded"].log
    assert jobs["comment"].result == "success", jobs["comment"].log
    (comment,) = server.comments
    assert "### Passes: 1 connection opens" in comment["body"]
    assert "the web shop asks its interface" in comment["body"]
    assert comment["body"] in machine.summary
