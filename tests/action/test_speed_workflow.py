"""The workflow that measures a pull request's speed: what it posts, and who may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.action.runner import ROOT
from tests.action.situations import runner
from tests.posting.servers import GitHub, serving

WORKFLOW = ROOT / ".github" / "workflows" / "speed.yml"


@pytest.fixture
def github() -> Iterator[tuple[GitHub, str]]:
    server = GitHub()
    with serving(server) as address:
        yield server, address


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.long
def test_the_table_is_one_comment_beside_that_of_the_preview(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    server, address = github
    machines = [runner(_folder(tmp_path / run), address) for run in ("first", "second")]
    for machine in machines:
        jobs = machine.workflow(WORKFLOW)
        assert {name: job.result for name, job in jobs.items()} == {
            "measure": "success",
            "comment": "success",
        }
    (comment,) = server.comments
    assert comment["body"].startswith("<!-- podwall: speed -->\n### Speed beside the base\n")
    assert "make --silent bench-compare BASE=.base QUICK=--quick" in comment["body"]
    assert comment["body"].strip() in machines[0].summary


@pytest.mark.long
def test_a_fork_is_measured_and_nobody_writes(github: tuple[GitHub, str], tmp_path: Path) -> None:
    server, address = github
    machine = runner(tmp_path, address, fork=True)
    assert machine.workflow(WORKFLOW).keys() == {"measure"}
    assert server.comments == []


def test_the_job_that_may_write_checks_out_the_base_alone() -> None:
    document = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert document["permissions"] == {}
    measure, comment = document["jobs"]["measure"], document["jobs"]["comment"]
    assert measure["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"contents": "read", "pull-requests": "write"}
    (checkout,) = (each for each in comment["steps"] if "checkout" in each.get("uses", ""))
    assert "base.sha" in checkout["with"]["ref"]
    assert "pull_request_target" not in WORKFLOW.read_text("utf-8")
