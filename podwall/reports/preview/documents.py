"""A plan and a preview as JSON, secrets masked, and the files that a preview leaves in `out/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from podwall.plan.documents import documents
from podwall.plan.model import Plan, PlannedResource, ResourceOptions, Secret
from podwall.plan.values import Steps, inside, unknowns_in
from podwall.policies.unknown import Unknown
from podwall.preview import Preview
from podwall.reports.findings.documents import finding_document
from podwall.reports.formats import json_text
from podwall.reports.page import html_page
from podwall.reports.preview.manifests import LeftOut, manifests
from podwall.reports.reach.documents import reach_document

__all__ = ["UNKNOWN", "plan_document", "preview_document", "preview_files"]


UNKNOWN: Final = "[unknown]"


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as a JSON document.

    A secret is the text `[secret]`, a value that only deployment tells the text `[unknown]`; a
    resource's `unknown` says why, by the path of the value. Whatever a reader of the plan needs to
    judge it as the plan itself is judged is there: `podwall.sources.plan_file` reads it back.
    """
    warnings = [finding_document(each) for each in plan.warnings]
    return {
        "format": "podwall/plan/v1",
        "project": plan.project,
        "stack": plan.stack,
        "planner": plan.origin.value,
        "resources": [_resource(resource) for resource in plan.resources],
        "outputs": _value(plan.outputs),
        **({"warnings": warnings} if warnings else {}),
    }


def _resource(resource: PlannedResource) -> dict[str, Any]:
    document = {
        "type": resource.type,
        "name": resource.name,
        "urn": resource.urn,
        "parent": resource.parent,
        "protect": resource.protect,
        "change": resource.change.value,
        "inputs": _value(resource.inputs),
        **({} if resource.custom else {"custom": False}),
    }
    further = {
        "unknown": {_path(steps): each.cause for steps, each in unknowns_in(resource.inputs)},
        "replacedBy": list(resource.replaced_by),
        "provider": resource.provider,
        "dependencies": list(resource.dependencies),
        "propertyDependencies": {
            key: list(urns) for key, urns in resource.property_dependencies.items()
        },
        "unseen": list(resource.unseen),
        "options": _options(resource.options),
        "place": str(resource.place),
    }
    return document | {key: value for key, value in further.items() if value}


def _options(options: ResourceOptions) -> dict[str, Any]:
    """Return the options that are not the default, apart from `protect`."""
    plain = ResourceOptions(protect=options.protect)
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    return {
        _camel_case(name): _value(value)
        for name, value in given.items()
        if value != getattr(plain, name)
    }


def _value(value: Any) -> Any:
    match value:
        case Secret():
            return str(value)
        case Unknown():
            return UNKNOWN
        case Mapping():
            return {key: _value(item) for key, item in value.items()}
        case list() | tuple():
            return [_value(item) for item in value]
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


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return a preview as a JSON document: that of its plan, with two keys more.

    The plan's own warnings are among the findings.
    """
    return {
        **plan_document(replace(preview.plan, warnings=())),
        "format": "podwall/preview/v1",
        "reachability": reach_document(preview.reachability),
        "findings": [finding_document(finding) for finding in preview.findings],
    }


def preview_files(preview: Preview) -> tuple[Mapping[str, str], tuple[LeftOut, ...]]:
    """Return the text of each file by its path, and the objects that could not be written."""
    written = manifests(documents(preview.plan))
    files = {f"manifests/{name}": text for name, text in written.files.items()}
    files["plan.json"] = json_text(plan_document(preview.plan))
    subject = f"stack {preview.plan.stack}"
    files["index.html"] = html_page(preview.reachability, subject, findings=preview.findings)
    return files, written.left_out
