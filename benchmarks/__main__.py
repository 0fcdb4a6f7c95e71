"""Measure the analysis on clusters that are hard in one way each, and print the table.

    python -m benchmarks [WORDS OF A PRESET'S NAME ...]

Times are CPU seconds of one core, medians of up to five rounds, from a snapshot in memory.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Iterator, Sequence

from benchmarks.catalogue import CATALOGUE, Preset
from benchmarks.measuring import Measurement, measured

COLUMNS = ("preset", "workloads", "policies", "classes", "look s", "analyse s", "pairs of roles",
           "list s", "snapshot MB", "peak MB", "goal")  # fmt: skip


def main(words: Sequence[str]) -> None:
    """Print a table of all presets, or of those whose name has one of the words."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    exponents = []
    for preset in CATALOGUE.values():
        if not words or any(word.lower() in preset.name.lower() for word in words):
            found = list(_rows(preset))
            if len(found) > 2:
                exponents.append((preset.name, _exponent(found)))
    print("\nTime of the analysis grows with the size to the power of:\n")
    for name, exponent in exponents:
        print(f"- {name}: {exponent:.2f}")


def _rows(preset: Preset) -> Iterator[tuple[int, float]]:
    """Print a line for each size, and yield the size with the time of the analysis."""
    for size in preset.sizes:
        found = measured(preset.name, size)
        goal = _goal(preset, found) if size == preset.sizes[-1] else ""
        print("| " + " | ".join([preset.name, *_cells(found), goal]) + " |", flush=True)
        yield size, found.analysed


def _cells(found: Measurement) -> list[str]:
    guess = "" if found.share == 1 else "~"
    return [
        f"{found.workloads:,}",
        f"{found.policies:,}",
        f"{found.classes:,}",
        f"{found.looked:.2f}",
        f"{found.analysed:.2f}",
        f"{guess}{found.pairs:,}",
        f"{guess}{found.listed:.2f}",
        f"{found.snapshot_memory:.0f}",
        f"{found.memory:.0f}",
    ]


def _goal(preset: Preset, found: Measurement) -> str:
    """Say whether the goals are met."""
    seconds, megabytes = preset.goal.seconds, preset.goal.megabytes
    parts = []
    if seconds is not None:
        parts.append(f"{seconds} s: {'met' if found.analysed <= seconds else 'MISSED'}")
    if megabytes is not None:
        parts.append(f"{megabytes} MB: {'met' if found.memory <= megabytes else 'MISSED'}")
    return ", ".join(parts)


def _exponent(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of a line through the logarithms, of the sizes that take measurable time."""
    logs = [(math.log(size), math.log(seconds)) for size, seconds in points if seconds > 0.01]
    if len(logs) < 2:
        return math.nan
    x = sum(a for a, _ in logs) / len(logs)
    return sum((a - x) * b for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


if __name__ == "__main__":
    main(sys.argv[1:])
