"""A source: documents from one place, what it says about the cluster, and how one is opened.

A path is a file, a folder, or `-`. What a file holds decides what it is: manifests, a preview, an
exported stack, or a plan that `podwall preview` wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from podwall.plan import Plan
from podwall.plan.cluster import changed_clusters, planned_cluster, unclear_clusters
from podwall.plan.documents import documents, unseen_objects, with_known_namespaces
from podwall.plan.plan_json import is_plan, plan_in
from podwall.policies.errors import Finding, Place, SourceError
from podwall.reading import DeclaredCluster, Document, SnapshotReading, snapshot
from podwall.sources.files import STDIN, ParsedDocuments, read_bytes
from podwall.sources.json_documents import BrokenJsonError, looks_like_json, parsed_values
from podwall.sources.manifests import json_manifests, parse_manifests, read_folder
from podwall.sources.policy_absences import temporary_openings
from podwall.sources.pulumi_documents import (
    PulumiPreview,
    gaps,
    is_events,
    is_preview,
    is_state,
    preview_in,
    preview_in_events,
    preview_plans,
    state_plan,
)
from podwall.sources.yaml_lines import at_their_lines

__all__ = ["Source", "SourceKind", "Stage", "source", "stage_of"]


NOT_AN_OBJECT: Final = "(not a Kubernetes object)"


class SourceKind(StrEnum):
    """Where documents can come from."""

    PROGRAM = "program"
    MANIFESTS = "manifests"
    PREVIEW = "preview"
    STATE = "state"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Stage:
    """The documents of one moment: after a deployment, or before it."""

    documents: tuple[Document, ...] = ()
    cluster: DeclaredCluster = field(default_factory=DeclaredCluster)


@dataclass(frozen=True, slots=True)
class Source:
    """Documents, as one place shows them.

    `planned` is what there will be; `deployed` what there is before, where the source tells (a
    preview does). `findings` are about what could not be parsed. `complete` is True where what is
    not here does not exist (a live cluster). `texts` are the files, and `others` counts documents
    that are not meant for Kubernetes. `stack` is what people call the stack that a document of
    Pulumi is about, such as `stack dev of shop`.
    """

    kind: SourceKind
    name: str
    planned: Stage
    deployed: Stage | None = None
    findings: tuple[Finding, ...] = ()
    complete: bool = False
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: int = 0
    stack: str = ""

    def reading(self) -> SnapshotReading:
        """Return the snapshot of what there will be, with all findings, each at its line."""
        reading = _read(self.planned, complete=self.complete)
        findings = (*self.findings, *self.at_lines(reading.findings))
        others = ((NOT_AN_OBJECT, self.others),) if self.others else ()
        return replace(reading, findings=findings, ignored=(*others, *reading.ignored))

    def at_lines(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """Yield findings, each at the line of the field it is about, where its file is known."""
        return at_their_lines(findings, self.texts)

    def deployed_reading(self) -> SnapshotReading | None:
        """Return the snapshot of what there is before the deployment, if the source tells."""
        return None if self.deployed is None else _read(self.deployed, complete=self.complete)


def _read(stage: Stage, *, complete: bool) -> SnapshotReading:
    return snapshot(stage.documents, complete=complete, cluster=stage.cluster)


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
        InvalidValue: what Pulumi or podwall would have written has a part that neither writes.
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
    place = Place(name)
    if is_events(values):
        return _of_preview(name, preview_in_events(values, place))
    if len(values) != 1:
        return None
    if is_preview(values[0]):
        return _of_preview(name, preview_in(values[0], place))
    if is_state(values[0]):
        return _of_plan(SourceKind.STATE, name, state_plan(values[0], place))
    if is_plan(values[0]):
        return _of_plan(SourceKind.PROGRAM, name, plan_in(values[0], place))
    return None


def _of_plan(kind: SourceKind, name: str, plan: Plan) -> Source:
    findings = (*unseen_objects(plan), *unclear_clusters(plan))
    return Source(kind, name, stage_of(plan), findings=findings, stack=_stack_name(plan))


def _of_preview(name: str, preview: PulumiPreview) -> Source:
    before, after = preview_plans(preview.steps)
    return Source(
        SourceKind.PREVIEW,
        name,
        planned=stage_of(after),
        deployed=stage_of(before),
        findings=(
            *gaps(preview, Place(name)),
            *changed_clusters(before, after),
            *temporary_openings(before, after, preview.steps),
            *unseen_objects(after),
            *unclear_clusters(after),
        ),
        stack=_stack_name(after) or _stack_name(before),
    )


def _stack_name(plan: Plan) -> str:
    """Return what people call the stack of a plan, which URNs tell; nothing if there are none."""
    return f"stack {plan.stack} of {plan.project}" if plan.stack and plan.project else ""


def stage_of(plan: Plan) -> Stage:
    """Return the Kubernetes objects of a plan, and what it says about their cluster."""
    return Stage(documents(with_known_namespaces(plan)), planned_cluster(plan))


def _of_manifests(name: str, parsed: ParsedDocuments) -> Source:
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
