"""Equal values get equal numbers, counted from 0."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Registry"]

Value = TypeVar("Value", bound=Hashable)


class Registry(Generic[Value]):
    """Numbers values in the order in which they are first seen.

    >>> names = Registry[str]()
    >>> names.number("web"), names.number("api"), names.number("web"), names.values
    (0, 1, 0, ['web', 'api'])
    """

    def __init__(self) -> None:
        """Begin without values."""
        self.values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def number(self, value: Value) -> int:
        """Return the value's number, a new one if the value is new."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number
