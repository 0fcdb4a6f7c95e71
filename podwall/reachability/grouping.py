"""Lists of numbers in flat arrays, and the grouping of things that belong to the same sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Csr", "IntArray", "group_by_membership", "packed", "spans", "unique_rows", "unpacked"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Csr:
    """Many lists in two arrays: list `i` is `items[starts[i]:starts[i + 1]]`."""

    starts: IntArray
    items: IntArray

    @classmethod
    def of_lists(cls, lists: Sequence[IntArray]) -> Csr:
        """Return the lists, in order."""
        starts = np.zeros(len(lists) + 1, dtype=np.int64)
        np.cumsum([len(each) for each in lists], out=starts[1:])
        return cls(starts, np.concatenate([np.empty(0, dtype=np.int64), *lists]))

    @classmethod
    def of_pairs(cls, rows: IntArray, items: IntArray, count: int) -> Csr:
        """Return `count` lists from (list, item) pairs; each list keeps the order of the pairs."""
        order = np.argsort(rows, kind="stable")
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=starts[1:])
        return cls(starts, items[order])

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> IntArray:
        """Return one list."""
        return self.items[self.starts[index] : self.starts[index + 1]]

    @property
    def lengths(self) -> IntArray:
        """The length of each list."""
        return np.diff(self.starts)

    def owners(self) -> IntArray:
        """Return for each item the list it is in."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def transposed(self, count: int) -> Csr:
        """Return for each of `count` items the lists that contain it, in ascending order."""
        return Csr.of_pairs(self.items, self.owners(), count)

    def gather(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Concatenate the given lists: for each item the index into `rows`, and its position.

        >>> lists = Csr.of_lists([np.array([7, 8]), np.array([9])])
        >>> owner, position = lists.gather(np.array([1, 0]))
        >>> owner.tolist(), lists.items[position].tolist()
        ([0, 1, 1], [9, 7, 8])
        """
        return spans(self.starts[rows], self.starts[rows + 1])

    def sums(self, values: IntArray) -> IntArray:
        """Return the sum of each list, of values that stand for the items.

        >>> Csr.of_lists([np.array([7, 8]), np.array([9])]).sums(np.array([1, 2, 5])).tolist()
        [3, 5]
        """
        before = np.concatenate([[0], np.cumsum(values)]).astype(np.int64)
        return before[self.starts[1:]] - before[self.starts[:-1]]

    def kept(self, keep: npt.NDArray[np.bool_]) -> Csr:
        """Return the lists with only those items for which `keep` is true."""
        before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        return Csr(before[self.starts], self.items[keep])

    def take(self, rows: IntArray) -> Csr:
        """Return the given lists, in the given order."""
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(self.lengths[rows], out=starts[1:])
        return Csr(starts, self.items[self.gather(rows)[1]])

    def followed_by(self, other: Csr) -> Csr:
        """Return these lists and then the other ones."""
        starts = np.concatenate([self.starts, other.starts[1:] + len(self.items)])
        return Csr(starts, np.concatenate([self.items, other.items]))


def spans(starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray]:
    """Write out spans of numbers: for each number the index of its span, and the number.

    >>> owner, number = spans(np.array([5, 1]), np.array([7, 2]))
    >>> owner.tolist(), number.tolist()
    ([0, 0, 1], [5, 6, 1])
    """
    lengths = ends - starts
    owner = np.repeat(np.arange(len(starts)), lengths)
    before = np.cumsum(lengths) - lengths
    return owner, np.arange(len(owner)) + np.repeat(starts - before, lengths)


def packed(*columns: IntArray) -> IntArray:
    """Return one number for each row of columns, in the rows' order. No number is negative.

    >>> packed(np.array([1, 0, 1]), np.array([5, 9, 6])).tolist()
    [15, 9, 16]
    """
    result, *rest = columns
    for column in rest:
        result = result * (int(column.max(initial=0)) + 1) + column
    return result


def unpacked(codes: IntArray, width: int, rows: int) -> tuple[IntArray, IntArray]:
    """Return the row and the column of ascending codes `row * width + column`.

    Finding the few places where rows begin is far faster than a division for each code.

    >>> row, column = unpacked(np.array([1, 10, 12]), width=10, rows=2)
    >>> row.tolist(), column.tolist()
    ([0, 1, 1], [1, 0, 2])
    """
    starts = np.searchsorted(codes, width * np.arange(rows + 1))
    row = np.repeat(np.arange(rows), np.diff(starts))
    return row, codes - width * row


def unique_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct rows of a table in ascending order, and for each row its place there."""
    codes, first, place = np.unique(packed(*rows.T), return_index=True, return_inverse=True)
    assert len(codes) == len(first)
    return rows[first], place


def group_by_membership(kinds: IntArray, memberships: Csr) -> IntArray:
    """Number things so that two have the same number iff kind and memberships are the same.

    Numbers count from 0 in the order of first appearance.

    >>> sets_of_each = Csr.of_lists([np.array([0]), np.array([0, 1]), np.array([0])])
    >>> group_by_membership(np.array([5, 5, 5]), sets_of_each).tolist()
    [0, 1, 0]
    """
    starts = memberships.starts.tolist()
    flat = memberships.items.astype(np.int64).tobytes()
    numbers: dict[tuple[int, bytes], int] = {}
    spans = zip(kinds.tolist(), starts, starts[1:], strict=False)
    return np.fromiter(
        (
            numbers.setdefault((kind, flat[8 * first : 8 * end]), len(numbers))
            for kind, first, end in spans
        ),
        dtype=np.int64,
        count=len(kinds),
    )
