"""The classes in which the page keeps verdicts: coarse where all is known, finer for the doubts.

Endpoints of one role have equal verdicts, but what their verdicts are in doubt for may differ: a
cause can be a label of the one workload. Where something is undetermined, the page keeps apart
what the analysis keeps apart, unless that are too many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from podwall.reachability import Undetermined
from podwall.reachability.endpoints import Endpoints
from podwall.reachability.grouping import IntArray
from podwall.reports.page.registries import Verdicts
from podwall.verdict_table import VerdictTable

__all__ = ["Grain", "grain_of"]

MOST_CLASSES: Final = 1000
"""Up to so many classes verdicts are kept by class, and above by role."""

MOST_CAUSES: Final = 4000
"""So many pairs have their causes looked up, each in half a millisecond; others share them."""


@dataclass(frozen=True, slots=True)
class Grain:
    """Each endpoint's class as a source and as a destination, and the page's verdict for both."""

    rows: IntArray
    columns: IntArray
    cells: IntArray


def grain_of(table: VerdictTable, verdicts: Verdicts) -> Grain:
    """Return the classes of a table, and their verdicts with the page's numbers."""
    doubtful = [number for number, each in enumerate(table.verdicts) if each.undetermined]
    numbers = np.array([verdicts.verdict(each.allowed) for each in table.verdicts], dtype=np.int64)
    fine = _by_element(table) if doubtful else None
    if fine is None:
        sources, destinations = table.sources, table.destinations
        known = table.cells
    else:
        sources = destinations = fine
        firsts = np.unique(fine, return_index=True)[1]
        known = table.cells[np.ix_(table.sources[firsts], table.destinations[firsts])]
    grain = Grain(sources, destinations, numbers[known])
    causes = _Causes(table)
    doubts = np.argwhere(np.isin(known, doubtful)).tolist()
    for (row, column), pair in zip(doubts, _examples(grain, doubts), strict=True):
        verdict = table.verdicts[known[row, column]]
        grain.cells[row, column] = verdicts.verdict(verdict.allowed, causes.of(*pair))
    return grain


def _examples(grain: Grain, cells: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield for each cell two endpoints of its classes, different ones where there are."""
    sources = _holders(grain.rows)
    destinations = _holders(grain.columns)
    for row, column in cells:
        source = sources[row][0]
        others = destinations[column]
        yield source, others[1] if others[0] == source and len(others) > 1 else others[0]


def _holders(classes: IntArray) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(classes.tolist()):
        found[each].append(place)
    return found


class _Causes:
    """Looks up why pairs are undetermined; after many, once for all pairs of the same roles."""

    def __init__(self, table: VerdictTable) -> None:
        self._table = table
        self._asked = 0
        self._by_role: dict[tuple[int, int], tuple[Undetermined, ...]] = {}

    def of(self, source: int, destination: int) -> tuple[Undetermined, ...]:
        """Return what is undetermined between two endpoints, with the causes."""
        table = self._table
        roles = int(table.sources[source]), int(table.destinations[destination])
        if self._asked >= MOST_CAUSES and roles in self._by_role:
            return self._by_role[roles]
        self._asked += 1
        found = self._by_role[roles] = table.because(source, destination)
        return found


def _by_element(table: VerdictTable) -> IntArray | None:
    """Return each endpoint's class in the analysis, None where these are too many."""
    analysis = table.reachability.analysis
    if len(analysis.classes) > MOST_CLASSES:
        return None
    ends = Endpoints(analysis.cluster.workloads, analysis.classes, analysis.addresses)
    return np.unique(ends.element, return_inverse=True)[1]
