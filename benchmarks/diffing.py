"""How long a diff takes, beside the analysis of the same cluster; in a process of its own.

python -m benchmarks.diffing "B1 ladder" 100000 0.01
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
from dataclasses import asdict, dataclass

from benchmarks.catalogue import CATALOGUE
from benchmarks.editing import as_read, edited
from benchmarks.measuring import times
from benchmarks.processes import printed_by
from podwall.diff import diff
from podwall.reachability import reachability

__all__ = ["DIFFS", "Diffing", "measured_diff"]

DIFFS = (
    ("B1 ladder", 100_000, 0.001),
    ("B1 ladder", 100_000, 0.01),
    ("B1 ladder", 100_000, 0.1),
    ("A2 large namespaces", 100, 0.01),
    ("A5 across namespaces", 1_000, 0.01),
    ("B8 random mix", 10_000, 0.01),
)


@dataclass(frozen=True, slots=True)
class Diffing:
    """CPU seconds, medians: of one analysis, and of a diff once both sides are analysed.

    `apart` is a diff of two readings of manifests, whose equal objects have to be compared; `told`
    is the time to tell all `changes` one by one.
    """

    workloads: int
    policies: int
    analysed: float
    diffed: float
    apart: float
    changes: int
    told: float


def measured_diff(preset: str, size: int, fraction: float) -> Diffing:
    """Measure in a new process."""
    return Diffing(**printed_by("diffing", preset, size, fraction))


def _measure(preset: str, size: int, fraction: float) -> Diffing:
    before = CATALOGUE[preset].make(size)
    after = edited(before, fraction)
    apart = (as_read(before), as_read(after))
    gc.collect()
    gc.freeze()
    old, new, *others = (reachability(each) for each in (before, after, *apart))
    found = diff(old, new)
    return Diffing(
        workloads=len(before.workloads),
        policies=len(before.policies),
        analysed=statistics.median(times(lambda: reachability(after))),
        diffed=statistics.median(times(lambda: diff(old, new))),
        apart=statistics.median(times(lambda: diff(*others))),
        changes=sum(1 for _ in found.changes()),
        told=statistics.median(times(lambda: sum(1 for _ in diff(old, new).changes()))),
    )


if __name__ == "__main__":
    name, count, part = sys.argv[1:]
    print(json.dumps(asdict(_measure(name, int(count), float(part)))))
