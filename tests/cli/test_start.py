"""What a command loads before it answers: counted in modules, so that no load changes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
MOST = 89
"""More modules of podwall than these, and something is loaded again that few commands need."""

ASKED_BY_FEW = (
    "podwall.aks.resource_types",
    "podwall.change_review",
    "podwall.diff",
    "podwall.expectations",
    "podwall.explain",
    "podwall.focus",
    "podwall.lint.all_lints",
    "podwall.migrate",
    "podwall.live.kubeconfig",
    "podwall.plan",
    "podwall.reachability.calico_tiers",
    "podwall.reachability.replay",
    "podwall.reachability.tiers",
    "podwall.reading.calico_policies",
    "podwall.reading.cilium_peers",
    "podwall.reading.tier_policies",
    "podwall.reading.typed_reading",
    "podwall.sources.existence",
    "podwall.sources.kustomizations",
    "podwall.sources.yaml_lines",
    "podwall.suggest",
    "podwall.verify",
    "pulumi",
)
PRINT_LOADED = """
import sys
from podwall.cli import main
main(sys.argv[1:])
print(*sys.modules, sep="\\n")
"""
PRINT_ON_EXIT = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, sep="\\n"))
from podwall.cli import main
main(sys.argv[1:])
"""
NEEDED_BY_HELP = {
    "podwall",
    "podwall.cli",
    "podwall.cli.commands",
    "podwall.cli.parser",
    "podwall.on_demand",
    "podwall.secret_words",
    "podwall.streams",
}


def _loaded(*arguments: str) -> set[str]:
    command = [sys.executable, "-c", PRINT_LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("output", ["text", "csv"])
@pytest.mark.long(keep=1)
def test_reach_of_manifests_loads_nothing_that_few_ask_for(output: str) -> None:
    loaded = _loaded("reach", str(SHOP), "-o", output)
    assert loaded.isdisjoint(ASKED_BY_FEW)
    assert len([each for each in loaded if each.partition(".")[0] == "podwall"]) <= MOST


def test_lint_of_manifests_loads_no_plan() -> None:
    loaded = _loaded("lint", str(SHOP))
    assert loaded.isdisjoint({"podwall.diff", "podwall.explain", "podwall.sources.existence"})


def test_help_builds_no_arguments_of_commands() -> None:
    command = [sys.executable, "-c", PRINT_ON_EXIT, "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    loaded = {each for each in printed.splitlines() if each.partition(".")[0] == "podwall"}
    assert loaded <= NEEDED_BY_HELP
    assert not {"dataclasses", "difflib", "inspect", "json"} & set(printed.splitlines())


def test_help_waits_for_no_model() -> None:
    loaded = _loaded("completion", "bash")
    assert loaded.isdisjoint({"numpy", "msgspec", "podwall.model", "podwall.reachability"})
