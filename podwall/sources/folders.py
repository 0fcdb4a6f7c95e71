"""What there is in a folder, and its documents: of its files, its kustomizations and its charts.

All files are found that `kubectl apply -R -f FOLDER` takes, hidden ones included: it goes by the
end of the name alone (ExpandPathsToFileVisitors in
https://github.com/kubernetes/cli-runtime/blob/master/pkg/resource/visitor.go).

A folder with a kustomization is what kustomize builds of it, and a chart what helm renders; nothing
else in it is read. In any other folder, the kustomizations and charts below it are built, and its
own files are read as they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final

from podwall.model import UnreadPolicy
from podwall.policies.errors import Finding, InvalidValue, Place, Severity, SourceError
from podwall.quick_dataclass import dataclass
from podwall.reading import LedgerEntry, ObjectStatus
from podwall.reading.ledger import NOT_BUILT
from podwall.sources.files import CHART, ParsedDocuments, is_kustomization, read_file, unreadable
from podwall.sources.model import ManifestOptions
from podwall.sources.yaml_documents import BrokenJsonError, parsed_values, read_manifests

__all__ = [
    "FolderContents",
    "NoChartError",
    "contents_of",
    "read_folder",
]

SUFFIXES: Final = (".yaml", ".yml", ".json")
#: Nothing in it can be committed, so that no change of a repository brings a manifest there.
VERSION_CONTROL: Final = ".git"
PLAN: Final = "plan.json"
#: What a chart has beside its description; without any of them there is nothing to render.
CHART_FOLDERS: Final = frozenset({"templates", "charts"})


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The paths of what a folder holds, sorted, folders before their files.

    `files` are read as they are; those in a folder with a kustomization or a chart are not among
    them, because kustomize or helm decides what they mean. `kustomizations` and `charts` are these
    folders; a chart that a kustomization holds is the kustomization's. `previews` are folders that
    `podwall preview` wrote: they show a program, which is a source of its own, and nobody applies
    them beside other manifests.
    """

    files: tuple[str, ...] = ()
    kustomizations: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    previews: tuple[str, ...] = ()


def contents_of(folder: str) -> FolderContents:
    """Return what there is in a folder and below it.

    Raises:
        SourceError: a folder can't be listed.
    """
    files: list[str] = []
    found: dict[_Kind, list[str]] = {kind: [] for kind in _Kind}
    top = str(Path(folder))
    for walked, folders, names in os.walk(folder, onerror=_refuse):
        parent = str(Path(walked))
        folders[:] = sorted(name for name in folders if name != VERSION_CONTROL)
        built = any(Path(parent).is_relative_to(each) for each in found[_Kind.KUSTOMIZATION])
        kind = _kind(parent, folders, names, top)
        if kind is not None and not (built and kind is _Kind.CHART):
            found[kind].append(parent)
        if kind in (_Kind.CHART, _Kind.PREVIEW):
            folders.clear()
        elif kind is None and not built:
            files += (str(Path(parent, name)) for name in _manifests(parent, folders, names))
    return FolderContents(
        tuple(files),
        tuple(found[_Kind.KUSTOMIZATION]),
        tuple(found[_Kind.CHART]),
        tuple(found[_Kind.PREVIEW]),
    )


class _Kind(Enum):
    """What a whole folder is."""

    KUSTOMIZATION = auto()
    CHART = auto()
    PREVIEW = auto()


def _kind(parent: str, folders: list[str], names: list[str], top: str) -> _Kind | None:
    if any(map(is_kustomization, names)):
        return _Kind.KUSTOMIZATION
    if CHART in names and not CHART_FOLDERS.isdisjoint(folders):
        return _Kind.CHART
    if parent != top and PLAN in names and _wrote_preview(parent):
        return _Kind.PREVIEW
    return None


def _manifests(parent: str, folders: list[str], names: list[str]) -> Iterator[str]:
    """Yield the names of what is read as a file, a link to a folder included, which is none."""
    links = (name for name in folders if _is_manifest(name) and Path(parent, name).is_symlink())
    yield from sorted([*links, *filter(_is_manifest, names)])


def _is_manifest(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _wrote_preview(folder: str) -> bool:
    """Return whether a folder has the plan that `podwall preview` leaves beside its manifests."""
    from podwall.plan.plan_json import is_plan  # noqa: PLC0415 - few folders have a plan

    try:
        values = parsed_values(read_file(str(Path(folder, PLAN)))[1])
    except (SourceError, BrokenJsonError):
        return False
    return len(values) == 1 and is_plan(values[0])


def _refuse(problem: OSError) -> None:
    raise unreadable(str(problem.filename), problem) from problem


_AT_ONCE: Final = 4
#: What is named as not read where it can't be built, and may be accepted by these words.
_KUSTOMIZATION: Final = "Kustomization"
_CHART: Final = "Chart"
_OF_A_PREVIEW: Final = "`podwall preview` wrote this folder, to show what a program deploys"


def read_folder(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return the documents of a folder and of all below it.

    Raises:
        SourceError: the folder can't be listed, or can't be built where it is a kustomization or a
            chart itself.
        InvalidValue: values or a release are given, and there is no chart.
    """
    is_built = _is_kustomization(folder)
    contents = FolderContents() if is_built else contents_of(folder)
    if options.about_charts and not contents.charts:
        raise NoChartError(folder, options.about_charts)
    if is_built:
        return _built(folder, options)
    if str(Path(folder)) in contents.charts:
        return _rendered(folder, options)
    return ParsedDocuments.joined(_parts(contents, options))


def _is_kustomization(folder: str) -> bool:
    try:
        return any(is_kustomization(each.name) for each in Path(folder).iterdir())
    except OSError:  # which is said where the folder is walked
        return False


class NoChartError(InvalidValue):
    """Values or a release are given, and nothing here reads them."""

    def __init__(self, name: str, given: str) -> None:
        """Take what people call the source, and what is given for a chart."""
        super().__init__(f"`{name}` has no chart that {given} could be for", help="give the chart")


def _parts(contents: FolderContents, options: ManifestOptions) -> Iterator[ParsedDocuments]:
    yield from map(read_manifests, contents.files)
    if contents.kustomizations or contents.charts:
        yield from _made_parts(contents, options)
    yield ParsedDocuments(others=tuple(map(_written_by_a_preview, contents.previews)))


def _made_parts(contents: FolderContents, options: ManifestOptions) -> Iterator[ParsedDocuments]:
    from podwall.sources.kustomizations import (  # noqa: PLC0415 - most folders have files
        read_together,
        unincluded,
    )

    tops = unincluded(contents.kustomizations)
    made = [partial(_made, each, _KUSTOMIZATION, _built, options) for each in tops]
    made += [partial(_made, each, _CHART, _rendered, options) for each in contents.charts]
    found = _side_by_side(made)
    yield from read_together(tops, found[: len(tops)])
    yield from found[len(tops) :]


# What runs the tools is imported only where there is something to run: most folders have files.


def _built(folder: str, options: ManifestOptions) -> ParsedDocuments:
    from podwall.sources.rendering import built  # noqa: PLC0415 - as above

    return built(folder, options)


def _rendered(folder: str, options: ManifestOptions) -> ParsedDocuments:
    from podwall.sources.rendering import rendered  # noqa: PLC0415 - as above

    return rendered(folder, options)


def _side_by_side(made: Sequence[Callable[[], ParsedDocuments]]) -> list[ParsedDocuments]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda make: make(), made))


def _written_by_a_preview(folder: str) -> LedgerEntry:
    return LedgerEntry("", "", Place(folder), ObjectStatus.UNREAD, _OF_A_PREVIEW)


def _made(
    folder: str,
    kind: str,
    make: Callable[[str, ManifestOptions], ParsedDocuments],
    options: ManifestOptions,
) -> ParsedDocuments:
    """Return what a tool makes of a folder below; where it fails, a finding, and no more.

    What it would have made may be policies: a chart's where it is installed, and those of a
    kustomization anywhere.
    """
    try:
        return make(folder, options)
    except SourceError as problem:
        error = Finding(NOT_BUILT, Severity.ERROR, problem.message, problem.place, problem.help)
        namespace = options.namespace if kind == _CHART else None
        policy = UnreadPolicy(kind, folder, namespace, place=problem.place, brings=True)
        entry = LedgerEntry(kind, folder, problem.place, reason=problem.message, may_make_pods=True)
        return ParsedDocuments(findings=(error,), others=(entry,), brought=(policy,))
