"""The release: what publishes runs nothing of the repository, and what runs it can't publish."""

from __future__ import annotations

import re
import runpy
import subprocess
from typing import Any

import yaml
from markdown_it import MarkdownIt

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


def test_the_description_of_the_package_leads_to_no_file() -> None:
    metadata: dict[str, Any] = {}
    hook = runpy.run_path(str(ROOT / ".ci" / "package_readme.py"))["CustomMetadataHook"]
    hook(str(ROOT), {}).update(metadata)
    text = metadata["readme"]["text"]
    html = MarkdownIt("commonmark").enable("table").render(text)
    leads = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert leads
    assert [each for each in leads if not each.startswith(("https://", "#"))] == []
    assert "<h1>Podwall</h1>" in html
