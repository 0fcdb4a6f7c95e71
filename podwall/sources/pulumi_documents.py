"""Read what Pulumi writes as JSON: previews, engine events and exported stacks.

One preview holds what there is and what there will be: a step has the old state of a resource, the
new one, or both. The streamed form (engine events, one JSON object a line) is read too, and what a
preview leaves out is a finding. The shape of a state is `ResourceV3`.
https://github.com/pulumi/pulumi/blob/master/pkg/display/json.go
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from podwall.documents import convert
from podwall.plan import Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.plan.autonaming import KEY as AUTONAMING
from podwall.plan.autonaming import Autonaming
from podwall.plan.existing_objects import api_identity, read_inputs
from podwall.plan.masking import masked
from podwall.plan.messages import EngineDiagnostic, program_line
from podwall.plan.model import unknown_inputs
from podwall.plan.providers import PROVIDER, default_provider, kubeconfig_of
from podwall.policies.errors import Finding, InvalidValue, Place, Severity
from podwall.policies.wording import shown

__all__ = [
    "EngineOperation",
    "PreviewStep",
    "PulumiPreview",
    "ResourceState",
    "gaps",
    "is_events",
    "is_preview",
    "is_refresh",
    "left_out",
    "plan_of",
    "planned_resource",
    "preview_in",
    "preview_in_events",
]


class EngineOperation(StrEnum):
    """What a step does to a resource, in the engine's words.

    https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
    """

    CREATE = "create"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE = "delete"
    DELETE_REPLACED = "delete-replaced"
    DISCARD = "discard"
    DISCARD_REPLACED = "discard-replaced"
    IMPORT = "import"
    IMPORT_REPLACEMENT = "import-replacement"
    READ = "read"
    READ_REPLACEMENT = "read-replacement"
    REFRESH = "refresh"
    REMOVE_PENDING_REPLACE = "remove-pending-replace"
    REPLACE = "replace"
    SAME = "same"
    UPDATE = "update"


class StackFrame(Struct, rename="camel"):
    """A line of a program that led to a resource."""

    source_position: str | None = None


class ResourceState(Struct, rename="camel"):
    """A resource as the engine keeps it; fields that decide nothing here are not read."""

    urn: str
    type: str
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    id: str | None = None
    custom: bool = False
    delete: bool = False
    external: bool = False
    parent: str | None = None
    pending_replacement: bool = False
    provider: str | None = None
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str | None = None
    dependencies: list[str] | None = None
    property_dependencies: dict[str, list[str] | None] | None = None
    source_position: str | None = None
    stack_trace: list[StackFrame] | None = None

    def __post_init__(self) -> None:
        """Refuse what is named, or depends on what is named, by something else than a URN."""
        _check_urn(self.urn, "urn")
        for name, urns in (self.property_dependencies or {}).items():
            for number, each in enumerate(urns or ()):
                _check_urn(each, f"propertyDependencies[{name}][{number}]")


def _check_urn(text: str, path: str) -> None:
    parts = text.split("::", _URN_PARTS - 1)
    if len(parts) < _URN_PARTS or not all(parts):
        raise InvalidValue(
            f"must be a URN, is {shown(text)}",
            help="as in `urn:pulumi:dev::shop::kubernetes:core/v1:Pod::web`",
            place=Place(path=path),
        )


class PropertyDifference(Struct):
    """What becomes of one property of a resource."""

    kind: str | None = None


class PreviewStep(Struct, rename="camel"):
    """What a deployment does to a resource: its state before, its state afterwards, or both."""

    op: EngineOperation
    urn: str = ""
    old_state: ResourceState | None = None
    new_state: ResourceState | None = None
    replace_reasons: list[str] | None = None
    detailed_diff: dict[str, PropertyDifference] | None = None


class PulumiPreview(Struct, rename="camel"):
    """What `pulumi preview --json` prints."""

    steps: list[PreviewStep]
    diagnostics: list[EngineDiagnostic] | None = None
    change_summary: dict[str, int] | None = None
    config: dict[str, Any] | None = None

    @property
    def default_provider(self) -> PlannedResource | None:
        """The default Kubernetes provider, as the configuration describes it."""
        return default_provider(self.config or {})


#: Steps that look at what there is, which only the event at their end shows.
_FINDING: Final = frozenset(
    {EngineOperation.READ, EngineOperation.READ_REPLACEMENT, EngineOperation.REFRESH}
)


class _EventStep(Struct, rename="camel"):
    op: EngineOperation
    urn: str = ""
    old: ResourceState | None = None
    new: ResourceState | None = None
    keys: list[str] | None = None
    detailed_diff: dict[str, PropertyDifference] | None = None

    def step(self, found: Mapping[str, ResourceState | None]) -> PreviewStep:
        """Return the step; `found` is what was found by looking, by URN, which its end tells."""
        new = found.get(self.urn, self.new) if self.op in _FINDING else self.new
        return PreviewStep(self.op, self.urn, self.old, new, self.keys, self.detailed_diff)


class _StepEvent(Struct):
    metadata: _EventStep


class _SummaryEvent(Struct, rename="camel"):
    resource_changes: dict[str, int] | None = None


class _EngineEvent(Struct, rename="camel"):
    resource_pre_event: _StepEvent | None = None
    res_outputs_event: _StepEvent | None = None
    diagnostic_event: EngineDiagnostic | None = None
    summary_event: _SummaryEvent | None = None


def is_preview(value: Any) -> bool:
    """Return whether a JSON value is a preview."""
    return isinstance(value, Mapping) and isinstance(value.get("steps"), list)


def preview_in(value: Any, place: Place) -> PulumiPreview:
    """Return a preview.

    Raises:
        InvalidValue: no engine writes such a preview; its place has the path of what is wrong.
    """
    found = convert(value, PulumiPreview, place)
    if AUTONAMING in (found.config or {}):
        for state in {id(each.new_state): each.new_state for each in found.steps}.values():
            if state is not None and state.inputs is not None:
                _name(state, found.config or {})
    return found


def _name(state: ResourceState, config: Mapping[str, Any]) -> None:
    """Give an object the name that configuration gives it, which a first preview leaves out."""
    stack, project, *_ = state.urn.split("::")
    naming = Autonaming(project, stack.rpartition(":")[2], config)
    name = state.urn.split("::", _URN_PARTS - 1)[-1]
    state.inputs = dict(naming.named(state.type, name, state.inputs or {}))


def is_events(values: list[Any]) -> bool:
    """Return whether JSON values are the engine's events, one after another."""
    return bool(values) and all(
        isinstance(value, Mapping) and "sequence" in value and "timestamp" in value
        for value in values
    )


def preview_in_events(values: list[Any], place: Place) -> PulumiPreview:
    """Return what the engine's events tell, as a preview.

    Raises:
        InvalidValue: no engine writes such an event; its place has the path of what is wrong.
    """
    events = convert(values, list[_EngineEvent], place)
    summaries = (each.summary_event.resource_changes for each in events if each.summary_event)
    begun = [each.resource_pre_event.metadata for each in events if each.resource_pre_event]
    ended = [each.res_outputs_event.metadata for each in events if each.res_outputs_event]
    found = {each.urn: each.new for each in ended if each.op in _FINDING}
    return PulumiPreview(
        [each.step(found) for each in begun],
        [each.diagnostic_event for each in events if each.diagnostic_event],
        next(filter(None, summaries), None),
    )


_KUBERNETES: Final = "kubernetes:"
_URN_PARTS: Final = 4


def planned_resource(
    state: ResourceState, change: Operation = Operation.SAME, replaced_by: Iterable[str] = ()
) -> PlannedResource:
    """Return the resource of a state."""
    name = state.urn.split("::", _URN_PARTS - 1)[-1]
    dependencies = MappingProxyType(
        {key: tuple(urns or ()) for key, urns in (state.property_dependencies or {}).items()}
    )
    return PlannedResource(
        urn=state.urn,
        type=state.type,
        name=name,
        inputs=unknown_inputs(_inputs(state, name), state.type, name, dependencies),
        custom=state.custom,
        parent=state.parent or None,
        provider=(state.provider or "").rpartition("::")[0] or None,
        dependencies=tuple(state.dependencies or ()),
        property_dependencies=dependencies,
        options=ResourceOptions(
            protect=state.protect,
            retain_on_delete=state.retain_on_delete,
            deleted_with=state.deleted_with or None,
        ),
        change=change,
        replaced_by=tuple(replaced_by),
        place=_place(state),
        kubeconfig=kubeconfig_of(state.inputs or {}) if state.type == PROVIDER else None,
    )


def _inputs(state: ResourceState, name: str) -> dict[str, Any]:
    """Return what the program asked for; what was read from a cluster has only outputs."""
    written = state.inputs or state.outputs or {}
    if state.external and not written:
        return read_inputs(state.type, name, state.id or "")
    inputs = {key: value for key, value in written.items() if not key.startswith("__")}
    is_object = state.type.startswith(_KUBERNETES)
    return {**api_identity(state.type), **inputs} if is_object else inputs


#: A line of a file in the project's folder.
_POSITION: Final = re.compile(r"((?!.*/\.\./)[a-z]+://[^\[\]]*)#([0-9]{1,9})")


def _place(state: ResourceState) -> Place:
    """Return the line of the program that made the resource; older engines do not tell."""
    trace = [each.source_position for each in state.stack_trace or ()]
    found = (_POSITION.fullmatch(each or "") for each in (state.source_position, *trace))
    return program_line(((each[1], int(each[2])) for each in found if each), Path.cwd())


def _at_lines(resources: Iterable[PlannedResource]) -> Iterator[PlannedResource]:
    """Yield resources; one that a library's component makes is at the line of that component.

    Engines that tell one line a resource tell that in the library. Documents list parents first.
    """
    places: dict[str, Place] = {}
    for each in resources:
        place = each.place if each.place.source else places.get(each.parent or "", each.place)
        places[each.urn] = place
        yield each if place == each.place else replace(each, place=place)


def plan_of(resources: Iterable[PlannedResource]) -> Plan:
    """Return the plan of resources that a Pulumi document lists."""
    listed = tuple(_at_lines(resources))
    stack, project, *_ = (listed[0].urn if listed else "::").split("::")
    return masked(Plan(project, stack.rpartition(":")[2], listed, origin=Origin.PULUMI))


_FAILED: Final = re.compile(r"^(error: )?(Preview failed: )?")
_NO_REASON: Final = {"preview failed", "update failed"}


def left_out(preview: PulumiPreview) -> int:
    """Return how many resources that do not change have no step of their own.

    What a refresh alone looks at has one: `pulumi refresh` counts it as the same.
    """
    counted = (preview.change_summary or {}).get(EngineOperation.SAME, 0)
    shown = EngineOperation.REFRESH if is_refresh(preview) else EngineOperation.SAME
    return counted - sum(each.op is shown for each in preview.steps)


def is_refresh(preview: PulumiPreview) -> bool:
    """Return whether a preview is that of `pulumi refresh`, which does nothing to the cluster.

    That of `pulumi destroy --refresh` has the same steps, and leaves nothing the same.
    """
    operations = {each.op for each in preview.steps}
    summary = preview.change_summary
    leaves_some = summary is None or EngineOperation.SAME in summary
    return EngineOperation.REFRESH in operations and operations <= _LOOKING and leaves_some


#: What the steps of `pulumi refresh` do: nothing to the cluster.
_LOOKING: Final = frozenset({EngineOperation.REFRESH, EngineOperation.DELETE})


def gaps(preview: PulumiPreview, place: Place) -> Iterator[Finding]:
    """Yield findings on a preview that is not the whole plan."""
    for text in _reasons(preview.diagnostics or ()):
        yield Finding(
            "preview-failed",
            Severity.ERROR,
            f"the preview failed: {text}",
            place,
            "repair the program: what the preview did not come to is not here",
        )
    missing = left_out(preview)
    if missing > 0:
        yield Finding(
            "preview-without-sames",
            Severity.ERROR,
            f"the preview leaves out {missing} resources that do not change",
            place,
            "run `pulumi preview --json --show-sames`",
            "https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/",
        )


def _reasons(diagnostics: Sequence[EngineDiagnostic]) -> list[str]:
    """Return why a preview failed, each reason once; that it failed is no reason by itself."""
    errors = (each for each in diagnostics if each.severity == "error")
    texts = (" ".join(error.message.split()) for error in errors)
    reasons = dict.fromkeys(_FAILED.sub("", text) for text in texts)
    return [reason for reason in reasons if reason not in _NO_REASON] or list(reasons)
