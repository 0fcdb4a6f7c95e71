"""Kubernetes objects as they were written, and what became of each: read, harmless, or not read.

Nothing of a source is passed over in silence: what is not part of the snapshot has a reason. Kinds
that cannot change who reaches whom are harmless; an object of any other kind that is not read may
change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

from podwall.model import IpNetwork
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.wording import guess, listed
from podwall.quick_dataclass import dataclass

__all__ = [
    "ACCEPTABLE",
    "ACCEPTS_NOTHING",
    "CHANGES_OTHERS",
    "MAY_MAKE_PODS",
    "NOT_BUILT",
    "NOT_KNOWN",
    "UNREAD_KIND",
    "DeclaredCluster",
    "Document",
    "LedgerEntry",
    "ObjectStatus",
    "accepts_nothing",
    "named_in",
    "not_closed",
    "single_objects",
    "unknown_kinds",
]


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
    name: str = ""
    engine_version: str | None = None


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
    items = manifest.get("items")
    if items is None:
        return [] if manifest["kind"] == "List" or "items" in manifest else None
    return items if isinstance(items, list) else None


def _with_kind(item: Any, parent: Mapping[str, Any]) -> Any:
    """Return the item of a typed list with its kind, which the API server leaves out there."""
    kind = str(parent["kind"]).removesuffix("List")
    if not kind or not isinstance(item, Mapping) or "kind" in item:
        return item
    return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}


NOT_KNOWN: Final = "podwall does not know this kind"
"""Why an object of a kind is not read that no table has."""

MAY_MAKE_PODS: Final = "a controller may make pods of it, and nothing tells which labels they get"
"""Why an object is not read of which there may be pods, and no policies."""

CHANGES_OTHERS: Final = "it may let objects be changed as they are made, their labels among it"
"""Why an object is not read that makes nothing, and that others than podwall may ask."""


class ObjectStatus(StrEnum):
    """What became of an object.

    `READ`: it is part of the snapshot, by itself or through the controller that made it.
    `HARMLESS`: it is not, and cannot change who reaches whom. `UNREAD`: it is not, and may.
    `ACKNOWLEDGED`: the same, and somebody says that this is known and no matter.
    """

    READ = "read"
    HARMLESS = "harmless"
    UNREAD = "unread"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An object of a source, and what became of it.

    `kind` and `name` are as far as they are known; the name is `namespace/name` where the object
    says its namespace, and `group` is that of its API. `reason` says in a few words why the object
    is not part of the snapshot, and is empty where it is. `may_make_pods`: a controller may make
    pods of it, nobody knows which.

    >>> print(LedgerEntry("Rollout", "shop/web", reason="podwall does not know this kind"))
    Rollout shop/web
    """

    kind: str
    name: str
    place: Place = field(default_factory=Place)
    status: ObjectStatus = ObjectStatus.UNREAD
    reason: str = ""
    group: str = ""
    may_make_pods: bool = False

    def __str__(self) -> str:
        """Write kind and name, else the place."""
        return " ".join(filter(None, (self.kind, self.name))) or str(self.place)


def named_in(manifest: object) -> tuple[str, str]:
    """Return the kind and name that an object has at least in writing, however damaged it is.

    >>> named_in({"kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}})
    ('Pod', 'shop/web')
    >>> named_in({"kind": 1, "metadata": []}), named_in("text")
    (('', ''), ('', ''))
    """
    metadata = _at(manifest, "metadata")
    parts = (_at(metadata, "namespace"), _at(metadata, "name"))
    return _text(_at(manifest, "kind")), "/".join(filter(None, map(_text, parts)))


def _at(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, Mapping) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


ACCEPTS_NOTHING: Final = "accept-unread-unused"
UNREAD_KIND: Final = "unread-kind"
NOT_BUILT: Final = "not-built"
#: The findings on what is not read, of which somebody can say that this is known.
ACCEPTABLE: Final = frozenset(
    {"brings-objects", "policy-kind-not-analysed", "unseen-objects", NOT_BUILT}
)
_MOST_NAMED: Final = 5
#: What is said of a kind, by the reason why its objects are not read.
_OF_A_KIND: Final = {
    NOT_KNOWN: "is not known, and may make pods and policies, so what these could change is "
    "undetermined",
    MAY_MAKE_PODS: "may make pods, and nothing tells which labels they get",
    CHANGES_OTHERS: "may let objects be changed as they are made, their labels among it",
}


def unknown_kinds(unread: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """Yield a finding for each kind of objects that is not known, with the names of the first.

    A note tells of each kind of which it is known that it makes no policies, and not what it makes.
    """
    named = sorted((each for each in unread if each.reason in _OF_A_KIND), key=_kind)
    for (kind, group), found in groupby(named, key=_kind):
        yield _unknown_kind(kind, group, list(found))


def _kind(entry: LedgerEntry) -> tuple[str, str]:
    return entry.kind, entry.group


def _unknown_kind(kind: str, group: str, found: Sequence[LedgerEntry]) -> Finding:
    names = [f"`{each.name}`" for each in found[:_MOST_NAMED]]
    more = [f"{len(found) - len(names):,} more"] if len(found) > len(names) else []
    is_ = "is" if len(found) == 1 else "are"
    is_known = found[0].reason != NOT_KNOWN
    return Finding(
        UNREAD_KIND,
        Severity.INFO if is_known else Severity.WARNING,
        f"{listed([*names, *more])} {is_} not read: {kind} of `{group or 'v1'}` "
        f"{_OF_A_KIND[found[0].reason]}",
        found[0].place,
        f"where {'that is no matter' if is_known else 'it makes neither'}, say so: "
        f"`--accept-unread {kind}`",
    )


def accepts_nothing(accepted: Iterable[str], ledger: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """Yield a finding for each kind that is accepted as unread, and of which nothing is unread.

    It may be a slip of the pen, and then what was meant is still not accepted.
    """
    kinds = sorted(set(accepted))
    found = {(each.kind, each.status) for each in ledger} if kinds else set()
    there = {kind for kind, _ in found}
    left = {kind for kind, status in found if status is ObjectStatus.UNREAD and kind}
    for kind in kinds:
        if (kind, ObjectStatus.ACKNOWLEDGED) in found:
            continue
        why = "all objects of this kind are read" if kind in there else "no object is of this kind"
        help_ = guess(kind, sorted(left)) or "leave it out"
        message = f"`--accept-unread {kind}` accepts nothing: {why}"
        yield Finding(ACCEPTS_NOTHING, Severity.WARNING, message, help=help_)


def not_closed(makers: Sequence[LedgerEntry]) -> Finding:
    """Return the finding on a source that is said to be whole, and has what nobody can read."""
    names = [f"`{each}`" for each in makers[:_MOST_NAMED]] or ["what it brings"]
    kinds = dict.fromkeys(each.kind for each in makers if each.kind)
    accept = " ".join(f"--accept-unread {kind}" for kind in kinds)
    return Finding(
        "not-closed",
        Severity.WARNING,
        f"the source is not closed, as was said: {listed(names)} may make pods, and "
        f"{'is' if len(names) == 1 else 'are'} not read",
        makers[0].place if makers else Place(),
        f"where it makes none, say so: `{accept}`" if accept else "",
    )
