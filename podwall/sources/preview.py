"""Read `pulumi preview --json --show-sames`: what there is, and what there will be.

One document holds both: a step has the old state of a resource, the new one, or both. The streamed
form (engine events, one JSON object a line) is read too.
https://github.com/pulumi/pulumi/blob/master/pkg/display/json.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from podwall.plan import Change, Origin, Plan, PlannedResource
from podwall.policies.errors import Place
from podwall.sources.resource_states import planned_resource

__all__ = ["is_events", "is_preview", "plan_of", "preview_plans", "steps_of_events"]

CHANGES: Final = {
    "create": Change.CREATE,
    "create-replacement": Change.REPLACE,
    "import": Change.CREATE,
    "import-replacement": Change.REPLACE,
    "read": Change.READ,
    "read-replacement": Change.READ,
    "refresh": Change.SAME,
    "replace": Change.REPLACE,
    "same": Change.SAME,
    "update": Change.UPDATE,
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
    announced = (_mapping(_mapping(value).get("resourcePreEvent")) for value in values)
    steps = (_mapping(event.get("metadata")) for event in announced if event)
    return [{**step, "oldState": step.get("old"), "newState": step.get("new")} for step in steps]


def preview_plans(steps: list[Any]) -> tuple[Plan, Plan]:
    """Return the plan of what there is before the deployment, and of what there is after it."""
    before: dict[str, PlannedResource] = {}
    after: dict[str, PlannedResource] = {}
    for step in map(_mapping, steps):
        old, new = _old(step), _new(step)
        if old is not None:
            before.setdefault(old.urn, old)
        if new is not None:
            after[new.urn] = new
    return plan_of(before.values()), plan_of(after.values())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _old(step: Mapping[str, Any]) -> PlannedResource | None:
    """Return what there is; a replaced resource whose successor comes first is marked `delete`."""
    state = _mapping(step.get("oldState"))
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
    told = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    differences = _mapping(step.get("detailedDiff")).items()
    forced = [str(path) for path, each in differences if _forces(_mapping(each))]
    return sorted({*told, *forced})


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
