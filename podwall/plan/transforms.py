"""Run a program's transforms, which the engine calls back for and Pulumi's mocks leave out.

The engine applies a resource's own transforms first, then those of its parents outwards, then the
stack's (https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

# The SDK keeps the callbacks that it would serve to an engine here, and nowhere else.
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import _sync_await

__all__ = ["transform"]

Request = resource_pb2.RegisterResourceRequest

# What each option is called in a transform's request, and in a registration.
_OPTIONS = {
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
