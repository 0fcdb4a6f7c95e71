"""The hooks for pre-commit: as it reads them, and what it runs with the arguments of the guide."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from tests.cli.running import ROOT, podwall

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ARGUMENTS = {
    "podwall-lint": ["examples/shop", "--engine", "cilium"],
    "podwall-check": ["examples/shop", "examples/shop/expectations.yaml", "--engine", "cilium"],
}


def test_every_hook_has_what_pre_commit_needs() -> None:
    """As https://pre-commit.com/#new-hooks has it."""
    assert [each["id"] for each in HOOKS] == list(ARGUMENTS)
    for each in HOOKS:
        assert {"id", "name", "entry", "language"} <= each.keys()
        assert (each["language"], each["pass_filenames"]) == ("python", False)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda each: each["id"])
def test_a_hook_passes_and_stops(hook: dict[str, str], tmp_path: Path) -> None:
    command, *words = shlex.split(hook["entry"])
    assert command == "podwall"
    arguments = ARGUMENTS[hook["id"]]
    assert podwall(ROOT, *words, *arguments).code == 0
    (tmp_path / "broken.yaml").write_text("kind: NetworkPolicy\n", encoding="utf-8")
    assert podwall(ROOT, *words, str(tmp_path), *arguments).code != 0
