"""The `plan.json` that `podwall preview` leaves in `out/`, written and read back.

It is how a plan that was made without the Pulumi CLI is compared with another one: whatever is
needed to judge it as the plan itself is judged is there. A secret is the text `[secret]`, a value
that only deployment tells the text `[unknown]`; `unknown` says why, by the path of the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from podwall.documents import TypedDocument, about, convert
from podwall.plan.model import (
    SECRET,
    Kubeconfig,
    Operation,
    Origin,
    Plan,
    PlannedResource,
    ResourceOptions,
    Secret,
    Steps,
    inside,
    unknowns_in,
)
from podwall.policies.errors import Finding, Place, Severity, Unknown

__all__ = [
    "FindingDocument",
    "PlanDocument",
    "PlannedDocument",
    "finding_document",
    "is_plan",
    "plan_document",
    "plan_in",
    "planned_fields",
]

_UNKNOWN: Final = "[unknown]"


class PlaceDocument(TypedDocument, omit_defaults=True):
    """Where it is; what is not known is left out."""

    source: Annotated[str, about("A file, `<stdin>`, a URN or the name of a cluster.")] = ""
    line: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    path: Annotated[str, about("A Kubernetes field path.")] = ""


class FindingDocument(TypedDocument, omit_defaults=True):
    """Something worth knowing; what it does not say is left out."""

    id: Annotated[str, about("Stable: the same problem always has the same id.")]
    severity: Severity
    message: str
    place: PlaceDocument
    help: Annotated[str, about("What to do.")] = ""
    link: Annotated[str, about("The source of the rule.")] = ""


class OptionsDocument(TypedDocument, omit_defaults=True, rename="camel"):
    """The resource options that are not the default."""

    retain_on_delete: bool = False
    delete_before_replace: bool = False
    deleted_with: str | None = None
    replace_with: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    timeouts: dict[str, str] = msgspec.field(default_factory=dict)
    secret_outputs: tuple[str, ...] = ()
    import_id: str | None = None


class KubeconfigDocument(TypedDocument, omit_defaults=True):
    """What a provider's kubeconfig says that is no secret."""

    server: Annotated[str, about("Equal for kubeconfigs of one server; a digest.")]
    namespace: Annotated[str, about("That of the context.")] = ""


class ResourceDocument(TypedDocument, omit_defaults=True, rename="camel"):
    """A resource of a plan; what is the default is left out."""

    type: str
    name: str
    urn: str
    parent: Annotated[str | None, about("A URN; null for the stack.")]
    protect: bool
    change: Annotated[Operation, about("What deployment will do; `same` is nothing.")]
    inputs: Annotated[
        dict[str, Any],
        about(
            "In the provider's own words. `[secret]` and `[unknown]` stand for values that are not "
            "told."
        ),
    ]
    custom: Annotated[bool, about("False for a component, which is no object of its own.")] = True
    unknown: Annotated[
        dict[str, str], about("Why values are not known, by their path in `inputs`.")
    ] = msgspec.field(default_factory=dict)
    replaced_by: Annotated[
        tuple[str, ...], about("The property paths that force a replacement.")
    ] = ()
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Annotated[
        dict[str, tuple[str, ...]], about("The URNs that an input depends on, by its name.")
    ] = msgspec.field(default_factory=dict)
    unseen: Annotated[
        tuple[str, ...], about("What of a component's objects is not in the plan, and why.")
    ] = ()
    built: Annotated[
        bool, about("Whether a tool built its objects, which are those below it, of a folder here.")
    ] = False
    options: OptionsDocument | UnsetType = UNSET
    kubeconfig: KubeconfigDocument | UnsetType = UNSET
    place: Annotated[str, about("The line of the program that makes the resource.")] = ""


class PlannedDocument(TypedDocument, tag_field="format"):
    """What a stack will consist of."""

    project: str
    stack: str
    planner: Annotated[Origin, about("Who made the plan.")]
    resources: Annotated[
        tuple[ResourceDocument, ...],
        about("Every resource, in the order in which the program asks for it."),
    ]
    outputs: Annotated[dict[str, Any], about("The exports of the stack.")]


class PlanDocument(PlannedDocument, omit_defaults=True, tag="podwall/plan/v1"):
    """The `plan.json` of `podwall preview`: every resource with its inputs, secrets masked."""

    warnings: Annotated[
        tuple[FindingDocument, ...], about("What the program and Pulumi said while planning.")
    ] = ()


def plan_document(plan: Plan) -> PlanDocument:
    """Return a plan as a document."""
    return PlanDocument(
        **planned_fields(plan), warnings=tuple(map(finding_document, plan.warnings))
    )


def planned_fields(plan: Plan) -> dict[str, Any]:
    """Return the fields of a plan's document, and of every document that begins as it does."""
    return {
        "project": plan.project,
        "stack": plan.stack,
        "planner": plan.origin,
        "resources": tuple(map(_resource_document, plan.resources)),
        "outputs": _written(plan.outputs),
    }


def finding_document(finding: Finding) -> FindingDocument:
    """Return a finding as a document."""
    where = place_document(finding.place)
    return FindingDocument(
        finding.id, finding.severity, finding.message, where, finding.help, finding.link
    )


def place_document(place: Place) -> PlaceDocument:
    """Return a place as a document."""
    return PlaceDocument(place.source, place.line or UNSET, place.path)


def _resource_document(resource: PlannedResource) -> ResourceDocument:
    return ResourceDocument(
        type=resource.type,
        name=resource.name,
        urn=resource.urn,
        parent=resource.parent,
        protect=resource.protect,
        change=resource.change,
        inputs=_written(resource.inputs),
        custom=resource.custom,
        unknown={_path(steps): each.cause for steps, each in unknowns_in(resource.inputs)},
        replaced_by=resource.replaced_by,
        provider=resource.provider or "",
        dependencies=resource.dependencies,
        property_dependencies=dict(resource.property_dependencies),
        unseen=resource.unseen,
        built=resource.built,
        options=_options_document(resource.options),
        kubeconfig=_kubeconfig_document(resource.kubeconfig),
        place=str(resource.place),
    )


def _kubeconfig_document(known: Kubeconfig | None) -> KubeconfigDocument | UnsetType:
    return UNSET if known is None else KubeconfigDocument(known.server, known.namespace)


def _options_document(options: ResourceOptions) -> OptionsDocument | UnsetType:
    given = msgspec.convert(options, OptionsDocument, from_attributes=True)
    return UNSET if given == OptionsDocument() else given


def _written(value: Any) -> Any:
    match value:
        case Secret():
            return str(value)
        case Unknown():
            return _UNKNOWN
        case Mapping():
            return {key: _written(item) for key, item in value.items()}
        case list() | tuple():
            return [_written(item) for item in value]
        case _:
            return value


def _path(steps: Steps) -> str:
    """Return the steps to a value as one path.

    >>> _path(("spec", "ports", 0, "port"))
    'spec.ports[0].port'
    """
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else inside(path, step)
    return path


def is_plan(value: Any) -> bool:
    """Return whether a JSON value is a plan that podwall wrote."""
    return isinstance(value, Mapping) and value.get("format") == PlanDocument.__struct_config__.tag


def plan_in(value: Mapping[str, Any], place: Place) -> Plan:
    """Return the plan; what is unknown has its cause again, and what is secret stays so.

    The exports of the stack are left out: they change nothing about who reaches whom.

    Raises:
        InvalidValue: podwall wrote no such plan; its place has the path of what is wrong.
    """
    read = convert(value, PlanDocument, place)
    return Plan(
        read.project,
        read.stack,
        tuple(map(_resource, read.resources)),
        warnings=tuple(map(_finding, read.warnings)),
        origin=read.planner,
    )


def _resource(read: ResourceDocument) -> PlannedResource:
    return PlannedResource(
        urn=read.urn,
        type=read.type,
        name=read.name,
        inputs=MappingProxyType(_value(read.inputs, "", read.unknown)),
        custom=read.custom,
        parent=read.parent,
        provider=read.provider or None,
        dependencies=read.dependencies,
        property_dependencies=MappingProxyType(read.property_dependencies),
        options=ResourceOptions(read.protect, **_options(read.options)),
        change=read.change,
        replaced_by=read.replaced_by,
        place=_place(read.place),
        unseen=read.unseen,
        built=read.built,
        kubeconfig=_kubeconfig(read.kubeconfig),
    )


def _kubeconfig(read: KubeconfigDocument | UnsetType) -> Kubeconfig | None:
    return None if read is UNSET else Kubeconfig(read.server, read.namespace)


def _options(read: OptionsDocument | UnsetType) -> dict[str, Any]:
    return {} if read is UNSET else msgspec.structs.asdict(read)


def _finding(read: FindingDocument) -> Finding:
    where = read.place
    place = Place(where.source, None if where.line is UNSET else where.line, where.path)
    return Finding(read.id, read.severity, read.message, place, read.help, read.link)


def _value(value: Any, path: str, causes: Mapping[str, str]) -> Any:
    match value:
        case str():
            if value == _UNKNOWN and path in causes:
                return Unknown(causes[path])
            return SECRET if value == str(SECRET) else value
        case dict():
            return {key: _value(each, inside(path, key), causes) for key, each in value.items()}
        case list():
            return [_value(each, f"{path}[{n}]", causes) for n, each in enumerate(value)]
        case _:
            return value


def _place(written: str) -> Place:
    found = _LINE.fullmatch(written)
    return Place(found[1], int(found[2])) if found else Place(written)


_LINE: Final = re.compile(r"(.+):([0-9]{1,9})", re.DOTALL)
