"""Measure everything, and print the tables in Markdown.

    python -m benchmarks [goals] [analysis] [diff] [explain] [files] [WORDS OF A PRESET'S NAME ...]

Goals that are a part of what a kept build takes are measured where `BASE` names one: a wheel or a
checkout.

Times are CPU seconds, medians of up to five rounds; what is measured runs in a process of its own.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.analysing import analysis_lines
from benchmarks.beside_np_guard import Beside, beside, meshes
from benchmarks.commands import LONGEST, Run
from benchmarks.diffing import DIFFS, measured_diff
from benchmarks.explaining import EXPLANATIONS, measured_explanation
from benchmarks.goals import goal_lines
from tests.peers.netpol import executable

PARTS = ("goals", "analysis", "diff", "explain", "files")


def main(words: Sequence[str]) -> None:
    """Print the tables that are asked for, or all."""
    asked = [part for part in PARTS if part in words] or PARTS
    names = [word for word in words if word not in PARTS]
    python = f"Python {platform.python_version()}, numpy {np.__version__}"
    _print([f"{_processor()}, {os.cpu_count()} cores, {python}"])
    if "goals" in asked:
        _print(["\n## Goals\n"])
        kept = os.environ.get("BASE")
        _print(goal_lines(Path(kept) if kept else None))
    if "analysis" in asked:
        _print(["\n## From a snapshot to the analysis\n"])
        _print(analysis_lines(names))
    if "diff" in asked:
        _print(_diffs())
    if "explain" in asked:
        _print(_explanations())
    if "files" in asked:
        _print(_files())


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - no path of ours
            return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.machine()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _diffs() -> Iterator[str]:
    yield "\n## A diff, once both sides are analysed\n"
    yield "| preset | workloads | policies | edited | analyse s | diff s | ratio | read apart s | changes | tell s |"  # noqa: E501 - a table's head
    yield "|---" * 10 + "|"
    for name, size, fraction in DIFFS:
        found = measured_diff(name, size, fraction)
        yield (
            f"| {name} | {found.workloads:,} | {found.policies:,} | {fraction:.1%} | "
            f"{found.analysed:.3f} | {found.diffed:.3f} | {found.diffed / found.analysed:.2f} | "
            f"{found.apart:.3f} | {found.changes:,} | {found.told:.2f} |"
        )


def _explanations() -> Iterator[str]:
    yield "\n## An explanation, once the cluster is analysed (milliseconds of CPU)\n"
    yield "| preset | workloads | policies | first | slowest of 1,000 more | mean |"
    yield "|---" * 6 + "|"
    for name, size in EXPLANATIONS:
        found = measured_explanation(name, size)
        yield (
            f"| {name} | {found.workloads:,} | {found.policies:,} | {found.first:.1f} | "
            f"{found.slowest:.1f} | {found.mean:.2f} |"
        )


def _files() -> Iterator[str]:
    yield "\n## From files to the whole listing: processes from start to end\n"
    if executable() is None:
        yield "np-guard's `netpol` is not on PATH: it was left out.\n"
    yield "| cluster | workloads | policies | lines | YAML s | YAML MB | JSON s | JSON MB | np-guard s | np-guard MB | CPU ratio | equal |"  # noqa: E501 - a table's head
    yield "|---" * 12 + "|"
    for name, rows in (("ladder", beside()), ("full mesh", meshes())):
        yield from (_row(name, each) for each in rows)


def _row(name: str, found: Beside) -> str:
    ours, theirs = found.from_yaml, found.np_guard
    ratio = f"{theirs.cpu / ours.cpu:.0f}" if theirs and theirs.cpu and ours.cpu else ""
    equal = {None: "", True: "yes", False: "NO"}[found.equal]
    return (
        f"| {name} | {found.workloads:,} | {found.policies:,} | {found.pairs:,} | {_seconds(ours)} "
        f"| {_megabytes(ours)} | {_seconds(found.from_json)} | {_megabytes(found.from_json)} "
        f"| {_seconds(theirs)} | {_megabytes(theirs)} | {ratio} | {equal} |"
    )


def _seconds(run: Run | None) -> str:
    if run is None:
        return "not run"
    return f">{LONGEST:.0f}" if run.cpu is None else f"{run.cpu:.2f}"


def _megabytes(run: Run | None) -> str:
    return "" if run is None or run.memory is None else f"{run.memory:.0f}"


if __name__ == "__main__":
    main(sys.argv[1:])
