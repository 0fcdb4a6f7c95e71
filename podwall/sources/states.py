"""Read what exists now: the state of a stack, and what the API server has stored.

What waits to be deleted (`delete`) is still in the cluster, beside its successor. What was deleted
and not made again (`pendingReplacement`) is not. An operation that a deployment had begun when it
stopped may have been done or not: whatever depends on that is not known.
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go

The directions that a policy isolates are computed when it is made, and not again when it is
applied: egress rules that come later have no effect, and isolation stays when they go. A preview
shows what is stored; of manifests nobody knows whether they replace or apply.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from podwall.documents import convert
from podwall.plan.documents import identity_of
from podwall.plan.model import Plan, PlannedResource, kind_of
from podwall.policies.errors import Finding, Place, Severity, Unknown
from podwall.reading import Document
from podwall.reading.ledger import single_objects
from podwall.sources.model import Source
from podwall.sources.object_steps import NETWORK_POLICY
from podwall.sources.pulumi_documents import ResourceState, plan_of, planned_resource

__all__ = [
    "is_state",
    "state_findings",
    "state_plan",
    "with_types_in_doubt",
]


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


def with_types_in_doubt(before: Source, after: Source) -> Source:
    """Return what comes, its egress in doubt where it depends on what the server has stored."""
    if before.plan is not None or after.plan is not None:
        return after
    old = dict(_egress(before.planned.documents))
    if not old:
        return after
    listed = tuple(_in_doubt(each, old) for each in single_objects(after.planned.documents))
    return replace(after, planned=replace(after.planned, documents=listed))


def _egress(documents: Iterable[Document]) -> Iterable[tuple[tuple[str, str], bool]]:
    """Yield whether policies have egress rules, of those that do not write `policyTypes`."""
    for each in single_objects(documents):
        found = _without_types(each.manifest)
        if found is not None:
            yield found


def _without_types(manifest: Any) -> tuple[tuple[str, str], bool] | None:
    if not isinstance(manifest, Mapping) or manifest.get("kind") != "NetworkPolicy":
        return None
    metadata, spec = manifest.get("metadata"), manifest.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return None
    if spec.get("policyTypes") or manifest.get("apiVersion") != "networking.k8s.io/v1":
        return None
    name = (str(metadata.get("namespace") or "default"), str(metadata.get("name")))
    return name, bool(spec.get("egress"))


def _in_doubt(document: Document, old: Mapping[tuple[str, str], bool]) -> Document:
    found = _without_types(document.manifest)
    if found is None or old.get(found[0], found[1]) == found[1]:
        return document
    cause = Unknown(
        f"NetworkPolicy `{'/'.join(found[0])}` does not write `policyTypes`, and what is stored "
        "stays when it is applied"
    )
    spec = {**document.manifest["spec"], "policyTypes": ["Ingress", cause]}
    return replace(document, manifest={**document.manifest, "spec": spec})
