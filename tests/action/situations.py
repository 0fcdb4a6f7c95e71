"""Pull requests to try the workflow on: what GitHub tells of them, and what is checked out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.action.runner import ROOT, Runner, machine

__all__ = ["RECORDED", "runner"]

RECORDED = ROOT / "tests" / "data" / "engine"
_OF_NOBODY = {
    "GIT_AUTHOR_NAME": "ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


def runner(  # noqa: PLR0913 - two states, and what is special about a pull request
    folder: Path,
    address: str,
    base: Path | None = None,
    head: Path | None = None,
    *,
    fork: bool = False,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Runner:
    """Return a machine with the merge of `head` into `base` checked out below `workspace/app`."""
    workspace = folder / "workspace"
    workspace.mkdir()
    environment = machine(folder, address) | _OF_NOBODY
    _git(workspace, environment, "init", "--quiet", "--initial-branch", "main")
    for each, name in ((base, "base"), (head, "head")):
        shutil.rmtree(workspace / "app", ignore_errors=True)
        if each is not None:
            shutil.copytree(each, workspace / "app")
        _git(workspace, environment, "add", "--all")
        _git(workspace, environment, "commit", "--quiet", "--allow-empty", "--message", name)
    event = _event("mallory/shop" if fork else "acme/shop")
    path = folder / "event.json"
    path.write_text(json.dumps(event), "utf-8")
    environment |= {"GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "acme/shop"}
    github = {
        "event": event,
        "event_name": "pull_request",
        "repository": "acme/shop",
        "sha": "0" * 40,
        "token": "the-token-0123456789",
    }
    contexts = {"github": github, "vars": dict(variables), "secrets": {}}
    return Runner(folder, workspace, contexts, environment)


def _event(head: str) -> dict[str, Any]:
    pull_request = {
        "number": 7,
        "base": {"sha": "1" * 40},
        "head": {"repo": {"full_name": head}},
        "user": {"login": "ann"},
    }
    return {"pull_request": pull_request}


def _git(folder: Path, environment: dict[str, str], *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True)
