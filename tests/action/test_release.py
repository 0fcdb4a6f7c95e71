"""The release: what publishes runs nothing of the repository, and what runs it can't publish."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import yaml

from tests.action.runner import ROOT

WORKFLOW: dict[str, Any] = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
)


def _actions(job: dict[str, Any]) -> list[str]:
    return [each["uses"].partition("@")[0] for each in job["steps"] if "uses" in each]


def test_a_job_that_may_write_checks_nothing_out() -> None:
    writers = [
        job for job in WORKFLOW["jobs"].values() if set(job["permissions"].values()) != {"read"}
    ]
    assert len(writers) == 3
    assert all("actions/checkout" not in _actions(job) for job in writers)


def test_every_action_is_pinned_by_its_commit() -> None:
    uses = [
        each["uses"] for job in WORKFLOW["jobs"].values() for each in job["steps"] if "uses" in each
    ]
    assert [each for each in uses if not re.search(r"@[0-9a-f]{40}$", each)] == []


def test_a_tag_that_is_not_the_version_builds_nothing() -> None:
    done = subprocess.run(
        [ROOT / ".ci" / "build", "v0.0.0-other"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "is not the version" in done.stderr
