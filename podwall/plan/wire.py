"""Read property values as the Pulumi engine sends them: JSON with a few marked forms.

The marks are part of Pulumi's protocol, see `sdk/proto/pulumi/resource.proto` and
https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/serialization-concepts/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from podwall.plan.model import SECRET
from podwall.policies.unknown import Unknown

__all__ = ["SECRET_MARK", "UNKNOWN", "inside", "is_marked", "planned_value"]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"

#: What an object carries that stands for a secret, beside its `value`.
SECRET_MARK = MappingProxyType({_MARK: _SECRET})

Cause = Callable[[str], str]


def is_marked(value: Any) -> bool:
    """Return whether a value is one of the protocol's marked forms (a secret, an asset, ...)."""
    return isinstance(value, Mapping) and _MARK in value


def planned_value(value: Any, cause: Cause, path: str = "") -> Any:
    """Return a value with `Unknown` and `SECRET` in the places that the protocol marks.

    Whole floats become integers and keys are sorted: the protocol knows only doubles, and keeps no
    order. `cause` is given the path of an unknown value and says why it is unknown.

    >>> planned_value({"port": 80.0, "key": "[secret]"}, str)
    {'key': <Secret.VALUE: '[secret]'>, 'port': 80}
    """
    match value:
        case str():
            return _text(value, cause, path)
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return _marked(value, cause, path) if _MARK in value else _mapping(value, cause, path)
        case list() | tuple():
            return [planned_value(v, cause, f"{path}[{i}]") for i, v in enumerate(value)]
        case _:
            return value


def _text(value: str, cause: Cause, path: str) -> Any:
    if UNKNOWN in value:
        return Unknown(cause(path))
    return SECRET if value == str(SECRET) else value


def _mapping(value: Mapping[str, Any], cause: Cause, path: str) -> dict[str, Any]:
    return {key: planned_value(value[key], cause, inside(path, key)) for key in sorted(value)}


def inside(path: str, key: str) -> str:
    """Return the path of a key inside the value at `path`.

    >>> inside("metadata.labels", "role"), inside("metadata.labels", "example.com/role")
    ('metadata.labels.role', 'metadata.labels[example.com/role]')
    """
    step = key if key.isidentifier() else f"[{key}]"
    return f"{path}{step}" if step.startswith("[") else f"{path}.{step}".lstrip(".")


def _marked(value: Mapping[str, Any], cause: Cause, path: str) -> Any:
    match value[_MARK]:
        case str() as mark if mark == _SECRET:
            return SECRET
        case str() as mark if mark == _OUTPUT:
            return _output(value, cause, path)
        case str() as mark if mark == _RESOURCE:
            return value.get("urn", "")
        case _:
            return _mapping({k: v for k, v in value.items() if k != _MARK}, cause, path)


def _output(value: Mapping[str, Any], cause: Cause, path: str) -> Any:
    if value.get("secret"):
        return SECRET
    known = planned_value(value.get("value"), cause, path)
    return known if "value" in value else Unknown(cause(path))
