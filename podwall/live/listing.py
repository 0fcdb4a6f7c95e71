"""Read all lists of an API server: page by page, at one moment, and say what may not be listed.

Which kinds are read, and where the API has them, is a table. The first list decides on a moment,
its resource version, and the others are asked for at that same version, so that a policy and the
pods that it selects belong together. A server keeps versions for some minutes only. Where one is
gone a list is read as it is now; where it goes in the midst of a list, the server says how to go on
from there, and the list then holds two moments (`mixed`).
https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

import msgspec

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.live.objects import (
    ControllerObject,
    CronJobObject,
    EndpointSliceObject,
    JobObject,
    ListMetadata,
    NodeObject,
    Page,
    PlainObject,
    PodObject,
    SpecObject,
)
from podwall.policies.errors import Finding, Severity
from podwall.policies.wording import listed as in_words
from podwall.quick_dataclass import dataclass
from podwall.reading.unread_objects import counts_beside_policies
from podwall.streams import show_progress

__all__ = [
    "DAEMON_SETS",
    "ENDPOINT_SLICES",
    "JOBS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "POLICIES",
    "READ",
    "SERVICES",
    "ApiKind",
    "GatheredLists",
    "ListedObjects",
    "OtherPolicyKinds",
    "gathered",
    "listed",
    "optional",
    "other_policy_kinds",
]


O = TypeVar("O", bound=PlainObject)  # noqa: E741 - an object


@dataclass(frozen=True, slots=True)
class ApiKind(Generic[O]):
    """A kind, where the API has it, and what is kept of its objects.

    >>> PODS.path("shop"), POLICIES.path(None)
    ('/api/v1/namespaces/shop/pods', '/apis/networking.k8s.io/v1/networkpolicies')
    """

    version: str
    kind: str
    plural: str
    type: type[O]
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The group, empty for the core of Kubernetes."""
        return self.version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        """The resource as RBAC and kubectl name it, such as `networkpolicies.networking.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None) -> str:
        """Return the path of the list, of one namespace or of all (None)."""
        root = f"/apis/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{inside}/{self.plural}"


NAMESPACES: Final = ApiKind("v1", "Namespace", "namespaces", PlainObject, namespaced=False)
NODES: Final = ApiKind("v1", "Node", "nodes", NodeObject, namespaced=False)
PODS: Final = ApiKind("v1", "Pod", "pods", PodObject)
POLICIES: Final = ApiKind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", SpecObject)
DAEMON_SETS: Final = ApiKind("apps/v1", "DaemonSet", "daemonsets", ControllerObject)
JOBS: Final = ApiKind("batch/v1", "Job", "jobs", JobObject)

SERVICES: Final = ApiKind("v1", "Service", "services", SpecObject)
ENDPOINT_SLICES: Final = ApiKind(
    "discovery.k8s.io/v1", "EndpointSlice", "endpointslices", EndpointSliceObject
)

READ: Final[tuple[ApiKind[PlainObject], ...]] = (  # type: ignore[assignment]  # their types are Plain's
    NAMESPACES,
    POLICIES,
    PODS,
    ApiKind("apps/v1", "Deployment", "deployments", ControllerObject),
    ApiKind("apps/v1", "ReplicaSet", "replicasets", ControllerObject),
    ApiKind("apps/v1", "StatefulSet", "statefulsets", ControllerObject),
    DAEMON_SETS,
    ApiKind("v1", "ReplicationController", "replicationcontrollers", ControllerObject),
    JOBS,
    ApiKind("batch/v1", "CronJob", "cronjobs", CronJobObject),
    SERVICES,
    ENDPOINT_SLICES,
)
"""What of Kubernetes itself is read as documents; namespaces come first."""


class _ResponseKind(msgspec.Struct):
    kind: str


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    scope: str
    verbs: list[str]
    response_kind: _ResponseKind | None = None


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] | None = None
    freshness: str = "Current"


class _GroupMetadata(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _GroupMetadata
    versions: list[_Version] | None = None


class _Discovery(msgspec.Struct):
    """All groups with their kinds, since Kubernetes 1.30; an older server lists groups alone.

    https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
    """

    kind: str
    items: list[_Group] | None = None


_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_CALICO: Final = "crd.projectcalico.org"
_SAME: Final = {"projectcalico.org": _CALICO}
"""Groups that show what another group stores: read twice, each policy would be there twice."""


@dataclass(frozen=True, slots=True)
class OtherPolicyKinds:
    """The kinds that decide beside NetworkPolicies, and the groups whose kinds are not known."""

    kinds: tuple[ApiKind[SpecObject], ...] = ()
    unseen: tuple[str, ...] = ()


def other_policy_kinds(connection: ApiConnection) -> OtherPolicyKinds:
    """Return the kinds of this cluster that decide who reaches whom beside NetworkPolicies.

    Raises:
        ClusterError: the server does not say which kinds it has.
    """
    answer = connection.send(ApiRequest("GET", "/apis", accept=f"{_AGGREGATED},application/json"))
    found = msgspec.json.decode(answer, type=_Discovery)
    if found.kind != "APIGroupDiscoveryList":
        raise ClusterError(
            "the cluster is older than Kubernetes 1.30, which is the oldest that can be read",
            help="give a dump of its objects: `kubectl get ... -o yaml`, see docs/live.md",
            place=connection.place,
        )
    names = {each.metadata.name for each in found.items or ()}
    groups = [each for each in found.items or () if _SAME.get(each.metadata.name) not in names]
    kinds = tuple(kind for group in groups for kind in _policy_kinds(group))
    return OtherPolicyKinds(kinds, tuple(each.metadata.name for each in groups if _is_stale(each)))


def _is_stale(group: _Group) -> bool:
    """Return whether the server that has a group does not answer, so that its kinds are unknown."""
    return any(each.freshness != "Current" for each in group.versions or ())


def _policy_kinds(group: _Group) -> Iterator[ApiKind[SpecObject]]:
    """Yield the kinds of policies of a group, each in the version that the server prefers."""
    seen = set[str]()
    name = group.metadata.name
    for version in group.versions or ():
        for each in version.resources or ():
            kind = each.response_kind.kind if each.response_kind else ""
            if kind in seen or "list" not in each.verbs or not counts_beside_policies(name, kind):
                continue
            seen.add(kind)
            yield ApiKind(
                f"{name}/{version.version}",
                kind,
                each.resource,
                SpecObject,
                namespaced=each.scope == "Namespaced",
            )


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
        progress: called with how many objects were read and how many are left, where that is known.

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


_FORBIDDEN: Final = 403


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
