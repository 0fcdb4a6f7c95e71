"""Canonical sets of whole numbers as sorted, merged, inclusive ranges: ports and IP addresses."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

__all__ = ["Ranges", "difference", "includes", "intersection", "merged"]

Ranges = tuple[tuple[int, int], ...]


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the same numbers as ranges that are sorted, apart, and as few as possible.

    >>> merged([(5, 9), (1, 2), (3, 4)])
    ((1, 9),)
    """
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers that are in both.

    >>> intersection(((1, 9),), ((0, 2), (8, 20)))
    ((1, 2), (8, 9))
    """
    result: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            result.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def difference(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers of `left` that are not in `right`.

    >>> difference(((1, 9),), ((3, 4), (9, 12)))
    ((1, 2), (5, 8))
    """
    if not left or not right:
        return left
    gaps = [(low[1] + 1, high[0] - 1) for low, high in pairwise(right)]
    below, above = (left[0][0], right[0][0] - 1), (right[-1][1] + 1, left[-1][1])
    around = [(first, last) for first, last in (below, *gaps, above) if first <= last]
    return intersection(left, tuple(around))


def includes(ranges: Ranges, number: int) -> bool:
    """Return whether `number` is in one of the ranges."""
    return any(first <= number <= last for first, last in ranges)
