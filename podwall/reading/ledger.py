"""What became of each object of a source: read, known to change nothing here, or not read.

Nothing of a source is passed over in silence: what is not part of the snapshot has a reason. Kinds
that cannot change who reaches whom are harmless; an object of any other kind that is not read may
change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podwall.policies.errors import Place

__all__ = ["NOT_KNOWN", "LedgerEntry", "ObjectStatus", "named_in"]

NOT_KNOWN: Final = "podwall does not know this kind"
"""Why an object of a kind is not read that no table has."""


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
