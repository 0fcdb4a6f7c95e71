"""Pods that exist: what is read of them while they run, and attempts that are made in them.

Some stand for workloads as servers. As a client, a pod executes the script of a temporary one:
nothing is made, and nothing is left behind. The pod is the one that policies already know; its
image has to have what the script needs, and who asks has to be allowed to execute in pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from podwall.live.connection import ApiConnection, ClusterError
from podwall.live.executing import executed
from podwall.live.listing import ApiKind
from podwall.live.objects import PlainObject, SpecObject
from podwall.model import IpProtocol, SnapshotWorkload
from podwall.quick_dataclass import dataclass
from podwall.reading.workloads import KEYS
from podwall.verify.comparing import RUN_LABEL, Observation
from podwall.verify.temporary import ClientPod, ProbeRun, command, observations

__all__ = [
    "RUNNING_PODS",
    "RunningPod",
    "ServerPod",
    "publishing_service",
    "seen_by_existing",
    "server_of",
    "service_addresses",
]


class _Waiting(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _State(msgspec.Struct):
    waiting: _Waiting | None = None


class _Container(msgspec.Struct, rename="camel"):
    state: _State | None = None
    image_id: str = msgspec.field(name="imageID", default="")


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    message: str = ""


class _Status(msgspec.Struct, rename="camel"):
    phase: str = "Pending"
    pod_ip: str = msgspec.field(name="podIP", default="")
    host_ip: str = msgspec.field(name="hostIP", default="")
    reason: str = ""
    message: str = ""
    container_statuses: list[_Container] | None = None
    conditions: list[_Condition] | None = None


_HOPELESS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImagePullBackOff",
     "InvalidImageName", "RunContainerError"}
)  # fmt: skip


class _Spec(msgspec.Struct, rename="camel"):
    host_network: bool = False


class RunningPod(PlainObject):
    """A pod, a client or a server."""

    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)

    @property
    def is_ready(self) -> bool:
        """Whether it runs, says that it is ready, has an address of its own, and stays."""
        status = self.status
        ready = any(each.type == "Ready" and each.status == "True" for each in self._conditions)
        stays = not self.metadata.deletion_timestamp and not self.spec.host_network
        return ready and stays and status.phase == "Running" and bool(status.pod_ip)

    @property
    def runs(self) -> bool:
        """Whether it runs and has an address, ready or not, and stays."""
        stays = not self.metadata.deletion_timestamp
        return stays and self.status.phase == "Running" and bool(self.status.pod_ip)

    @property
    def _conditions(self) -> list[_Condition]:
        return self.status.conditions or []

    @property
    def image(self) -> str:
        """The image that its first container runs, by digest, as its node says; empty if unsaid."""
        return next((each.image_id for each in self.status.container_statuses or ()), "")

    @property
    def has_ended(self) -> bool:
        """Whether its container will not run any more."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def _waits(self) -> Iterator[_Waiting]:
        for each in self.status.container_statuses or ():
            if each.state is not None and each.state.waiting is not None:
                yield each.state.waiting

    @property
    def cannot_start(self) -> bool:
        """Whether waiting does not help, as where the image can't be pulled."""
        return any(each.reason in _HOPELESS for each in self._waits)

    @property
    def why(self) -> str:
        """Why it does not run, as Kubernetes says it."""
        status = self.status
        waits = [f"{each.reason}: {each.message}" for each in self._waits if each.message]
        unmet = [
            each.message
            for each in self._conditions
            if each.type == "PodScheduled" and each.status == "False"
        ]
        return next(filter(None, [*waits, *unmet, status.message, status.reason]), "")


RUNNING_PODS: Final = ApiKind("v1", "Pod", "pods", RunningPod)


@dataclass(frozen=True, slots=True)
class ServerPod:
    """A pod that is connected to, its address, and that of its node where that is of interest."""

    namespace: str
    name: str
    address: str
    node: str = ""


def server_of(
    workload: SnapshotWorkload,
    pods: Iterable[RunningPod],
    without: frozenset[tuple[str, str]] = frozenset(),
) -> ServerPod | None:
    """Return a ready pod of a workload but those `without`, None where there is none.

    Pods of a workload have its labels, and are known by their name where several workloads have
    the same labels.
    """
    wanted = _own_labels(dict(workload.labels.items))
    others = (e for e in pods if (e.metadata.namespace, e.metadata.name) not in without)
    ready = (each for each in others if each.is_ready and RUN_LABEL not in _labels(each))
    alike = [each for each in ready if _labels(each) == wanted]
    inside = [each for each in alike if each.metadata.namespace == workload.namespace]
    own = [each for each in inside if each.metadata.name.startswith(workload.real_name)]
    chosen = min(own or inside, key=lambda each: each.metadata.name, default=None)
    if chosen is None:
        return None
    meta, status = chosen.metadata, chosen.status
    return ServerPod(meta.namespace, meta.name, status.pod_ip, status.host_ip)


def _labels(pod: RunningPod) -> Mapping[str, object]:
    return _own_labels(pod.metadata.labels or {})


def _own_labels(labels: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in labels.items() if key not in KEYS}


def publishing_service(
    workload: SnapshotWorkload, services: Sequence[SpecObject]
) -> SpecObject | None:
    """Return a service that would publish a client of a workload although it is never ready."""
    labels = dict(workload.labels.items)
    for each in services:
        spec = each.spec or {}
        chosen = spec.get("selector") or {}
        inside = each.metadata.namespace == workload.namespace
        takes = bool(chosen) and chosen.items() <= labels.items()
        if inside and takes and spec.get("publishNotReadyAddresses"):
            return each
    return None


def service_addresses(services: Iterable[SpecObject]) -> Mapping[str, tuple[str, int]]:
    """Return the addresses of services by their names and ports, as `api:80`; some have none."""
    return {
        f"{each.metadata.name}:{port['port']}": (address, port["port"])
        for each in services
        for address in [(each.spec or {}).get("clusterIP", "")]
        for port in (each.spec or {}).get("ports") or ()
        if address and address != "None"
    }


def seen_by_existing(
    connection: ApiConnection,
    clients: Sequence[ClientPod],
    pods: Sequence[RunningPod],
    servers: Mapping[str, ServerPod],
    how: ProbeRun,
) -> Mapping[int, Observation]:
    """Return what pods of the clients' workloads see, by the numbers of the attempts.

    Args:
        connection: to the cluster.
        clients: whose pods make which attempts.
        pods: all pods of the clients' namespaces.
        servers: those that are connected to, which don't connect to themselves.
        how: how many at a time, and how patiently.
    """
    taken = frozenset((each.namespace, each.name) for each in servers.values())

    def seen(client: ClientPod) -> Mapping[int, Observation]:
        own = (client.workload, pods)
        pod = server_of(*own, without=taken) or server_of(*own)
        if pod is None:
            return dict(_unseen(client, "no pod of the client is ready"))
        found = _executed(connection, client, pod, how)
        return {
            each.number: (
                Observation(reason="the only pod of the client is the one that is connected to")
                if each.address == pod.address
                else found.get(each.number, Observation(reason="the command ended before this one"))
            )
            for each in client.attempts
        }

    with ThreadPoolExecutor(how.together) as pool:
        return {number: each for found in pool.map(seen, clients) for number, each in found.items()}


def _executed(
    connection: ApiConnection, client: ClientPod, pod: ServerPod, how: ProbeRun
) -> Mapping[int, Observation]:
    words, environment = command(client.attempts, how.pace)
    given = [f"{key}={value}" for key, value in {**environment, "NODE": pod.node}.items()]
    by_turns = sum(each.protocol is IpProtocol.UDP for each in client.attempts)
    seconds = how.pace.seconds(len(client.attempts), by_turns)
    path = f"{RUNNING_PODS.path(pod.namespace)}/{pod.name}"
    try:
        return observations(executed(connection, path, ("env", *given, *words), seconds))
    except ClusterError as problem:
        reason = f"nothing can be executed in `{pod.namespace}/{pod.name}`: {problem.message}"
        return dict(_unseen(client, reason))


def _unseen(client: ClientPod, reason: str) -> Iterator[tuple[int, Observation]]:
    for each in client.attempts:
        yield each.number, Observation(reason=reason)
