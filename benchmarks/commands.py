"""Whole commands as processes: from files to the listing, beside np-guard where it is on PATH."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.manifests import manifests
from podwall.model import Snapshot

__all__ = ["Run", "podwall_run", "run_once", "runs", "write_manifests"]

ROUNDS: Final = 5
ENOUGH: Final = 30.0
"""After so many seconds no further round begins."""

NO_VARIABLES: Final[Mapping[str, str]] = {}
LONGEST: Final = 600.0
"""A command that takes longer is ended."""


@dataclass(frozen=True, slots=True)
class Run:
    """CPU seconds (user and system), wall seconds and megabytes of a process: medians of rounds.

    None of them is known where the command was ended because it took too long.
    """

    cpu: float | None
    wall: float | None
    memory: float | None


def write_manifests(snapshot: Snapshot, folder: Path) -> dict[str, Path]:
    """Write a cluster as one file of YAML and as one of JSON, each in a folder of its own."""
    items = list(manifests(snapshot))
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    return {
        "yaml": _written(folder / "yaml" / "cluster.yaml", _yaml(items)),
        "json": _written(folder / "json" / "cluster.json", json.dumps(listed)),
    }


def _yaml(items: Sequence[dict[str, Any]]) -> str:
    documents = (yaml.dump(each, Dumper=yaml.CSafeDumper, sort_keys=False) for each in items)
    return "---\n".join(documents)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path.parent


def podwall_run(folder: Path, output: Path) -> Run:
    """Measure `podwall reach FOLDER -o csv`."""
    return runs([sys.executable, "-m", "podwall", "reach", str(folder), "-o", "csv"], output)


def runs(command: Sequence[str], output: Path) -> Run:
    """Run a command up to five times, with what it prints in a file, and return the medians."""
    found: list[tuple[float, float, float]] = []
    begun = time.monotonic()
    while len(found) < ROUNDS and (not found or time.monotonic() - begun < ENOUGH):
        once = run_once(command, output)
        if once is None:
            return Run(None, None, None)
        found.append(once)
    cpu, wall, memory = (statistics.median(part) for part in zip(*found, strict=True))
    return Run(cpu, wall, memory)


def run_once(
    command: Sequence[str],
    output: Path,
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] = NO_VARIABLES,
    ends: Container[int] = (0,),
) -> tuple[float, float, float] | None:
    """Run a command, and return its CPU seconds, wall seconds and megabytes; None if ended.

    Args:
        command: what is run.
        output: the file for what it prints.
        folder: where it runs, this one if left out.
        variables: the environment's variables that it gets beside those of this process.
        ends: the exit codes that are no failure of the benchmark.
    """
    start = time.monotonic()
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = {**inherited, **variables}
    used = output.absolute().with_name(f"{output.name}.used")
    launched = [sys.executable, "-S", "-c", _LAUNCHER, str(used), *command]
    with output.open("wb") as printed:
        process = subprocess.Popen(  # noqa: S603 - the commands of this benchmark
            launched,
            stdout=printed,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
    if code not in ends:
        raise subprocess.CalledProcessError(code, command)
    cpu, memory = map(float, used.read_text().split())
    return cpu, time.monotonic() - start, memory / 1024


_LAUNCHER: Final = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    file.write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss}")
sys.exit(code)
"""
"""Runs a command from a small process: a new one counts the memory of that which started it."""
