"""Run the command line as a user does: as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "Result", "podwall"]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said on the standard output, as JSON."""
        return json.loads(self.out)


def podwall(folder: Path, *arguments: str, **variables: str) -> Result:
    """Run `podwall` in `folder`, without a terminal and without a Pulumi CLI on the PATH."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "podwall", *arguments],
        cwd=folder,
        env=_environment(variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if "PULUMI" not in key}
    return {
        **inherited,
        "PATH": str(Path(sys.executable).parent),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        **variables,
    }
