"""Run the command line: in this process where that tells enough, as one of its own elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from podwall.cli import main

__all__ = ["ROOT", "Result", "podwall", "process"]

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
    """Run `podwall` in `folder` and in this process, without a Pulumi CLI on the PATH."""
    out, err = _stream(), _stream()
    with (
        mock.patch.dict(os.environ, _environment(variables), clear=True),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Result(code, _text(out), _text(err))


def process(folder: Path, *arguments: str, **variables: str) -> Result:
    """Run `podwall` in `folder` as a user does, in a process in which every warning is an error."""
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


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if "PULUMI" not in key}
    return {
        **inherited,
        "PATH": str(Path(sys.executable).parent),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        **variables,
    }
