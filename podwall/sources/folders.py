"""What there is in a folder: manifests to read, and what is no source of its own.

All files are found that `kubectl apply -R -f FOLDER` takes, hidden ones included: it goes by the
end of the name alone (ExpandPathsToFileVisitors in
https://github.com/kubernetes/cli-runtime/blob/master/pkg/resource/visitor.go).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from podwall.plan.plan_json import is_plan
from podwall.policies.errors import SourceError
from podwall.sources.files import read_file, unreadable
from podwall.sources.json_documents import BrokenJsonError, parsed_values
from podwall.sources.other_tools import CHART, is_kustomization

__all__ = ["FolderContents", "contents_of"]

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
    try:
        values = parsed_values(read_file(str(Path(folder, PLAN)))[1])
    except (SourceError, BrokenJsonError):
        return False
    return len(values) == 1 and is_plan(values[0])


def _refuse(problem: OSError) -> None:
    raise unreadable(str(problem.filename), problem) from problem
