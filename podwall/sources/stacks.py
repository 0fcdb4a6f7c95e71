"""Sources of what Pulumi manages: the plan of a program, the steps of a preview, a state.

However a plan was made, it becomes a source in one way, so that every command sees the same in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import brought_policies, documents, with_known_namespaces
from podwall.plan.model import Plan, PlannedResource
from podwall.policies.errors import Finding
from podwall.sources.existence import existence
from podwall.sources.model import Source, SourceKind, Stage
from podwall.sources.pulumi_documents import PulumiPreview

__all__ = ["source_of_plan", "source_of_program", "source_of_steps", "stage_of"]


def source_of_plan(
    kind: SourceKind,
    name: str,
    plan: Plan,
    *,
    findings: Iterable[Finding] = (),
    texts: Mapping[str, bytes] | None = None,
) -> Source:
    """Return the Kubernetes objects that a plan has, and what it says about their cluster.

    Args:
        kind: where the plan comes from.
        name: what people call the source.
        plan: everything the stack will consist of.
        findings: what of the stack could not be read.
        texts: the files that hold some of the objects, by the name that their places have.
    """
    known = with_known_namespaces(plan)
    return Source(
        kind,
        name,
        stage_of(known),
        findings=tuple(findings),
        texts=texts or {},
        stack=_stack_name(known),
        plan=known,
    )


def source_of_program(plan: Plan, folder: Path) -> Source:
    """Return what the plan of the program in a folder says.

    The files that hold some of its objects are read, too, for the lines of their fields. The
    program itself is none of them: Python's lines say nothing of a field.
    """
    names = {each.place.source for each in plan.resources if each.place.source}
    files = {name: folder / name for name in names if not name.endswith(".py")}
    texts = {name: file.read_bytes() for name, file in files.items() if file.is_file()}
    return source_of_plan(SourceKind.PROGRAM, plan.project, plan, texts=texts)


def source_of_steps(
    kind: SourceKind,
    name: str,
    preview: PulumiPreview,
    *,
    findings: Iterable[Finding] = (),
) -> Source:
    """Return what the steps of a preview make, and what there is before them.

    Siblings are sorted, because the engine lists them in an order that is never twice the same.

    Args:
        kind: where the preview comes from.
        name: what people call the source.
        preview: the steps as Pulumi writes them.
        findings: what of the preview could not be read.
    """
    found = existence(preview)
    before, after = found.before, found.after
    ordered = replace(after, resources=_sorted(after.resources))
    read = source_of_plan(kind, name, ordered, findings=findings)
    return replace(
        read,
        deployed=stage_of(before),
        stack=read.stack or _stack_name(before),
        existence=found,
    )


def stage_of(plan: Plan) -> Stage:
    """Return the Kubernetes objects that a plan has, and what it says about their cluster."""
    return Stage(documents(plan), planned_cluster(plan), tuple(brought_policies(plan)))


def _stack_name(plan: Plan) -> str:
    """Return what people call the stack of a plan, which URNs tell; nothing if there are none."""
    return f"stack {plan.stack} of {plan.project}" if plan.stack and plan.project else ""


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
