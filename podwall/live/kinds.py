"""Which kinds of objects are read from a cluster, and where its API has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.live.objects import (
    ControllerObject,
    CronJobObject,
    EndpointSliceObject,
    JobObject,
    NodeObject,
    PlainObject,
    PodObject,
    SpecObject,
)
from podwall.quick_dataclass import dataclass
from podwall.reading.unread_objects import counts_beside_policies

__all__ = [
    "DAEMON_SETS",
    "ENDPOINT_SLICES",
    "JOBS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "POLICIES",
    "READ",
    "ApiKind",
    "OtherPolicyKinds",
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
    ApiKind("v1", "Service", "services", SpecObject),
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
