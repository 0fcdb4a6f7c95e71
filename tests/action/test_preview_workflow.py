"""The workflow does what it says: its own steps, run with bash on pull requests of every kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.action.runner import ROOT, Job, Runner
from tests.action.situations import RECORDED, runner
from tests.posting.servers import GitHub, serving

WORKFLOW = ROOT / ".github" / "workflows" / "preview.yml"
FILES = {
    "comment.md",
    "index.html",
    "changes.json",
    "podwall.sarif",
    "podwall.xml",
    "github-annotations.txt",
    "azure-annotations.txt",
    "outputs.txt",
}
PROGRAM = ROOT / "examples" / "first-program"
STACK = {"PULUMI_STACK": "dev", "PULUMI_PROJECT": "app"}


@pytest.fixture
def github() -> Iterator[tuple[GitHub, str]]:
    server = GitHub()
    with serving(server) as address:
        yield server, address


def previewed(machine: Runner, recorded: Path | str, ends: int = 0) -> dict[str, Job]:
    """Run the workflow on what `pulumi preview` shall print, and how it shall end."""
    path = machine.folder / "recorded.json"
    text = recorded if isinstance(recorded, str) else recorded.read_text("utf-8")
    path.write_text(text, "utf-8")
    machine.environment |= {"RECORDED": str(path), "ENDS": str(ends)}
    return machine.workflow(WORKFLOW)


def files(machine: Runner) -> set[str]:
    return {each.name for each in machine.artifact.iterdir()}


@pytest.mark.long
def test_a_first_preview(github: tuple[GitHub, str], tmp_path: Path) -> None:
    server, address = github
    machine = runner(tmp_path, address, head=PROGRAM, variables=STACK)
    jobs = previewed(machine, RECORDED / "first.json")
    assert {name: job.result for name, job in jobs.items()} == {
        "engine": "success",
        "comment": "success",
        "code-scanning": "success",
    }
    assert files(machine) == FILES
    (comment,) = server.comments
    assert comment["body"].startswith("<!-- podwall: stack-dev -->\n### Passes: 3 connections open")
    assert comment["body"] in machine.summary
    assert "actions/runs/99" in comment["body"]
    assert json.loads(machine.uploaded[0])["version"] == "2.1.0"
    assert "pulumi install" in jobs["engine"].log


@pytest.mark.long
def test_the_comment_is_posted_once_and_edited_by_the_next_run(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    for number, recorded in enumerate(("first.json", "allow.json")):
        folder = tmp_path / str(number)
        folder.mkdir()
        previewed(runner(folder, address, head=PROGRAM, variables=STACK), RECORDED / recorded)
    assert len(server.comments) == 1
    assert "1 connection opens" in server.comments[0]["body"]


@pytest.mark.long
def test_what_opens_fails_the_job_and_is_reported_all_the_same(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    machine = runner(tmp_path, address, head=PROGRAM, variables=STACK)
    jobs = previewed(machine, RECORDED / "allow.json")
    assert jobs["engine"].result == "failure"
    assert jobs["comment"].result == jobs["code-scanning"].result == "success"
    assert files(machine) == FILES
    assert len(server.comments) == 1
    assert jobs["engine"].steps["podwall"]["outputs"]["opened"] == "1"


@pytest.mark.parametrize(("level", "result"), [("error", "success"), ("any", "failure")])
@pytest.mark.long
def test_what_fails_the_job_can_be_chosen(
    github: tuple[GitHub, str], tmp_path: Path, level: str, result: str
) -> None:
    machine = runner(
        tmp_path, github[1], head=PROGRAM, variables=STACK | {"PODWALL_FAIL_ON": level}
    )
    assert previewed(machine, RECORDED / "first.json")["engine"].result == result


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        pytest.param("", "Stops: nobody knows what opens or closes", id="nothing was printed"),
        pytest.param(
            '{"steps": [{"op', "Stops: nobody knows what opens or closes", id="it broke off"
        ),
        pytest.param(
            json.dumps(
                {
                    "steps": [],
                    "diagnostics": [{"severity": "error", "message": "no such image"}],
                }
            ),
            "no such image",
            id="it printed why",
        ),
    ],
)
@pytest.mark.long
def test_a_preview_that_fails_is_reported_and_fails_the_job(
    github: tuple[GitHub, str], tmp_path: Path, printed: str, said: str
) -> None:
    server, address = github
    machine = runner(tmp_path, address, head=PROGRAM, variables=STACK)
    jobs = previewed(machine, printed, ends=255)
    assert jobs["engine"].result == "failure"
    assert "the preview itself" in jobs["engine"].ran
    (comment,) = server.comments
    assert said in comment["body"]
    assert "nobody knows what opens" in comment["body"].lower()
    assert jobs["comment"].result == "success"


@pytest.mark.long
def test_a_preview_that_fails_after_a_whole_plan_still_fails_the_job(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    machine = runner(tmp_path, github[1], head=PROGRAM, variables=STACK)
    jobs = previewed(machine, RECORDED / "first.json", ends=255)
    assert jobs["engine"].steps["podwall"]["outcome"] == "success"
    assert jobs["engine"].result == "failure"


@pytest.mark.long
def test_a_replaced_cluster_is_stopped_and_stands_first(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    machine = runner(tmp_path, address, head=PROGRAM, variables=STACK)
    jobs = previewed(machine, RECORDED / "cilium.json")
    assert jobs["engine"].result == "failure"
    errors = server.comments[0]["body"].partition("**Errors**")[2]
    assert "cluster-replace" in errors[:900]
    assert "engine-changes" in errors[:900]


@pytest.mark.long
def test_a_fork_is_planned_without_an_account_and_nobody_writes(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    machine = runner(tmp_path, address, head=PROGRAM, fork=True, variables=STACK)
    jobs = previewed(machine, "")
    assert {name: job.result for name, job in jobs.items()} == {"embedded": "success"}
    assert server.asked == []
    assert files(machine) == FILES
    assert "<!-- podwall: stack-dev -->" in machine.summary


@pytest.mark.long
def test_without_a_stack_the_program_is_planned_here_and_compared_with_the_base(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    changed = tmp_path / "changed"
    changed.mkdir()
    for each in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (changed / each).write_text((PROGRAM / each).read_text("utf-8"), "utf-8")
    program = (PROGRAM / "__main__.py").read_text("utf-8")
    assert "tcp(8080)" in program
    (changed / "__main__.py").write_text(program.replace("tcp(8080)", "tcp(8081)"), "utf-8")
    machine = runner(tmp_path, address, PROGRAM, changed, variables={"PULUMI_PROJECT": "app"})
    jobs = previewed(machine, "")
    assert jobs["embedded"].result == "failure", "other ports open"
    assert jobs["comment"].result == "success"
    assert "8081" in server.comments[0]["body"]


@pytest.mark.long
def test_copied_into_an_empty_repository_it_needs_no_edit(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    names = {"PODWALL_REPOSITORY": "acme/podwall", "PODWALL_REF": "a" * 40}
    machine = runner(tmp_path, address, head=PROGRAM, variables=names)
    own = machine.workspace / ".github" / "workflows" / "preview.yml"
    own.parent.mkdir(parents=True)
    own.write_text(WORKFLOW.read_text("utf-8"), "utf-8")
    for each in (machine.workspace / "app").iterdir():
        each.rename(machine.workspace / each.name)
    jobs = machine.workflow(own)
    assert {name: job.result for name, job in jobs.items()} == {
        "embedded": "success",
        "comment": "success",
        "code-scanning": "success",
    }
    assert machine.checkouts == {("acme/podwall", "a" * 40)}
    assert server.comments[0]["body"].startswith("<!-- podwall: stack-dev -->\n")


@pytest.mark.long
def test_a_program_that_does_not_plan_is_reported(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    broken = tmp_path / "broken"
    broken.mkdir()
    for each in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (broken / each).write_text((PROGRAM / each).read_text("utf-8"), "utf-8")
    (broken / "__main__.py").write_text("raise RuntimeError('out of order')\n", "utf-8")
    jobs = previewed(
        runner(tmp_path, address, PROGRAM, broken, variables={"PULUMI_PROJECT": "app"}), ""
    )
    assert jobs["embedded"].result == "failure"
    assert "out of order" in jobs["embedded"].log
    assert "Stops: nobody knows what opens or closes" in server.comments[0]["body"]


def test_a_job_that_may_write_checks_out_nothing_of_the_pull_request() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    for name, job in jobs.items():
        may_write = {key for key, value in job["permissions"].items() if value == "write"}
        runs_the_program = name in {"engine", "embedded"}
        assert may_write <= ({"id-token"} if runs_the_program else may_write)
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout") and not runs_the_program:
                assert "base.sha" in step["with"]["ref"]
                assert step["with"]["path"] == ".podwall"
    assert "id-token" not in str([jobs[each]["permissions"] for each in jobs if each != "engine"])


def test_every_job_has_an_end_and_every_secret_is_in_one_step() -> None:
    document = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert document["permissions"] == {}
    assert all(job["timeout-minutes"] <= 30 for job in document["jobs"].values())
    holders = [
        step.get("id")
        for job in document["jobs"].values()
        for step in job["steps"]
        if "secrets." in str(step)
    ]
    assert holders == ["preview"]
    assert "pull_request_target" not in WORKFLOW.read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / ".github" / "workflows").iterdir()), ROOT / "action" / "action.yml"],
    ids=lambda path: path.name,
)
def test_actions_of_others_are_pinned_by_commit_with_their_version(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if " uses: " in f" {line}"]
    for line in lines:
        assert re.search(r"uses: (\./|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)", line), line


def test_one_action_has_one_version() -> None:
    found: dict[str, set[str]] = {}
    paths = [*(ROOT / ".github" / "workflows").iterdir(), ROOT / "action" / "action.yml"]
    for path in paths:
        for name, version in re.findall(r"uses: ([\w/-]+)@([0-9a-f]{40})", path.read_text("utf-8")):
            found.setdefault(name, set()).add(version)
    assert {name for name, versions in found.items() if len(versions) > 1} == set()
