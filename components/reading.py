"""Untyped documents into typed arguments: the one strict reader of configuration and packages.

A frozen dataclass is its own schema. Every refusal is an `InvalidValue` that names the path, the
value, what is allowed, and the nearest allowed spelling.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import shown
from podwall.policies.wording import guess

__all__ = ["camel_case", "did_you_mean", "quoted", "read", "snake_case"]


T = TypeVar("T")
Spelling = Callable[[str], str]


def camel_case(name: str) -> str:
    """Return a field's name as configuration spells it.

    >>> camel_case("kubernetes_version")
    'kubernetesVersion'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def snake_case(name: str) -> str:
    """Return a field's name as Python callers spell it: unchanged."""
    return name


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """Return a help line with the nearest allowed spelling, or all of them.

    >>> did_you_mean("own-namspace", ["open", "own-namespace"])
    'did you mean `own-namespace`?'
    >>> did_you_mean("x", ["open", "own-namespace"])
    'allowed: `open`, `own-namespace`'
    """
    choices = list(allowed)
    return guess(given, choices) or f"allowed: {quoted(choices)}"


def quoted(words: Iterable[object]) -> str:
    """Return words in backticks, separated by commas."""
    return ", ".join(shown(word) for word in words)


def read(kind: type[T], value: object, path: str, spelling: Spelling = camel_case) -> T:
    """Return `value` as a `kind`, which is a frozen dataclass, an enum or a built-in type.

    Args:
        kind: what is wanted; a dataclass is read from a mapping, field by field.
        value: an untyped document, as JSON has it; a whole number may be a float.
        path: the place of the document, the first words of every message.
        spelling: how a field's name is written in the document.

    Raises:
        InvalidValue: a key that no field has, a missing key, or a value of another type.

    >>> from podwall.policies.presets import Step
    >>> read(Step, "open", "podwall:step")
    <Step.OPEN: 'open'>
    """
    result: T = _Reader(spelling).read(kind, value, Place(path=path))
    return result


class _Reader:
    """Reads every annotation that arguments use; `spelling` is the document's."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling

    def read(self, kind: Any, value: object, place: Place) -> Any:
        """Return `value` as the annotation `kind`."""
        if get_origin(kind) in (Union, types.UnionType):
            return self._read_union(get_args(kind), value, place)
        if get_origin(kind) is not None:
            return self._read_collection(kind, value, place)
        if is_dataclass(kind):
            return self._read_fields(kind, value, place)
        if issubclass(kind, StrEnum):
            return _read_choice(kind, value, place)
        return _read_scalar(kind, value, place)

    def _read_union(self, kinds: tuple[Any, ...], value: object, place: Place) -> Any:
        if value is None and types.NoneType in kinds:
            return None
        present = [kind for kind in kinds if kind is not types.NoneType]
        fitting = [kind for kind in present if _fits(kind, value)]
        return self.read((fitting or present)[0], value, place)

    def _read_collection(self, kind: Any, value: object, place: Place) -> Any:
        item = get_args(kind)[-1] if issubclass(get_origin(kind), Mapping) else get_args(kind)[0]
        if issubclass(get_origin(kind), Mapping):
            entries = _mapping(value, place)
            return {key: self.read(item, each, place.at(key)) for key, each in entries.items()}
        items = _sequence(value, place)
        return tuple(self.read(item, each, place.at(f"[{n}]")) for n, each in enumerate(items))

    def _read_fields(self, kind: Any, value: object, place: Place) -> Any:
        given = _mapping(value, place)
        known = {self._spelling(field.name): field for field in fields(kind) if field.init}
        _refuse_unknown(given, known, place)
        _refuse_missing(given, known, place)
        hints = _hints(kind)
        values = {
            known[key].name: self.read(hints[known[key].name], each, place.at(key))
            for key, each in given.items()
            if each is not None or not _has_default(known[key])
        }
        try:
            return kind(**values)
        except InvalidValue as error:
            inner = self._inside(place, error.place.path)
            raise InvalidValue(error.message, help=error.help, place=inner) from error

    def _inside(self, place: Place, path: str) -> Place:
        """Return the place of a field that a value names itself, perhaps from further outside."""
        words = [self._spelling(word) for word in path.split(".")]
        own = place.path.rpartition(".")[2]
        return place.at(".".join(words[words.index(own) + 1 :] if own in words else words))


def _read_choice(kind: type[StrEnum], value: object, place: Place) -> StrEnum:
    choices = [member.value for member in kind]
    if value not in choices:
        message = f"{shown(value)} is not one of {quoted(choices)}"
        raise InvalidValue(message, help=did_you_mean(str(value), choices), place=place)
    return kind(value)


_SCALARS: Mapping[type, str] = {
    bool: "`true` or `false`",
    int: "a whole number",
    str: "a string",
}


def _read_scalar(kind: type, value: object, place: Place) -> object:
    if not _fits(kind, value):
        raise InvalidValue(f"{shown(value)} is not {_SCALARS[kind]}", place=place)
    return int(value) if isinstance(value, float) else value


def _fits(kind: Any, value: object) -> bool:
    """Whether a document's value has the shape of the annotation."""
    if kind is int:
        whole = isinstance(value, float) and value.is_integer()
        return whole or (isinstance(value, int) and not isinstance(value, bool))
    if is_dataclass(kind):
        return isinstance(value, Mapping)
    origin = get_origin(kind) or kind
    if issubclass(origin, tuple):
        return isinstance(value, Sequence) and not isinstance(value, str)
    return isinstance(value, str if issubclass(origin, StrEnum) else origin)


def _mapping(value: object, place: Place) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{shown(value)} is not a mapping", place=place)
    return value


def _sequence(value: object, place: Place) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidValue(f"{shown(value)} is not a list", place=place)
    return value


def _refuse_unknown(given: Iterable[str], known: Iterable[str], place: Place) -> None:
    for key in given:
        if key not in known:
            message = f"{shown(key)} is not a key here, allowed are {quoted(sorted(known))}"
            raise InvalidValue(message, help=did_you_mean(key, known), place=place.at(key))


def _refuse_missing(given: Iterable[str], known: Mapping[str, Field[Any]], place: Place) -> None:
    for key, field in known.items():
        if key not in given and not _has_default(field):
            raise InvalidValue(f"`{key}` is missing", help=f"add `{key}`", place=place)


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)
