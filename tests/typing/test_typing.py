"""The type checker accepts the right calls and refuses the wrong ones."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _mypy(*paths: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *map(str, paths)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=HERE.parents[1]
    ).stdout


@pytest.mark.long
def test_right_calls_are_accepted_and_wrong_calls_refused() -> None:
    modules = ("accepts.py", "rejects.py", "first_policies.py")
    assert _mypy(*(HERE / module for module in modules)) == ""


@pytest.mark.long
def test_an_accepted_wrong_call_would_be_noticed(tmp_path: Path) -> None:
    honest = tmp_path / "honest.py"
    honest.write_text(
        "from podwall.policies import tcp\n\ntcp(80)  # type: ignore[call-overload]  # right\n"
    )
    assert "unused-ignore" in _mypy(honest)


@pytest.mark.parametrize("module", ["accepts", "rejects", "first_policies"])
def test_right_calls_run(module: str) -> None:
    import_module(f"tests.typing.{module}")
