"""The documented Azure pipeline: its own scripts, run against a stand-in for the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.runner import ROOT, machine
from tests.action.situations import RECORDED
from tests.posting.servers import TOKEN, Azure, serving

PIPELINE: dict[str, Any] = yaml.safe_load(
    (ROOT / "docs" / "azure-pipelines.yml").read_text("utf-8")
)
_COMMAND = re.compile(r"^##vso\[task\.(\w+)(?: variable=(\w+))?\](.*)$", re.MULTILINE)


@dataclass
class Run:
    """The scripts of a run: how each ended, and what they told the agent."""

    ended: dict[str, int] = field(default_factory=dict)
    summary: str = ""
    log: str = ""


def piped(folder: Path, server: Azure, recorded: str, ends: int = 0, **changed: str) -> Run:
    """Run the pipeline's scripts on what `pulumi preview` shall print, and how it shall end."""
    (folder / "self").mkdir(parents=True)
    (folder / "podwall").symlink_to(_podwall(folder))
    (folder / "recorded.json").write_text(recorded, "utf-8")
    variables = {**PIPELINE["variables"], **changed}
    run = Run()
    with serving(server) as address:
        agent = _agent(folder, address) | {"ENDS": str(ends)}
        for job in PIPELINE["jobs"]:
            _job(job, folder, agent, variables, run)
    run.summary = Path(_told(run, "uploadsummary")[""]).read_text("utf-8")
    return run


def _job(
    job: dict[str, Any], folder: Path, agent: dict[str, str], variables: dict[str, Any], run: Run
) -> None:
    """Run a job's scripts on a machine that has what the job checks out and downloads."""
    machine_of_job = folder / job["job"]
    (machine_of_job / "s").mkdir(parents=True)
    for step in job["steps"]:
        if "checkout" in step:
            (machine_of_job / step["path"]).symlink_to(folder / step["checkout"])
        if step.get("task") == "DownloadPipelineArtifact@2":
            shutil.copytree(folder / "staging" / "podwall", machine_of_job / "podwall-report")
    places = {
        "PIPELINE_WORKSPACE": str(machine_of_job),
        "BUILD_SOURCESDIRECTORY": str(machine_of_job / "s"),
    }
    for step in job["steps"]:
        told = _told(run, "setvariable")
        known = {name.upper(): str(value) for name, value in (variables | told).items()}
        _step(step, machine_of_job, agent | known | places, run)


def _told(run: Run, command: str) -> dict[str, str]:
    """Return what the scripts told the agent, by the name of the variable."""
    return {name: value for what, name, value in _COMMAND.findall(run.log) if what == command}


def _agent(folder: Path, address: str) -> dict[str, str]:
    """Return the variables that Azure Pipelines and AzureCLI@2 set."""
    return machine(folder, address) | {
        "BUILD_ARTIFACTSTAGINGDIRECTORY": str(folder / "staging"),
        "AGENT_TEMPDIRECTORY": str(folder / "temp"),
        "SYSTEM_COLLECTIONURI": f"{address}/",
        "SYSTEM_TEAMPROJECT": "my project",
        "SYSTEM_TEAMPROJECTID": "project-id",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        "BUILD_REPOSITORY_ID": "repo-id",
        "BUILD_BUILDID": "99",
        "RECORDED": str(folder / "recorded.json"),
        "servicePrincipalId": "client",
        "tenantId": "tenant",
        "idToken": "a-token",
    }


def _step(step: dict[str, Any], folder: Path, agent: dict[str, str], run: Run) -> None:
    script = step.get("bash") or step.get("inputs", {}).get("inlineScript")
    if script is None:
        return
    assert "$(System" not in script
    assert "$(Build" not in script
    secrets = {"SYSTEM_ACCESSTOKEN": TOKEN} if "SYSTEM_ACCESSTOKEN" in step.get("env", {}) else {}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=_directory(step, folder),
        env=agent | secrets,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    run.ended[step["displayName"]] = done.returncode
    run.log += done.stdout


def _directory(step: dict[str, Any], machine_of_job: Path) -> Path:
    asked = step.get("workingDirectory") or step.get("inputs", {}).get("workingDirectory", "")
    return machine_of_job / str(asked).replace("$(Build.SourcesDirectory)", "s")


def _podwall(folder: Path) -> Path:
    """Return a checkout of Podwall with the environment of this test."""
    there = folder / "checkout"
    there.mkdir()
    for each in ROOT.iterdir():
        if each.name not in {".git", ".venv", "out"}:
            (there / each.name).symlink_to(each)
    (there / ".venv").symlink_to(sys.prefix)
    for name in ("curl", "az"):
        tool = folder / "tools" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text("#!/bin/sh\necho true\n", "utf-8")
        tool.chmod(0o755)
    return there


@pytest.mark.long
def test_the_thread_is_made_once_and_edited_by_the_next_run(tmp_path: Path) -> None:
    server = Azure()
    first, run = (
        piped(tmp_path / name, server, (RECORDED / f"{name}.json").read_text("utf-8"))
        for name in ("first", "allow")
    )
    assert (first.ended["comment"], first.ended["gate"]) == (0, 0)
    assert (run.ended["comment"], run.ended["gate"]) == (0, 1), "what opens fails the job"
    (thread,) = server.threads
    assert thread["status"] == "active"
    assert "1 connection opens" in thread["comments"][0]["content"]
    assert run.summary == thread["comments"][0]["content"]
    assert "results?buildId=99" in run.summary
    assert {each.name for each in (tmp_path / "allow" / "staging" / "podwall").iterdir()} >= {
        "podwall.xml",
        "index.html",
    }


@pytest.mark.long
def test_a_preview_that_fails_is_reported_and_fails_the_job(tmp_path: Path) -> None:
    server = Azure()
    run = piped(tmp_path, server, "", ends=255, threadStatus="closed")
    assert run.ended["preview"] == 0
    assert run.ended["gate"] == 1
    (thread,) = server.threads
    assert thread["status"] == "closed"
    assert "Stops: nobody knows what opens or closes" in thread["comments"][0]["content"]


@pytest.mark.long
def test_a_preview_that_fails_after_a_whole_plan_still_fails_the_job(tmp_path: Path) -> None:
    run = piped(tmp_path, Azure(), (RECORDED / "first.json").read_text("utf-8"), ends=255)
    assert run.ended["report"] == 0
    assert run.ended["gate"] == 1


@pytest.mark.long
def test_no_token_is_printed_and_only_one_step_gets_it(tmp_path: Path) -> None:
    run = piped(tmp_path, Azure(), (RECORDED / "first.json").read_text("utf-8"))
    assert TOKEN not in run.log
    steps = [step for job in PIPELINE["jobs"] for step in job["steps"]]
    holders = [each["displayName"] for each in steps if "System.AccessToken" in str(each)]
    assert holders == ["comment"]


def test_the_job_that_may_write_has_nothing_of_the_pull_request() -> None:
    (job,) = [each for each in PIPELINE["jobs"] if "System.AccessToken" in str(each)]
    checked_out = [each["checkout"] for each in job["steps"] if "checkout" in each]
    assert checked_out == ["podwall"]
    assert all(
        each.get("persistCredentials") is False
        for other in PIPELINE["jobs"]
        for each in other["steps"]
        if each.get("checkout") == "self"
    )


def test_the_thread_is_made_also_where_the_gate_fails() -> None:
    (job,) = [each for each in PIPELINE["jobs"] if each["job"] == "comment"]
    assert job["dependsOn"] == "preview"
    assert job["condition"].startswith("and(not(canceled()), ")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_the_script_of_the_action_can_be_started() -> None:
    assert os.access(ROOT / "action" / "report.sh", os.X_OK)
