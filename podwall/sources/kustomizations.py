"""What kustomizations are made of, read before kustomize is, and which of them go together.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/

Overlays whose objects have names or namespaces of their own are one cluster, as they are where all
of them are applied; what two of them make alike counts once. Overlays that make one object in two
ways are versions of it, and nobody but their user knows which is deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from podwall.policies.errors import Place, SourceError
from podwall.quick_dataclass import dataclass
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments, is_kustomization, read_file
from podwall.sources.yaml_documents import parse_yaml
from podwall.sources.yaml_lines import field_line

__all__ = [
    "Kustomization",
    "included",
    "kustomization_in",
    "read_together",
    "unincluded",
    "versions",
]

#: The fields that name folders and files whose objects become a part of what is built.
_INCLUDING: Final = ("resources", "bases", "components")
#: The fields that name configuration of kustomize's own generators and transformers.
_CONFIGURING: Final = ("generators", "transformers", "validators")
#: The fields of texts and names: an address in them is data, and nothing that is fetched.
_DATA: Final = frozenset(
    {
        "annotations",
        "commonAnnotations",
        "commonLabels",
        "helmCharts",
        "images",
        "labels",
        "literals",
        "metadata",
        "patch",
    }
)
_INFLATING: Final = ("helmCharts", "helmChartInflationGenerator")
_HTTP: Final = re.compile(r"(?:[^/=\s]+=)?https?://", re.IGNORECASE)
_HTTP_INSIDE: Final = re.compile(r"https?://\S+", re.IGNORECASE)
#: What kustomize clones: `ssh://…`, `git::…`, `git@host:…`, `github.com/owner/name?ref=v1`.
_REPOSITORY: Final = re.compile(
    r"[a-z][a-z0-9+]*(://|::)|[\w.-]+@[\w.-]+:|"
    r"(?!\.)(?!.*\.(ya?ml|json)$)[\w-]+(\.[\w-]+)+(:\d+)?[/:]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Kustomization:
    """The file that says how a folder is built; `manifest` is empty where it can't be read."""

    folder: Path
    file: Path
    data: bytes
    manifest: Mapping[str, Any]

    @property
    def is_component(self) -> bool:
        """Whether it is built only as a part of others."""
        return self.manifest.get("kind") == "Component"

    @property
    def inflates_charts(self) -> bool:
        """Whether kustomize would have to run helm."""
        return any(self.manifest.get(key) for key in _INFLATING)

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The local folders that become a part of it, each with its links resolved."""
        named = (self.folder / name for _, name in self._names((*_INCLUDING, *_CONFIGURING)))
        return tuple(path.resolve() for path in named if path.is_dir())

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Yield what kustomize would fetch, with the path of its field."""
        for path, name in self._names(_INCLUDING):
            if _REPOSITORY.match(name) and not (self.folder / name).exists():
                yield path, name
        yield from _fetched(self.manifest, "")
        for path, name in self._names(_CONFIGURING):
            for found in _HTTP_INSIDE.findall(self._configuration(name)):
                yield path, found

    def place(self, path: str) -> Place:
        """Return the place of a field."""
        return Place(str(self.file), field_line(self.data, 1, path), path)

    def _names(self, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
        for key in keys:
            entries = self.manifest.get(key)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                if isinstance(entry, str):
                    yield f"{key}[{index}]", entry

    def _configuration(self, name: str) -> str:
        """Return the text of a generator or transformer: what stands here, or in the file."""
        if "\n" in name:
            return name
        try:
            return read_file(str(self.folder / name))[1].decode("utf-8", "replace")
        except SourceError:
            return ""


def _fetched(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str) and "\n" not in node and _HTTP.match(node):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key not in _DATA:
                yield from _fetched(value, f"{path}.{key}".strip("."))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _fetched(value, f"{path}[{index}]")


def kustomization_in(folder: str | Path) -> Kustomization | None:
    """Return the kustomization of a folder, None where it has none."""
    try:
        names = sorted(each.name for each in Path(folder).iterdir())
    except OSError:
        return None
    file = next((Path(folder, name) for name in names if is_kustomization(name)), None)
    if file is None:
        return None
    try:
        data = read_file(str(file))[1]
    except SourceError:
        return Kustomization(Path(folder), file, b"", {})
    documents = parse_yaml(data, str(file)).documents
    manifest = documents[0].manifest if documents else {}
    return Kustomization(Path(folder), file, data, manifest if isinstance(manifest, dict) else {})


def included(top: Kustomization | None) -> Iterator[Kustomization]:
    """Yield a kustomization and all that become a part of it, each once."""
    todo, seen = [top], set[Path]()
    while todo:
        each = todo.pop()
        if each is None or each.folder.resolve() in seen:
            continue
        seen.add(each.folder.resolve())
        yield each
        todo += [kustomization_in(folder) for folder in each.folders]


def unincluded(folders: Iterable[str]) -> list[str]:
    """Return the folders of kustomizations that no other of them includes, without components."""
    found = {folder: kustomization_in(folder) for folder in folders}
    inner = {path for each in found.values() if each for path in each.folders}
    return [
        folder
        for folder, each in found.items()
        if each and not each.is_component and each.folder.resolve() not in inner
    ]


def versions(folders: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the folders that are built of the same kustomization, as overlays of one base are."""
    users: dict[Path, list[str]] = {}
    for folder in folders:
        for each in included(kustomization_in(folder)):
            if not each.is_component:
                users.setdefault(each.folder.resolve(), []).append(folder)
    yield from dict.fromkeys(tuple(names) for names in users.values() if len(names) > 1)


def read_together(
    folders: Sequence[str], built: Sequence[ParsedDocuments]
) -> Iterator[ParsedDocuments]:
    """Yield what was built of each folder, without what another one of the same base made alike.

    Raises:
        SourceError: two of the same base make one object in two ways.
    """
    made = dict(zip(folders, built, strict=True))
    groups = list(versions(folders))
    there: dict[object, tuple[str, Any]] = {}
    for folder in dict.fromkeys(name for group in groups for name in group):
        kept = tuple(_new(folder, made[folder].documents, there))
        made[folder] = replace(made[folder], documents=kept)
    yield from made.values()
    yield ParsedDocuments(notes=tuple(map(_note, groups)))


def _new(
    folder: str, documents: Sequence[Document], there: dict[object, tuple[str, Any]]
) -> Iterator[Document]:
    """Yield the objects that no folder before has made."""
    for each in documents:
        identity = _identity(each.manifest)
        first, manifest = there.setdefault(identity, (folder, each.manifest))
        if first == folder or identity is None:
            yield each
        elif manifest != each.manifest:
            raise _refused(first, folder, each)


def _identity(manifest: Any) -> object:
    """Return what only one object of a cluster is called; None for what is no object."""
    metadata = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        return None
    group = str(manifest.get("apiVersion")).rpartition("/")[0]
    return group, manifest.get("kind"), metadata.get("namespace"), metadata["name"]


def _refused(first: str, second: str, document: Document) -> SourceError:
    manifest = document.manifest
    name = f"{manifest.get('kind')} `{manifest['metadata']['name']}`"
    return SourceError(
        f"`{first}` and `{second}` are built of the same kustomization and make {name} in two "
        "ways, and nothing says which of them is deployed",
        help=f"give one, as in `podwall reach {first}`",
        place=Place(second),
    )


def _note(folders: tuple[str, ...]) -> str:
    pairs = ", ".join(f"`{each}`" for each in folders)
    return f"read as one cluster, though they are built of one kustomization: {pairs}"
