"""What each extra brings, and that the pack's own bounds hold nobody else down."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = DECLARED["optional-dependencies"]


def test_only_the_pack_brings_what_holds_protobuf_below_6() -> None:
    bringing = {
        name for name, needs in EXTRAS.items() if any("pulumi-policy" in need for need in needs)
    }
    assert bringing == {"guardrails"}
    every = [*DECLARED["dependencies"], *(need for needs in EXTRAS.values() for need in needs)]
    assert not [need for need in every if "protobuf" in need]
    others = [need for name, needs in EXTRAS.items() if name != "guardrails" for need in needs]
    assert not [need for need in others if "guardrails" in need]


@pytest.mark.long
def test_planning_and_testing_start_without_the_packs_library() -> None:
    program = (
        "import sys; sys.modules['pulumi_policy'] = None\n"
        "import podwall.cli, podwall.plan.embedded, podwall.testing.programs, podwall.components"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
