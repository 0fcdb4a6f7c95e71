"""What a provider answers in a preview: the inputs, in the shape of the outputs.

The rule is that of the azure-native provider: an output that the inputs tell is known, every other
one is unknown, field by field and level by level (`PreviewOutputs` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/convert/previewOutputs.go).
It also keeps apart what has one shape going in and another coming out, such as the list of a
cluster's user-assigned identities, which comes back as a map.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

# The SDK offers the types of outputs nowhere else; its own deserializer reads them from here.
from pulumi._types import is_output_type, output_type_types, resource_types

from podwall.plan.wire import UNKNOWN, is_marked

__all__ = ["preview_outputs"]

_SCALARS = (str, int, float, bool)


def preview_outputs(inputs: Mapping[str, Any], resource: type | None) -> dict[str, Any]:
    """Return the outputs that a preview knows, in the engine's own form.

    `resource` is the SDK's class of the resource; without one the inputs are returned as they are.
    A top-level output that is left out is unknown to the SDK.
    """
    if resource is None:
        return dict(inputs)
    kinds = resource_types(resource)
    return {key: _output(value, kinds[key]) for key, value in inputs.items() if key in kinds}


def _output(value: Any, kind: Any) -> Any:
    """Return an input as the output of type `kind`, or the unknown where it has another shape."""
    kind = _required(kind)
    origin = get_origin(kind) or kind
    if value == UNKNOWN or is_marked(value) or not isinstance(origin, type):
        return value
    if is_output_type(origin):
        return _object(value, output_type_types(origin))
    if get_args(kind):
        return _container(value, origin, get_args(kind))
    return value if issubclass(origin, Mapping) or isinstance(value, _SCALARS) else UNKNOWN


def _object(value: Any, kinds: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return UNKNOWN
    return {k: _output(value[k], kind) if k in value else UNKNOWN for k, kind in kinds.items()}


def _container(value: Any, origin: type, kinds: tuple[Any, ...]) -> Any:
    if issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {key: _output(item, kinds[1]) for key, item in value.items()}
    if not issubclass(origin, Mapping) and isinstance(value, list):
        return [_output(item, kinds[0]) for item in value]
    return UNKNOWN


def _required(kind: Any) -> Any:
    """Return `T` of an `Optional[T]`, `Any` of a wider choice, anything else as it is."""
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind
    kinds = [option for option in get_args(kind) if option is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else Any
