"""The pack as a whole: complete, importable without starting, and found by Pulumi."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from podwall.guardrails.guardrail import UNREAD
from podwall.guardrails.pack import policies, rules
from podwall.guardrails.rules.analysis import GROUPS, JUDGED_ELSEWHERE
from podwall.lint import LINTS
from tests.guardrails.packs import TODAY, judged

ROOT = Path(__file__).parents[2]
PACK = ROOT / "podwall" / "guardrails"
UNCLEAR = {"cluster-not-recognised", "engine-not-known", "several-clusters"} | UNREAD


@pytest.mark.parametrize("rule", rules(TODAY), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_wants_and_what_to_do(rule: object) -> None:
    (policy,) = [each for each in policies(TODAY) if each.name == getattr(rule, "id", "")]
    assert policy.description.endswith(".")
    assert policy.remediation_steps
    assert policy.severity
    assert policy.enforcement_level
    assert (policy.url or "").startswith("https://")


def test_the_documentation_lists_every_rule_as_it_is() -> None:
    table = (ROOT / "docs" / "guardrails.md").read_text(encoding="utf-8")
    for rule in rules(TODAY):
        settings = ", ".join(f"`{name}`" for name in rule.settings.__struct_fields__)
        row = (f"`{rule.id}`", rule.description, rule.severity.value, rule.enforcement.value)
        assert f"| {' | '.join((*row, settings))} |" in table


def test_what_is_undetermined_is_reported_after_all_rules() -> None:
    names = [each.name for each in policies(TODAY)]
    assert (names[0], names[-1]) == ("remember-inputs", "undetermined")
    assert len(names) == len(set(names))


def test_every_lint_is_enforced_by_one_rule() -> None:
    known = {each.id for each in LINTS}
    named = [id_ for group in GROUPS.values() for id_ in group] + sorted(JUDGED_ELSEWHERE)
    assert len(named) == len(set(named))
    assert set(named) <= known | UNCLEAR


def test_a_stack_without_resources_is_accepted() -> None:
    assert judged([]) == []


def test_no_module_hides_another_from_what_pulumi_runs() -> None:
    # Pulumi puts the pack's own folder first on the path.
    inside = {path.stem for path in PACK.iterdir() if not path.name.startswith("__")}
    assert inside.isdisjoint(sys.stdlib_module_names | packages_distributions().keys())


def test_the_pack_shares_the_environment_of_the_program() -> None:
    project = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    options = project["runtime"]["options"]
    assert options == {"toolchain": "pip", "virtualenv": "../../.venv"}
    assert (PACK / options["virtualenv"]).resolve() == ROOT / ".venv"
    (line,) = [
        line
        for line in (PACK / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert (PACK / line.removeprefix("-r ")).resolve() == ROOT / "requirements.txt"


@pytest.mark.long
def test_the_pack_starts_where_the_project_is_not_installed(tmp_path: Path) -> None:
    # -S leaves out what an editable install adds to the path.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    command = [sys.executable, "-S", "-u", str(PACK)]
    environment = {**os.environ, "PYTHONPATH": packages}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        port = started.stdout.readline()
        started.kill()
    assert port.strip().isdecimal()
