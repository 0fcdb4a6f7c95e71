"""Who makes the plan: the Pulumi CLI, or podwall in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from podwall.on_demand import needing
from podwall.plan.cluster import engine_changes
from podwall.plan.documents import with_known_namespaces
from podwall.plan.messages import diagnostic_findings
from podwall.plan.model import Operation, Plan, PlannedResource
from podwall.plan.project import default_stack, find_project
from podwall.plan.pulumi_cli import is_installed, pulumi_preview, selected_stack
from podwall.policies.errors import Place
from podwall.sources.policy_absences import temporary_openings
from podwall.sources.pulumi_documents import preview_in, preview_plans

__all__ = ["Planner", "planned"]


class Planner(StrEnum):
    """Who makes the plan; `AUTO` is the Pulumi CLI where it is installed and has the stack."""

    AUTO = "auto"
    PULUMI = "pulumi"
    EMBEDDED = "embedded"


def planned(
    folder: Path, stack: str | None, planner: Planner, report: Callable[[str], None]
) -> Plan:
    """Return the plan of the project that `folder` lies in.

    Without a `stack`, Pulumi plans the selected one, and podwall the one that is called `dev` or is
    the only one. `report` is called with who plans, where that was not chosen.

    Raises:
        SourceError: there is no project or no stack, or planning fails.
    """
    project = find_project(folder)
    if planner is Planner.AUTO:
        planner, reason = _chosen(project, stack)
        report(reason)
    if planner is Planner.PULUMI:
        return plan_of_preview(pulumi_preview(project, stack))
    with needing("pulumi", "planning a program without the Pulumi CLI"):
        from podwall.plan.embedded import embedded_plan  # noqa: PLC0415 - manifests need no Pulumi

    return embedded_plan(project, stack or default_stack(project))


def _chosen(folder: Path, stack: str | None) -> tuple[Planner, str]:
    if not is_installed():
        return Planner.EMBEDDED, "planning without the Pulumi CLI, which is not on the PATH"
    name = selected_stack(folder, stack)
    if name is None:
        which = f"no stack `{stack}`" if stack else "no stack selected"
        return Planner.EMBEDDED, f"planning without the Pulumi CLI, which has {which}"
    return Planner.PULUMI, f"planning stack `{name}` with the Pulumi CLI"


def plan_of_preview(document: Mapping[str, Any]) -> Plan:
    """Return the plan in a document of `pulumi preview --json`, with what it deletes.

    Siblings are sorted, because the engine tells of them in an order that is never twice the same.
    """
    preview = preview_in(document, Place("pulumi preview"))
    before, after = preview_plans(preview.steps)
    kept = {resource.urn for resource in after.resources}
    gone = (
        replace(each, change=Operation.DELETE) for each in before.resources if each.urn not in kept
    )
    there = with_known_namespaces(after).resources
    asked_for = {each.urn: each for each in there}
    warnings = (
        *engine_changes(before, after),
        *temporary_openings(before, after, preview.steps),
        *diagnostic_findings(preview.diagnostics or (), asked_for),
    )
    return replace(after, resources=_sorted((*there, *gone)), warnings=warnings)


def _sorted(resources: Sequence[PlannedResource]) -> tuple[PlannedResource, ...]:
    """Return resources by type and name, each after its parent."""
    parents = {each.urn: each.parent for each in resources}
    return tuple(sorted(resources, key=lambda each: [*map(_title, _lineage(each.urn, parents))]))


def _title(urn: str) -> tuple[str, str]:
    """Return what a resource is sorted by: the last part of its type, then everything."""
    return urn.rpartition("::")[0].rpartition(":")[2], urn


def _lineage(urn: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the URNs of a resource's ancestors, the oldest first, and its own."""
    line = [urn]
    while (parent := parents.get(line[0])) and parent not in line:
        line.insert(0, parent)
    return tuple(line)
