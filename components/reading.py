"""Untyped documents into typed arguments: configuration, and what other languages hand over.

A frozen dataclass is its own schema. It is read through a struct with its fields, under the names
that the document has for them; see `podwall.documents` for what is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import reduce
from operator import or_
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from podwall.components.workload_args import LaterText
from podwall.documents import convert, inside
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import shown

if TYPE_CHECKING:
    from pulumi import Input

    InputText = Input[str]
else:
    InputText = str | LaterText
"""A text, or an output that will be one: what another resource of the program gives."""

__all__ = ["InputText", "camel_case", "read", "snake_case", "without_none"]


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


def without_none(**choices: Any) -> dict[str, Any]:
    """Return the choices that were made; what is left out has its default elsewhere."""
    return {name: choice for name, choice in choices.items() if choice not in (None, {}, ())}


def read(kind: type[T], value: object, path: str, spelling: Spelling = camel_case) -> T:
    """Return `value` as a `kind`, which is a frozen dataclass.

    Args:
        kind: what is wanted; a null is what is left out, where that has a default.
        value: an untyped document, as JSON has it; a whole number may be a float. Where a field
            is an `InputText`, it may also have an output.
        path: the place of the document, the first words of every message.
        spelling: how a field's name is written in the document.

    Raises:
        InvalidValue: a key that no field has, a missing key, a value of another type, or an output
            where the value has to be known before the deployment.

    >>> from podwall.components.workload_args import Probe
    >>> read(Probe, {"port": "http"}, "")
    Probe(port='http', path=None)
    """
    place = Place(path=path)
    try:
        given = convert(value, _struct(kind, spelling), place)
    except InvalidValue as problem:
        if _is_later(problem.value):
            raise _not_known_yet(problem.place) from None
        raise
    result: T = _value(given, place)
    return result


def _is_later(value: object) -> bool:
    return not isinstance(value, str) and callable(getattr(type(value), "apply", None))


def _not_known_yet(place: Place) -> InvalidValue:
    return InvalidValue(
        "is an output, and has to be known before the deployment",
        help="give the value itself, such as one from the configuration",
        place=place,
    )


def _struct(kind: Any, spelling: Spelling) -> type[msgspec.Struct]:
    """Return the struct that has the fields of a dataclass."""
    hints = get_type_hints(kind)
    given = [each for each in fields(kind) if each.init]
    return msgspec.defstruct(
        kind.__name__,
        [_field(each, _readable(hints[each.name], spelling)) for each in given],
        namespace={"made_of": kind, "spelling": staticmethod(spelling)},
        rename={each.name: spelling(each.name) for each in given},
        forbid_unknown_fields=True,
        kw_only=True,
    )


def _field(field: Field[Any], kind: Any) -> Any:
    if field.default is MISSING and field.default_factory is MISSING:
        return (field.name, kind)
    return (field.name, kind | None, None)


def _readable(kind: Any, spelling: Spelling) -> Any:
    """Return a type with structs in place of dataclasses, and any value where an output may be."""
    if LaterText in get_args(kind):
        return Any
    if is_dataclass(kind):
        return _struct(kind, spelling)
    parts = tuple(_readable(each, spelling) for each in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return reduce(or_, parts)
    return get_origin(kind)[parts] if parts else kind


def _value(given: Any, place: Place) -> Any:
    """Return what was read with dataclasses in place of structs."""
    if isinstance(given, tuple):
        return tuple(_value(each, place.at(f"[{number}]")) for number, each in enumerate(given))
    if not isinstance(given, msgspec.Struct):
        return given
    made_of, spelling = given.made_of, given.spelling  # type: ignore[attr-defined]  # see `_struct`
    _check_texts(given, made_of, spelling, place)
    parts = {
        name: _value(each, place.at(spelling(name)))
        for name, each in msgspec.structs.asdict(given).items()
        if each is not None
    }
    try:
        return made_of(**parts)
    except InvalidValue as problem:
        problem.place = _spelled(problem.place, place, spelling)
        raise inside(problem, place) from problem


def _check_texts(given: msgspec.Struct, made_of: Any, spelling: Spelling, place: Place) -> None:
    """Refuse what is neither a text nor an output, where the struct takes anything."""
    for name, kind in get_type_hints(made_of).items():
        if "LaterText" not in str(kind):
            continue
        one = getattr(given, name)
        several = enumerate(one) if isinstance(one, tuple) else ()
        for step, each in [("", one), *((f"[{number}]", each) for number, each in several)]:
            if not isinstance(each, str | tuple | None) and not _is_later(each):
                message = f"must be text, is {shown(each)}"
                raise InvalidValue(message, place=place.at(spelling(name) + step), value=each)


def _spelled(inner: Place, place: Place, spelling: Spelling) -> Place:
    """Return the place of a field that a value names itself, perhaps from further outside."""
    words = [spelling(word) for word in inner.path.split(".")]
    own = place.path.rpartition(".")[2]
    return Place(path=".".join(words[words.index(own) + 1 :] if own in words else words))
