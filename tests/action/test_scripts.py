"""The scripts inside the action and the pipeline are as clean as those in files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.runner import ROOT

SHELLCHECK = Path(sys.prefix) / "bin" / "shellcheck"


def _scripts() -> Iterator[Any]:
    action = yaml.safe_load((ROOT / "action" / "action.yml").read_text("utf-8"))
    pipeline = yaml.safe_load((ROOT / "docs" / "azure-pipelines.yml").read_text("utf-8"))
    preview = yaml.safe_load((ROOT / ".github" / "workflows" / "preview.yml").read_text("utf-8"))
    jobs = [*preview["jobs"].values(), *pipeline["jobs"], action["runs"]]
    for step in (step for job in jobs for step in job["steps"]):
        text = step.get("run") or step.get("bash") or step.get("inputs", {}).get("inlineScript")
        if text:
            yield pytest.param(text, id=step.get("name") or step.get("displayName"))


@pytest.mark.parametrize("text", list(_scripts()))
def test_a_script_is_clean(text: str) -> None:
    done = subprocess.run(
        [SHELLCHECK, "--shell", "bash", "--exclude", "SC2154", "-"],  # set by the tasks
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
