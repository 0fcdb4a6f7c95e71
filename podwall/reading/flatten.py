"""Take `List` objects apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from podwall.reading.document import Document

__all__ = ["single_objects"]

DEEPEST_LIST = 8


def single_objects(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield every object, those in `List`s (also typed ones such as `PodList`) one by one."""
    for document in documents:
        yield from _objects(document, DEEPEST_LIST)


def _objects(document: Document, depth: int) -> Iterator[Document]:
    manifest = document.manifest
    items = _items(manifest)
    if items is None or depth == 0:
        yield document
        return
    for index, item in enumerate(items):
        place = document.place.at(f"items[{index}]")
        yield from _objects(Document(_with_kind(item, manifest), place), depth - 1)


def _items(manifest: Any) -> list[Any] | None:
    if not isinstance(manifest, Mapping) or not str(manifest.get("kind")).endswith("List"):
        return None
    items = manifest.get("items", [])
    return items if isinstance(items, list) else None


def _with_kind(item: Any, parent: Mapping[str, Any]) -> Any:
    """Return the item of a typed list with its kind, which the API server leaves out there."""
    kind = str(parent["kind"]).removesuffix("List")
    if not kind or not isinstance(item, Mapping) or "kind" in item:
        return item
    return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}
