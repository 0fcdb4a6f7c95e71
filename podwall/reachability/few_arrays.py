"""Numpy, or as much of it as the analysis of a small cluster needs, on the lists of Python.

Numpy is faster from some hundred numbers on, and takes longer to be imported than a small cluster
takes to be analysed. So `np` is numpy unless a process has said that it gives `one_answer`, and
there is little to compute: then it is the functions of this module. The algorithm is the same, and
`tests/core/test_few_numbers.py` holds the answers of both against each other.

    np.arange(3)    under numpy    array([0, 1, 2])
                    on lists       FewNumbers([0, 1, 2], (3,), 'q')

A function that is not here brings numpy, which then goes on with what has been computed.
"""

from __future__ import annotations

import operator
import sys
from array import array as packed
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import accumulate, chain, compress, pairwise
from itertools import repeat as again
from typing import TYPE_CHECKING, Any, Final

from podwall.reachability.few_numbers import (
    TRUTHS,
    WHOLE,
    FewNumbers,
    Shape,
    array,
    common_shape,
    is_truth,
    laid_out,
    type_of,
)

__all__ = ["FEW", "choose", "np", "on_lists", "one_answer"]

int64: Final = WHOLE
uint64: Final = "Q"
uint32: Final = "I"
uint8: Final = "B"
bool_: Final = TRUTHS
asarray = array


def full(shape: Any, value: int, dtype: Any = None) -> FewNumbers:
    """Return so many times one number."""
    asked: Shape = shape if isinstance(shape, tuple) else (shape,)
    kind = type_of(dtype) or (bool_ if isinstance(value, bool) else int64)
    cell = bool(value) if kind == bool_ else int(value)
    return FewNumbers([cell] * (asked[0] if len(asked) == 1 else operator.mul(*asked)), asked, kind)


def zeros(shape: Any, dtype: Any = int64) -> FewNumbers:
    """Return so many zeros."""
    return full(shape, 0, dtype)


empty = zeros


def ones(shape: Any, dtype: Any = int64) -> FewNumbers:
    """Return so many ones."""
    return full(shape, 1, dtype)


def zeros_like(values: FewNumbers, dtype: Any = None) -> FewNumbers:
    """Return zeros in the shape of others."""
    return full(values.shape, 0, dtype or values.dtype)


empty_like = zeros_like


def ones_like(values: FewNumbers, dtype: Any = None) -> FewNumbers:
    """Return ones in the shape of others."""
    return full(values.shape, 1, dtype or values.dtype)


def full_like(values: FewNumbers, value: int, dtype: Any = None) -> FewNumbers:
    """Return one number in the shape of others."""
    return full(values.shape, value, dtype or values.dtype)


def arange(*limits: int) -> FewNumbers:
    """Return the numbers of a range."""
    items = [*range(*limits)]
    return FewNumbers(items, (len(items),), int64)


def fromiter(values: Iterable[int], dtype: Any, count: int = -1) -> FewNumbers:
    """Return numbers one by one, of which there are `count` if that is given."""
    found = array(list(values), dtype)
    if count not in {-1, len(found)}:
        raise ValueError(f"{len(found)} numbers are not {count}")
    return found


def frombuffer(data: bytes, dtype: Any = int64) -> FewNumbers:
    """Return the numbers that `tobytes` wrote."""
    items = packed(dtype, data).tolist()
    return FewNumbers(items, (len(items),), dtype)


def concatenate(parts: Iterable[Any], axis: int = 0) -> FewNumbers:
    """Return rows one after the other, or the rows of several tables."""
    if axis:
        return concatenate([array(each).T for each in parts]).T
    each = [array(part) if not isinstance(part, FewNumbers) else part for part in parts]
    (rest,) = {part.shape[1:] for part in each}
    kinds = {part.dtype for part in each}
    (kind,) = kinds if len(kinds) == 1 else (int64,)
    items = [*chain.from_iterable(part.items for part in each)]
    if kind == int64 and bool_ in kinds:
        items = [*map(int, items)]
    return FewNumbers(items, (sum(len(part) for part in each), *rest), kind)


def append(values: Any, more: Any) -> FewNumbers:
    """Return the cells of both in one row."""
    last = [more] if isinstance(more, int) else more
    return concatenate([array(values).ravel(), array(last).ravel()])


def stack(parts: Iterable[Any], axis: int = 0) -> FewNumbers:
    """Return rows of one length as the rows of a table, or as its columns."""
    table = array([array(each) for each in parts])
    return table.T if axis else table


def column_stack(parts: Iterable[Any]) -> FewNumbers:
    """Return rows as columns beside each other, and those of tables."""
    columns = ([each] if len(each.shape) == 1 else each.T.lines() for each in map(array, parts))
    return stack(chain.from_iterable(columns), axis=1)


def tile(values: Any, times: Any) -> FewNumbers:
    """Return a row over and over, in one row or as the rows of a table."""
    row = array(values)
    if isinstance(times, int):
        return FewNumbers(row.items * times, (len(row) * times,), row.dtype)
    count, once = times
    return FewNumbers(row.items * (count * once), (count, len(row) * once), row.dtype)


def repeat(values: Any, times: Any) -> FewNumbers:
    """Return each number so many times."""
    row = array(values)
    counts = laid_out(times, row.shape)
    items = [*chain.from_iterable(map(again, row.items, counts))]
    return FewNumbers(items, (len(items),), row.dtype)


def where(condition: Any, chosen: Any, other: Any) -> FewNumbers:
    """Return from two the one that is chosen, cell by cell."""
    asked = array(condition, bool_)
    shapes = [each.shape for each in (chosen, other) if isinstance(each, FewNumbers)]
    shape = asked.shape
    for each in shapes:
        shape = common_shape(shape, each)
    cells = zip(*(laid_out(each, shape) for each in (asked, chosen, other)), strict=False)
    kind = bool_ if is_truth(chosen) and is_truth(other) else int64
    cast = bool if kind == bool_ else int
    return FewNumbers([cast(yes if true else no) for true, yes, no in cells], shape, kind)


def select(conditions: Sequence[Any], values: Sequence[Any], default: Any) -> FewNumbers:
    """Return the value of the first condition that holds, cell by cell."""
    found: Any = default
    for condition, value in zip(reversed(conditions), reversed(values), strict=True):
        found = where(condition, value, found)
    return array(found)


def flatnonzero(values: Any) -> FewNumbers:
    """Return where the cells are true."""
    asked = array(values).items
    items = [*compress(range(len(asked)), asked)]
    return FewNumbers(items, (len(items),), int64)


def nonzero(values: FewNumbers) -> tuple[FewNumbers, ...]:
    """Return where the cells are true, along each axis."""
    places = flatnonzero(values)
    if len(values.shape) == 1:
        return (places,)
    width = values.shape[1]
    return operator.floordiv(places, width), operator.mod(places, width)


def argwhere(values: FewNumbers) -> FewNumbers:
    """Return where the cells are true, a row for each."""
    return stack(nonzero(values), axis=1)


def cumsum(values: Any) -> FewNumbers:
    """Return the sums up to each number."""
    items = [*accumulate(map(int, array(values).items))]
    return FewNumbers(items, (len(items),), int64)


def diff(values: FewNumbers, prepend: Any = None, append: Any = None) -> FewNumbers:
    """Return each number less the one before."""
    first, last = ([] if each is None else [each] for each in (prepend, append))
    items = [*first, *values.items, *last]
    return FewNumbers([*map(operator.sub, items[1:], items)], (max(0, len(items) - 1),), int64)


def bincount(
    values: FewNumbers, weights: FewNumbers | None = None, minlength: int = 0
) -> FewNumbers:
    """Return how often each number occurs, or the sum of the weights where it does."""
    found = [0] * max(minlength, values.max(initial=-1) + 1)
    amounts = again(1) if weights is None else weights.items
    for each, weight in zip(values.items, amounts, strict=False):
        found[each] += weight
    return FewNumbers(found, (len(found),), int64)


def sort(values: Any, axis: int | None = -1, kind: str = "") -> FewNumbers:  # noqa: ARG001 - numpy's
    """Return the numbers of a row, or all, in ascending order."""
    given = array(values)
    if axis is not None:
        (_,) = given.shape
    return FewNumbers(sorted(given.items), (len(given.items),), given.dtype)


def argsort(values: FewNumbers, kind: str = "") -> FewNumbers:  # noqa: ARG001 - numpy's; always stable
    """Return the positions of the numbers in ascending order."""
    (length,) = values.shape
    return FewNumbers(sorted(range(length), key=values.items.__getitem__), (length,), int64)


def searchsorted(known: FewNumbers, wanted: Any, side: str = "left") -> Any:
    """Return where numbers would stand among others that ascend."""
    find = bisect_left if side == "left" else bisect_right
    if isinstance(wanted, int):
        return find(known.items, wanted)
    asked = array(wanted)
    return FewNumbers([find(known.items, each) for each in asked.items], asked.shape, int64)


def unique(
    values: Any,
    *,
    axis: int | None = None,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> Any:
    """Return the numbers, or the lines along an axis, once each, ascending, and what is asked."""
    given = array(values)
    if axis is not None:
        both = _unique_lines(given, axis)
        return both if return_inverse else both[0]
    ordered = sorted(set(given.items))
    size = (len(ordered),)
    found = [FewNumbers(ordered, size, given.dtype)]
    if return_index:
        first = {each: n for n, each in reversed([*enumerate(given.items)])}
        found.append(FewNumbers([first[each] for each in ordered], size, int64))
    if return_inverse:
        place = {each: n for n, each in enumerate(ordered)}
        found.append(FewNumbers([place[each] for each in given.items], given.shape, int64))
    if return_counts:
        times = Counter(given.items)
        found.append(FewNumbers([times[each] for each in ordered], size, int64))
    return tuple(found) if len(found) > 1 else found[0]


def _unique_lines(table: FewNumbers, axis: int) -> tuple[FewNumbers, FewNumbers]:
    """Return the rows (axis 0) or columns of a table once each, and of each line which it is."""
    lines = [tuple(each.items) for each in (table.T if axis else table).lines()]
    place = {each: n for n, each in enumerate(sorted({*lines}))}
    shape = (len(place), table.shape[1 - axis])
    found = FewNumbers([*chain.from_iterable(place)], shape, table.dtype)
    return (found.T if axis else found), array([place[each] for each in lines], int64)


def isin(values: Any, those: Any) -> FewNumbers:
    """Return for each number whether it is one of those."""
    given, known = array(values), {*array(those).items}
    return FewNumbers([each in known for each in given.items], given.shape, bool_)


def intersect1d(one: Any, other: Any) -> FewNumbers:
    """Return the numbers that are in both, ascending."""
    return array(sorted({*array(one).items} & {*array(other).items}), int64)


def union1d(one: Any, other: Any) -> FewNumbers:
    """Return the numbers that are in either, ascending."""
    return array(sorted({*array(one).items} | {*array(other).items}), int64)


def setdiff1d(one: Any, other: Any) -> FewNumbers:
    """Return the numbers that are in the one and not in the other, ascending."""
    return array(sorted({*array(one).items} - {*array(other).items}), int64)


def minimum(one: Any, other: Any) -> FewNumbers:
    """Return the lesser of two, cell by cell."""
    return where(array(one) <= other, one, other)


def maximum(one: Any, other: Any) -> FewNumbers:
    """Return the greater of two, cell by cell."""
    return where(array(one) >= other, one, other)


def equal(one: Any, other: Any) -> Any:
    """Return which cells are equal."""
    return one == other


def not_equal(one: Any, other: Any) -> Any:
    """Return which cells differ."""
    return one != other


def split(values: FewNumbers, cuts: FewNumbers) -> list[FewNumbers]:
    """Return the parts before, between and after some positions."""
    ends = [0, *cuts.items, len(values)]
    return [values[first:end] for first, end in pairwise(ends)]


def ix_(rows: Any, columns: Any) -> tuple[FewNumbers, FewNumbers]:
    """Return the index of all cells in some rows and some columns."""
    here, there = (flatnonzero(n) if n.dtype == bool_ else n for n in map(array, (rows, columns)))
    return here[:, None], there[None, :]


def packbits(flags: FewNumbers, bitorder: str) -> FewNumbers:
    """Return eight truth values a byte, the first one the lowest."""
    assert bitorder == "little"
    bits = sum(1 << n for n, each in enumerate(flags.items) if each)
    return frombuffer(bits.to_bytes(-(-len(flags) // 8), "little"), uint8)


def unpackbits(values: FewNumbers, bitorder: str, count: int | None = None) -> FewNumbers:
    """Return the truth values of bytes, the lowest bit of each first."""
    assert bitorder == "little"
    bits = int.from_bytes(values.tobytes(), "little")
    return array([bits >> n & 1 for n in range(8 * len(values) if count is None else count)], uint8)


_HERE: Final = frozenset({__name__, FewNumbers.__module__})
_ON_LISTS: Final[dict[str, Any]] = {
    **{k: v for k, v in globals().items() if getattr(v, "__module__", "") in _HERE},
    "int64": int64,
    "uint64": uint64,
    "uint32": uint32,
    "uint8": uint8,
    "bool_": bool_,
}


class _Chosen:
    """What `np` is: what is called like the functions of numpy is found where it was chosen."""

    is_for_one_answer = False
    is_tested = False

    def __getattr__(self, name: str) -> Any:
        """Bring numpy: nothing has been chosen, or this is nothing that lists have."""
        if self.is_tested or name.startswith("_"):
            raise AttributeError(f"there is no `{name}` on lists")
        module = import_module("numpy")
        self.become(vars(module))
        return getattr(module, name)

    def become(self, functions: dict[str, Any]) -> None:
        """Take the functions from there on."""
        self.__dict__.update({k: v for k, v in functions.items() if not k.startswith("_")})


_chosen: Final = _Chosen()

if TYPE_CHECKING:
    import numpy as np
else:
    np = _chosen

FEW: Final = 150
"""Up to so many things lists are faster than bringing numpy."""


def one_answer() -> None:
    """Say that this process is there for one answer, and gains nothing from numpy afterwards."""
    _chosen.is_for_one_answer = True


def choose(amount: int) -> None:
    """Choose what `np` is for an analysis of so many things.

    Lists, if the process is there for one answer, these are few, and numpy is not there anyway.
    """
    if _chosen.is_tested:
        return
    if amount > FEW or not _chosen.is_for_one_answer or "numpy" in sys.modules:
        _chosen.become(vars(import_module("numpy")))
    else:
        _chosen.become(_ON_LISTS)


@contextmanager
def on_lists() -> Iterator[None]:
    """Compute on lists for a while, however much it is: to hold both against each other."""
    before = dict(_chosen.__dict__)
    _chosen.__dict__.clear()
    _chosen.is_tested = True
    _chosen.become(_ON_LISTS)
    try:
        yield
    finally:
        _chosen.__dict__.clear()
        _chosen.__dict__.update(before)
