"""One measurement, in a process of its own so that its memory is nothing else's.

python -m benchmarks.measuring "B1 ladder" 1000
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from benchmarks.catalogue import CATALOGUE
from benchmarks.processes import printed_by
from podwall.model import Snapshot
from podwall.reachability import reachability
from podwall.reachability.join import Join

__all__ = ["Measurement", "measured", "times"]

ROUNDS: Final = 5
ENOUGH: Final = 10.0
"""After so many seconds, in CPU time, no further round begins, and listing stops."""

BLOCK: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """CPU times in seconds (medians), memory in megabytes.

    `looked` is a single look at every label and every rule: what any analysis in Python takes at
    least. `listed` is the factored result written out, all pairs of roles between which something
    passes; where that took too long, the part that was listed is `share`, and the rest estimated.
    """

    workloads: int
    policies: int
    classes: int
    roles: int
    looked: float
    analysed: float
    pairs: int
    listed: float
    share: float
    snapshot_memory: float
    memory: float


def measured(preset: str, size: int) -> Measurement:
    """Measure in a new process."""
    return Measurement(**printed_by("measuring", preset, size))


def _measure(preset: str, size: int) -> Measurement:
    snapshot = CATALOGUE[preset].make(size)
    gc.collect()
    gc.freeze()
    before = _memory()
    looked = statistics.median(times(lambda: _look(snapshot)))
    analysed = statistics.median(times(lambda: reachability(snapshot)))
    after = _memory()
    analysis = reachability(snapshot).analysis
    pairs, listed, share = _listed(analysis.join)
    return Measurement(
        workloads=len(snapshot.workloads),
        policies=len(snapshot.policies),
        classes=len(analysis.classes),
        roles=len(analysis.join.sources) + len(analysis.join.destinations),
        looked=looked,
        analysed=analysed,
        pairs=round(pairs / share),
        listed=listed / share,
        share=share,
        snapshot_memory=before,
        memory=after,
    )


def times(action: Callable[[], object]) -> Iterator[float]:
    """Yield the CPU seconds of each of up to five rounds."""
    begun = time.process_time()
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        yield time.process_time() - start
        if time.process_time() - begun > ENOUGH:
            break


def _look(snapshot: Snapshot) -> int:
    seen = {(each.namespace, each.labels.items) for each in snapshot.workloads}
    said = {(each.namespace, each.pod_selector, each.ingress) for each in snapshot.policies}
    return len(seen) + len(said)


def _listed(join: Join) -> tuple[int, float, float]:
    """Return how many pairs were listed, in which time, and which part of the sources that was."""
    total = np.cumsum(join.cost)
    first = pairs = 0
    start = time.process_time()
    while first < len(total) and time.process_time() - start < ENOUGH:
        before = total[first - 1] if first else 0
        end = max(int(np.searchsorted(total, before + BLOCK)), first + 1)
        pairs += len(join.edges(np.arange(first, min(end, len(total)))).row)
        first = min(end, len(total))
    return pairs, time.process_time() - start, first / len(total)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))))
