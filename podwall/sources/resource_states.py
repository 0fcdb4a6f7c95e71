"""Read resource states as previews, exports and engine events write them.

The shape is `ResourceV3`:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from podwall.plan import Change, PlannedResource, ResourceOptions
from podwall.plan.place import first_place
from podwall.plan.unknowns import unknown_inputs
from podwall.policies.errors import Place

__all__ = ["planned_resource"]

KUBERNETES: Final = "kubernetes:"
URN_PARTS: Final = 4


def planned_resource(
    state: Any, change: Change = Change.SAME, replaced_by: Iterable[str] = ()
) -> PlannedResource | None:
    """Return the resource of a state; None for one that can't be read or is about to be deleted."""
    fields = _mapping(state)
    urn, type_ = _text(fields, "urn"), _text(fields, "type")
    parts = urn.split("::", URN_PARTS - 1)
    if len(parts) != URN_PARTS or not type_ or fields.get("delete") is True:
        return None
    dependencies = MappingProxyType(dict(_dependencies(fields)))
    return PlannedResource(
        urn=urn,
        type=type_,
        name=parts[-1],
        inputs=unknown_inputs(_inputs(fields, type_), type_, parts[-1], dependencies),
        custom=fields.get("custom") is True,
        parent=_text(fields, "parent") or None,
        provider=_text(fields, "provider").rpartition("::")[0] or None,
        dependencies=tuple(_texts(fields.get("dependencies"))),
        property_dependencies=dependencies,
        options=ResourceOptions(protect=fields.get("protect") is True),
        change=change,
        replaced_by=tuple(replaced_by),
        place=_place(fields),
    )


def _inputs(fields: Mapping[str, Any], type_: str) -> dict[str, Any]:
    """Return what the program asked for; what was read from a cluster has only outputs."""
    written = _mapping(fields.get("inputs")) or _mapping(fields.get("outputs"))
    inputs = {str(key): value for key, value in written.items() if not str(key).startswith("__")}
    return {**_identity(type_), **inputs} if type_.startswith(KUBERNETES) else inputs


def _identity(type_: str) -> dict[str, str]:
    """Return the apiVersion and kind that a type token stands for.

    >>> _identity("kubernetes:core/v1:Pod")
    {'apiVersion': 'v1', 'kind': 'Pod'}
    """
    version, _, kind = type_.removeprefix(KUBERNETES).rpartition(":")
    return {"apiVersion": version.removeprefix("core/"), "kind": kind}


def _dependencies(fields: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, urns in _mapping(fields.get("propertyDependencies")).items():
        yield str(name), tuple(_texts(urns))


def _place(fields: Mapping[str, Any]) -> Place:
    """Return the line of the program that made the resource; older engines do not tell."""
    trace = fields.get("stackTrace")
    frames = [fields, *(trace if isinstance(trace, list) else [])]
    positions = (_text(_mapping(frame), "sourcePosition") for frame in frames)
    return first_place(
        (_frame(position) for position in positions if _is_inside(position)), Path.cwd()
    )


def _is_inside(position: str) -> bool:
    """Say whether a position is a line of a file in the project's folder."""
    return position.rpartition("#")[2].isdecimal() and "/../" not in position


def _frame(position: str) -> tuple[str, int]:
    uri, _, line = position.rpartition("#")
    return uri, int(line)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> Iterator[str]:
    return (
        (item for item in value if isinstance(item, str)) if isinstance(value, list) else iter(())
    )
