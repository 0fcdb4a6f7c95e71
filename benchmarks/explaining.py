"""How long one explanation takes in a large cluster that is analysed already.

It is CPU time, without the cycle collector, which `podwall explain` pauses as well.

python -m benchmarks.explaining "B1 ladder" 100000
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from random import Random

from benchmarks.catalogue import CATALOGUE
from benchmarks.processes import printed_by
from podwall.explain import answers
from podwall.reachability import reachability

__all__ = ["EXPLANATIONS", "Explaining", "measured_explanation"]

EXPLANATIONS = (("B1 ladder", 100_000), ("A5 across namespaces", 1_000))
QUESTIONS = 1_000


@dataclass(frozen=True, slots=True)
class Explaining:
    """Milliseconds of CPU: of the first question, of the slowest of the others, and mean.

    The first also finds the two workloads among all, and sorts the policies by namespace.
    """

    workloads: int
    policies: int
    first: float
    slowest: float
    mean: float


def measured_explanation(preset: str, size: int) -> Explaining:
    """Measure in a new process."""
    return Explaining(**printed_by("explaining", preset, size))


def _measure(preset: str, size: int) -> Explaining:
    snapshot = CATALOGUE[preset].make(size)
    gc.collect()
    gc.freeze()
    found = reachability(snapshot)
    rng = Random(size)
    names = [f"{each.namespace}/{each.name}" for each in snapshot.workloads]
    taken = []
    for _ in range(QUESTIONS + 1):
        start = time.process_time()
        answers(found, rng.choice(names), rng.choice(names), "8080")
        taken.append(1000 * (time.process_time() - start))
    first, *rest = taken
    mean = sum(rest) / len(rest)
    return Explaining(len(names), len(snapshot.policies), first, max(rest), mean)


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))))
