"""Read a cluster: its objects as documents, at one moment, and what enforces policies in it.

Everything is listed before anything is judged. What may not be listed is named at once, all of it,
because a cluster without its pods or policies is none. Only what describes the engine (nodes, the
settings of Cilium) may be missing, which is then a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Any, Final

import msgspec

from podwall.aks.network_engine import minor_version
from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ClusterError, connected
from podwall.live.enforcement import Enforcement, agents_in, enforcement
from podwall.live.listing import (
    DAEMON_SETS,
    JOBS,
    NODES,
    PODS,
    POLICIES,
    READ,
    ApiKind,
    GatheredLists,
    gathered,
    optional,
)
from podwall.live.objects import JobObject, NodeObject, PlainObject, PodObject
from podwall.model import IpAddress, IpNetwork
from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reading import DeclaredCluster, Document, LedgerEntry, ObjectStatus

__all__ = [
    "ClusterReading",
    "ObjectDocuments",
    "ReadingScope",
    "kubernetes_version",
    "read_cluster",
    "read_connection",
    "reading_of",
    "says_ranges",
]


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """What a cluster showed.

    `name` is what people call it, the name of its context. `whole` is True where everything was
    read, of all namespaces and of one moment: what is not here does not exist. `others` are the
    objects that make no pods any more, and `note` says in a line what was read.
    """

    name: str
    documents: tuple[Document, ...] = ()
    cluster: DeclaredCluster = field(default_factory=DeclaredCluster)
    findings: tuple[Finding, ...] = ()
    others: tuple[LedgerEntry, ...] = ()
    note: str = ""
    whole: bool = True


def read_cluster(context: KubeContext, namespace: str | None = None) -> ClusterReading:
    """Return what a cluster shows now, of one namespace or of all (None).

    Raises:
        SourceError: there is no such cluster in the kubeconfig, it does not answer, or it does not
            let this user list what has to be read.
        MissingExtra: `podwall[live]` is not installed.
    """
    with connected(context) as connection:
        return read_connection(connection, namespace)


def read_connection(connection: ApiConnection, namespace: str | None = None) -> ClusterReading:
    """Return what the cluster at the other end of a connection shows.

    Raises:
        ClusterError: it does not answer, or refuses.
    """
    scope = ReadingScope(namespace, kubernetes_version(connection))
    lists = gathered(connection, namespace)
    return reading_of(connection, lists, optional(connection, NODES), scope)


class ObjectDocuments:
    """The objects of a cluster as documents: one that has not changed stays the same document.

    An object is known again if it is the same in memory, for nothing changes one.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[int, tuple[PlainObject, Document]] = {}
        self._addresses: dict[int, tuple[PodObject, tuple[IpAddress, ...]]] = {}

    def of(
        self, name: str, lists: Mapping[ApiKind[Any], Sequence[PlainObject]]
    ) -> tuple[Document, ...]:
        """Return the objects of a cluster as documents, but for jobs that make no pods any more."""
        before, self._made = self._made, {}
        for kind, objects in lists.items():
            head = {"apiVersion": kind.version, "kind": kind.kind}
            for each in objects:
                if isinstance(each, JobObject) and each.has_ended:
                    continue
                known = before.get(id(each))
                if known is None:
                    plain = {**head, **msgspec.to_builtins(each)}
                    known = each, Document(plain, _place(name, kind, each))
                self._made[id(each)] = known
        return tuple(document for _, document in self._made.values())

    def addresses(self, pods: Iterable[PodObject]) -> list[IpAddress]:
        """Return the addresses of the pods that have some of their own."""
        before, self._addresses = self._addresses, {}
        for pod in pods:
            known = before.get(id(pod))
            self._addresses[id(pod)] = known or (pod, tuple(_addresses(pod)))
        return [each for _, own in self._addresses.values() for each in own]


@dataclass(frozen=True, slots=True)
class ReadingScope:
    """What is read of a cluster: one namespace or all (None), of which version of Kubernetes.

    `documents` are those that were made of it before.
    """

    namespace: str | None = None
    kubernetes: str = ""
    documents: ObjectDocuments = field(default_factory=ObjectDocuments)


def reading_of(
    connection: ApiConnection,
    lists: GatheredLists,
    nodes: Sequence[NodeObject] | None,
    scope: ReadingScope,
) -> ClusterReading:
    """Return what lists of a cluster show; only what describes its engine is asked for.

    Args:
        connection: to the cluster.
        lists: all that decides who reaches whom.
        nodes: all nodes, None where they may not be read.
        scope: how much of it was read.

    Raises:
        ClusterError: the cluster does not answer.
    """
    enforced = _enforcement(connection, lists, nodes, scope.namespace)
    documents = scope.documents
    ranges = _pod_ranges(nodes or (), documents.addresses(lists.of(PODS)))
    return ClusterReading(
        connection.name,
        documents.of(connection.name, {**lists.objects, NODES: nodes or ()}),
        DeclaredCluster(
            enforced.engine,
            _minor(scope.kubernetes),
            ranges,
            engine_version=enforced.version,
        ),
        (*enforced.findings, *lists.findings(connection)),
        tuple(_ended(connection.name, lists.of(JOBS))),
        _note(connection.name, scope.kubernetes, enforced, lists),
        whole=not (scope.namespace or lists.mixed or lists.unseen),
    )


class _Version(msgspec.Struct, rename="camel"):
    git_version: str = ""


def kubernetes_version(connection: ApiConnection) -> str:
    """Return the version of the API server, such as `v1.34.4`."""
    return msgspec.json.decode(connection.get("/version"), type=_Version).git_version


def _minor(version: str) -> str | None:
    found = minor_version(version)
    return None if found is None else f"{found[0]}.{found[1]}"


def _enforcement(
    connection: ApiConnection,
    lists: GatheredLists,
    nodes: Sequence[NodeObject] | None,
    namespace: str | None,
) -> Enforcement:
    """Return what enforces policies; its agents are in other namespaces than most readers' own."""
    daemon_sets = optional(connection, DAEMON_SETS) if namespace else lists.of(DAEMON_SETS)
    if daemon_sets is None:
        return Enforcement(None, "an engine that is not seen", (_not_seen(connection, namespace),))
    pods: Iterable[PodObject] = lists.of(PODS)
    if namespace:
        homes = sorted({each.namespace for each in agents_in(daemon_sets, ())})
        pods = [pod for each in homes for pod in optional(connection, PODS, each) or ()]
    agents = agents_in(daemon_sets, pods)
    cilium = next((each for each in agents if each.engine == "cilium"), None)
    settings = _settings(connection, cilium.namespace) if cilium else None
    return enforcement(agents, nodes, settings, connection.place)


def _not_seen(connection: ApiConnection, namespace: str | None) -> Finding:
    return Finding(
        "engine-not-seen",
        Severity.WARNING,
        f"only namespace `{namespace}` may be read, so it is not known what enforces policies",
        connection.place,
        "name the engine with --engine; verdicts are those of the specification meanwhile",
    )


class _Settings(msgspec.Struct):
    data: dict[str, str] | None = None


_NOT_GIVEN: Final = frozenset({403, 404})


def _settings(connection: ApiConnection, namespace: str) -> Mapping[str, str] | None:
    """Return how Cilium is configured; of all ConfigMaps only this one is ever read."""
    try:
        answer = connection.get(f"/api/v1/namespaces/{namespace}/configmaps/cilium-config")
    except ClusterError as problem:
        if problem.code not in _NOT_GIVEN:
            raise
        return None
    return msgspec.json.decode(answer, type=_Settings).data or {}


def _ended(name: str, jobs: Iterable[JobObject]) -> Iterator[LedgerEntry]:
    for each in jobs:
        if each.has_ended:
            full = f"{each.metadata.namespace}/{each.metadata.name}"
            place, reason = _place(name, JOBS, each), "it ran to its end, and makes no pods"
            yield LedgerEntry("Job", full, place, ObjectStatus.HARMLESS, reason)


def _place(name: str, kind: ApiKind[Any], found: PlainObject) -> Place:
    """Return where an object is; it has an address of its own, and no line."""
    parts = (kind.kind, found.metadata.namespace, found.metadata.name)
    return Place(f"cluster://{name}/{'/'.join(filter(None, parts))}")


def _note(name: str, kubernetes: str, enforced: Enforcement, lists: GatheredLists) -> str:
    others = [kind for kind in lists.objects if kind not in READ]
    policies = sum(len(lists.of(kind)) for kind in (POLICIES, *others))
    return (
        f"cluster `{name}`: Kubernetes {kubernetes.removeprefix('v')}, {enforced.title}; "
        f"{len(lists.of(PODS))} pods, {policies} policies"
    )


def _pod_ranges(
    nodes: Sequence[NodeObject], addresses: Iterable[IpAddress]
) -> tuple[IpNetwork, ...]:
    """Return the ranges that pods have their addresses from, nothing where one lies outside.

    Nodes say which ranges are theirs where the cluster gives them some. Some networks for pods have
    none, such as the subnets of Azure CNI, and others take no notice of them.
    """
    found = _collapsed(_written_ranges(nodes))
    inside = all(any(one in each for each in found) for one in addresses)
    return tuple(found) if inside else ()


def _written_ranges(nodes: Iterable[NodeObject]) -> Iterator[IpNetwork]:
    for each in nodes:
        spec = each.spec
        for text in (spec.pod_cidrs or [spec.pod_cidr or ""]) if spec else ():
            with suppress(ValueError):  # a node without a range says nothing
                yield ip_network(text)


def says_ranges(nodes: Iterable[NodeObject]) -> bool:
    """Return whether nodes say which ranges their pods have addresses from."""
    return next(_written_ranges(nodes), None) is not None


def _collapsed(ranges: Iterable[IpNetwork]) -> list[IpNetwork]:
    given = list(ranges)
    four = collapse_addresses([each for each in given if isinstance(each, IPv4Network)])
    six = collapse_addresses([each for each in given if isinstance(each, IPv6Network)])
    return [*four, *six]


def _addresses(pod: PodObject) -> Iterator[IpAddress]:
    """Yield the addresses of a pod, none where it has only those of its node."""
    if pod.status is not None and not (pod.spec and pod.spec.host_network):
        for each in pod.status.pod_ips or ():
            with suppress(ValueError):  # nothing yet
                yield ip_address(each.ip)
