"""How long the whole answer takes as groups, from a snapshot, and how many there are.

python -m benchmarks.grouping 50000
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks.mix import random_mix
from podwall.reachability import reachability
from podwall.verdict_table import connection_groups

__all__ = ["Grouping", "measured_groups"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """CPU seconds of the analysis and of the groups; groups and sets; the peak in MB."""

    workloads: int
    analysis: float
    groups: float
    count: int
    sets: int
    peak: int


def measured_groups(workloads: int) -> Grouping:
    """Measure the random mix in this process."""
    snapshot = random_mix(workloads)
    times = [time.process_time()]
    found = reachability(snapshot)
    times.append(time.process_time())
    groups = connection_groups(found)
    times.append(time.process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    count = len(groups.egress) + len(groups.ingress)
    return Grouping(
        workloads, times[1] - times[0], times[2] - times[1], count, len(groups.sets), peak
    )


if __name__ == "__main__":
    print(json.dumps(asdict(measured_groups(int(sys.argv[1])))))
