"""Turn a program's request for a resource into the planned resource, its transforms applied.

The engine calls back for transforms, which Pulumi's mocks leave out: a resource's own come first,
then those of its parents outwards, then the stack's
(https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # no stubs
from google.protobuf.json_format import (  # type: ignore[import-untyped]  # no stubs
    MessageToDict,
    ParseDict,
)
from pulumi import Alias
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import _sync_await

from podwall.plan.existing_objects import read_inputs
from podwall.plan.messages import program_line
from podwall.plan.model import Operation, PlannedResource, ResourceOptions, kind_of, unknown_inputs
from podwall.plan.providers import PROVIDER, kubeconfig_of
from podwall.plan.sdk import fields, program_lines
from podwall.policies.errors import Place

__all__ = [
    "NOTHING",
    "is_other_version",
    "plain",
    "planned_resource",
    "read_resource",
    "struct",
    "transform",
]


NOTHING: Any = empty_pb2.Empty()


def plain(message: Any) -> dict[str, Any]:
    """Return a structure as a dictionary; every number in it is a float."""
    values: dict[str, Any] = MessageToDict(message)
    return values


def struct(values: Mapping[str, Any]) -> Any:
    """Return a dictionary as a structure."""
    return ParseDict(dict(values), struct_pb2.Struct())


def planned_resource(
    request: resource_pb2.RegisterResourceRequest, urn: str, folder: Path
) -> PlannedResource:
    """Return the resource that `request` asks for; `folder` is the project's."""
    dependencies = _property_dependencies(request)
    sent = plain(request.object)
    return PlannedResource(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=unknown_inputs(sent, request.type, request.name, dependencies),
        custom=request.custom,
        parent=request.parent or None,
        provider=_provider(request.provider),
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies=dependencies,
        options=_options(request),
        change=Operation.CREATE,
        place=_place(request, folder),
        kubeconfig=kubeconfig_of(sent) if request.type == PROVIDER else None,
    )


def read_resource(
    request: resource_pb2.ReadResourceRequest, urn: str, folder: Path
) -> PlannedResource:
    """Return the existing resource that `request` looks up, of which little is known."""
    return PlannedResource(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=MappingProxyType(read_inputs(request.type, request.name, request.id)),
        parent=request.parent or None,
        provider=_provider(request.provider),
        dependencies=tuple(sorted(request.dependencies)),
        options=ResourceOptions(import_id=request.id or None),
        change=Operation.READ,
        place=_place(request, folder),
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
        replace_with=tuple(getattr(request, "replace_with", ())),
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


def is_other_version(alias: Any, kind: str) -> bool:
    """Return whether an alias says no more than that a kind had another API version.

    These are no part of a plan, see `_aliases`.
    """
    if not isinstance(alias, Alias):
        return False
    given = {name: value for name, value in vars(alias).items() if value is not ...}
    type_ = given.pop("type_", None)
    return not given and isinstance(type_, str) and kind_of(type_) == kind_of(kind)


def _timeouts(
    timeouts: resource_pb2.RegisterResourceRequest.CustomTimeouts,
) -> Mapping[str, str]:
    given = {name: getattr(timeouts, name) for name in ("create", "update", "delete")}
    return MappingProxyType({name: text for name, text in given.items() if text})


def _place(
    request: resource_pb2.RegisterResourceRequest | resource_pb2.ReadResourceRequest, folder: Path
) -> Place:
    return program_line(program_lines(request), folder)


# The SDK keeps the callbacks that it would serve to an engine here, and nowhere else.


Request = resource_pb2.RegisterResourceRequest

# What each option is called in a transform's request, and in a registration.
_NAMES = {
    "additional_secret_outputs": "additionalSecretOutputs",
    "aliases": "aliases",
    "custom_timeouts": "customTimeouts",
    "delete_before_replace": "deleteBeforeReplace",
    "deleted_with": "deletedWith",
    "depends_on": "dependencies",
    "ignore_changes": "ignoreChanges",
    "import": "importId",
    "plugin_download_url": "pluginDownloadURL",
    "protect": "protect",
    "provider": "provider",
    "replace_on_changes": "replaceOnChanges",
    "replace_with": "replace_with",
    "retain_on_delete": "retainOnDelete",
    "version": "version",
}
# An older SDK knows fewer of them.
_OPTIONS = {
    theirs: ours
    for theirs, ours in _NAMES.items()
    if theirs in fields(resource_pb2.TransformResourceOptions) and ours in fields(Request)
}


def transform(request: Request, tokens: Iterable[str]) -> Request:
    """Return `request` as the transforms named by `tokens` leave it, applied in that order."""
    for token in tokens:
        request = _transformed(request, _callback(token))
    return request


def _callback(token: str) -> Callable[[bytes], Awaitable[Any]]:
    for servicer in _CallbackServicer._servicers:  # noqa: SLF001 - see the import
        if token in servicer._callbacks:  # noqa: SLF001 - see the import
            return servicer._callbacks[token]  # noqa: SLF001 - see the import
    raise LookupError(token)


def _transformed(request: Request, callback: Callable[[bytes], Awaitable[Any]]) -> Request:
    options = resource_pb2.TransformResourceOptions()
    for theirs, ours in _OPTIONS.items():
        _copy(request, ours, options, theirs)
    question = resource_pb2.TransformRequest(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        properties=request.object,
        options=options,
    )
    return _with_answer(request, _sync_await(callback(question.SerializeToString())))


def _with_answer(request: Request, answer: resource_pb2.TransformResponse) -> Request:
    changed = Request()
    changed.CopyFrom(request)
    changed.object.CopyFrom(answer.properties)
    if answer.HasField("options"):
        for theirs, ours in _OPTIONS.items():
            changed.ClearField(cast("Any", ours))
            _copy(answer.options, theirs, changed, ours)
    return changed


def _copy(source: Any, source_field: str, target: Any, target_field: str) -> None:
    """Copy one field between messages, whether it is a scalar, a list or a message."""
    value = getattr(source, source_field)
    if hasattr(value, "CopyFrom"):
        if source.HasField(source_field):
            getattr(target, target_field).CopyFrom(value)
    elif hasattr(value, "extend"):
        getattr(target, target_field).extend(value)
    elif value:
        setattr(target, target_field, value)
