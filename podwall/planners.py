"""Who makes the plan: the Pulumi CLI, or podwall in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from podwall.on_demand import needing
from podwall.plan.configuration import GivenConfiguration
from podwall.plan.messages import diagnostic_findings
from podwall.plan.model import Plan
from podwall.plan.project import default_stack, find_project
from podwall.plan.pulumi_cli import is_installed, pulumi_preview, selected_stack
from podwall.policies.errors import Place
from podwall.sources.model import Source, SourceKind
from podwall.sources.pulumi_documents import preview_in
from podwall.sources.rendering import objects_of
from podwall.sources.stacks import source_of_program, source_of_steps

__all__ = ["Planner", "program_source", "source_of_preview"]


class Planner(StrEnum):
    """Who makes the plan; `AUTO` is the Pulumi CLI where it is installed and has the stack."""

    AUTO = "auto"
    PULUMI = "pulumi"
    EMBEDDED = "embedded"


def program_source(
    folder: Path,
    stack: str | None,
    planner: Planner,
    write: Callable[[str], None],
    given: GivenConfiguration | None = None,
) -> Source:
    """Return what the program will deploy whose project `folder` lies in.

    Without a `stack`, Pulumi plans the selected one, and podwall the one that is called `dev` or is
    the only one. Where nobody chose the planner, `write` is given a sentence that names it.
    Configuration that is `given` goes over what the stack's file says, and into no file.

    Raises:
        SourceError: there is no project or no stack, or planning fails.
    """
    project = find_project(folder)
    given = given or GivenConfiguration()
    if planner is Planner.AUTO:
        planner, reason = _chosen(project, stack, given)
        write(reason)
    if planner is Planner.PULUMI:
        return source_of_preview(pulumi_preview(project, stack, given))
    with needing("pulumi", "planning a program without the Pulumi CLI"):
        from podwall.plan.embedded import embedded_plan  # noqa: PLC0415 - manifests need no Pulumi

    plan = embedded_plan(project, stack or default_stack(project), given, objects_of)
    return source_of_program(plan, project)


def _chosen(folder: Path, stack: str | None, given: GivenConfiguration) -> tuple[Planner, str]:
    if given.secrets:
        return Planner.EMBEDDED, "planning without the Pulumi CLI, which is given no secrets"
    if not is_installed():
        return Planner.EMBEDDED, "planning without the Pulumi CLI, which is not on the PATH"
    name = selected_stack(folder, stack)
    if name is None:
        which = f"no stack `{stack}`" if stack else "no stack selected"
        return Planner.EMBEDDED, f"planning without the Pulumi CLI, which has {which}"
    return Planner.PULUMI, f"planning stack `{name}` with the Pulumi CLI"


def source_of_preview(document: Mapping[str, Any]) -> Source:
    """Return what the program of a `pulumi preview --json` will deploy, with what it logged.

    Raises:
        InvalidValue: no engine writes such a preview.
    """
    preview = preview_in(document, Place("pulumi preview"))
    read = source_of_steps(SourceKind.PROGRAM, "", preview)
    plan = read.plan or Plan("", "")
    asked_for = {each.urn: each for each in plan.afterwards().resources}
    warnings = tuple(diagnostic_findings(preview.diagnostics or (), asked_for))
    return replace(read, name=plan.project, plan=replace(plan, warnings=warnings))
