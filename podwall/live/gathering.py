"""Gather all lists of a cluster: what may not be listed is named, and what changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from podwall.live.connection import ApiConnection, ClusterError
from podwall.live.kinds import NAMESPACES, READ, ApiKind, OtherPolicyKinds, other_policy_kinds
from podwall.live.listing import ListedObjects, listed
from podwall.live.objects import PlainObject
from podwall.policies.errors import Finding, Severity
from podwall.policies.wording import listed as in_words
from podwall.streams import show_progress

__all__ = ["GatheredLists", "gathered", "optional"]

O = TypeVar("O", bound=PlainObject)  # noqa: E741 - an object

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class GatheredLists:
    """All objects of a cluster by their kind.

    `version` is the resource version at which they were listed, `mixed` the kinds of which that is
    not true, and `unseen` the API groups whose server does not answer.
    """

    objects: Mapping[ApiKind[Any], Sequence[Any]]
    version: str = ""
    mixed: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def of(self, kind: ApiKind[O]) -> Sequence[O]:
        """Return the objects of a kind."""
        return self.objects.get(kind, ())

    def findings(self, connection: ApiConnection) -> Iterator[Finding]:
        """Yield what may be missing."""
        if self.mixed:
            yield Finding(
                "cluster-changed-while-read",
                Severity.WARNING,
                f"the lists of {in_words(self.mixed)} are of more than one moment, because the "
                "first one had expired: what changed in between may be missing",
                connection.place,
                "read again; what may be missing is undetermined",
                "https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses",
            )
        for group in self.unseen:
            yield Finding(
                "api-group-not-seen",
                Severity.WARNING,
                f"the server of the API group `{group}` does not answer, so its objects are not "
                "read; policies may be among them",
                connection.place,
                f"see why: `kubectl get apiservices | grep {group}`",
            )


def gathered(connection: ApiConnection, namespace: str | None) -> GatheredLists:
    """Return all lists that decide who reaches whom, of one namespace or of all (None).

    Raises:
        ClusterError: the cluster does not answer, or this user may not list all of them; the
            message names every kind that is refused.
    """
    return _Gathering(connection, namespace, other_policy_kinds(connection)).lists()


def optional(
    connection: ApiConnection, kind: ApiKind[O], namespace: str | None = None
) -> tuple[O, ...] | None:
    """Return the present objects of a kind, None where this user may not list them."""
    try:
        return listed(connection, kind, namespace).items
    except ClusterError as problem:
        if problem.code != _FORBIDDEN:
            raise
        return None


class _Gathering:
    """The lists of one cluster while they are read."""

    def __init__(
        self, connection: ApiConnection, namespace: str | None, others: OtherPolicyKinds
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._others = others
        self._version = ""
        self._mixed: list[str] = []
        self._forbidden: dict[str, ClusterError] = {}

    def lists(self) -> GatheredLists:
        kinds: tuple[ApiKind[Any], ...] = (*READ, *self._others.kinds)
        found = {kind: self._objects(kind) for kind in kinds}
        if self._forbidden:
            raise self._refusal()
        return GatheredLists(found, self._version, tuple(self._mixed), self._others.unseen)

    def _objects(self, kind: ApiKind[O]) -> tuple[O, ...]:
        try:
            found = self._listed(kind)
        except ClusterError as problem:
            if problem.code == _NOT_FOUND and kind not in READ:
                return ()  # a kind that was taken away meanwhile
            if problem.code != _FORBIDDEN:
                raise
            # Who may read one namespace only need not read what is beside it.
            if kind is not NAMESPACES or not self._namespace:
                self._forbidden[kind.resource] = problem
            return ()
        self._version = self._version or found.version
        if found.mixed:
            self._mixed.append(kind.plural)
        return found.items

    def _listed(self, kind: ApiKind[O]) -> ListedObjects[O]:
        def show(done: int, left: int | None) -> None:
            show_progress(f"reading {kind.plural}: {done}{f' of {done + left}' if left else ''}")

        if kind is NAMESPACES and self._namespace:
            answer = self._connection.get(f"{kind.path(None)}/{self._namespace}")
            return ListedObjects((msgspec.json.decode(answer, type=kind.type),))
        return listed(self._connection, kind, self._namespace, self._version, show)

    def _refusal(self) -> ClusterError:
        names = in_words([f"`{each}`" for each in self._forbidden])
        where = f" in namespace `{self._namespace}`" if self._namespace else ""
        return ClusterError(
            f"this user may not list {names}{where}",
            help="grant it: docs/live.md has the role that podwall needs, and no more",
            place=self._connection.place,
            status=next(iter(self._forbidden.values())).status,
        )
