"""The action, step by step: a folder of manifests, a preview, a program; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action.runner import ROOT, Runner
from tests.action.situations import RECORDED, runner
from tests.posting.servers import TOKEN, Fault, GitHub, serving

BEFORE, AFTER = ROOT / "examples" / "shop-before", ROOT / "examples" / "shop"


@pytest.fixture
def github() -> Iterator[tuple[GitHub, str]]:
    server = GitHub()
    with serving(server) as address:
        yield server, address


@pytest.fixture
def shop(github: tuple[GitHub, str], tmp_path: Path) -> Runner:
    return runner(tmp_path, github[1], BEFORE, AFTER)


def composite(machine: Runner, **inputs: str) -> tuple[dict[str, str], str, str]:
    """Return the action's outputs, how it ended, and its log."""
    job = machine.action({key.replace("_", "-"): value for key, value in inputs.items()})
    return job.steps["podwall"]["outputs"], job.result, job.log


@pytest.mark.long
def test_a_folder_of_manifests_is_compared_with_the_base(
    shop: Runner, github: tuple[GitHub, str]
) -> None:
    found, result, _ = composite(shop, manifests="app", subject="the shop")
    assert result == "failure"
    assert (found["opened"], found["closed"], found["exit-code"]) == ("1", "2", "1")
    (comment,) = github[0].comments
    assert "### Stops: 1 connection opens and 1 closes in the shop\n" in comment["body"]
    assert comment["body"] in shop.summary
    assert (shop.workspace / found["report"] / "index.html").exists()


@pytest.mark.long
def test_what_opens_stands_beside_its_line(shop: Runner) -> None:
    planted = shop.workspace / "podwall-report"
    planted.mkdir()
    (planted / "github-annotations.txt").write_text("::error::planted\n", "utf-8")
    _, _, log = composite(shop, manifests="app", subject="the shop")
    lines = log.splitlines()
    assert any(each.startswith("::error file=app/policies.yaml,line=") for each in lines)
    assert "::error::planted" not in lines
    _, _, log = composite(shop, manifests="app", subject="the shop", annotate="false")
    assert "::error file=" not in log


@pytest.mark.long
def test_expectations_and_the_base_can_be_named(shop: Runner) -> None:
    found, result, _ = composite(
        shop, manifests="app", base_ref="HEAD", expectations="app/expectations.yaml"
    )
    assert (found["exit-code"], result) == ("0", "success")


@pytest.mark.long
def test_a_new_folder_is_compared_with_nothing(github: tuple[GitHub, str], tmp_path: Path) -> None:
    found, result, _ = composite(runner(tmp_path, github[1], None, AFTER), manifests="app")
    assert (found["exit-code"], result) == ("0", "success"), "new workloads alone are notes"


@pytest.mark.long
def test_a_preview_needs_no_base(github: tuple[GitHub, str], tmp_path: Path) -> None:
    machine = runner(tmp_path, github[1])
    found, _, _ = composite(machine, preview=str(RECORDED / "allow.json"))
    assert found["opened"] == "1"


@pytest.mark.long
def test_without_the_comment_only_the_summary_has_the_report(
    shop: Runner, github: tuple[GitHub, str]
) -> None:
    composite(shop, manifests="app", comment="false")
    assert github[0].asked == []
    assert "### Stops: 1 connection opens and 1 closes" in shop.summary


@pytest.mark.long
def test_a_token_that_may_not_comment_changes_nothing_else(
    shop: Runner, github: tuple[GitHub, str]
) -> None:
    message = {"message": "Resource not accessible by integration"}
    github[0].faults.append(Fault(403, message, method="POST"))
    found, _, log = composite(shop, manifests="app", base_ref="HEAD")
    assert found["exit-code"] == "0"
    assert "not posted, the report is in the summary" in log
    assert TOKEN not in log


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        pytest.param({}, "name one of preview, manifests and program", id="nothing"),
        pytest.param({"manifests": "app", "program": "app"}, "name one of", id="two things"),
        pytest.param({"manifests": "gone"}, "not in the checkout", id="no such folder"),
        pytest.param({"manifests": "app", "base-ref": "HEAD^9"}, "fetch-depth: 2", id="no base"),
    ],
)
def test_what_can_not_be_compared_is_refused_in_a_line(
    shop: Runner, inputs: dict[str, str], message: str
) -> None:
    job = shop.action(inputs)
    assert job.result == "failure"
    assert message in job.log


@pytest.mark.long
def test_names_in_a_checkout_are_no_commands_and_no_code(
    github: tuple[GitHub, str], tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    name = "x\\n::error::owned\\n"
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "NAME", "namespace": "$(touch owned)"},
        "spec": {"podSelector": {}},
    }
    (evil / "a.yaml").write_text(json.dumps(manifest).replace("NAME", name), "utf-8")
    machine = runner(tmp_path, github[1], None, evil)
    subject = "$(touch owned) `touch owned` ${{ github.token }}"
    job = machine.action({"manifests": "app", "subject": subject})
    assert not list(machine.workspace.rglob("owned"))
    lines = job.log.splitlines()
    assert "::error::owned" not in lines
    opened = [line for line in lines if line.startswith("::stop-commands::")]
    assert all(f"::{each.rpartition(':')[2]}::" in lines for each in opened)
    assert opened
