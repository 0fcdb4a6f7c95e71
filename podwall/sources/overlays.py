"""Several kustomizations that are built of one base: read together, where they can be deployed so.

Overlays whose objects have names or namespaces of their own are one cluster, as they are where all
of them are applied; what two of them make alike counts once. Overlays that make one object in two
ways are versions of it, and nobody but their user knows which is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from podwall.policies.errors import Place, SourceError
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments
from podwall.sources.kustomizations import versions

__all__ = ["read_together"]


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
