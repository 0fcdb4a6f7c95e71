"""Untyped documents into typed values: one strict means, and one voice for what it refuses.

A document is whatever a YAML or JSON parser returned. Its type is a `msgspec.Struct`, which also
defines the JSON schema that editors and other programs get. msgspec converts; where it refuses, the
document is followed down to the first part that is wrong, and that is refused with its place, what
may stand there, and the likeliest word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import guess, shown

__all__ = ["TypedDocument", "about", "convert", "inside"]

T = TypeVar("T")

#: What msgspec raises: also for half of a surrogate pair, which JSON can write and UTF-8 can't.
_REFUSALS: Final = (msgspec.ValidationError, UnicodeError)


def about(description: str, **limits: Any) -> msgspec.Meta:
    """Return what the schema says of a field, and the limits of its values."""
    return msgspec.Meta(description=description, **limits)


class TypedDocument(msgspec.Struct, forbid_unknown_fields=True):
    """A document with the fields that its class has, and no other."""


def convert(document: object, type_: type[T], place: Place) -> T:
    """Return a document as a value of a type; a whole number may be written as a float.

    Args:
        document: what a parser returned.
        type_: a struct, or any other type that msgspec converts to.
        place: where the document begins.

    Raises:
        InvalidValue: a field that does not exist, one that is missing, a value of another type, or
            what the struct itself refuses. Its place has the path of the field; its help is the
            likeliest word, or the description that the schema has of the field.

    >>> class Door(msgspec.Struct, forbid_unknown_fields=True):
    ...     width: int
    >>> convert({"width": 80.0}, Door, Place("door.yaml", 1))
    Door(width=80)
    >>> convert({"widht": 80}, Door, Place("door.yaml", 1))
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: door.yaml:1 widht: there is no field `widht`, only `width`
    """
    try:
        return msgspec.convert(document, type_)
    except _REFUSALS:
        whole = _with_whole_numbers(document)
    try:
        return msgspec.convert(whole, type_)
    except _REFUSALS as problem:
        raise _refusal(whole, type_, place, problem) from problem


def inside(problem: InvalidValue, place: Place) -> InvalidValue:
    """Return what a value refuses at the place where the document has the value."""
    where = place.at(problem.place.path)
    return InvalidValue(problem.message, help=problem.help, place=where, value=problem.value)


_DEEPEST: Final = 100
"""No document that has a type has more levels, and Python follows some 300."""


def _with_whole_numbers(value: Any, levels: int = _DEEPEST) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping() if levels:
            return {key: _with_whole_numbers(each, levels - 1) for key, each in value.items()}
        case list() | tuple() if levels:
            return [_with_whole_numbers(each, levels - 1) for each in value]
        case _:
            return value


def _refusal(
    value: Any, type_: Any, place: Place, problem: Exception, about: str = ""
) -> InvalidValue:
    """Return what is wrong with a value that is refused, or with the first such part of it.

    `about` is what the schema says of the value, or of the list or mapping that it stands in.
    """
    about = _description(type_) or about
    choices = tuple(_choices(type_))
    for struct in filter(_is_struct, choices):
        if isinstance(value, Mapping) and (wrong := _wrong_key(value, struct, place)):
            return wrong
    for step, part, inner in _parts(value, choices):
        try:
            msgspec.convert(part, inner)
        except _REFUSALS as deeper:
            near = about if step.startswith("[") else ""
            return _refusal(part, inner, place.at(step), deeper, near)
    if isinstance(own := problem.__cause__, InvalidValue):
        return inside(own, place)
    return _wrong_value(value, choices, place, str(problem), about)


def _choices(type_: Any) -> Iterator[Any]:
    """Yield the types that a value may have, none of them a union."""
    if get_origin(type_) is Annotated:
        yield from _choices(get_args(type_)[0])
    elif get_origin(type_) in (Union, UnionType):
        for each in get_args(type_):
            yield from _choices(each)
    else:
        yield type_


def _description(type_: Any) -> str:
    """Return what the schema says of a type, in the form of a remedy."""
    if get_origin(type_) in (Union, UnionType):
        return next(filter(None, map(_description, get_args(type_))), "")
    described = [each.description for each in get_args(type_)[1:] if isinstance(each, msgspec.Meta)]
    text = next(filter(None, described), "").rstrip(".")
    return text[:1].lower() + text[1:]


def _is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _wrong_key(value: Mapping[Any, Any], struct: Any, place: Place) -> InvalidValue | None:
    """Return what is wrong with the keys of a struct's document: one is unknown, or missing."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    config = struct.__struct_config__
    tag = config.tag_field
    if tag and value.get(tag, config.tag) != config.tag:
        return _wrong_value(value[tag], [Literal[config.tag]], place.at(tag))
    for key in value if config.forbid_unknown_fields else ():
        if key not in fields and key != tag:
            known = ", ".join(f"`{each}`" for each in fields) or "an empty mapping"
            message = f"there is no field {shown(key)}, only {known}"
            return InvalidValue(message, help=guess(key, fields), place=place.at(str(key)))
    for name, field in fields.items():
        if field.required and name not in value:
            help_ = _description(field.type)
            return InvalidValue("is missing", help=help_, place=place.at(name))
    return None


def _parts(value: Any, choices: Iterable[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of a value: the step to each, the part, and the type it must have."""
    for each in choices:
        kinds, origin = get_args(each), get_origin(each)
        if isinstance(value, Mapping) and _is_struct(each):
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(each)}
            yield from ((key, value[key], fields[key]) for key in fields if key in value)
        elif not isinstance(origin, type):
            continue
        elif isinstance(value, Mapping) and issubclass(origin, Mapping):
            for entry in value.items():
                yield from ((f"[{entry[0]}]", *pair) for pair in zip(entry, kinds, strict=True))
        elif isinstance(value, list) and issubclass(origin, Sequence):
            yield from ((f"[{n}]", part, kinds[0]) for n, part in enumerate(value))


_NAMES: Final = {
    "array": "a list",
    "bool": "`true` or `false`",
    "float": "a number",
    "int": "a whole number",
    "object": "a mapping",
    "str": "text",
}
_BOUND: Final = re.compile(r"Expected `\w+` ([<>])= (\d+)")


def _wrong_value(
    value: Any, choices: Iterable[Any], place: Place, expected: str = "", about: str = ""
) -> InvalidValue:
    words = [word for each in choices for word in _words(each)]
    if "of length >= 1" in expected:
        return InvalidValue("must not be empty", help=about, place=place, value=value)
    if bound := _BOUND.match(expected):
        must = f"at {'least' if bound[1] == '>' else 'most'} {bound[2]}"
    else:
        names = (expected.partition("`")[2].partition("`")[0] or "UTF-8 text").split(" | ")
        must = _listed(
            [f"`{word}`" for word in words] or [_NAMES.get(each, each) for each in names]
        )
    help_ = guess(value, words) or about
    message = f"must be {must}, is {_given(value, words)}"
    return InvalidValue(message, help=help_, place=place, value=value)


def _given(value: Any, words: Sequence[str]) -> str:
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    return f"the text {shown(value)}" if isinstance(value, str) and not words else shown(value)


def _words(type_: Any) -> Iterable[str]:
    """Return the words that a type lists, if it lists some."""
    if get_origin(type_) is Literal:
        return [str(each) for each in get_args(type_)]
    is_enum = isinstance(type_, type) and issubclass(type_, Enum)
    return [str(each.value) for each in type_] if is_enum else ()


def _listed(words: Sequence[str]) -> str:
    """Return words as alternatives.

    >>> _listed(["`a`", "`b`", "`c`"])
    '`a`, `b` or `c`'
    """
    *first, last = [each for each in words if each != "null"]
    return f"{', '.join(first)} or {last}" if first else last
