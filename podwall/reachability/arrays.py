"""Lists, sets and numbered values in flat arrays, so that thousands are handled at once.

`Registry` gives equal values equal numbers. `Csr` (compressed sparse rows) holds many lists in
two arrays. `Sets` adds to that a short form for sets that are nearly the whole of another.
`Atoms` cuts a line of whole numbers (ports, IP addresses) into the coarsest parts that no given
set cuts through.

With the sets 1-10 and 5-20 on the line 0-29:

    cuts    0 | 1 | 5 | 11 | 21      every end of a set, and the borders
    in      -   A   AB  B    -       the sets that each piece is in
    atom    0   1   2   3    0       pieces in the same sets are one atom
    A = atoms {1, 2}, B = atoms {2, 3}

It is exact: two numbers of one atom are in the same sets, so that every union, intersection and
difference of the sets consists of whole atoms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from podwall.portset import Ranges, merged
from podwall.quick_dataclass import dataclass
from podwall.reachability.few_arrays import np

__all__ = [
    "Atoms",
    "BoolArray",
    "Csr",
    "IntArray",
    "Registry",
    "Sets",
    "WordArray",
    "distinct",
    "each_once",
    "group_by_membership",
    "is_in",
    "packed",
    "spans",
    "unique_rows",
    "unpacked",
    "without",
]


T = TypeVar("T", bound=Hashable)


class Registry(Generic[T]):
    """Numbers values in the order in which they are first seen.

    >>> names = Registry[str]()
    >>> names.number("web"), names.number("api"), names.number("web"), names.values
    (0, 1, 0, ['web', 'api'])
    """

    def __init__(self) -> None:
        """Begin without values."""
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def copy(self) -> Registry[T]:
        """Return a registry with the same numbers, which goes on by itself."""
        other = Registry[T]()
        other.values, other._numbers = list(self.values), dict(self._numbers)
        return other

    def number(self, value: T) -> int:
        """Return the value's number, a new one if the value is new."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]
    WordArray = npt.NDArray[np.uint64]
else:  # numpy is not brought for its types
    IntArray = BoolArray = WordArray = Any


@dataclass(frozen=True, slots=True)
class Csr:
    """Many lists in two arrays: list `i` is `items[starts[i]:starts[i + 1]]`."""

    starts: IntArray
    items: IntArray

    @classmethod
    def of_lists(cls, lists: Sequence[IntArray]) -> Csr:
        """Return the lists, in order."""
        starts = _starts(np.array([len(each) for each in lists], dtype=np.int64))
        return cls(starts, np.concatenate([np.empty(0, dtype=np.int64), *lists]))

    @classmethod
    def of_pairs(cls, rows: IntArray, items: IntArray, count: int) -> Csr:
        """Return `count` lists from (list, item) pairs; each list keeps the order of the pairs."""
        order = np.argsort(rows, kind="stable")
        return cls(_starts(np.bincount(rows, minlength=count)), items[order])

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

    def kept(self, keep: BoolArray) -> Csr:
        """Return the lists with only those items for which `keep` is true."""
        before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        return Csr(before[self.starts], self.items[keep])

    def take(self, rows: IntArray) -> Csr:
        """Return the given lists, in the given order."""
        return Csr(_starts(self.lengths[rows]), self.items[self.gather(rows)[1]])

    def followed_by(self, other: Csr) -> Csr:
        """Return these lists and then the other ones."""
        starts = np.concatenate([self.starts, other.starts[1:] + len(self.items)])
        return Csr(starts, np.concatenate([self.items, other.items]))


def _starts(lengths: IntArray) -> IntArray:
    """Return where lists of some lengths begin, one after the other, and where the last ends."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    starts[1:] = np.cumsum(lengths)
    return starts


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


def each_once(numbers: IntArray, replacement: Callable[[int], int]) -> IntArray:
    """Return what stands for each number, asking once for each that occurs.

    >>> each_once(np.array([3, 1, 3]), lambda number: 10 * number).tolist()
    [30, 10, 30]
    """
    distinct, which = np.unique(numbers, return_inverse=True)
    return np.array([replacement(each) for each in distinct.tolist()], dtype=np.int64)[which]


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

    Finding the few positions where rows begin is far faster than a division for each code.

    >>> row, column = unpacked(np.array([1, 10, 12]), width=10, rows=2)
    >>> row.tolist(), column.tolist()
    ([0, 1, 1], [1, 0, 2])
    """
    starts = np.searchsorted(codes, width * np.arange(rows + 1))
    row = np.repeat(np.arange(rows), np.diff(starts))
    return row, codes - width * row


def distinct(values: IntArray) -> IntArray:
    """Return the distinct numbers in ascending order.

    As `np.unique`, which imports `numpy.ma` on first use: 20 ms for what is not needed here.

    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    ordered = np.sort(values, axis=None)
    first = np.ones(len(ordered), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def is_in(values: IntArray, those: IntArray) -> BoolArray:
    """Return for each of some numbers whether it is one of those.

    >>> is_in(np.array([7, 3, 9]), np.array([9, 3])).tolist()
    [False, True, True]
    """
    if not len(those):
        return np.zeros(len(values), dtype=np.bool_)
    known = distinct(those)
    place = np.searchsorted(known, values)
    found: BoolArray = known[np.minimum(place, len(known) - 1)] == values
    return found


def without(values: IntArray, those: IntArray) -> IntArray:
    """Return the distinct numbers of some that are not among those, in ascending order.

    >>> without(np.array([7, 3, 9, 7]), np.array([9])).tolist()
    [3, 7]
    """
    left = distinct(values)
    return left[~is_in(left, those)]


def unique_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct rows of a table in ascending order, and for each row its index there."""
    codes, first, index = np.unique(packed(*rows.T), return_index=True, return_inverse=True)
    assert len(codes) == len(first)
    return rows[first], index


def group_by_membership(kinds: IntArray, memberships: Csr) -> IntArray:
    """Number things so that two have the same number iff kind and memberships are the same.

    Numbers count from 0 in the order of first appearance.

    >>> sets_of_each = Csr.of_lists([np.array([0]), np.array([0, 1]), np.array([0])])
    >>> group_by_membership(np.array([5, 5, 5]), sets_of_each).tolist()
    [0, 1, 0]
    >>> one_each = Csr.of_lists([np.array([7]), np.empty(0, dtype=np.int64), np.array([7])])
    >>> group_by_membership(np.array([-1, 5, -1]), one_each).tolist()
    [0, 1, 0]
    """
    lengths = memberships.lengths[: len(kinds)]
    if lengths.max(initial=0) <= 1:  # one number says it all, and numpy tells numbers apart faster
        only = np.zeros(len(kinds), dtype=np.int64)
        only[lengths == 1] = memberships.items[: lengths.sum()] + 1
        codes = packed(kinds - kinds.min(initial=0), only)
        _, first, place = np.unique(codes, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[place]
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


_NONE = -1


@dataclass(frozen=True)
class Sets:
    """Sets by number: set `i` is list `i`, or, where `whole[i]` is a number, that set without it.

    A set that is the whole of another is a plain list (`whole` is -1), and contains the other's
    list. Lists are in ascending order.
    """

    lists: Csr
    whole: IntArray

    @classmethod
    def plain(cls, lists: Csr) -> Sets:
        """Return the sets that are just lists."""
        return cls(lists, np.full(len(lists), _NONE))

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.lists)

    @cached_property
    def sizes(self) -> IntArray:
        """How many elements each set has."""
        listed = self.lists.lengths
        return np.where(self.whole == _NONE, listed, listed[self.whole] - listed)

    @cached_property
    def parts(self) -> Csr:
        """For each set, the sets of which it is the whole."""
        coded = np.flatnonzero(self.whole != _NONE)
        return Csr.of_pairs(self.whole[coded], coded, len(self))

    def take(self, numbers: IntArray) -> Sets:
        """Return the given sets, which are distinct, in order, and then the wholes they need."""
        needed = without(self.whole[numbers], np.append(numbers, _NONE))
        kept = np.concatenate([numbers, needed])
        number = np.full(len(self) + 1, _NONE)
        number[kept] = np.arange(len(kept))
        return Sets(self.lists.take(kept), number[self.whole[kept]])

    def among(self, elements: BoolArray) -> Sets:
        """Return the sets with only those elements that are marked."""
        return Sets(self.lists.kept(elements[self.lists.items]), self.whole)

    def followed_by(self, lists: Csr) -> Sets:
        """Return these sets and then further plain ones."""
        return Sets(
            self.lists.followed_by(lists),
            np.concatenate([self.whole, np.full(len(lists), _NONE)]),
        )

    def gather(self, numbers: IntArray) -> tuple[IntArray, IntArray]:
        """Write out the given sets: for each element the index into `numbers`, and the element."""
        whole = self.whole[numbers]
        coded = np.flatnonzero(whole != _NONE)
        owner, position = self.lists.gather(np.where(whole == _NONE, numbers, whole))
        element = self.lists.items[position]
        if not len(coded):
            return owner, element
        index, out = self.lists.gather(numbers[coded])
        size = int(self.lists.items.max(initial=0)) + 1
        left_out = coded[index] * size + self.lists.items[out]
        kept = _without(owner * size + element, left_out)
        return owner[kept], element[kept]

    def around(self, lists: Csr, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Write out which sets contain elements, given the lists that each of them is on.

        Returns for each containing set the index into `rows`, and the set's number.
        """
        owner, position = lists.gather(rows)
        listed = lists.items[position]
        if not len(self.parts.items):
            return owner, listed
        coded = self.whole[listed] != _NONE
        part, position = self.parts.gather(listed)
        codes = np.sort(owner[part] * len(self) + self.parts.items[position], kind="stable")
        left_out = owner[coded] * len(self) + listed[coded]
        index, number = unpacked(codes[_without(codes, left_out)], len(self), len(rows))
        return np.append(owner[~coded], index), np.append(listed[~coded], number)


def _without(codes: IntArray, left_out: IntArray) -> BoolArray:
    """Return which of some ascending numbers are not left out; what is left out is among them."""
    kept = np.ones(len(codes), dtype=np.bool_)
    kept[np.searchsorted(codes, left_out)] = False
    return kept


_MOST_PIECES: Final = 1 << 21
"""So many pieces of sets are looked at together; each takes about 50 bytes."""


class Atoms:
    """Numbered parts of a line: as few as make up every one of the given sets."""

    def __init__(self, sets: Sequence[Ranges], borders: Sequence[int]) -> None:
        """Cut the line at every end of a set, and unite what no set tells apart.

        The line goes from the first of the `borders` to before the last; no part crosses one.
        """
        ends = (end for first, last in chain.from_iterable(sets) for end in (first, last + 1))
        self._cuts = sorted({*borders, *ends})
        kinds = np.array([bisect_right(borders, cut) for cut in self._cuts[:-1]], dtype=np.int64)
        self._atom = kinds
        for some in self._some_at_a_time(sets):
            self._atom = group_by_membership(self._atom, some.transposed(len(kinds)))

    def __len__(self) -> int:
        """Return the number of parts."""
        return int(self._atom.max()) + 1

    def of(self, ranges: Ranges) -> IntArray:
        """Return the parts of which one of the given sets consists, in ascending order."""
        return distinct(self._atom[self._pieces(ranges)])

    def at(self, number: int) -> int:
        """Return the part in which a number lies."""
        return int(self._atom[bisect_right(self._cuts, number) - 1])

    def ranges(self) -> list[Ranges]:
        """Return the ranges of each part."""
        spans: list[list[tuple[int, int]]] = [[] for _ in range(len(self))]
        for atom, (first, end) in zip(self._atom.tolist(), pairwise(self._cuts), strict=True):
            spans[atom].append((first, end - 1))
        return [merged(each) for each in spans]

    def united(self, parts: BoolArray) -> list[tuple[int, int]]:
        """Return the ranges of several parts together, given by marks, sorted and apart.

        >>> Atoms([((1, 10),), ((5, 20),)], (0, 30)).united(np.array([False, True, True, False]))
        [(1, 10)]
        """
        marks = np.concatenate([[False], parts[self._atom], [False]])
        turns = np.flatnonzero(marks[1:] != marks[:-1]).tolist()
        pairs = zip(turns[::2], turns[1::2], strict=True)
        return [(self._cuts[first], self._cuts[end] - 1) for first, end in pairs]

    def _some_at_a_time(self, sets: Sequence[Ranges]) -> Iterator[Csr]:
        """Yield the pieces of the sets, as many sets at once as fit: all of them in most clusters.

        What some sets tell apart, further ones can only divide, so that the parts are the same.
        """
        some: list[IntArray] = []
        size = 0
        for each in sets:
            pieces = self._pieces(each)
            if some and size + len(pieces) > _MOST_PIECES:
                yield Csr.of_lists(some)
                some, size = [], 0
            some.append(pieces)
            size += len(pieces)
        yield Csr.of_lists(some)

    def _pieces(self, ranges: Ranges) -> IntArray:
        """Return the indices of the cuts at which the pieces of a set begin."""
        pieces = (
            np.arange(bisect_left(self._cuts, first), bisect_left(self._cuts, last + 1))
            for first, last in ranges
        )
        return np.concatenate([np.empty(0, dtype=np.int64), *pieces])
