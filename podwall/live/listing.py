"""Read whole lists from an API server: page by page, at one moment, again where a page expires.

The first list decides on a moment, its resource version, and the others are asked for at that same
version, so that a policy and the pods that it selects belong together. A server keeps versions for
some minutes only. Where one is gone a list is read as it is now; where it goes in the midst of a
list, the server says how to go on from there, and the list then holds two moments (`mixed`).
https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

import msgspec

from podwall.live.connection import ApiConnection, ClusterError
from podwall.live.kinds import ApiKind
from podwall.live.objects import ListMetadata, Page, PlainObject

__all__ = ["ListedObjects", "listed"]

O = TypeVar("O", bound=PlainObject)  # noqa: E741 - an object

_PAGE: Final = 500
_GONE: Final = 410
_NOT_FOUND: Final = 404
#: What servers answer that do not know a version (any more), or not yet.
_NOT_AT_VERSION: Final = frozenset({400, _GONE, 504})
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class ListedObjects(Generic[O]):
    """The objects of a list, the version at which it was made, and whether it holds two moments."""

    items: tuple[O, ...]
    version: str = ""
    mixed: bool = False


def listed(
    connection: ApiConnection,
    kind: ApiKind[O],
    namespace: str | None = None,
    version: str = "",
    progress: Progress = lambda _done, _left: None,
) -> ListedObjects[O]:
    """Return all objects of a kind.

    Args:
        connection: to the cluster.
        kind: what is asked for.
        namespace: the only one that is asked for; None means all.
        version: the moment that is asked for; nothing means the present one.
        progress: is told how many objects are there and how many are left, as far as that is known.

    Raises:
        ClusterError: the server refuses, or does not answer.
    """
    try:
        return _List(connection, kind, namespace, progress).read(version)
    except ClusterError as problem:
        if version and problem.code in _NOT_AT_VERSION:
            now = _List(connection, kind, namespace, progress).read("")
            return replace(now, mixed=True)
        raise


class _List(Generic[O]):
    """One list that is being read."""

    def __init__(
        self, connection: ApiConnection, kind: ApiKind[O], namespace: str | None, progress: Progress
    ) -> None:
        self._connection = connection
        self._path = kind.path(namespace)
        self._decoder = msgspec.json.Decoder(Page[kind.type])  # type: ignore[name-defined]  # made here
        self._progress = progress
        self._items: dict[tuple[str, str], O] = {}
        self._mixed = False

    def read(self, version: str) -> ListedObjects[O]:
        at: dict[str, Any] = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
        found = self._page(at if version else {})
        first = found.resource_version
        while found.next_page:
            found = self._next(found.next_page)
        return ListedObjects(tuple(self._items.values()), first, self._mixed)

    def _next(self, page: str) -> ListMetadata:
        try:
            return self._page({"continue": page})
        except ClusterError as problem:
            onward = _onward(problem)
            if not onward:
                raise
        self._mixed = True
        return self._page({"continue": onward})

    def _page(self, query: dict[str, Any]) -> ListMetadata:
        answer = self._connection.get(self._path, limit=_PAGE, **query)
        try:
            page: Page[O] = self._decoder.decode(answer)
        except msgspec.MsgspecError as problem:
            raise ClusterError(
                f"what it answers to {self._path} is no list of Kubernetes: {problem}",
                help="does a proxy answer instead of the cluster?",
                place=self._connection.place,
            ) from None
        for each in page.items or ():
            self._items[each.metadata.namespace, each.metadata.name] = each
        self._progress(len(self._items), page.metadata.remaining_item_count)
        return page.metadata


def _onward(problem: ClusterError) -> str:
    """Return the token with which a list goes on whose page expired; nothing if it can't."""
    metadata = problem.status.get("metadata")
    found = metadata.get("continue") if isinstance(metadata, dict) else None
    return found if problem.code == _GONE and isinstance(found, str) else ""
