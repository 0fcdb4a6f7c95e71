"""The stack, planned on Pulumi's mocks as `podwall preview` plans it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from podwall.plan.embedded import embedded_plan
from podwall.plan.model import Plan, PlannedResource
from tests.stack.documents import ROOT

__all__ = ["ancestors", "named", "objects", "one", "plan"]


def plan(stack: str, **configuration: Any) -> Plan:
    """Return the plan of a stack with some of its configuration overridden."""
    return embedded_plan(ROOT, stack, configuration) if configuration else _as_configured(stack)


@cache
def _as_configured(stack: str) -> Plan:
    # A plan is a value: tests that only look at it can look at the same one.
    return embedded_plan(ROOT, stack)


def one(planned: Plan, kind: str, name: str | None = None) -> PlannedResource:
    """Return the only resource of a type, or the one with this name."""
    found = [each for each in planned.resources if each.type.endswith(kind)]
    (only,) = [each for each in found if name in (None, each.name)]
    return only


def objects(planned: Plan) -> Iterator[PlannedResource]:
    """Yield the Kubernetes objects."""
    return (each for each in planned.resources if each.type.startswith("kubernetes:"))


def named(planned: Plan, urn: str) -> str:
    """Return `Kind name` of a resource."""
    (found,) = [each for each in planned.resources if each.urn == urn]
    return f"{found.type.rpartition(':')[2]} {found.name}"


def ancestors(planned: Plan, resource: PlannedResource) -> Iterator[str]:
    """Yield the types of the components around a resource, the innermost first."""
    parent = next((each for each in planned.resources if each.urn == resource.parent), None)
    if parent is not None:
        yield parent.type
        yield from ancestors(planned, parent)
