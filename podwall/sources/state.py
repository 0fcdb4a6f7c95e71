"""Read `pulumi stack export`: what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwall.plan import Plan
from podwall.sources.preview import plan_of
from podwall.sources.resource_states import planned_resource

__all__ = ["is_state", "state_plan"]


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
