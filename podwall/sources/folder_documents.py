"""The documents of a folder: of its files, its kustomizations and its charts.

A folder with a kustomization is what kustomize builds of it, and a chart what helm renders; nothing
else in it is read. In any other folder, the kustomizations and charts below it are built, and its
own files are read as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from podwall.policies.errors import Finding, InvalidValue, Place, Severity, SourceError
from podwall.reading import LedgerEntry, ObjectStatus
from podwall.sources.files import ParsedDocuments
from podwall.sources.folders import FolderContents, contents_of
from podwall.sources.kustomizations import kustomization_in, unincluded
from podwall.sources.manifests import read_manifests
from podwall.sources.model import ManifestOptions
from podwall.sources.overlays import read_together

__all__ = ["NoChartError", "read_folder"]

_AT_ONCE: Final = 4
_OF_A_PREVIEW: Final = "`podwall preview` wrote this folder, to show what a program deploys"


def read_folder(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return the documents of a folder and of all below it.

    Raises:
        SourceError: the folder can't be listed, or can't be built where it is a kustomization or a
            chart itself.
        InvalidValue: values are given, and there is no chart.
    """
    is_kustomization = kustomization_in(folder) is not None
    contents = FolderContents() if is_kustomization else contents_of(folder)
    if options.values and not contents.charts:
        raise NoChartError(folder)
    if is_kustomization:
        return _built(folder, options)
    if str(Path(folder)) in contents.charts:
        return _rendered(folder, options)
    return ParsedDocuments.joined(_parts(contents, options))


class NoChartError(InvalidValue):
    """Values are given, and nothing here reads them."""

    def __init__(self, name: str) -> None:
        """Take what people call the source."""
        super().__init__(f"`{name}` has no chart that values could be for", help="give the chart")


def _parts(contents: FolderContents, options: ManifestOptions) -> Iterator[ParsedDocuments]:
    yield from map(read_manifests, contents.files)
    tops = unincluded(contents.kustomizations)
    made = [partial(_built, each, options) for each in tops]
    made += [partial(_rendered, each, options) for each in contents.charts]
    found = _side_by_side(made) if made else []
    yield from read_together(tops, found[: len(tops)])
    yield from found[len(tops) :]
    yield ParsedDocuments(others=tuple(map(_written_by_a_preview, contents.previews)))


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
        return list(pool.map(_made, made))


def _written_by_a_preview(folder: str) -> LedgerEntry:
    return LedgerEntry("", "", Place(folder), ObjectStatus.UNREAD, _OF_A_PREVIEW)


def _made(make: Callable[[], ParsedDocuments]) -> ParsedDocuments:
    """Return what a tool makes of a folder below; where it fails, a finding, and no more."""
    try:
        return make()
    except SourceError as problem:
        error = Finding("not-built", Severity.ERROR, problem.message, problem.place, problem.help)
        return ParsedDocuments(findings=(error,))
