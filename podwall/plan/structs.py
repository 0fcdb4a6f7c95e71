"""Turn the protocol's structures into plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # no stubs
from google.protobuf.json_format import (  # type: ignore[import-untyped]  # no stubs
    MessageToDict,
    ParseDict,
)

__all__ = ["NOTHING", "plain", "struct"]

NOTHING: Any = empty_pb2.Empty()


def plain(message: Any) -> dict[str, Any]:
    """Return a structure as a dictionary; every number in it is a float."""
    values: dict[str, Any] = MessageToDict(message)
    return values


def struct(values: Mapping[str, Any]) -> Any:
    """Return a dictionary as a structure."""
    return ParseDict(dict(values), struct_pb2.Struct())
