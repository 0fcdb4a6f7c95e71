"""Open a source by its path, whatever kind of source it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from podwall.plan import Plan
from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import documents, unseen_objects
from podwall.plan.replacements import changed_clusters
from podwall.policies.errors import Place, SourceError
from podwall.policies.findings import Finding
from podwall.sources.cluster_count import several_clusters
from podwall.sources.files import STDIN, read_bytes
from podwall.sources.json_documents import BrokenJsonError, looks_like_json, parsed_values
from podwall.sources.manifests import json_manifests, parse_manifests, read_folder
from podwall.sources.moments import open_moments
from podwall.sources.namespaces import with_known_namespaces
from podwall.sources.parsed import Parsed
from podwall.sources.plan_file import is_plan, plan_in
from podwall.sources.preview import is_events, is_preview, preview_plans, steps_of_events
from podwall.sources.preview_health import gaps_in_events, gaps_in_preview
from podwall.sources.source import Source, SourceKind, Stage
from podwall.sources.state import is_state, state_plan

__all__ = ["source", "stage_of"]

_SEE_LOG: Final = "the log of the command that should have written it says why"
GIVE: Final = (
    "give manifests in YAML or JSON, or the output of `pulumi preview --json --show-sames`"
)


def source(path: str) -> Source:
    """Return the source at a path: a file, a folder, or `-` for the standard input.

    A file is manifests (YAML or JSON), `pulumi preview --json`, `pulumi stack export`, or a plan
    that `podwall preview` wrote, which its content tells.

    Raises:
        SourceError: nothing could be read there: the path does not exist, is neither YAML nor
            JSON, or has no Kubernetes object.
    """
    if path != STDIN and Path(path).is_dir():
        return _of_manifests(path, read_folder(path))
    name, data = read_bytes(path)
    if not data.strip():
        raise SourceError("is empty", help=_SEE_LOG, place=Place(name))
    values = _json_values(data)
    if values is None:
        return _of_manifests(name, parse_manifests(data, name))
    return _of_pulumi(name, values) or _of_manifests(name, json_manifests(data, values, name))


def _json_values(data: bytes) -> list[Any] | None:
    try:
        return parsed_values(data) if looks_like_json(data) else None
    except BrokenJsonError:
        return None


def _of_pulumi(name: str, values: list[Any]) -> Source | None:
    if is_events(values):
        gaps = gaps_in_events(values, Place(name))
        return _of_steps(name, steps_of_events(values), gaps)
    if len(values) != 1:
        return None
    if is_preview(values[0]):
        return _of_steps(name, values[0]["steps"], gaps_in_preview(values[0], Place(name)))
    if is_state(values[0]):
        return _of_plan(SourceKind.STATE, name, state_plan(values[0]))
    if is_plan(values[0]):
        return _of_plan(SourceKind.PROGRAM, name, plan_in(values[0]))
    return None


def _of_plan(kind: SourceKind, name: str, plan: Plan) -> Source:
    findings = (*unseen_objects(plan), *several_clusters(plan))
    return Source(kind, name, stage_of(plan), findings=findings, stack=_called(plan))


def _of_steps(name: str, steps: list[Any], gaps: Iterable[Finding]) -> Source:
    before, after = preview_plans(steps)
    return Source(
        SourceKind.PREVIEW,
        name,
        planned=stage_of(after),
        deployed=stage_of(before),
        findings=(
            *gaps,
            *changed_clusters(before, after),
            *open_moments(before, after, steps),
            *unseen_objects(after),
            *several_clusters(after),
        ),
        stack=_called(after) or _called(before),
    )


def _called(plan: Plan) -> str:
    """Return what people call the stack of a plan, which URNs tell; nothing if there are none."""
    return f"stack {plan.stack} of {plan.project}" if plan.stack and plan.project else ""


def stage_of(plan: Plan) -> Stage:
    """Return the Kubernetes objects of a plan, and what it says about their cluster."""
    return Stage(documents(with_known_namespaces(plan)), planned_cluster(plan))


def _of_manifests(name: str, parsed: Parsed) -> Source:
    if not parsed.documents:
        raise _nothing_in(name, parsed.findings)
    return Source(
        SourceKind.MANIFESTS,
        name,
        planned=Stage(parsed.documents),
        findings=parsed.findings,
        texts=parsed.texts,
        others=parsed.others,
    )


def _nothing_in(name: str, findings: tuple[Finding, ...]) -> SourceError:
    if findings:
        first = findings[0]
        return SourceError(first.message, help=first.help or GIVE, place=first.place)
    return SourceError(
        f"`{name}` has no Kubernetes object",
        help=GIVE,
        place=Place(name),
    )
