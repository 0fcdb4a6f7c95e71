"""What releases of Pulumi's SDK for Python name differently: the one place that knows of any.

Read in the SDK's own code: settings got a root directory in 3.15x, requests the stack of the
program's lines in 3.19x and `replace_with` in 3.21x, and the answer to a function an `unknown` in
3.25x (https://github.com/pulumi/pulumi/blob/master/CHANGELOG.md). What is there is asked for, not
which release it is.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi.runtime
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # no stubs
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import provider_pb2, resource_pb2, source_pb2
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from podwall.plan.messages import is_program

__all__ = [
    "NotedLines",
    "StandInMonitor",
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


def answer(values: Any) -> Any:
    """Return what a function answers, given as a structure."""
    return _Answer(**{"return": values})


def unknown_answer() -> Any:
    """Return the answer of a function that nobody knows; it needs `unknown_answers` around it."""
    return _Answer(unknown=True) if _CAN_BE_UNKNOWN else _UnknownAnswer()


class _UnknownAnswer:
    """Stands for an unknown answer, and notes that its values were read."""

    read = False
    failures = ()

    def __getattr__(self, name: str) -> Any:
        """Return no values as `return`, which nothing in a class can be called."""
        if name != "return":
            raise AttributeError(name)
        _UnknownAnswer.read = True
        return struct_pb2.Struct()


@contextmanager
def unknown_answers() -> Iterator[None]:
    """Let functions have unknown answers for as long as the body runs.

    An older SDK has unknown results, for inputs that are unknown, but lets no engine give one. It
    makes a result in the same step in which it reads the values of an answer, so that a result is
    known by what was read last.
    """
    if _CAN_BE_UNKNOWN:
        yield
        return
    module: Any = import_module("pulumi.runtime.invoke")  # the attribute is a function
    plain = module.InvokeResult

    def result(value: Any, *, is_known: bool = True, **options: Any) -> Any:
        unknown, _UnknownAnswer.read = _UnknownAnswer.read, False
        return plain(None if unknown else value, is_known=is_known and not unknown, **options)

    module.InvokeResult = result
    try:
        yield
    finally:
        module.InvokeResult = plain


if TYPE_CHECKING:
    StandInMonitor = MockMonitor
else:

    class StandInMonitor(MockMonitor, ResourceMonitorStub):
        """Pulumi's mocks, as an older SDK takes them for an engine.

        It serves callbacks only to what is a stub, and its mocks accept no hooks and no transforms
        of functions, which a plan never runs.
        """

        def _accept(self, _request: Any) -> Any:
            return empty_pb2.Empty()

        RegisterResourceHook = getattr(MockMonitor, "RegisterResourceHook", _accept)
        RegisterErrorHook = getattr(MockMonitor, "RegisterErrorHook", _accept)
        RegisterStackInvokeTransform = getattr(MockMonitor, "RegisterStackInvokeTransform", _accept)


class NotedLines:
    """The lines at which resources are made, for an SDK that tells the engine none of a program's.

    A typed class of an older SDK tells a line of its own.
    """

    def __init__(self, folder: Path) -> None:
        """Note lines of the program in `folder`."""
        self._folder = folder
        self._noted: dict[tuple[str, str], list[tuple[str, int]]] = {}

    def note(self, kind: str, name: str) -> None:
        """Note the innermost line of the program that is running now."""
        if _HAS_STACK:
            return
        for frame in reversed(traceback.extract_stack()):
            if is_program(Path(frame.filename), self._folder):
                position = (Path(frame.filename).as_uri(), frame.lineno or 0)
                self._noted.setdefault((kind, name), []).append(position)
                return

    def put(self, request: Request) -> None:
        """Put what was noted into the request for the resource."""
        noted = self._noted.get((request.type, request.name))
        if noted:
            uri, line = noted.pop(0)
            request.sourcePosition.CopyFrom(source_pb2.SourcePosition(uri=uri, line=line))
