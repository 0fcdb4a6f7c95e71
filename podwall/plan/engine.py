"""Stand-ins for the Pulumi engine: they record what a program registers, and what it logs.

They answer as the engine does in a first preview: what the inputs tell is known, everything else is
unknown, and nothing outside this process is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.proto import callback_pb2, engine_pb2, provider_pb2, resource_pb2

from podwall.aks.resource_types import is_managed_namespace
from podwall.plan.autonaming import Autonaming, stand_in, stand_in_of
from podwall.plan.charts import (
    ASKING_COMPONENTS,
    BUILT_COMPONENTS,
    BUILT_FUNCTIONS,
    LATER,
    RELEASE,
    Build,
    LocalChart,
    LocalKustomization,
    NotBuiltError,
    asked_of_function,
    asked_of_inputs,
    marked_as_made_up,
    namespace_made,
    namespace_of_function,
    not_built,
)
from podwall.plan.documents import NAMESPACE
from podwall.plan.masking import marked_secrets, masked_manifest
from podwall.plan.messages import LogMessage, program_line
from podwall.plan.model import (
    UNKNOWN,
    PlannedResource,
    is_marked,
    kind_of,
    unknown_inputs,
    unknowns_in,
)
from podwall.plan.provider import (
    PROVIDER_COMPONENTS,
    ProviderObjects,
    built_objects,
    function_answer,
    in_namespace,
    preview_outputs,
    provider_objects,
)
from podwall.plan.providers import provider_namespace
from podwall.plan.registration import (
    NOTHING,
    plain,
    planned_resource,
    read_resource,
    struct,
    transform,
)
from podwall.plan.sdk import NotedLines, StandInMonitor, answer, unknown_answer
from podwall.policies.errors import Place, Severity, SourceError, Unknown
from podwall.reading import Document
from podwall.reading.ledger import named_in, single_objects
from podwall.secret_words import SecretWords

__all__ = ["PlanningEngine", "PlanningMonitor"]


_SEVERITIES = {engine_pb2.WARNING: Severity.WARNING, engine_pb2.INFO: Severity.INFO}


class PlanningEngine:
    """Keeps what is said, and apart from it the errors."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.messages: list[LogMessage] = []
        self.errors: list[LogMessage] = []

    def Log(self, request: engine_pb2.LogRequest) -> Any:  # noqa: N802 - the protocol's name
        """Keep a message by its severity; debugging messages are dropped."""
        severity = _SEVERITIES.get(request.severity, Severity.ERROR)
        message = LogMessage(" ".join(request.message.split()), request.urn, severity)
        if request.severity == engine_pb2.ERROR:
            self.errors.append(message)
        elif request.severity in _SEVERITIES:
            self.messages.append(message)
        return NOTHING

    def RequirePulumiVersion(  # noqa: N802 - the protocol's name
        self, _request: engine_pb2.RequirePulumiVersionRequest
    ) -> engine_pb2.RequirePulumiVersionResponse:
        """Accept any demand: there is no engine whose version could be wrong."""
        return engine_pb2.RequirePulumiVersionResponse()


_STACK = "pulumi:pulumi:Stack"


class PlanningMonitor(StandInMonitor):
    """Records every resource that a program registers, in order.

    `classes` maps a type token to the SDK's class of it, as far as the program has used it.
    `secrets` is given the texts of the secrets that it registers; `naming` names what has no name,
    `build` builds charts and kustomizations, and `default` is the default Kubernetes provider.
    """

    def __init__(
        self,
        folder: Path,
        naming: Autonaming,
        secrets: Callable[[Iterable[str]], None],
        build: Build = not_built,
        default: PlannedResource | None = None,
    ) -> None:
        """Record for a stack of the project in `folder`."""
        self._hide = secrets
        self._known = SecretWords()
        self._naming = naming
        self._build = build
        self._default = default
        self._places: dict[tuple[str, str, str], Place] = {}
        super().__init__(_NeverAsked())
        self._folder = folder
        self._prefix = f"urn:pulumi:{naming.stack}::{naming.project}::"
        self._transforms: dict[str, tuple[str, ...]] = {}
        self._stack_transforms_seen: list[str] = []
        self.planned: dict[str, PlannedResource] = {}
        self.outputs: Mapping[str, Any] = {}
        self.classes: dict[str, type] = {}
        self._lines = NotedLines(folder)

    def learn(self, texts: Iterable[str]) -> None:
        """Take note of texts that the program calls secret."""
        listed = list(texts)
        self._known.learn(listed)
        self._hide(listed)

    def note(self, kind: str, name: str, made: type) -> None:
        """Note that the program makes a resource, before it is asked for here."""
        self.classes.setdefault(kind, made)
        self._lines.note(kind, name)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN that the engine would give, which leaves the stack's own type out."""
        above = parent.split("::")[2] if parent else _STACK
        kind = type_ if above == _STACK else f"{above}${type_}"
        return f"{self._prefix}{kind}::{name}"

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Record a resource and answer what a preview knows of it."""
        self._lines.put(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        self._transforms[urn] = tuple(callback.token for callback in request.transforms)
        request = transform(request, self._transforms_of(urn, request.parent))
        request = self._with_name(request, urn)
        self.learn(marked_secrets(plain(request.object)))
        resource = self._at_its_template(planned_resource(request, urn, self._folder))
        if request.type in PROVIDER_COMPONENTS:
            self._record_provided(request, resource)
        elif request.type in BUILT_COMPONENTS:
            self._record_built(request, resource)
        else:
            self._record(resource)
        known = _named(plain(request.object), resource) if request.custom else {}
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=_id(known, resource), object=self._outputs(request.type, known)
        )

    def ReadResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ReadResourceRequest
    ) -> resource_pb2.ReadResourceResponse:
        """Record a resource that exists already; what it is like, only the cloud can tell."""
        self._lines.put(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        self._record(read_resource(request, urn, self._folder))
        return resource_pb2.ReadResourceResponse(
            urn=urn, properties=self._outputs(request.type, plain(request.properties))
        )

    def RegisterResourceOutputs(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> Any:
        """Keep the outputs of the stack; those of a component are its own affair."""
        if request.urn.startswith(f"{self._prefix}{_STACK}::"):
            self.outputs = unknown_inputs(
                plain(request.outputs), _STACK, request.urn.rpartition("::")[2], {}
            )
        return NOTHING

    def RegisterStackTransform(  # noqa: N802 - the protocol's name
        self, request: callback_pb2.Callback
    ) -> Any:
        """Remember a transform that applies to every resource from now on."""
        self._stack_transforms_seen.append(request.token)
        return NOTHING

    def Invoke(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.ResourceInvokeRequest
    ) -> Any:
        """Answer a function of a provider, or say that the answer is unknown."""
        if request.tok in BUILT_FUNCTIONS:
            known = self.built_by_function(request.tok, plain(request.args), "")
        else:
            known = function_answer(request.tok, plain(request.args))
        return unknown_answer() if known is None else answer(struct(known))

    def Call(  # noqa: N802 - the protocol's name
        self, _request: resource_pb2.ResourceCallRequest
    ) -> provider_pb2.CallResponse:
        """Answer a method of a component from another process: it is not there to be asked."""
        return provider_pb2.CallResponse()

    def _with_name(
        self, request: resource_pb2.RegisterResourceRequest, urn: str
    ) -> resource_pb2.RegisterResourceRequest:
        """Return a request for an object with the name that configuration gives it."""
        if not request.custom:
            return request
        sent = plain(request.object)
        try:
            named = self._naming.named(request.type, request.name, sent)
        except SourceError as problem:
            problem.place = planned_resource(request, urn, self._folder).place
            raise
        if named is not sent:
            request.object.CopyFrom(struct(named))
        return request

    def _record_provided(
        self, request: resource_pb2.RegisterResourceRequest, component: PlannedResource
    ) -> None:
        """Record a component whose objects the provider registers, and those objects."""
        try:
            found = provider_objects(request)
        except SourceError as problem:
            problem.place = problem.place if problem.place.source else component.place
            raise
        self._record(replace(component, unseen=found.unseen))
        self._register_below(component, found)

    def _register_below(self, component: PlannedResource, found: ProviderObjects) -> None:
        for each in found.requests:
            each.parent = component.urn
            self.RegisterResource(each)

    def _record_built(
        self, request: resource_pb2.RegisterResourceRequest, resource: PlannedResource
    ) -> None:
        """Record a chart, release or folder, and the objects that a tool builds of it."""
        try:
            found = self._objects_built(request, resource)
        except NotBuiltError as problem:
            self._record(replace(resource, unseen=(str(problem),)))
            return
        self._record(replace(resource, built=not found.unseen, unseen=found.unseen))
        self._register_below(resource, found)
        self._call_by_release(resource)

    def _call_by_release(self, release: PlannedResource) -> None:
        """Let people see the objects of a release under its own name, where Pulumi makes one up."""
        made_up = stand_in(release.urn, f"{release.name}-")
        for each in [*self.planned.values()]:
            name = named_in(each.inputs)[1].rpartition("/")[2]
            if each.parent == release.urn and made_up in name:
                called = name.replace(made_up, release.name)
                self.planned[each.urn] = replace(each, called=called)

    def _objects_built(
        self, request: resource_pb2.RegisterResourceRequest, resource: PlannedResource
    ) -> ProviderObjects:
        for _, unknown in unknowns_in(resource.inputs):
            raise NotBuiltError(unknown.cause)
        inputs = plain(request.object)
        own = given if isinstance(given := inputs.get("namespace"), str) else ""
        urn, name = resource.urn, request.name
        release = stand_in(urn, f"{name}-") if request.type == RELEASE else name
        namespace = own or self._namespace_of(request)
        documents = self._built(asked_of_inputs(request.type, inputs, release, namespace))
        if request.type == RELEASE:
            documents = [marked_as_made_up(each, release) for each in documents]
        made = namespace_made(request.type, inputs, namespace)
        if made is not None and not self._has_namespace(namespace):
            documents = [made, *documents]
        return built_objects(request, documents, own)

    def _built(self, asked: LocalChart | LocalKustomization) -> Sequence[Document]:
        try:
            found = list(single_objects(self._build(asked)))
        except SourceError as problem:
            reason = self._known.masked(problem.message)
            raise NotBuiltError(f"it is not built: {reason}") from problem
        return [
            replace(each, manifest=masked_manifest(each.manifest, self._known)) for each in found
        ]

    def _namespace_of(self, request: resource_pb2.RegisterResourceRequest) -> str:
        reference = request.providers.get("kubernetes", request.provider)
        provider = self.planned.get(reference.rpartition("::")[0], self._default)
        found = provider_namespace(provider)
        if isinstance(found, Unknown):
            raise NotBuiltError(found.cause)
        return found or "default"

    def _has_namespace(self, name: str) -> bool:
        """Return whether the program has made a Namespace of this name."""
        metadata = (
            each.inputs.get("metadata") for each in self.planned.values() if each.type == NAMESPACE
        )
        return any(isinstance(each, Mapping) and each.get("name") == name for each in metadata)

    def built_by_function(
        self, token: str, arguments: Mapping[str, Any], component: str
    ) -> Mapping[str, Any] | None:
        """Return what the SDK's own code has built for a component, None where it is not.

        `component` is the URN of it, empty where it is not known; why nothing is built is noted
        there.
        """
        above = self.planned.get(component)
        try:
            documents = self._built(asked_of_function(token, arguments))
        except NotBuiltError as problem:
            if above is not None:
                self.planned[component] = replace(above, unseen=(str(problem),))
            return None
        if above is not None:
            self.planned[component] = replace(above, built=True)
        namespace = namespace_of_function(arguments)
        placed = [in_namespace(each.manifest, namespace) for each in documents]
        for each, manifest in zip(documents, placed, strict=True):
            self._places[component, *named_in(manifest)] = self._line_of(each.place)
        return {"result": placed}

    def name_what_waits(self) -> None:
        """Note why the SDK had a chart or a folder not built: it waits for values."""
        for each in [*self.planned.values()]:
            if each.type in ASKING_COMPONENTS and not each.built and not each.unseen:
                self.planned[each.urn] = replace(each, unseen=(LATER,))

    def _line_of(self, place: Place) -> Place:
        uri = Path(place.source).resolve().as_uri() if place.source else ""
        return program_line([(uri, place.line or 0)], self._folder)

    def _at_its_template(self, resource: PlannedResource) -> PlannedResource:
        """Return an object that the SDK registers of a chart at its template, else at the chart."""
        above = self.planned.get(resource.parent or "")
        if resource.place.source or above is None:
            return resource
        kind, name = named_in(resource.inputs)
        own = self._places.get((above.urn, kind, name)) or above.place
        return replace(resource, place=own if own.source else above.place)

    def _record(self, resource: PlannedResource) -> None:
        first = self.planned.setdefault(resource.urn, resource)
        if first is not resource:
            raise SourceError(
                f"a second {kind_of(resource.type)} is named `{resource.name}`",
                help=f"give it another name; the first is at {first.place}",
                place=resource.place,
            )

    def _transforms_of(self, urn: str, parent: str) -> Iterator[str]:
        yield from self._transforms[urn]
        above = self.planned.get(parent)
        while above is not None:
            yield from self._transforms.get(above.urn, ())
            above = self.planned.get(above.parent or "")
        yield from self._stack_transforms_seen

    def _outputs(self, token: str, known: Mapping[str, Any]) -> Any:
        return struct(preview_outputs(known, self.classes.get(token)))


def _named(inputs: Mapping[str, Any], resource: PlannedResource) -> Mapping[str, Any]:
    """Return a Kubernetes object's inputs with a name in them, the stand-in for one if need be.

    What takes its namespace from an object that Pulumi names is then known to be in that one, and
    likewise where Azure manages the namespace, whose output `name` is the name of the namespace.
    """
    if is_managed_namespace(resource.type):
        made_up = stand_in(resource.urn, resource.name)
        return {**inputs, "name": inputs.get("managedNamespaceName") or made_up}
    metadata = inputs.get("metadata") or {}
    if not resource.type.startswith("kubernetes:") or not isinstance(metadata, Mapping):
        return inputs
    name = None if is_marked(metadata) else stand_in_of(metadata, resource.urn, resource.name)
    return inputs if name is None else {**inputs, "metadata": {**metadata, "name": name}}


def _id(known: Mapping[str, Any], resource: PlannedResource) -> str:
    """Return the id of a Namespace, which is its name; other ids are not known yet."""
    metadata = known.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    is_known = resource.type == NAMESPACE and isinstance(name, str) and UNKNOWN not in name
    return str(name) if is_known else ""


class _NeverAsked(Mocks):
    """What the base class would ask; the monitor answers everything by itself."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(args.typ)

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)
