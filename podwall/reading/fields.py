"""Read JSON-like values as the API server decodes them, or say where they are malformed.

A reader is a function from a value to what it means. It raises `Malformed` when the API server
could not decode the value, and passes an `Unknown` on. `null` is the same as absent, and a `null`
element of a list is the element's zero value, as in Go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from podwall.model import Unknown
from podwall.policies.syntax import written_number

__all__ = [
    "Malformed",
    "NotEnforced",
    "field",
    "flag",
    "list_of",
    "mapping",
    "number",
    "number_or_text",
    "one_of",
    "text",
    "texts",
    "within",
]

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)


class Malformed(Exception):  # noqa: N818 - names what the value is
    """A value that the API server could not decode; `path` grows outwards as it is raised."""

    def __init__(self, message: str, path: str = "") -> None:
        """Keep what is wrong, and the path of the value inside what was read."""
        super().__init__(message)
        self.message = message
        self.path = path

    def inside(self, step: str) -> Malformed:
        """Return the same problem seen from one step further out."""
        joined = f"{step}{self.path}" if self.path.startswith("[") else f"{step}.{self.path}"
        return type(self)(self.message, joined.rstrip("."))


class NotEnforced(Malformed):
    """A policy that the API server stores, and that Cilium finds invalid: it enforces no part."""


def field(node: Mapping[str, Any], key: str, read: Callable[[Any], T], absent: D) -> T | D:
    """Return what `read` makes of a field, or `absent`.

    >>> field({"replicas": 3}, "replicas", number, 1)
    3
    """
    value = node.get(key)
    if value is None:
        return absent
    try:
        return read(value)
    except Malformed as problem:
        raise problem.inside(key) from None


def within(
    node: Mapping[str, Any] | Unknown,
    steps: tuple[str, ...],
    read: Callable[[Mapping[str, Any] | Unknown], T],
) -> T:
    """Return what `read` makes of the object that some steps lead to.

    An object that is left out on the way is empty, and one that is unknown is what `read` gets.
    """
    if isinstance(node, Unknown) or not steps:
        return read(node)
    key, *rest = steps
    value = node.get(key)
    try:
        return within(mapping({} if value is None else value), tuple(rest), read)
    except Malformed as problem:
        raise problem.inside(key) from None


def list_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...] | Unknown]:
    """Return the reader of a list of objects that `read` understands."""

    def read_list(value: Any) -> tuple[T, ...] | Unknown:
        return value if isinstance(value, Unknown) else _each(read, value, {})

    return read_list


def _each(read: Callable[[Any], T], value: Any, zero: Any) -> tuple[T, ...]:
    if not isinstance(value, (list, tuple)):
        raise _not("a list", value)
    items = []
    for index, item in enumerate(value):
        try:
            items.append(read(zero if item is None else item))
        except Malformed as problem:
            raise problem.inside(f"[{index}]") from None
    return tuple(items)


def texts(value: Any) -> tuple[str | Unknown, ...] | Unknown:
    """Return a list of strings."""
    return value if isinstance(value, Unknown) else _each(text, value, "")


def text(value: Any) -> str | Unknown:
    """Return a string."""
    if isinstance(value, (str, Unknown)):
        return value
    raise _not("a string", value)


def number(value: Any) -> int | Unknown:
    """Return a whole number; `80.0` is one, as YAML's floats without a fraction are to the API."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (int, Unknown)) and not isinstance(value, bool):
        return value
    raise _not("a whole number", value)


def number_or_text(value: Any) -> int | str | Unknown:
    """Return a port as Kubernetes writes one: a number, or a name."""
    if isinstance(value, str):
        return value
    try:
        return number(value)
    except Malformed:
        raise _not("a port number or a port name", value) from None


def flag(value: Any) -> bool | Unknown:
    """Return a boolean."""
    if isinstance(value, (bool, Unknown)):
        return value
    raise _not("`true` or `false`", value)


def one_of(allowed: tuple[E, ...]) -> Callable[[Any], E | Unknown]:
    """Return the reader of a string that must be one of the allowed ones."""
    by_name = {str(item): item for item in allowed}

    def read_word(value: Any) -> E | Unknown:
        written = text(value)
        if isinstance(written, Unknown):
            return written
        if written not in by_name:
            raise Malformed(f"must be one of {', '.join(by_name)}, is `{written[:60]}`")
        return by_name[written]

    return read_word


def mapping(value: Any) -> Mapping[str, Any] | Unknown:
    """Return an object with fields."""
    if type(value) is dict or isinstance(value, (Mapping, Unknown)):
        return value
    raise _not("an object", value)


def _not(expected: str, value: Any) -> Malformed:
    return Malformed(f"must be {expected}, is {_described(value)}")


def _described(value: Any) -> str:
    match value:
        case bool():
            return f"the boolean `{str(value).lower()}`"
        case str():
            return f"the string `{value[:60]}`"
        case int() | float():
            return f"the number `{written_number(value)[:60]}`"
        case _:
            pass
    names = {dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), f"of type {type(value).__name__}")
