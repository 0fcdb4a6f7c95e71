"""Plan public Pulumi programs without an account, and print what became of each as a table.

    python -m tests.peers.programs [--python PYTHON] FOLDER...

Every Python program below the folders is planned by `podwall lint` as a process of its own, in a
copy, with the Python that has its SDKs. Configuration that a program asks for by name is given a
number, and the table says so; `${...}` of a template is filled with the folder's name. Nothing
is written into the folders. Read a program before it runs here: planning runs its code.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
_MISSING: Final = re.compile(r"`([\w.-]+:[\w.-]+)` is (?:not set|required)")
_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one program: what stopped it, else how many findings there are by id."""

    program: str
    given: tuple[str, ...]
    stopped: str
    findings: tuple[str, ...] = ()


def programs(top: Path) -> Iterator[Path]:
    """Yield the folders of the Python programs below a folder."""
    for file in sorted(top.rglob("Pulumi.yaml")):
        runtime = yaml.safe_load(file.read_text(encoding="utf-8"))["runtime"]
        if (runtime.get("name") if isinstance(runtime, dict) else runtime) == "python":
            yield file.parent


def planned(program: Path, python: str) -> Outcome:
    """Return what became of the program in a folder."""
    with TemporaryDirectory() as made:
        folder = Path(made) / program.name
        shutil.copytree(program, folder, ignore=shutil.ignore_patterns("Pulumi.*.y*ml", ".git"))
        file = folder / "Pulumi.yaml"
        file.write_text(re.sub(r"\$\{\w+\}", program.name, file.read_text()))
        return _planned(str(program), folder, python)


def _planned(name: str, folder: Path, python: str) -> Outcome:
    given: list[str] = []
    while True:
        done = _lint(folder, python, given)
        missing = _MISSING.search(done.stderr) if done.returncode == 2 else None
        if missing is None or missing[1] in given:
            break
        given.append(missing[1])
    if done.returncode not in {0, 1}:
        lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
        return Outcome(name, tuple(given), next(iter(lines), f"exit code {done.returncode}"))
    ids = {each["id"] for each in json.loads(done.stdout)["findings"]}
    return Outcome(name, tuple(given), "", tuple(sorted(ids & {"unseen-objects"})))


def _lint(folder: Path, python: str, given: list[str]) -> subprocess.CompletedProcess[str]:
    pairs = [f"{key}={number}" for number, key in enumerate(given, 1)]
    words = [word for pair in pairs for word in ("--config", pair)]
    return subprocess.run(
        [python, "-m", "podwall", "lint", "-o", "json", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _row(outcome: Outcome) -> str:
    unseen = ", and names what is not seen" if outcome.findings else ""
    given = ", ".join(f"`{key}`" for key in outcome.given)
    became = outcome.stopped.replace("|", "\\|") or f"planned{unseen}"
    return f"| {outcome.program} | {given} | {became} |\n"


def main() -> int:
    """Print the table, and end with 1 where a program was stopped."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the Python with the SDKs")
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path)
    options = parser.parse_args()
    sys.stdout.write("| program | given | what became of it |\n|---|---|---|\n")
    count, stopped = 0, 0
    for program in (each for top in options.folders for each in programs(top)):
        outcome = planned(program, options.python)
        count, stopped = count + 1, stopped + bool(outcome.stopped)
        sys.stdout.write(_row(outcome))
        sys.stdout.flush()
    sys.stdout.write(f"\n{count - stopped} of {count} planned\n")
    return 1 if stopped else 0


if __name__ == "__main__":
    sys.exit(main())
