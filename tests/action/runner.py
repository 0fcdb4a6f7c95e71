"""Runs the jobs of a workflow: its `run` steps for real, with bash; the actions of others as told.

What a runner does beside that (files for outputs and the summary, artifacts) is done here in
folders. Nothing of GitHub is asked: an action that is not known here fails the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.action.expressions import Contexts, condition, filled

__all__ = ["ROOT", "Job", "Runner", "machine"]

ROOT = Path(__file__).resolve().parents[2]
_NOT_LINKED = {".git", ".venv", "action", "out"}


@dataclass
class Job:
    """How a job came out: what each step did, and everything that was printed."""

    result: str = "success"
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    log: str = ""


@dataclass
class Runner:
    """A machine with a checkout at `workspace`; `contexts` are `github`, `vars` and `secrets`."""

    folder: Path
    workspace: Path
    contexts: dict[str, Any]
    environment: dict[str, str]
    uploaded: list[str] = field(default_factory=list)
    checkouts: set[tuple[str, str]] = field(default_factory=set)
    _failed: bool = False

    @property
    def summary(self) -> str:
        """What the jobs wrote into their summaries."""
        path = self.folder / "summary.md"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def artifact(self) -> Path:
        """The folder that was uploaded."""
        return self.folder / "artifacts" / "podwall-report"

    def workflow(self, path: Path) -> dict[str, Job]:
        """Run every job whose condition holds, in the order of the file, which is that of needs."""
        document = yaml.safe_load(path.read_text("utf-8"))
        jobs: dict[str, Job] = {}
        self._failed = False
        self.contexts["env"] = {
            name: filled(value, self._all(Job())) for name, value in document.get("env", {}).items()
        }
        for name, job in document["jobs"].items():
            if condition(job.get("if", "success()"), self._all(Job())):
                jobs[name] = Job()
                self._failed = False
                self._steps(job["steps"], jobs[name], {})
        return jobs

    def action(self, inputs: Mapping[str, str]) -> Job:
        """Run this repository's action alone."""
        job = Job()
        self._install()
        found, _ = self._composite(".podwall/action", dict(inputs), job, "podwall")
        job.steps["podwall"] = {"outputs": found}
        job.result = "failure" if self._failed else "success"
        return job

    def _steps(self, steps: list[Any], job: Job, inputs: Mapping[str, str]) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        for number, step in enumerate(steps):
            contexts = self._all(job) | {"inputs": inputs}
            if not condition(step.get("if", "success()"), contexts):
                continue
            name = step.get("id") or step.get("name") or f"{step.get('uses', 'run')} {number}"
            job.ran.append(name)
            found, fine = self._step(step, job, contexts, name)
            outcome = "success" if fine else "failure"
            job.steps[name] = {"outputs": found, "outcome": outcome}
            outputs |= found
            if not fine and not step.get("continue-on-error"):
                self._failed = True
                job.result = "failure"
        return outputs

    def _step(
        self, step: Any, job: Job, contexts: Contexts, name: str
    ) -> tuple[dict[str, str], bool]:
        environment = {key: filled(each, contexts) for key, each in step.get("env", {}).items()}
        if "run" in step:
            return self._run(
                step, job, environment, filled(step.get("working-directory", "."), contexts)
            )
        given = {key: filled(each, contexts) for key, each in step.get("with", {}).items()}
        return self._uses(step["uses"], given, job, name)

    def _run(
        self, step: Any, job: Job, environment: dict[str, str], folder: str
    ) -> tuple[dict[str, str], bool]:
        assert "${{" not in step["run"], "an expression inside a script is somebody else's code"
        outputs = self.folder / "output.txt"
        outputs.write_text("", "utf-8")
        options = ("--noprofile", "--norc", "-eo", "pipefail") if "shell" in step else ("-e",)
        done = subprocess.run(
            ["bash", *options, "-c", step["run"]],
            cwd=self.workspace / folder,
            env=self._machine() | environment | {"GITHUB_OUTPUT": str(outputs)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        job.log += done.stdout
        lines = outputs.read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines), done.returncode == 0

    def _machine(self) -> dict[str, str]:
        workflow = {key: str(each) for key, each in self.contexts.get("env", {}).items()}
        return {
            **self.environment,
            **workflow,
            "GITHUB_ACTION_PATH": str(self.workspace / ".podwall" / "action"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }

    def _uses(
        self, uses: str, given: dict[str, str], job: Job, name: str
    ) -> tuple[dict[str, str], bool]:
        if uses.startswith("./"):
            return self._composite(uses, given, job, name)
        there = self.workspace / given.get("path", "")
        match uses.partition("@")[0]:
            case "actions/checkout" if given.get("path") == ".podwall":
                self.checkouts.add((given["repository"], given["ref"]))
                self._install()
            case "actions/setup-python":
                return {"python-path": sys.executable}, True
            case "actions/upload-artifact":
                return {}, self._upload(there)
            case "actions/download-artifact":
                shutil.rmtree(there, ignore_errors=True)
                return {}, self._download(there)
            case "github/codeql-action/upload-sarif":
                self.uploaded.append((self.workspace / given["sarif_file"]).read_text("utf-8"))
            case known:
                assert known in {"actions/checkout", "pulumi/actions", "azure/login"}, uses
        return {}, True

    def _composite(
        self, local: str, given: dict[str, str], job: Job, name: str
    ) -> tuple[dict[str, str], bool]:
        document = yaml.safe_load((self.workspace / local / "action.yml").read_text("utf-8"))
        assert given.keys() <= document["inputs"].keys()
        contexts = self._all(job)
        defaults = {
            key: filled(each["default"], contexts) for key, each in document["inputs"].items()
        }
        before, self._failed = self._failed, False
        inner = Job()
        outputs = self._steps(document["runs"]["steps"], inner, defaults | given)
        fine, self._failed = not self._failed, before or self._failed
        job.log += inner.log
        job.ran += [f"{name}: {each}" for each in inner.ran]
        known = {key: outputs.get(key, "") for key in document["outputs"]}
        return known, fine

    def _install(self) -> None:
        """Lay Podwall's checkout into the workspace, with the environment of this test."""
        there = self.workspace / ".podwall"
        if not there.exists():
            there.mkdir()
            for each in ROOT.iterdir():
                if each.name not in _NOT_LINKED:
                    (there / each.name).symlink_to(each)
            shutil.copytree(ROOT / "action", there / "action")
            (there / ".venv").symlink_to(sys.prefix)

    def _upload(self, path: Path) -> bool:
        if not path.exists():
            return False
        shutil.copytree(path, self.artifact)
        return True

    def _download(self, path: Path) -> bool:
        if not self.artifact.exists():
            return False
        shutil.copytree(self.artifact, path)
        return True

    def _all(self, job: Job) -> dict[str, Any]:
        functions = {
            "success": lambda: not self._failed,
            "cancelled": lambda: False,
            "hashFiles": lambda path: "hash" if (self.workspace / path).exists() else "",
        }
        runner = {"temp": str(self.folder / "temp")}
        return {
            "env": {},
            **self.contexts,
            "runner": runner,
            "steps": job.steps,
            "functions": functions,
        }


def machine(folder: Path, address: str) -> dict[str, str]:
    """Return the variables of a runner whose GitHub is at `address`, with stand-ins on its PATH."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (folder / "temp").mkdir()
    _script(tools / "make", 'echo "make $*"')
    _script(
        tools / "pulumi",
        'case "$1" in preview) cat "$RECORDED"; exit "$ENDS";; *) echo "pulumi $*";; esac',
    )
    inherited = {key: value for key, value in os.environ.items() if "PULUMI" not in key}
    return {
        **inherited,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_API_URL": address,
        "GITHUB_SERVER_URL": "https://github.test",
        "GITHUB_RUN_ID": "99",
        "RECORDED": os.devnull,
        "ENDS": "0",
    }


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
