"""Property structs as the engine sends them, and the marks it puts on values."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import (  # type: ignore[import-untyped]  # no stubs
    MessageToDict,
    ParseDict,
)
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # no stubs

__all__ = [
    "SECRET_KEY",
    "SECRET_SIGNATURE",
    "UNKNOWN",
    "Properties",
    "has_unknown",
    "plain",
    "struct",
    "values",
]

Properties = dict[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""A string that deployment will tell; the engine has one such mark for every type of value."""

SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the mark of a secret, not one
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - likewise


def values(message: Struct) -> Properties:
    """Return the values of `message`, secrets still wrapped in their mark."""
    found: Properties = MessageToDict(message)
    return found


def struct(properties: Properties) -> Struct:
    """Return the message that carries `properties`."""
    return ParseDict(properties, Struct())


def plain(value: Any) -> Any:
    """Return `value` without the marks of secrets.

    >>> plain({"token": {SECRET_KEY: SECRET_SIGNATURE, "value": "t"}})
    {'token': 't'}
    """
    if isinstance(value, dict):
        if value.get(SECRET_KEY) == SECRET_SIGNATURE:
            return plain(value.get("value"))
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Return whether some part of `value` is known only after deployment.

    >>> has_unknown({"metadata": {"namespace": UNKNOWN}})
    True
    """
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return bool(value == UNKNOWN)
