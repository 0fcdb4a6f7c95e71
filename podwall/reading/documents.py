"""Kubernetes objects as they were written, `List`s taken apart, and the cluster they are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from podwall.model import IpNetwork
from podwall.policies.errors import Place

__all__ = ["DeclaredCluster", "Document", "single_objects"]


@dataclass(frozen=True, slots=True)
class Document:
    """One object in the API's own words (camelCase keys), or a `List` of them, with its place.

    `manifest` is what a JSON or YAML parser returns; an `Unknown` stands wherever a value
    is known only after deployment. Anything else is accepted too, and reported by the reader.
    `called` is what a program calls the object, where its name in the cluster is made up.
    """

    manifest: Mapping[str, Any]
    place: Place = field(default_factory=Place)
    called: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredCluster:
    """What a source declares about the cluster itself; see the fields of `Snapshot`."""

    engine: str | None = None
    kubernetes_version: str | None = None
    pod_cidrs: tuple[IpNetwork, ...] = ()
    ip_families: tuple[int, ...] = ()


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
