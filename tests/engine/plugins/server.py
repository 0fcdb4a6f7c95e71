"""The gRPC edge of a stand-in: messages become plain values, refusals become errors."""
# ruff: noqa: N802 - the methods are those of the engine's gRPC service

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc  # type: ignore[import-untyped]  # no stubs
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # no stubs
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import (
    ResourceProviderServicer,
    add_ResourceProviderServicer_to_server,
)

from tests.engine.plugins.provider import Absent, Difference, Provider, Refused, Resource
from tests.engine.plugins.wire import plain, struct, values

__all__ = ["Servicer", "serve"]


class Servicer(ResourceProviderServicer):
    """Answers the engine's calls with those of one stand-in."""

    def __init__(self, name: str, provider: Provider) -> None:
        """Serve `provider` as the plugin `name`."""
        self._name = name
        self._provider = provider

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the version that the SDK asks for."""
        del request, context
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Return a schema without resources: programs bring their own SDK."""
        del request, context
        schema = {"name": self._name, "version": self._provider.version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accept the configuration as it is."""
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Return whether this is still the same provider."""
        del context
        old, new = values(request.old_inputs or request.olds), values(request.news)
        return _difference(self._provider.difference_of_configuration(old, new))

    def Configure(self, request: Any, context: Any) -> Any:
        """Remember the configuration."""
        del context
        self._provider.configure(values(request.args))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=self._provider.keeps_secrets, supportsPreview=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Return the inputs with names and defaults."""
        del context
        resource = _resource(request, seed=request.randomSeed)
        old, new = plain(values(request.olds)), values(request.news)
        try:
            return provider_pb2.CheckResponse(
                inputs=struct(self._provider.checked(resource, old, new))
            )
        except Refused as refusal:
            failure = provider_pb2.CheckFailure(reason=str(refusal))
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])

    def Diff(self, request: Any, context: Any) -> Any:
        """Return what the new inputs change and replace."""
        del context
        old, new = values(request.old_inputs), values(request.news)
        return _difference(self._provider.difference(_resource(request), old, new))

    def Create(self, request: Any, context: Any) -> Any:
        """Create the resource, or say what is known of it before."""
        resource, inputs = _resource(request), values(request.properties)
        if request.preview:
            outputs = self._provider.previewed(resource, inputs, {})
            return provider_pb2.CreateResponse(properties=struct(outputs))
        with _refusals(context):
            created = self._provider.created(resource, inputs)
            return provider_pb2.CreateResponse(id=created.id, properties=struct(created.outputs))

    def Update(self, request: Any, context: Any) -> Any:
        """Change the resource in place, or say what is known of it before."""
        del context
        resource, inputs, state = _resource(request), values(request.news), values(request.olds)
        answer = self._provider.previewed if request.preview else self._provider.updated
        return provider_pb2.UpdateResponse(properties=struct(answer(resource, inputs, state)))

    def Read(self, request: Any, context: Any) -> Any:
        """Return the resource as a refresh finds it, without an id where it is gone."""
        del context
        inputs, state = values(request.inputs), values(request.properties)
        try:
            inputs, state = self._provider.read(_resource(request), inputs, state)
        except Absent:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, inputs=struct(inputs), properties=struct(state)
        )

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource: the engine forgets it."""
        with _refusals(context):
            self._provider.deleted(_resource(request))
        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        """Return the result of a function, or an error where what it asks about does not exist."""
        with _refusals(context):
            result = self._provider.invoked(request.tok, plain(values(request.args)))
            return provider_pb2.InvokeResponse(**{"return": struct(result)})

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing: every call is short."""
        del request, context
        return Empty()


def serve(name: str, provider: Provider) -> None:
    """Serve `provider` until the engine ends this process; the port is the first line of stdout."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    add_ResourceProviderServicer_to_server(Servicer(name, provider), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    with suppress(KeyboardInterrupt):  # how the engine ends a plugin
        server.wait_for_termination()


@contextmanager
def _refusals(context: Any) -> Iterator[None]:
    """End the call with the stand-in's own words where it refuses."""
    try:
        yield
    except Absent as absence:
        context.abort(grpc.StatusCode.NOT_FOUND, str(absence))
    except Refused as refusal:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))


def _resource(request: Any, seed: bytes = b"") -> Resource:
    token = request.urn.split("::")[2].rsplit("$", 1)[-1]
    return Resource(request.urn, token, seed, getattr(request, "id", ""))


def _difference(found: Difference) -> Any:
    """Return the engine's form of `found`: every path with its kind, replacing or not."""
    kinds = provider_pb2.PropertyDiff.Kind
    detailed = {
        change.path: provider_pb2.PropertyDiff(
            kind=kinds.Value(
                f"{change.kind}_REPLACE" if change.path in found.replaces else change.kind
            ),
            inputDiff=True,
        )
        for change in found.changes
    }
    some = provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some,
        replaces=found.replaces,
        deleteBeforeReplace=found.delete_before_replace,
        diffs=sorted({change.path.split(".")[0].split("[")[0] for change in found.changes}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
