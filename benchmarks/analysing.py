"""The first table: the analysis on clusters that are hard in one way each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmarks.catalogue import CATALOGUE, Preset
from benchmarks.measuring import Measurement, measured

__all__ = ["analysis_lines", "exponent", "exponent_words"]

COLUMNS = ("preset", "workloads", "policies", "classes", "look s", "analyse s", "pairs of roles",
           "list s", "snapshot MB", "peak MB", "goal")  # fmt: skip


def analysis_lines(words: Sequence[str]) -> Iterator[str]:
    """Yield a table of all presets, or of those whose name has one of the words."""
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|---" * len(COLUMNS) + "|"
    exponents = []
    for preset in CATALOGUE.values():
        if not words or any(word.lower() in preset.name.lower() for word in words):
            points = []
            for size in preset.sizes:
                found = measured(preset.name, size)
                points.append((size, found.analysed))
                goal = _goal(preset, found) if size == preset.sizes[-1] else ""
                yield "| " + " | ".join([preset.name, *_cells(found), goal]) + " |"
            if len(points) > 2:
                exponents.append((preset.name, exponent(points)))
    yield "\nTime of the analysis grows with the size to the power of:\n"
    yield from (f"- {name}: {exponent_words(value)}" for name, value in exponents)


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


def exponent_words(value: float) -> str:
    """Return an exponent with two decimals."""
    return "too fast to tell" if math.isnan(value) else f"{value:.2f}"


def exponent(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of a line through the logarithms, of the sizes that take measurable time."""
    logs = [(math.log(size), math.log(seconds)) for size, seconds in points if seconds > 0.01]
    if len(logs) < 2:
        return math.nan
    x = sum(a for a, _ in logs) / len(logs)
    return sum((a - x) * b for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)
