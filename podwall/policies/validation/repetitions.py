"""Elements that a list has twice: legal, without effect, and mostly a slip."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

__all__ = ["repeated"]

#: No peer and no port is nested deeper; below, a document is junk that must not exhaust the stack.
_DEEPEST: Final = 6
_ATOMS: Final = (str, int, float, type(None))


def repeated(items: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the index of every element that is there before, with the index of the first.

    >>> list(repeated(["a", {"b": [1]}, "a", {"b": [1]}]))
    [(2, 0), (3, 1)]
    """
    seen: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(_hashable(item), index)
        if first != index:
            yield index, first


def _hashable(value: object, depth: int = _DEEPEST) -> Hashable:
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, dict) and depth:
        return frozenset([(key, _hashable(each, depth - 1)) for key, each in value.items()])
    if isinstance(value, list) and depth:
        return tuple([_hashable(each, depth - 1) for each in value])
    # Two values that only deployment will tell need not be the same, even with one cause.
    return id(value)
