"""Read the `plan.json` that `podwall preview` leaves in `out/`: what there will be.

It is how a plan that was made without the Pulumi CLI is compared with another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from podwall.plan import SECRET, Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.plan.values import inside
from podwall.policies.errors import Place
from podwall.policies.unknown import Unknown

__all__ = ["FORMAT", "is_plan", "plan_in"]

FORMAT: Final = "podwall/plan/v1"
_SECRET: Final = "[secret]"  # noqa: S105 - the mask of one
_UNKNOWN: Final = "[unknown]"


def is_plan(value: Any) -> bool:
    """Say whether a JSON value is a plan that podwall wrote."""
    return (
        isinstance(value, Mapping)
        and value.get("format") == FORMAT
        and isinstance(value.get("resources"), list)
    )


def plan_in(value: Mapping[str, Any]) -> Plan:
    """Return the plan; what is unknown has its cause again, and what is secret stays so.

    >>> plan_in({"format": FORMAT, "project": "shop", "stack": "dev", "resources": []}).stack
    'dev'
    """
    read = (_resource(each) for each in value["resources"] if isinstance(each, Mapping))
    return Plan(
        str(value.get("project")),
        str(value.get("stack")),
        tuple(each for each in read if each.urn and each.type),
        origin=Origin.EMBEDDED,
    )


def _resource(fields: Mapping[str, Any]) -> PlannedResource:
    causes = fields.get("unknown")
    inputs = _read(fields.get("inputs"), "", causes if isinstance(causes, Mapping) else {})
    change = Operation.CREATE
    with suppress(ValueError):
        change = Operation(str(fields.get("change")))
    return PlannedResource(
        urn=_text(fields, "urn"),
        type=_text(fields, "type"),
        name=_text(fields, "name"),
        inputs=MappingProxyType(inputs if isinstance(inputs, dict) else {}),
        parent=_text(fields, "parent") or None,
        provider=_text(fields, "provider") or None,
        options=ResourceOptions(protect=fields.get("protect") is True),
        change=change,
        place=_place(_text(fields, "place")),
    )


def _read(value: Any, path: str, causes: Mapping[str, Any]) -> Any:
    if value == _UNKNOWN and path in causes:
        return Unknown(str(causes[path]))
    if value == _SECRET:
        return SECRET
    if isinstance(value, Mapping):
        return {key: _read(each, inside(path, key), causes) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_read(each, f"{path}[{number}]", causes) for number, each in enumerate(value)]
    return value


def _place(written: str) -> Place:
    source, _, line = written.rpartition(":")
    return Place(source, int(line)) if source and line.isdecimal() else Place(written)


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
