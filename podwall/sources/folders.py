"""What there is in a folder: manifests to read, and what is no source of its own.

All files are found that `kubectl apply -R -f FOLDER` takes, hidden ones included: it goes by the
end of the name alone (ExpandPathsToFileVisitors in
https://github.com/kubernetes/cli-runtime/blob/master/pkg/resource/visitor.go).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from podwall.plan.plan_json import is_plan
from podwall.policies.errors import SourceError
from podwall.sources.files import read_file, unreadable
from podwall.sources.json_documents import BrokenJsonError, parsed_values

__all__ = ["FolderContents", "contents_of"]

SUFFIXES: Final = (".yaml", ".yml", ".json")
#: Nothing in it can be committed, so that no change of a repository brings a manifest there.
VERSION_CONTROL: Final = ".git"
PLAN: Final = "plan.json"


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The paths of what a folder holds, sorted, folders before their files.

    `files` are read as they are. `previews` are folders that `podwall preview` wrote: they show a
    program, which is a source of its own, and nobody applies them beside other manifests.
    """

    files: tuple[str, ...] = ()
    previews: tuple[str, ...] = ()


def contents_of(folder: str) -> FolderContents:
    """Return what there is in a folder and below it.

    Raises:
        SourceError: a folder can't be listed.
    """
    files: list[str] = []
    previews: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        if parent != folder and PLAN in names and _wrote_preview(parent):
            previews.append(parent)
            folders.clear()
            continue
        files += (str(Path(parent, name)) for name in _manifests(parent, folders, names))
        folders[:] = sorted(name for name in folders if name != VERSION_CONTROL)
    return FolderContents(tuple(files), tuple(previews))


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
