"""Read what Pulumi writes as JSON: previews, engine events and exported stacks.

One preview holds what there is and what there will be: a step has the old state of a resource, the
new one, or both. The streamed form (engine events, one JSON object a line) is read too, and what a
preview leaves out is a finding. The shape of a state is `ResourceV3`.
https://github.com/pulumi/pulumi/blob/master/pkg/display/json.go
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from podwall.plan import Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.plan.program_lines import program_line
from podwall.plan.values import unknown_inputs
from podwall.policies.errors import Finding, Place, Severity

__all__ = [
    "gaps_in_events",
    "gaps_in_preview",
    "is_events",
    "is_preview",
    "is_state",
    "plan_of",
    "planned_resource",
    "preview_plans",
    "state_plan",
    "steps_of_events",
]


KUBERNETES: Final = "kubernetes:"
URN_PARTS: Final = 4


def planned_resource(
    state: Any, change: Operation = Operation.SAME, replaced_by: Iterable[str] = ()
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
    return program_line(
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


CHANGES: Final = {
    "create": Operation.CREATE,
    "create-replacement": Operation.REPLACE,
    "import": Operation.CREATE,
    "import-replacement": Operation.REPLACE,
    "read": Operation.READ,
    "read-replacement": Operation.READ,
    "refresh": Operation.SAME,
    "replace": Operation.REPLACE,
    "same": Operation.SAME,
    "update": Operation.UPDATE,
}


def is_preview(value: Any) -> bool:
    """Say whether a JSON value is a preview."""
    return isinstance(value, Mapping) and isinstance(value.get("steps"), list)


def is_events(values: list[Any]) -> bool:
    """Say whether JSON values are the engine's events, one after another."""
    return bool(values) and all(
        isinstance(value, Mapping) and "sequence" in value and "timestamp" in value
        for value in values
    )


def steps_of_events(values: list[Any]) -> list[Any]:
    """Return the steps that engine events announce, in a preview's own form."""
    announced = (_fields(_fields(value).get("resourcePreEvent")) for value in values)
    steps = (_fields(event.get("metadata")) for event in announced if event)
    return [{**step, "oldState": step.get("old"), "newState": step.get("new")} for step in steps]


def preview_plans(steps: list[Any]) -> tuple[Plan, Plan]:
    """Return the plan of what there is before the deployment, and of what there is after it."""
    before: dict[str, PlannedResource] = {}
    after: dict[str, PlannedResource] = {}
    for step in map(_fields, steps):
        old, new = _old(step), _new(step)
        if old is not None:
            before.setdefault(old.urn, old)
        if new is not None:
            after[new.urn] = new
    return plan_of(before.values()), plan_of(after.values())


def _fields(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _old(step: Mapping[str, Any]) -> PlannedResource | None:
    """Return what there is; a replaced resource whose successor comes first is marked `delete`."""
    state = _fields(step.get("oldState"))
    if step.get("op") == "replace":
        state = {key: value for key, value in state.items() if key != "delete"}
    return planned_resource(state)


def _new(step: Mapping[str, Any]) -> PlannedResource | None:
    change = CHANGES.get(str(step.get("op")))
    if change is None:
        return None
    return planned_resource(step.get("newState"), change, _replaced_by(step))


def _replaced_by(step: Mapping[str, Any]) -> list[str]:
    """Return the paths that force a replacement, which a step tells twice and in any order."""
    reasons = step.get("replaceReasons", step.get("keys"))
    written = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    differences = _fields(step.get("detailedDiff")).items()
    forced = [str(path) for path, each in differences if _forces(_fields(each))]
    return sorted({*written, *forced})


def _forces(difference: Mapping[str, Any]) -> bool:
    return str(difference.get("kind")).endswith("-replace")


def _at_lines(resources: Iterable[PlannedResource]) -> Iterator[PlannedResource]:
    """Yield resources; one that a library's component makes is at the line of that component.

    Engines that tell one line a resource tell that in the library. Documents list parents first.
    """
    places: dict[str, Place] = {}
    for each in resources:
        place = each.place if each.place.source else places.get(each.parent or "", each.place)
        places[each.urn] = place
        yield each if place == each.place else replace(each, place=place)


def plan_of(resources: Iterable[PlannedResource]) -> Plan:
    """Return the plan of resources that a Pulumi document lists."""
    listed = tuple(_at_lines(resources))
    stack, project, *_ = (listed[0].urn if listed else "::").split("::")
    return Plan(project, stack.rpartition(":")[2], listed, origin=Origin.PULUMI)


def is_state(value: Any) -> bool:
    """Say whether a JSON value is an exported stack, or the checkpoint file of a local backend."""
    return _resources(value) is not None


def state_plan(value: Any) -> Plan:
    """Return the plan of the resources of a stack, in which nothing changes."""
    read = (planned_resource(state) for state in _resources(value) or ())
    return plan_of(resource for resource in read if resource is not None)


def _resources(value: Any) -> list[Any] | None:
    for path in (("deployment",), ("checkpoint", "latest")):
        inner = value
        for step in path:
            inner = inner.get(step) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and isinstance(inner.get("resources"), list):
            return list(inner["resources"])
    return None


SAME: Final = "same"

_FAILED: Final = re.compile(r"^(error: )?(Preview failed: )?")
_NO_REASON: Final = {"preview failed", "update failed"}


def gaps_in_preview(document: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Yield findings on a document of `pulumi preview --json` that is not the whole plan."""
    yield from _errors(_list_at(document, "diagnostics"), place)
    yield from _without_sames(
        _mapping_at(document, "changeSummary"), _list_at(document, "steps"), place
    )


def gaps_in_events(events: Sequence[Mapping[str, Any]], place: Place) -> Iterator[Finding]:
    """Yield findings on engine events that are not the whole plan."""
    yield from _errors([_mapping_at(event, "diagnosticEvent") for event in events], place)
    announced = (_mapping_at(event, "resourcePreEvent") for event in events)
    steps = [_mapping_at(event, "metadata") for event in announced]
    for event in events:
        summary = _mapping_at(event, "summaryEvent")
        yield from _without_sames(_mapping_at(summary, "resourceChanges"), steps, place)


def _errors(diagnostics: Sequence[Any], place: Place) -> Iterator[Finding]:
    for text in _reasons(diagnostics):
        yield Finding(
            "preview-failed",
            Severity.ERROR,
            f"the preview failed: {text}",
            place,
            "repair the program: what the preview did not come to is not here",
        )


def _reasons(diagnostics: Sequence[Any]) -> list[str]:
    """Return why a preview failed, each reason once; that it failed is the last one to give."""
    messages = (each for each in diagnostics if isinstance(each, Mapping))
    errors = (each for each in messages if each.get("severity") == "error")
    texts = (" ".join(str(error.get("message")).split()) for error in errors)
    reasons = dict.fromkeys(_FAILED.sub("", text) for text in texts)
    return [reason for reason in reasons if reason not in _NO_REASON] or list(reasons)


def _without_sames(
    summary: Mapping[str, Any], steps: Sequence[Any], place: Place
) -> Iterator[Finding]:
    """Yield a finding if resources that stay as they are were counted but not listed."""
    counted = summary.get(SAME)
    listed = sum(isinstance(step, Mapping) and step.get("op") == SAME for step in steps)
    if isinstance(counted, int) and counted > listed:
        yield Finding(
            "preview-without-sames",
            Severity.ERROR,
            f"the preview leaves out {counted - listed} resources that do not change",
            place,
            "run `pulumi preview --json --show-sames`",
            "https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/",
        )


def _mapping_at(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = node.get(key)
    return value if isinstance(value, Mapping) else {}


def _list_at(node: Mapping[str, Any], key: str) -> list[Any]:
    value = node.get(key)
    return value if isinstance(value, list) else []
