"""The coarsest parts of a line of whole numbers that none of the given sets cuts through."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from podwall.intervals import merged
from podwall.reachability.grouping import Csr, group_by_membership

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.intervals import Ranges
    from podwall.reachability.grouping import IntArray

__all__ = ["Atoms"]


class Atoms:
    """Numbered parts of a line: as few as make up every one of the given sets."""

    def __init__(self, sets: Sequence[Ranges], borders: Sequence[int]) -> None:
        """Cut the line at every end of a set, and join what no set tells apart.

        The line goes from the first of the `borders` to before the last; no part crosses one.
        """
        ends = (end for first, last in chain.from_iterable(sets) for end in (first, last + 1))
        self._cuts = sorted({*borders, *ends})
        kinds = np.array([bisect_right(borders, cut) for cut in self._cuts[:-1]], dtype=np.int64)
        pieces = Csr.of_lists([self._pieces(each) for each in sets])
        self._atom = group_by_membership(kinds, pieces.transposed(len(kinds)))

    def __len__(self) -> int:
        """Return the number of parts."""
        return int(self._atom.max()) + 1

    def of(self, ranges: Ranges) -> IntArray:
        """Return the parts of which one of the given sets consists, in ascending order."""
        return np.unique(self._atom[self._pieces(ranges)])

    def at(self, number: int) -> int:
        """Return the part in which a number lies."""
        return int(self._atom[bisect_right(self._cuts, number) - 1])

    def ranges(self) -> list[Ranges]:
        """Return the ranges of each part."""
        spans: list[list[tuple[int, int]]] = [[] for _ in range(len(self))]
        for atom, (first, end) in zip(self._atom.tolist(), pairwise(self._cuts), strict=True):
            spans[atom].append((first, end - 1))
        return [merged(each) for each in spans]

    def _pieces(self, ranges: Ranges) -> IntArray:
        """Return the indices of the cuts at which the pieces of a set begin."""
        pieces = (
            np.arange(bisect_left(self._cuts, first), bisect_left(self._cuts, last + 1))
            for first, last in ranges
        )
        return np.concatenate([np.empty(0, dtype=np.int64), *pieces])
