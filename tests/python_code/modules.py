"""Run a module that was written, and judge how it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from podwall.policies import NetworkPolicy

__all__ = ["judged_by_mypy", "judged_by_ruff", "made_by", "scope_of"]

BIN = Path(sys.executable).parent


def made_by(code: str) -> dict[str, list[NetworkPolicy]]:
    """Return what a module leaves in `POLICIES`."""
    made: dict[str, list[NetworkPolicy]] = scope_of(code)["POLICIES"]
    return made


def scope_of(code: str) -> dict[str, Any]:
    """Return all that a module leaves, by name."""
    scope: dict[str, Any] = {}
    exec(compile(code, "policies_module.py", "exec"), scope)  # noqa: S102 - our own text
    return scope


def judged_by_ruff(folder: Path) -> str:
    """Return what ruff says about the modules of a folder, with its default rules."""
    checks = (["check", "--quiet"], ["format", "--quiet", "--diff"])
    return "".join(
        _said([str(BIN / "ruff"), *check, "--isolated", "--line-length", "100", str(folder)])
        for check in checks
    )


def judged_by_mypy(folder: Path) -> str:
    """Return what mypy says about the modules of a folder, with its strictest rules."""
    flags = ["--strict", "--config-file=", f"--cache-dir={folder / '.mypy'}"]
    return _said([sys.executable, "-m", "mypy", *flags, *map(str, folder.glob("*.py"))])


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
