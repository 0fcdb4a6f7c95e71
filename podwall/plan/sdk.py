"""What releases of Pulumi's SDK for Python name differently: the one place that knows of any.

Read in the SDK's own code: settings got a root directory in 3.15x, requests the stack of the
program's lines in 3.19x and `replace_with` in 3.21x, and the answer to a function an `unknown` in
3.25x (https://github.com/pulumi/pulumi/blob/master/CHANGELOG.md). What is there is asked for, not
which release it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from typing import Any, Final

import pulumi
import pulumi.runtime
from pulumi.runtime.proto import provider_pb2, resource_pb2, source_pb2

__all__ = [
    "answer",
    "fields",
    "program_lines",
    "put_program_line",
    "settings",
    "unknown_answer",
    "unknown_answers",
]

Request = resource_pb2.RegisterResourceRequest | resource_pb2.ReadResourceRequest


def settings(**choices: Any) -> pulumi.runtime.Settings:
    """Return the SDK's settings as far as it knows the choices."""
    known = signature(pulumi.runtime.Settings).parameters
    return pulumi.runtime.Settings(
        **{name: value for name, value in choices.items() if name in known}
    )


def fields(message: Any) -> frozenset[str]:
    """Return the names of the fields that messages of a type have."""
    return frozenset(message.DESCRIPTOR.fields_by_name)


_HAS_STACK: Final = "stackTrace" in fields(resource_pb2.RegisterResourceRequest)


def program_lines(request: Request) -> Iterator[tuple[str, int]]:
    """Yield the lines that a resource was made at, as URI and number, the innermost first.

    An older SDK tells one line; where a library made the resource, that one is the library's.
    """
    positions = (
        [frame.pc for frame in request.stackTrace.frames]
        if _HAS_STACK
        else [request.sourcePosition]
    )
    yield from ((each.uri, each.line) for each in positions)


def put_program_line(request: Request, uri: str, line: int, parent: Request) -> None:
    """Say that a resource is written at a line, inside what was made at the lines of `parent`.

    Without a URI only those lines are said.
    """
    if not _HAS_STACK:
        own = source_pb2.SourcePosition(uri=uri, line=line)
        request.sourcePosition.CopyFrom(own if uri else parent.sourcePosition)
        return
    if uri:
        frame = request.stackTrace.frames.add()
        frame.pc.uri, frame.pc.line = uri, line
    request.stackTrace.frames.extend(parent.stackTrace.frames)


_Answer: Final[Any] = getattr(resource_pb2, "ResourceInvokeResponse", provider_pb2.InvokeResponse)
_CAN_BE_UNKNOWN: Final = "unknown" in fields(_Answer)
_MARK: Final = "podwall: only the cloud can answer"


def answer(values: Any) -> Any:
    """Return what a function answers, given as a structure."""
    return _Answer(**{"return": values})


def unknown_answer() -> Any:
    """Return the answer of a function that nobody knows; it needs `unknown_answers` around it."""
    if _CAN_BE_UNKNOWN:
        return _Answer(unknown=True)
    response = _Answer()
    getattr(response, "return").update({_MARK: True})
    return response


@contextmanager
def unknown_answers() -> Iterator[None]:
    """Let functions have unknown answers for as long as the body runs.

    An older SDK knows unknown answers, for inputs that are unknown, but lets no engine give one. So
    it is shown a mark in their place, and the value that it makes of an answer knows the mark.
    """
    if _CAN_BE_UNKNOWN:
        yield
        return
    module: Any = import_module("pulumi.runtime.invoke")  # the attribute is a function
    plain = module.InvokeResult

    def result(value: Any, *, is_known: bool = True, **options: Any) -> Any:
        marked = isinstance(value, Mapping) and _MARK in value
        return plain(None if marked else value, is_known=is_known and not marked, **options)

    module.InvokeResult = result
    try:
        yield
    finally:
        module.InvokeResult = plain
