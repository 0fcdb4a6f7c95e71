"""Read expectations from a parsed document, strictly: what is not understood is refused.

The names of the fields follow the rules of np-guard's corporate policies where they mean the same.
https://github.com/np-guard/baseline-rules
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from podwall.expectations.expectation import (
    ANYTHING,
    INTERNET,
    Expectation,
    Kind,
    Selection,
    addresses,
    outside,
    pods,
    workload,
)
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import guess

__all__ = ["read_expectations", "selection"]

_FIELDS: Final = ("name", "description", "from", "only", "to", "ports", "expect", "may-be-empty")
_PODS: Final = ("namespace", "labels")
_VERDICTS: Final = {"allowed": Kind.ALLOWED, "denied": Kind.DENIED}
_OUTSIDE: Final = re.compile(r"outside +([^\s/]+) *")
_DOTTED: Final = re.compile(r"[0-9]+\.[0-9.]*")
_END: Final = "as in `shop/web`, `internet`, `anything`, `outside shop` or `10.0.0.0/8`"


def read_expectations(document: object, place: Place) -> tuple[Expectation, ...]:
    """Return the expectations of a document, in order.

    Args:
        document: what a YAML or JSON parser returned.
        place: where the document begins.

    Raises:
        InvalidValue: something is missing, unknown or malformed; its place has the field path.
    """
    fields = _fields(document, ("expectations",), place)
    listed = fields.get("expectations")
    here = place.at("expectations")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise InvalidValue("must be a list with an expectation or more", place=here)
    found = tuple(_expectation(each, here.at(f"[{n}]")) for n, each in enumerate(listed))
    _refuse_repeated_names(found)
    return found


def _refuse_repeated_names(found: Iterable[Expectation]) -> None:
    seen: set[str] = set()
    for each in found:
        if each.name in seen:
            raise InvalidValue(
                f"`{each.name}` stands twice",
                help="give every expectation a name of its own",
                place=each.place.at("name"),
            )
        seen.add(each.name)


def _expectation(value: object, place: Place) -> Expectation:
    fields = _fields(value, _FIELDS, place)
    kind, side = _kind(fields, place)
    name = _text(fields.get("name"), place.at("name"))
    sources = _ends(fields.get(side), place.at(side))
    destinations = _ends(fields.get("to"), place.at("to"))
    ports = tuple(_ports(fields, place.at("ports")))
    try:
        return Expectation(
            name=name,
            kind=kind,
            sources=sources,
            destinations=destinations,
            ports=ports,
            may_be_empty=_flag(fields.get("may-be-empty", False), place.at("may-be-empty")),
            description=_text(fields.get("description", ""), place.at("description")),
            place=place,
        )
    except InvalidValue as problem:
        raise _at(problem, place) from None


def _kind(fields: Mapping[str, Any], place: Place) -> tuple[Kind, str]:
    """Return what is expected, and the field that names the sources."""
    if "only" in fields:
        for other in ("from", "expect"):
            if other in fields:
                raise InvalidValue(
                    f"`{other}` does not go with `only`",
                    help="`only` names the sources, and says that nothing else reaches `to`",
                    place=place.at(other),
                )
        return Kind.ONLY, "only"
    verdict = fields.get("expect")
    if verdict not in _VERDICTS:
        raise InvalidValue(
            f"must be `allowed` or `denied`, is {_shown(verdict)}",
            help=guess(verdict, _VERDICTS) or "or say `only` instead of `from`",
            place=place.at("expect"),
        )
    return _VERDICTS[verdict], "from"


def _ends(value: object, place: Place) -> tuple[Selection, ...]:
    if isinstance(value, list):
        if not value:
            raise InvalidValue("an empty list selects nothing", help=_END, place=place)
        return tuple(_end(each, place.at(f"[{number}]")) for number, each in enumerate(value))
    return (_end(value, place),)


def _end(value: object, place: Place) -> Selection:
    try:
        if isinstance(value, Mapping):
            return _pods(value, place)
        if isinstance(value, str):
            return selection(value)
    except InvalidValue as problem:
        raise _at(problem, place) from None
    missing = "is missing" if value is None else f"must be text or an object, is {_shown(value)}"
    raise InvalidValue(missing, help=_END, place=place)


def selection(text: str) -> Selection:
    """Return the selection that a text means: one end of a connection.

    Raises:
        InvalidValue: it means nothing.

    >>> print(selection("outside shop"))
    outside shop
    """
    if text in {"internet", "anything"}:
        return INTERNET if text == "internet" else ANYTHING
    if match := _OUTSIDE.fullmatch(text):
        return outside(match.group(1))
    head = text.partition("/")[0]
    if ":" in head or _DOTTED.fullmatch(head):
        return addresses(text)
    if "/" not in text:
        help_ = guess(text, ("internet", "anything")) or _END
        raise InvalidValue(f"`{text}` is not an end of a connection", help=help_)
    return workload(text)


def _pods(value: Mapping[Any, Any], place: Place) -> Selection:
    fields = _fields(value, _PODS, place)
    labels = fields.get("labels", {})
    if not isinstance(labels, Mapping):
        raise InvalidValue(f"must be an object, is {_shown(labels)}", place=place.at("labels"))
    written = {
        _text(key, place.at("labels")): _text(label, place.at(f"labels[{key}]"))
        for key, label in labels.items()
    }
    if "namespace" not in fields:
        return pods(None, written)
    return pods(_text(fields["namespace"], place.at("namespace")), written)


def _ports(fields: Mapping[str, Any], place: Place) -> Iterable[str]:
    if "ports" not in fields:
        return
    value = fields["ports"]
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise InvalidValue("an empty list means no port", help="leave it out", place=place)
    for number, each in enumerate(listed):
        here = place.at(f"[{number}]") if isinstance(value, list) else place
        whole = int(each) if isinstance(each, float) and each.is_integer() else each
        if isinstance(whole, bool) or not isinstance(whole, int | str):
            raise InvalidValue(f"must be a number or a name, is {_shown(each)}", place=here)
        yield str(whole)


def _fields(value: object, known: Sequence[str], place: Place) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidValue(f"must be an object, is {_shown(value)}", place=place)
    for key in value:
        if key not in known:
            raise InvalidValue(
                f"there is no field `{key}`",
                help=guess(key, known) or f"one of {', '.join(known)}",
                place=place.at(str(key)),
            )
    return value


def _text(value: object, place: Place) -> str:
    if not isinstance(value, str):
        problem = "is missing" if value is None else f"must be text, is {_shown(value)}"
        raise InvalidValue(problem, place=place)
    return value


def _flag(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"must be `true` or `false`, is {_shown(value)}", place=place)
    return value


def _at(problem: InvalidValue, place: Place) -> InvalidValue:
    """Return a problem with its place; a field that the message begins with goes into the path."""
    if str(problem.place):
        return problem
    field, colon, message = problem.message.partition(": ")
    if colon and field in _FIELDS:
        return InvalidValue(message, help=problem.help, place=place.at(field))
    return InvalidValue(problem.message, help=problem.help, place=place)


def _shown(value: object) -> str:
    match value:
        case None:
            return "missing"
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case _:
            return f"`{str(value)[:60]}`"
