"""Turn a program's request for a resource into the planned resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from pulumi.runtime.proto import resource_pb2, source_pb2

from podwall.plan.model import Change, PlannedResource, ResourceOptions
from podwall.plan.place import first_place
from podwall.plan.structs import plain
from podwall.plan.unknowns import kind_of, unknown_inputs
from podwall.policies.errors import Place

__all__ = ["planned_resource", "read_resource"]


def planned_resource(
    request: resource_pb2.RegisterResourceRequest, urn: str, folder: Path
) -> PlannedResource:
    """Return the resource that `request` asks for; `folder` is the project's."""
    dependencies = _property_dependencies(request)
    return PlannedResource(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=unknown_inputs(plain(request.object), request.type, request.name, dependencies),
        custom=request.custom,
        parent=request.parent or None,
        provider=_provider(request.provider),
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies=dependencies,
        options=_options(request),
        change=Change.CREATE,
        place=_place(request.stackTrace, folder),
    )


def read_resource(
    request: resource_pb2.ReadResourceRequest, urn: str, folder: Path
) -> PlannedResource:
    """Return the existing resource that `request` looks up; it has no inputs of its own."""
    return PlannedResource(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=MappingProxyType({}),
        parent=request.parent or None,
        provider=_provider(request.provider),
        dependencies=tuple(sorted(request.dependencies)),
        options=ResourceOptions(import_id=request.id or None),
        change=Change.READ,
        place=_place(request.stackTrace, folder),
    )


def _property_dependencies(
    request: resource_pb2.RegisterResourceRequest,
) -> Mapping[str, tuple[str, ...]]:
    found = {key: tuple(sorted(deps.urns)) for key, deps in request.propertyDependencies.items()}
    return MappingProxyType({key: urns for key, urns in sorted(found.items()) if urns})


def _provider(reference: str) -> str | None:
    """Return the URN of a provider reference, which is `urn::id`."""
    return reference.rpartition("::")[0] or None


def _options(request: resource_pb2.RegisterResourceRequest) -> ResourceOptions:
    return ResourceOptions(
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        deleted_with=request.deletedWith or None,
        replace_with=tuple(request.replace_with),
        replace_on_changes=tuple(request.replaceOnChanges),
        ignore_changes=tuple(request.ignoreChanges),
        aliases=(*_aliases(request), *request.aliasURNs),
        timeouts=_timeouts(request.customTimeouts),
        secret_outputs=tuple(request.additionalSecretOutputs),
        import_id=request.importId or None,
    )


def _aliases(request: resource_pb2.RegisterResourceRequest) -> Iterator[str]:
    """Yield aliases as URNs, or as `type::name` with what is left out empty.

    Left out are those that the SDK itself adds: the type under its other API versions.
    """
    for alias in request.aliases:
        kind, name = alias.spec.type, alias.spec.name
        if alias.urn:
            yield alias.urn
        elif name or alias.spec.parentUrn or kind_of(kind) != kind_of(request.type):
            yield f"{kind}::{name}"


def _timeouts(
    timeouts: resource_pb2.RegisterResourceRequest.CustomTimeouts,
) -> Mapping[str, str]:
    given = {name: getattr(timeouts, name) for name in ("create", "update", "delete")}
    return MappingProxyType({name: text for name, text in given.items() if text})


def _place(trace: source_pb2.StackTrace, folder: Path) -> Place:
    return first_place(((frame.pc.uri, frame.pc.line) for frame in trace.frames), folder)
