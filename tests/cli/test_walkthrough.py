"""`podwall walkthrough`: what it predicts is what the stack would do."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from podwall.engines import ENGINES
from podwall.model import IpProtocol
from podwall.plan.embedded import embedded_plan
from podwall.policies.presets import Step
from podwall.reachability import Reachability, Verdict
from podwall.review import review
from podwall.sources import source_of_program
from podwall.walkthrough import BACKEND, Attempt, walkthrough
from tests.cli.running import ROOT, podwall

REACHES = {
    ("open", "starwind", True): True,
    ("open", "starwind", False): True,
    ("open", "visitor", True): True,
    ("deny-all", "starwind", True): False,
    ("deny-all", "starwind", False): False,
    ("deny-all", "visitor", True): False,
    ("same-namespace", "starwind", True): True,
    ("same-namespace", "starwind", False): False,
    ("same-namespace", "visitor", True): False,
    ("any-namespace", "starwind", True): True,
    ("any-namespace", "starwind", False): False,
    ("any-namespace", "visitor", True): True,
    ("own-namespace", "starwind", True): True,
    ("own-namespace", "starwind", False): False,
    ("own-namespace", "visitor", True): False,
}


def test_json_is_the_table_of_the_walkthrough(tmp_path: Path) -> None:
    result = podwall(tmp_path, "walkthrough", "-o", "json")
    assert result.code == 0
    assert result.err == ""
    for row in result.json:
        assert list(row) == ["step", "client", "namespace", "labelled", "reaches"]
    found = {
        (row["step"], row["namespace"], row["labelled"]): row["reaches"] for row in result.json
    }
    assert found == REACHES
    assert len(result.json) == len(REACHES)


def test_text_has_a_row_for_each_step(tmp_path: Path) -> None:
    result = podwall(tmp_path, "walkthrough", COLUMNS="80")
    rows = {line.split()[0]: line for line in result.out.splitlines() if line.strip()}
    assert [rows["any-namespace"].count(word) for word in ("✓ reaches", "✗ blocked")] == [2, 1]
    assert [rows["deny-all"].count(word) for word in ("✓ reaches", "✗ blocked")] == [0, 3]
    assert all(len(line) <= 80 for line in result.out.splitlines())


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "none"])
def test_every_engine_does_the_same(engine: str) -> None:
    assert list(walkthrough(engine)) == list(walkthrough())


@cache
def _planned(step: Step) -> Reachability:
    plan = embedded_plan(ROOT, "dev", {"step": step.value})
    return review(source_of_program(plan, ROOT)).reachability


@pytest.mark.parametrize(
    "attempt", list(walkthrough()), ids=lambda each: f"{each.step} {each.client.id}"
)
@pytest.mark.long(keep=1)
def test_the_real_program_does_as_predicted(attempt: Attempt) -> None:
    reach = _planned(attempt.step)
    assert reach.verdict(attempt.client.id, BACKEND, IpProtocol.TCP, 80) is attempt.verdict
    assert attempt.verdict is not Verdict.UNDETERMINED
