"""Read the state of a stack: what exists now, as far as the last deployment came.

What waits to be deleted (`delete`) is still in the cluster, beside its successor. What was deleted
and not made again (`pendingReplacement`) is not. An operation that a deployment had begun when it
stopped may have been done or not: whatever depends on that is not known.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from podwall.documents import convert
from podwall.plan.documents import identity_of
from podwall.plan.model import Plan, PlannedResource
from podwall.plan.values import kind_of
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.unknown import Unknown
from podwall.sources.policy_absences import NETWORK_POLICY
from podwall.sources.pulumi_documents import ResourceState, plan_of, planned_resource

__all__ = ["is_state", "state_findings", "state_plan"]


class _PendingOperation(Struct):
    """What a deployment had begun when it stopped, such as `creating`, and to what."""

    type: str
    resource: ResourceState


class _Deployment(Struct):
    """The resources of a stack; fields that decide nothing here are not read."""

    resources: list[ResourceState]
    pending_operations: list[_PendingOperation] | None = None


def is_state(value: Any) -> bool:
    """Return whether a JSON value is an exported stack, or the checkpoint of a local backend."""
    return _written(value) is not None


def state_plan(value: Any, place: Place) -> Plan:
    """Return the plan of the resources of a stack, in which nothing changes.

    Where a resource is there twice, because its old object is still to be deleted, the old one
    comes first.

    Raises:
        InvalidValue: no engine writes such a state; its place has the path of what is wrong.
    """
    deployment = _deployment(value, place)
    listed = [each for each in deployment.resources if not each.pending_replacement]
    old = [planned_resource(each) for each in listed if each.delete]
    there = {each.urn: planned_resource(each) for each in listed if not each.delete}
    there |= {each.urn: each for each in _uncertain(deployment)}
    return plan_of((*old, *there.values()))


def _uncertain(deployment: _Deployment) -> Iterator[PlannedResource]:
    """Yield what may be there or not, or may be as it was or not."""
    for pending in deployment.pending_operations or ():
        resource = planned_resource(pending.resource)
        if not resource.type.startswith("kubernetes:") or pending.type == "reading":
            continue
        cause = Unknown(_stopped(pending, resource))
        if pending.type in _CHANGING:
            yield _with_spec(resource, cause)
        elif resource.type == NETWORK_POLICY:
            yield _with_spec(resource, {**_spec(resource), "podSelector": cause})
        else:
            yield resource


_CHANGING: Final = frozenset({"updating"})


def _spec(resource: PlannedResource) -> Mapping[str, Any]:
    spec = resource.inputs.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _with_spec(resource: PlannedResource, spec: object) -> PlannedResource:
    return replace(resource, inputs=MappingProxyType({**resource.inputs, "spec": spec}))


def state_findings(value: Any, place: Place) -> Iterator[Finding]:
    """Yield what a deployment left half-done in the state of a stack.

    Raises:
        InvalidValue: no engine writes such a state; its place has the path of what is wrong.
    """
    deployment = _deployment(value, place)
    for state in deployment.resources:
        resource = planned_resource(state)
        if state.pending_replacement:
            yield _half_done(
                "not-made-again",
                f"a deployment deleted {_called(resource)} and stopped before it made it again: "
                "it is gone",
                resource,
                "deploy again, which makes it",
            )
        elif state.delete:
            yield _half_done(
                "left-to-delete",
                f"{_called(resource)} is still there beside its successor: a deployment stopped "
                "before it deleted it",
                resource,
                "deploy again, which deletes it",
            )
    for pending in deployment.pending_operations or ():
        resource = planned_resource(pending.resource)
        refresh = "find out with `pulumi refresh`"
        yield _half_done("operation-pending", _stopped(pending, resource), resource, refresh)


def _stopped(pending: _PendingOperation, resource: PlannedResource) -> str:
    called = _called(resource)
    return (
        f"a deployment stopped while it was {pending.type} {called}: what came of it is not known"
    )


def _half_done(id_: str, message: str, resource: PlannedResource, help_: str) -> Finding:
    place = resource.place if resource.place.source else Place(resource.urn)
    return Finding(id_, Severity.WARNING, message, place, help_, _LINK)


_LINK: Final = "https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/"


def _called(resource: PlannedResource) -> str:
    identity = identity_of(resource)
    return f"{kind_of(resource.type)} `{resource.name}`" if identity is None else str(identity)


def _deployment(value: Any, place: Place) -> _Deployment:
    path, deployment = _written(value) or ("deployment", {})
    return convert(deployment, _Deployment, place.at(path))


def _written(value: Any) -> tuple[str, Mapping[str, Any]] | None:
    for path in ("deployment", "checkpoint.latest"):
        inner = value
        for step in path.split("."):
            inner = inner.get(step) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and isinstance(inner.get("resources"), list):
            return path, inner
    return None
