"""Whole numbers in rows, on the lists of Python: what numpy's arrays are where there are many.

How it works: `FewNumbers` are the cells of one row, or of several of one length, in one list, row
after row. What an index means is worked out as a list of positions in it. Everything is a copy:
nothing is written through a part of another one.

    [[7, 8, 9],     items [7, 8, 9, 4, 5, 6], shape (2, 3)
     [4, 5, 6]]     numbers[:, 1] means the positions [1, 4]

It is exact: an operator does to each cell what numpy's does, and what is not here is left to numpy,
which takes `FewNumbers` for an array wherever it meets them.
"""

from __future__ import annotations

import operator
from array import array as packed
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, compress
from itertools import repeat as again
from typing import Any, Final

__all__ = [
    "TRUTHS",
    "WHOLE",
    "FewNumbers",
    "Shape",
    "array",
    "common_shape",
    "is_truth",
    "laid_out",
    "type_of",
]

Shape = tuple[int, ...]

WHOLE: Final = "q"
"""The type of 64 bits, as `array` of the standard library has it."""

TRUTHS: Final = "?"
"""The type of truth values."""


class FewNumbers:
    """Whole numbers or truth values (`dtype` is the sign of `array`), in a row or in several."""

    __slots__ = ("dtype", "items", "shape")
    __hash__ = None  # type: ignore[assignment]  # as numpy's: a mutable value

    def __init__(self, items: list[int], shape: Shape, dtype: str) -> None:
        """Keep the cells, row after row."""
        self.items = items
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        """Show the cells."""
        return f"FewNumbers({self.items}, {self.shape}, {self.dtype!r})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:  # noqa: FBT001 - numpy's protocol
        """Return them as an array of numpy."""
        import numpy  # noqa: ICN001, PLC0415 - `np` may be this module, and numpy is asking

        return numpy.array(self.items, dtype=dtype or self.dtype).reshape(self.shape)

    def __len__(self) -> int:
        """Return the length of the row, or the number of rows."""
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """Go through the cells of the row, or through the rows."""
        return iter(self.items) if len(self.shape) == 1 else iter(self.lines())

    def __bool__(self) -> bool:
        """Return the truth of a single cell."""
        (item,) = self.items
        return bool(item)

    def __contains__(self, item: int) -> bool:
        """Return whether a cell has this value."""
        return item in self.items

    def lines(self) -> list[FewNumbers]:
        """Return the rows of a table."""
        count, width = self.shape
        rows = (self.items[width * n : width * (n + 1)] for n in range(count))
        return [FewNumbers(row, (width,), self.dtype) for row in rows]

    @property
    def T(self) -> FewNumbers:  # noqa: N802 - numpy's name
        """Rows as columns."""
        count, width = self.shape
        items = [*chain.from_iterable(self.items[each::width] for each in range(width))]
        return FewNumbers(items, (width, count), self.dtype)

    def tolist(self) -> list[Any]:
        """Return the cells as a list, of rows if there are several."""
        return list(self.items) if len(self.shape) == 1 else [each.items for each in self.lines()]

    def tobytes(self) -> bytes:
        """Return the cells as numpy lays them out."""
        return packed("B" if self.dtype == TRUTHS else self.dtype, self.items).tobytes()

    def astype(self, dtype: Any) -> FewNumbers:
        """Return the cells as another type."""
        return array(self, dtype)

    def copy(self) -> FewNumbers:
        """Return the same cells."""
        return FewNumbers(list(self.items), self.shape, self.dtype)

    def ravel(self) -> FewNumbers:
        """Return the cells in one row."""
        return FewNumbers(list(self.items), (len(self.items),), self.dtype)

    def reshape(self, *shape: Any) -> FewNumbers:
        """Return the cells in rows of another length; -1 is what comes out."""
        asked: Shape = shape[0] if isinstance(shape[0], tuple) else shape
        size, known = len(self.items), [each for each in asked if each >= 0]
        rest = size // max(1, operator.mul(*known) if len(known) > 1 else sum(known))
        found = tuple(rest if each < 0 else each for each in asked)
        if size != (found[0] if len(found) == 1 else operator.mul(*found)):
            raise ValueError(f"{size} numbers cannot be laid out as {asked}")
        return FewNumbers(list(self.items), found, self.dtype)

    def sort(self) -> None:
        """Put the cells of a row into ascending order."""
        (_,) = self.shape
        self.items.sort()

    def __getattr__(self, name: str) -> Any:
        """Leave what is not here to numpy."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__array__(), name)

    def _along(self, axis: int | None, of: Callable[[Iterable[int]], int], dtype: str) -> Any:
        if axis is None:
            return of(self.items)
        lines = (self.T if axis == 0 else self).lines()
        return FewNumbers([of(each.items) for each in lines], (len(lines),), dtype)

    def any(self, axis: int | None = None) -> Any:
        """Return whether one is true, of all cells or along an axis."""
        return self._along(axis, any, TRUTHS)

    def all(self, axis: int | None = None) -> Any:
        """Return whether each is true, of all cells or along an axis."""
        return self._along(axis, all, TRUTHS)

    def sum(self, axis: int | None = None) -> Any:
        """Return the sum, of all cells or along an axis."""
        return self._along(axis, sum, WHOLE)

    def max(self, initial: int | None = None) -> int:
        """Return the greatest cell; without `initial` there must be one."""
        return max(self.items if initial is None else (initial, *self.items))

    def min(self, initial: int | None = None) -> int:
        """Return the least cell; without `initial` there must be one."""
        return min(self.items if initial is None else (initial, *self.items))

    def __getitem__(self, index: Any) -> Any:
        """Return a cell, a row, or those that an index of numpy's means."""
        if type(index) is int and len(self.shape) == 1:
            return self.items[index]
        positions, shape = self._positions(index)
        if not shape:
            return self.items[positions[0]]
        return FewNumbers([self.items[each] for each in positions], shape, self.dtype)

    def __setitem__(self, index: Any, values: Any) -> None:
        """Write into the cells that an index means."""
        positions, shape = self._positions(index)
        cast = bool if self.dtype == TRUTHS else int
        for position, value in zip(positions, laid_out(values, shape), strict=True):
            self.items[position] = cast(value)

    def _positions(self, index: Any) -> tuple[Sequence[int], Shape]:
        """Return where the cells are that an index means, and the shape that they come in."""
        if isinstance(index, tuple) and any(each is None for each in index):
            return self._with_axis(index)
        if len(self.shape) == 1:
            (only,) = index if isinstance(index, tuple) else (index,)
            return _one_axis(only, self.shape[0])
        if isinstance(index, FewNumbers) and len(index.shape) > 1 and index.dtype == TRUTHS:
            return _one_axis(index.ravel(), len(self.items))
        rows, columns = index if isinstance(index, tuple) else (index, slice(None))
        return self._two_axes(_as_index(rows), _as_index(columns))

    def _with_axis(self, index: tuple[Any, ...]) -> tuple[Sequence[int], Shape]:
        """Return all cells of a row, as a column or as one row of several."""
        (length,) = self.shape
        first, second = index
        if [first, second] not in [[slice(None), None], [None, slice(None)]]:
            raise IndexError(f"an axis is added to everything, not to {index}")
        return range(length), (1, length) if first is None else (length, 1)

    def _two_axes(self, rows: Any, columns: Any) -> tuple[Sequence[int], Shape]:
        width = self.shape[1]
        here, high = _one_axis(rows, self.shape[0])
        there, wide = _one_axis(columns, width)
        if isinstance(rows, FewNumbers) and isinstance(columns, FewNumbers):
            shape = common_shape(high, wide)
            pairs = zip(
                laid_out(FewNumbers([*here], high, WHOLE), shape),
                laid_out(FewNumbers([*there], wide, WHOLE), shape),
                strict=True,
            )
            return [width * row + column for row, column in pairs], shape
        return [width * row + column for row in here for column in there], (*high, *wide)

    def __invert__(self) -> FewNumbers:
        """Return the opposite truth values."""
        if self.dtype != TRUTHS:
            raise TypeError("only truth values have an opposite")
        return FewNumbers([not each for each in self.items], self.shape, TRUTHS)

    def __neg__(self) -> FewNumbers:
        """Return the negative numbers."""
        return FewNumbers([-each for each in self.items], self.shape, WHOLE)

    def __matmul__(self, other: FewNumbers) -> Any:
        """Return the product of a row with another, or with a table."""
        columns = [other] if len(other.shape) == 1 else other.T.lines()
        sums = [sum(map(operator.mul, self.items, each.items)) for each in columns]
        return sums[0] if len(other.shape) == 1 else FewNumbers(sums, (len(sums),), WHOLE)


def _operation(apply: Callable[[Any, Any], Any], *, compares: bool = False) -> Any:
    """Return an operator between all cells and a number, or those of others."""

    def of(self: FewNumbers, other: Any) -> Any:
        if isinstance(other, int):
            items = [apply(each, other) for each in self.items]
            return FewNumbers(items, self.shape, _kind(compares, self, other))
        if not isinstance(other, FewNumbers):
            if not isinstance(other, list):
                return apply(self.__array__(), other)  # numpy is there by now
            other = array(other)
        shape = self.shape
        left: Iterable[int] = self.items
        right: Iterable[int] = other.items
        if shape != other.shape:
            shape = common_shape(shape, other.shape)
            left, right = laid_out(self, shape), laid_out(other, shape)
        return FewNumbers([*map(apply, left, right)], shape, _kind(compares, self, other))

    return of


def _kind(compares: bool, one: FewNumbers, other: Any) -> str:  # noqa: FBT001 - a part of the operator
    if compares:
        return TRUTHS
    truths = one.dtype == TRUTHS and is_truth(other)
    return TRUTHS if truths else WHOLE


def is_truth(other: Any) -> bool:
    """Return whether a number or a row of them is of truth values."""
    return other.dtype == TRUTHS if isinstance(other, FewNumbers) else isinstance(other, bool)


def _plus(one: int, other: int) -> int:
    """Return a sum; that of two truth values is whether one is true."""
    both = isinstance(one, bool) and isinstance(other, bool)
    return one or other if both else one + other


def _minus(one: int, other: int) -> int:
    if isinstance(one, bool) and isinstance(other, bool):
        raise TypeError("truth values are not subtracted")
    return one - other


def _reflected(apply: Callable[[int, int], int]) -> Callable[[int, int], int]:
    return lambda one, other: apply(other, one)


for _name, _apply in {
    "mul": operator.mul,
    "sub": _minus,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "add": _plus,
}.items():
    setattr(FewNumbers, f"__{_name}__", _operation(_apply))
    setattr(FewNumbers, f"__r{_name}__", _operation(_reflected(_apply)))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(FewNumbers, f"__{_name}__", _operation(getattr(operator, _name), compares=True))


def _as_index(index: Any) -> Any:
    """Return lists and arrays of numpy as numbers; what is no array stays as it is."""
    if isinstance(index, (int, slice, FewNumbers)):
        return index
    plain = index if isinstance(index, list) else index.tolist()
    return plain if isinstance(plain, int) else array(plain)


def _one_axis(index: Any, length: int) -> tuple[Sequence[int], Shape]:
    """Return the positions along one axis that an index means, and their shape."""
    index, span = _as_index(index), range(length)
    if isinstance(index, int):
        return (span[index],), ()
    if isinstance(index, slice):
        found: Sequence[int] = span[index]
        return found, (len(found),)
    if index.dtype == TRUTHS:
        if len(index.items) != length:
            raise IndexError(f"{len(index.items)} truth values choose among {length}")
        found = [*compress(span, index.items)]
        return found, (len(found),)
    return [span[each] for each in index.items], index.shape


def common_shape(one: Shape, other: Shape) -> Shape:
    """Return the shape into which both can be laid out."""
    length = max(len(one), len(other))
    shapes = ((1,) * (length - len(each)) + each for each in (one, other))
    pairs = [*zip(*shapes, strict=True)]
    if any(left != right and 1 not in {left, right} for left, right in pairs):
        raise ValueError(f"{one} and {other} have no common shape")
    return tuple(right if left == 1 else left for left, right in pairs)


def laid_out(values: Any, shape: Shape) -> Iterable[int]:
    """Return the cells of a shape, where a row or a number may stand for several."""
    if isinstance(values, int):
        return again(values, shape[0] * (shape[1] if len(shape) > 1 else 1) if shape else 1)
    given = _as_index(values)
    if not isinstance(given, FewNumbers):
        return laid_out(int(given), shape)
    if given.shape == shape:
        return given.items
    if common_shape(given.shape, shape) != shape:
        raise ValueError(f"{given.shape} cannot be laid out as {shape}")
    high, wide = (1, *given.shape)[-2:]
    rows = [given.items[wide * n : wide * (n + 1)] for n in range(high)]
    if len(shape) == 1:
        return rows[0] * shape[0]
    lines = rows if wide == shape[1] else [row * shape[1] for row in rows]
    return [*chain.from_iterable(lines if high == shape[0] else lines * shape[0])]


def array(values: Any, dtype: Any = None) -> FewNumbers:
    """Return numbers, or rows of numbers, of a list."""
    if isinstance(values, FewNumbers):
        flat, shape = values.items, values.shape
    else:
        rows = values.tolist() if hasattr(values, "tolist") else [*values]
        flat, shape = rows, (len(rows),)
        if rows and not isinstance(rows[0], int):
            lines = [[*each] for each in rows]
            flat, shape = [*chain.from_iterable(lines)], (len(lines), len(lines[0]))
            if any(len(each) != shape[1] for each in lines):
                raise ValueError("rows of one table have one length")
    kind = type_of(dtype) or _kind_of(values, flat)
    return FewNumbers([*map(bool if kind == TRUTHS else int, flat)], shape, kind)


_TYPES: Final = {
    "bool": TRUTHS,
    "bool_": TRUTHS,
    "int": WHOLE,
    "int64": WHOLE,
    "uint8": "B",
    "uint32": "I",
    "uint64": "Q",
}


def type_of(dtype: Any) -> str:
    """Return the sign of a type, which may be one of Python or of numpy; none for None."""
    if isinstance(dtype, str) or dtype is None:
        return dtype or ""
    return _TYPES[getattr(dtype, "__name__", str(dtype))]


def _kind_of(values: Any, flat: Sequence[int]) -> str:
    if isinstance(values, FewNumbers):
        return values.dtype
    return TRUTHS if flat and all(isinstance(each, bool) for each in flat) else WHOLE
