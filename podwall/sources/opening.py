"""Open a source: what a path, or the standard input, shows.

A path is a file, a folder, or `-`. What a file holds decides what it is: manifests, a preview, an
exported stack, or a plan that `podwall preview` wrote.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from podwall.plan.plan_json import is_plan, plan_in
from podwall.policies.errors import Finding, Place, SourceError
from podwall.sources.files import STDIN, ParsedDocuments, read_bytes
from podwall.sources.json_documents import (
    BrokenJsonError,
    duplicate_keys,
    looks_like_json,
    parsed_values,
)
from podwall.sources.manifests import json_manifests, parse_manifests, read_folder
from podwall.sources.model import Source, SourceKind, Stage
from podwall.sources.pulumi_documents import (
    PulumiPreview,
    gaps,
    is_events,
    is_preview,
    preview_in,
    preview_in_events,
)
from podwall.sources.stacks import source_of_plan, source_of_steps
from podwall.sources.states import is_state, state_findings, state_plan

__all__ = ["source"]


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
    found = _of_pulumi(name, values)
    if found is None:
        return _of_manifests(name, json_manifests(data, values, name))
    return replace(found, findings=(*duplicate_keys(data, name), *found.findings))


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
        plan, findings = state_plan(values[0], place), state_findings(values[0], place)
        return source_of_plan(SourceKind.STATE, name, plan, findings=findings)
    if is_plan(values[0]):
        return source_of_plan(SourceKind.PROGRAM, name, plan_in(values[0], place))
    return None


def _of_preview(name: str, preview: PulumiPreview) -> Source:
    findings = gaps(preview, Place(name))
    return source_of_steps(SourceKind.PREVIEW, name, preview, findings=findings)


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
