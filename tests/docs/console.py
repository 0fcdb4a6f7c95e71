"""Runs the `console` blocks of the documentation and compares what they print.

A block is a shell session: lines that begin with `$ ` are run in the repository's root, the lines
below them are what must be printed. A line `...` stands for any number of lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# These reach a cloud, a repository host, a package index or this very test-suite: only their syntax
# is checked here. `.ci/run` runs the `make` ones for real, on a clean clone.
NOT_FROM_A_TEST = re.compile(
    r"^(git clone|cd podwall|az |kubelogin |pulumi |pip "
    r"|make (test|check|bench|soak|demo|test-engine)\b)"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One `$ ` line and the text expected under it."""

    line: str
    expected: str


def commands(block: str) -> list[Command]:
    """Return the commands of a console block in order."""
    found: list[Command] = []
    for chunk in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, expected = chunk.partition("\n")
        found.append(Command(line.strip(), expected.rstrip()))
    return found


def check(command: Command) -> str | None:
    """Run a command and return what is wrong with its output, or None."""
    if NOT_FROM_A_TEST.match(command.line):
        return _syntax_error(command.line)
    name = command.line.split()[0]
    if name != "cd" and shutil.which(name, path=_path()) is None:
        pytest.skip(f"`{name}` is not on PATH")
    (ROOT / "out").mkdir(exist_ok=True)  # where commands are shown to write to
    run = subprocess.run(
        ["bash", "-c", command.line],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": _path(), "NO_COLOR": "1", "COLUMNS": "100"},
        timeout=600,  # on a busy machine a plan takes minutes
        check=False,
    )
    if not command.expected:
        return run.stderr if run.returncode else None
    if run.returncode > 1 and "error" not in command.expected:
        return run.stderr
    if any(matches(command.expected, seen) for seen in (run.stdout, run.stdout + run.stderr)):
        return None
    return f"$ {command.line}\nexpected:\n{command.expected}\nprinted:\n{run.stdout}{run.stderr}"


def _syntax_error(line: str) -> str | None:
    run = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
    return run.stderr or None


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def matches(expected: str, printed: str) -> bool:
    """Tell whether the printed lines are the expected ones, `...` standing for any lines."""
    parts = [
        re.escape(_trimmed(part)) for part in re.split(r"^\.\.\.$", expected, flags=re.MULTILINE)
    ]
    return re.fullmatch(r"(?:.*\n)?".join(parts), _trimmed(printed), flags=re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.strip("\n").splitlines())
