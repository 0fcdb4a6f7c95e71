"""Read the `plan.json` that `podwall preview` leaves in `out/`: what there will be.

It is how a plan that was made without the Pulumi CLI is compared with another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

import msgspec

from podwall.plan import SECRET, Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.plan.values import inside
from podwall.policies.errors import Finding, Place, Severity
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

    The exports of the stack are left out: they change nothing about who reaches whom.

    >>> plan_in({"format": FORMAT, "project": "shop", "stack": "dev", "resources": []}).stack
    'dev'
    """
    read = (_resource(each) for each in _list(value, "resources") if isinstance(each, Mapping))
    warnings = (_finding(each) for each in _list(value, "warnings") if isinstance(each, Mapping))
    return Plan(
        _text(value, "project"),
        _text(value, "stack"),
        tuple(each for each in read if each.urn and each.type),
        warnings=tuple(warnings),
        origin=_origin(value),
    )


def _origin(value: Mapping[str, Any]) -> Origin:
    with suppress(ValueError):
        return Origin(_text(value, "planner"))
    return Origin.EMBEDDED


def _resource(fields: Mapping[str, Any]) -> PlannedResource:
    change = Operation.CREATE
    with suppress(ValueError):
        change = Operation(_text(fields, "change"))
    return PlannedResource(
        urn=_text(fields, "urn"),
        type=_text(fields, "type"),
        name=_text(fields, "name"),
        inputs=MappingProxyType(_read(_mapping(fields, "inputs"), "", _mapping(fields, "unknown"))),
        custom=fields.get("custom") is not False,
        parent=_text(fields, "parent") or None,
        provider=_text(fields, "provider") or None,
        dependencies=_texts(fields.get("dependencies")),
        property_dependencies=MappingProxyType(
            {key: _texts(urns) for key, urns in _mapping(fields, "propertyDependencies").items()}
        ),
        options=_options(fields),
        change=change,
        replaced_by=_texts(fields.get("replacedBy")),
        place=_place(_text(fields, "place")),
        unseen=_texts(fields.get("unseen")),
    )


class _Options(msgspec.Struct, rename="camel"):
    """The options of a resource that are not the default, as a plan writes them."""

    retain_on_delete: bool = False
    delete_before_replace: bool = False
    deleted_with: str | None = None
    replace_with: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    timeouts: dict[str, str] = {}
    secret_outputs: tuple[str, ...] = ()
    import_id: str | None = None


def _options(fields: Mapping[str, Any]) -> ResourceOptions:
    try:
        given = msgspec.convert(_mapping(fields, "options"), _Options)
    except msgspec.ValidationError:
        given = _Options()
    return ResourceOptions(protect=fields.get("protect") is True, **msgspec.structs.asdict(given))


def _finding(fields: Mapping[str, Any]) -> Finding:
    severity, where = Severity.WARNING, _mapping(fields, "place")
    with suppress(ValueError):
        severity = Severity(_text(fields, "severity"))
    line = where.get("line")
    return Finding(
        _text(fields, "id"),
        severity,
        _text(fields, "message"),
        Place(
            _text(where, "source"), line if isinstance(line, int) else None, _text(where, "path")
        ),
        _text(fields, "help"),
        _text(fields, "link"),
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


def _mapping(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = fields.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(fields: Mapping[str, Any], key: str) -> list[Any]:
    value = fields.get(key)
    return value if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""
