"""What became of each object of a source, and findings on what was not read.

Nothing of a source is passed over in silence: what is not part of the snapshot has a reason. Kinds
that cannot change who reaches whom are harmless; an object of any other kind that is not read may
change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Final

from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.wording import listed

__all__ = [
    "ACCEPTABLE",
    "CHANGES_OTHERS",
    "MAY_MAKE_PODS",
    "NOT_BUILT",
    "NOT_KNOWN",
    "UNREAD_KIND",
    "LedgerEntry",
    "ObjectStatus",
    "named_in",
    "not_closed",
    "unknown_kinds",
]

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


UNREAD_KIND: Final = "unread-kind"
NOT_BUILT: Final = "not-built"
#: The findings on what is not read, of which somebody can say that this is known.
ACCEPTABLE: Final = frozenset(
    {"brings-objects", "policy-kind-not-analysed", "unseen-objects", NOT_BUILT}
)
_MOST_NAMED: Final = 5


def unknown_kinds(unread: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """Yield a finding for each kind of objects that is not known, with the names of the first."""
    unknown = sorted((each for each in unread if each.reason == NOT_KNOWN), key=_kind)
    for (kind, group), found in groupby(unknown, key=_kind):
        yield _unknown_kind(kind, group, list(found))


def _kind(entry: LedgerEntry) -> tuple[str, str]:
    return entry.kind, entry.group


def _unknown_kind(kind: str, group: str, found: Sequence[LedgerEntry]) -> Finding:
    names = [f"`{each.name}`" for each in found[:_MOST_NAMED]]
    more = [f"{len(found) - len(names):,} more"] if len(found) > len(names) else []
    is_ = "is" if len(found) == 1 else "are"
    return Finding(
        UNREAD_KIND,
        Severity.WARNING,
        f"{listed([*names, *more])} {is_} not read: {kind} of `{group or 'v1'}` is not known, "
        "and may make pods and policies, so what these could change is undetermined",
        found[0].place,
        f"where it makes neither, say so: `--accept-unread {kind}`",
    )


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
