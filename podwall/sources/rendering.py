"""What kustomize builds of a folder, and what helm renders of a chart, as documents with places.

A kustomization is built through another one around it, in a temporary folder, that asks for the
origin of each object; nothing is written beside the kustomization itself. Of a chart, helm tells
the template of each object. So findings name the file that somebody can edit.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from podwall.policies.errors import Place, SourceError
from podwall.reading import Document
from podwall.reading.documents import single_objects
from podwall.reading.ledger import named_in
from podwall.sources.files import ParsedDocuments, read_file
from podwall.sources.kustomizations import included, kustomization_in
from podwall.sources.manifests import parse_manifests
from podwall.sources.model import ManifestOptions
from podwall.sources.tools import found_tool, tool_output

__all__ = ["built", "rendered"]

_BUILDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "kustomize": ("kustomize", "build"),
    "kubectl": ("kubectl", "kustomize"),
}
_AROUND: Final = "{}: ['{}']\nbuildMetadata: [originAnnotations]\n"
_ORIGIN: Final = "config.kubernetes.io/origin"
_ORIGIN_FILE: Final = re.compile(r"^(?:path|configuredIn): (.+)$", re.MULTILINE)
_SOURCE: Final = re.compile(rb"^# Source: (.+)$", re.MULTILINE)


def built(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return what kustomize builds of a folder, each object at the place that it comes from.

    Raises:
        SourceError: neither kustomize nor kubectl is there, something would have to be fetched or
            run, or it can't be built.
    """
    _refuse_what_is_fetched(folder, network=options.network)
    words = _builder(folder)
    data, home = _built_with_origins(folder, words, network=options.network)
    parsed = parse_manifests(data, folder)
    origins = _Origins(folder, home)
    documents = tuple(map(origins.traced, parsed.documents))
    note = f"built `{folder}` with `{' '.join(words)}`"
    return replace(parsed, documents=documents, texts=origins.texts, notes=(note,))


def _refuse_what_is_fetched(folder: str, *, network: bool) -> None:
    for each in included(kustomization_in(folder)):
        read_file(str(each.file))  # kustomize would wait for ever on a pipe
        if each.inflates_charts:
            raise SourceError(
                "kustomize would have to run helm here, which podwall does not let it",
                help=f"build it, as in `kustomize build --enable-helm {folder} | podwall reach -`",
                place=Place(str(each.file)),
            )
        for path, address in () if network else each.addresses():
            raise SourceError(
                f"`{address}` is on the network, and kustomize may fetch nothing",
                help="allow it with `--allow-network`, or build it, as in "
                f"`kubectl kustomize {folder} | podwall reach -`",
                place=each.place(path),
            )


def _builder(folder: str) -> tuple[str, ...]:
    tool = found_tool(*_BUILDERS)
    if tool is None:
        raise SourceError(
            "is a kustomization, and neither `kustomize` nor `kubectl` is on the PATH to build it",
            help=f"build it where one is, as in `kubectl kustomize {folder} | podwall reach -`",
            place=Place(folder),
        )
    return _BUILDERS[tool]


def _built_with_origins(
    folder: str, words: Sequence[str], *, network: bool
) -> tuple[bytes, str | None]:
    """Return what is built, and the folder that its origins are relative to, if it has any.

    Where the one around it can't be built, the error is that of the kustomization alone, as people
    know it. One of a kubectl that is too old for origins can be built, and has none.
    """
    with TemporaryDirectory(prefix="podwall-") as temporary:
        home = os.path.realpath(temporary)
        target = os.path.relpath(os.path.realpath(folder), home).replace("'", "''")
        inner = kustomization_in(folder)
        field = "components" if inner and inner.is_component else "resources"
        Path(home, "kustomization.yaml").write_text(_AROUND.format(field, target), "utf-8")
        try:
            return tool_output((*words, home), network=network), home
        except SourceError:
            return _run((*words, folder), folder, network=network), None


def _run(command: Sequence[str], folder: str, *, network: bool = False) -> bytes:
    try:
        return tool_output(command, network=network)
    except SourceError as problem:
        problem.place = Place(folder)
        problem.help = f"`{' '.join(command[:2])} {folder}` says more"
        raise


class _Origins:
    """The files that a build was made of, and the place of each object in them."""

    def __init__(self, folder: str, home: str | None) -> None:
        """Take the folder as it was named, and the one that origins are relative to."""
        self._folder = folder
        self._home = home
        self._places: dict[str, list[tuple[str, str, Place]]] = {}
        self.texts: dict[str, bytes] = {}

    def traced(self, document: Document) -> Document:
        """Return an object at its place in the file that it comes from, else in the folder."""
        manifest, origin = _without_origin(document.manifest)
        file = self._file(origin)
        if file is None:
            return Document(manifest, Place(self._folder))
        return Document(manifest, self._place(file, *named_in(manifest)))

    def _file(self, origin: str) -> str | None:
        found = _ORIGIN_FILE.search(origin)
        if found is None or self._home is None or "repo:" in origin:
            return None
        path = os.path.normpath(os.path.join(self._home, found[1].strip("'\"")))  # noqa: PTH118 - not resolved
        inside = os.path.relpath(path, os.path.realpath(self._folder))
        return os.path.normpath(os.path.join(self._folder, inside))  # noqa: PTH118 - as above

    def _place(self, file: str, kind: str, name: str) -> Place:
        """Return where an object is in a file; kustomize may have put something around its name."""
        if file not in self._places:
            self._places[file] = self._objects_of(file)
        of_kind = [(own, place) for its, own, place in self._places[file] if its == kind]
        last = name.rpartition("/")[2]
        equal = [place for own, place in of_kind if own == last]
        inside = [place for own, place in of_kind if own and own in last]
        found = equal or inside
        return found[0] if len(found) == 1 else Place(file)

    def _objects_of(self, file: str) -> list[tuple[str, str, Place]]:
        try:
            self.texts[file] = read_file(file)[1]
        except SourceError:
            return []
        objects = single_objects(parse_manifests(self.texts[file], file).documents)
        named = ((*named_in(each.manifest), each.place) for each in objects)
        return [(kind, name.rpartition("/")[2], place) for kind, name, place in named]


def _without_origin(manifest: Any) -> tuple[Any, str]:
    """Return an object as it would be applied, and what kustomize tells of its origin."""
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or _ORIGIN not in annotations:
        return manifest, ""
    kept = {**manifest["metadata"], "annotations": dict(annotations)}
    origin = kept["annotations"].pop(_ORIGIN)
    if not kept["annotations"]:
        del kept["annotations"]
    return {**manifest, "metadata": kept}, str(origin)


def rendered(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return what helm renders of a chart, each object at the template that it comes from.

    The pods of `helm test` are left out: nothing makes them when the chart is installed.

    Raises:
        SourceError: helm is not there, a file of values can't be read, or the chart can't be
            rendered.
    """
    if found_tool("helm") is None:
        raise SourceError(
            "is a chart, and `helm` is not on the PATH to render it",
            help=f"render it where it is, as in `helm template {folder} | podwall reach -`",
            place=Place(folder),
        )
    _refuse_links_out(folder)
    command = ["helm", "template", options.release, str(Path(folder).absolute()), "--skip-tests"]
    command += ["--namespace", options.namespace] if options.namespace else []
    command += [f"--values={read_file(file)[0]}" for file in options.values]
    return _at_templates(_run(command, folder), folder)


def _refuse_links_out(folder: str) -> None:
    """Refuse a chart with a link out of its folder, which helm would follow to any file."""
    top = Path(folder).resolve()
    for parent, folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *names)):
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                raise SourceError(
                    f"leads out of the chart, to `{path.readlink()}`, and is not followed",
                    help="put the file itself in its place",
                    place=Place(str(path)),
                )


def _at_templates(data: bytes, folder: str) -> ParsedDocuments:
    parsed = parse_manifests(data, folder)
    templates = _Templates(folder, data)
    return replace(
        parsed,
        documents=tuple(replace(each, place=templates.of(each)) for each in parsed.documents),
        findings=tuple(replace(each, place=templates.at(each.place)) for each in parsed.findings),
        others=tuple(replace(each, place=templates.at(each.place)) for each in parsed.others),
        texts={},
        notes=(f"rendered `{folder}` with `helm template`",),
    )


class _Templates:
    """The templates of a chart, by the lines of what helm renders of them."""

    def __init__(self, folder: str, data: bytes) -> None:
        """Take the chart's folder, and what was rendered."""
        self._folder = folder
        marks = list(_SOURCE.finditer(data))
        self._lines = [data.count(b"\n", 0, each.start()) + 1 for each in marks]
        self._names = [each[1].decode("utf-8", "replace").strip() for each in marks]
        self._texts: dict[str, list[bytes]] = {}

    def at(self, place: Place) -> Place:
        """Return the template that a line is of; a template's own lines are others."""
        before = bisect_right(self._lines, place.line or 0)
        if not before:
            return Place(self._folder, path=place.path)
        _, _, inside = self._names[before - 1].partition("/")
        return Place(str(Path(self._folder, inside)), path=place.path)

    def of(self, document: Document) -> Place:
        """Return where an object's template says its kind, if it does so once."""
        place = self.at(document.place)
        kind, _ = named_in(document.manifest)
        wanted = {f"kind: {kind}".encode(), f'kind: "{kind}"'.encode()}
        found = [n for n, line in enumerate(self._text(place.source), 1) if line.strip() in wanted]
        return replace(place, line=found[0]) if len(found) == 1 else place

    def _text(self, file: str) -> list[bytes]:
        if file not in self._texts:
            try:
                self._texts[file] = read_file(file)[1].split(b"\n")
            except SourceError:
                self._texts[file] = []
        return self._texts[file]
