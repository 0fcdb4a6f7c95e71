"""Pods that exist: what is read of them while they run, and attempts that are made in them.

Some stand for workloads as servers. As a client, a pod executes the script of a temporary one:
nothing is made, and nothing is left behind. The pod is the one that policies already know; its
image has to have what the script needs, and who asks has to be allowed to execute in pods.

From outside, this machine connects by itself to where services are exposed: to the node of a ready
pod, since others may pass nothing on, and to what their load balancers have for an address.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import repeat
from typing import Final

import msgspec

from podwall.live.connection import ApiConnection, ClusterError
from podwall.live.executing import executed
from podwall.live.listing import ApiKind, listed
from podwall.live.objects import NodeAddress, NodeObject, PlainObject, SpecObject
from podwall.model import IpProtocol, SnapshotWorkload
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reading.workloads import KEYS
from podwall.verify.comparing import (
    BALANCER,
    RUN_LABEL,
    ComparedProbe,
    ConnectionProbe,
    Observation,
    ProbeOutcome,
    compared,
)
from podwall.verify.temporary import ClientPod, ProbePace, ProbeRun, command, observations

__all__ = [
    "RUNNING_PODS",
    "RunningPod",
    "ServerPod",
    "publishing_service",
    "seen_by_existing",
    "seen_from_outside",
    "server_of",
    "service_addresses",
]


class _Waiting(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Terminated(msgspec.Struct, rename="camel"):
    reason: str = ""
    message: str = ""
    exit_code: int = 0

    def __str__(self) -> str:
        why = ": ".join(filter(None, [self.reason, self.message]))
        return f"its container ended with status {self.exit_code}, {why or 'for no reason given'}"


class _State(msgspec.Struct):
    waiting: _Waiting | None = None
    terminated: _Terminated | None = None


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
    def _states(self) -> list[_State]:
        found = (each.state for each in self.status.container_statuses or ())
        return [each for each in found if each is not None]

    @property
    def _waits(self) -> Iterator[_Waiting]:
        return (each.waiting for each in self._states if each.waiting is not None)

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
        ends = [str(each.terminated) for each in self._states if each.terminated is not None]
        return next(filter(None, [*waits, *unmet, status.message, status.reason, *ends]), "")


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


class _BalancerAddress(msgspec.Struct):
    ip: str = ""
    hostname: str = ""


class _Balancer(msgspec.Struct):
    ingress: list[_BalancerAddress] | None = None


class _ServiceStatus(msgspec.Struct, rename="camel"):
    load_balancer: _Balancer | None = None


class _ExposedService(SpecObject):
    """A service, and what its load balancer has for an address."""

    status: _ServiceStatus | None = None

    @property
    def balancer(self) -> str:
        """The first address of its load balancer, or its name; empty if there is none yet."""
        found = self.status.load_balancer if self.status else None
        return next((each.ip or each.hostname for each in (found and found.ingress) or ()), "")

    def node_port(self, number: int) -> int:
        """Return the node port of one of its ports, 0 if there is none."""
        ports = (self.spec or {}).get("ports") or ()
        return next((each.get("nodePort", 0) for each in ports if each["port"] == number), 0)


_EXPOSED: Final = ApiKind("v1", "Service", "services", _ExposedService)
_NODES: Final = ApiKind("v1", "Node", "nodes", NodeObject)


@dataclass(frozen=True, slots=True)
class _OutsideTarget:
    """Where a probe from outside connects to, and the pod that stands behind it."""

    address: str
    port: int
    server: ServerPod


def seen_from_outside(
    connection: ApiConnection,
    found: Reachability,
    probes: Sequence[ConnectionProbe],
    pace: ProbePace,
) -> tuple[ComparedProbe, ...]:
    """Return what came of the probes that this machine makes itself, in their order.

    Args:
        connection: to the cluster, which says where its services are exposed.
        found: the analysis that the probes were chosen of.
        probes: of which only those from outside are made.
        pace: how patiently.
    """
    own = [each for each in probes if each.way]
    if not own:
        return ()
    targets = _outside_targets(connection, found, own)
    with ThreadPoolExecutor(pace.together) as pool:
        seen = list(pool.map(_tried, own, targets, repeat(pace)))
    after = _outside_targets(connection, found, own)
    answered = {
        (each.way, target.address)
        for each, target, one in zip(own, targets, seen, strict=True)
        if isinstance(target, _OutsideTarget) and one.outcome is ProbeOutcome.CONNECTED
    }
    results = []
    for probe, target, one, now in zip(own, targets, seen, after, strict=True):
        observation = one
        if isinstance(target, _OutsideTarget):
            control = (probe.way, target.address) in answered
            observation = replace(one, controlled=control)
            if now != target:
                observation = Observation(reason="where the service leads to changed meanwhile")
        results.append(compared(probe, observation))
    return tuple(results)


def _outside_targets(
    connection: ApiConnection, found: Reachability, probes: Sequence[ConnectionProbe]
) -> list[_OutsideTarget | str]:
    """Return where probes connect to, or why there is no such place."""
    workloads = {each.id: each.workload for each in found.workloads}
    namespaces = sorted({str(workloads[each.server].namespace) for each in probes})
    nodes = listed(connection, _NODES).items
    pods = {name: listed(connection, RUNNING_PODS, name).items for name in namespaces}
    services = {
        (name, each.metadata.name): each
        for name in namespaces
        for each in listed(connection, _EXPOSED, name).items
    }
    targets: list[_OutsideTarget | str] = []
    for probe in probes:
        workload = workloads[probe.server]
        namespace, (name, _, number) = str(workload.namespace), probe.service.partition(":")
        server = server_of(workload, pods[namespace])
        service = services.get((namespace, name))
        if server is None or service is None:
            what = f"no pod of `{probe.server}` is ready"
            targets.append(what if service else f"service `{namespace}/{name}` is not there")
        else:
            targets.append(_outside_target(probe, service, int(number), server, nodes))
    return targets


def _outside_target(
    probe: ConnectionProbe,
    service: _ExposedService,
    number: int,
    server: ServerPod,
    nodes: Sequence[NodeObject],
) -> _OutsideTarget | str:
    if probe.way == BALANCER:
        address, port = service.balancer, number
        missing = "its load balancer has no address yet"
    else:
        address, port = _address_of_node(server.node, nodes), service.node_port(number)
        missing = "it has no node port, or the pod's node is not known"
    if not address or not port:
        return f"service `{service.metadata.name}`: {missing}"
    if ":" in address:
        return f"service `{service.metadata.name}`: nothing is predicted of IPv6 from outside"
    inside = _is_inside(address, port, nodes)
    return inside or _OutsideTarget(address, port, server)


def _address_of_node(host: str, nodes: Sequence[NodeObject]) -> str:
    """Return the address by which a node is reached from outside, its own where it has no other."""
    for node in nodes:
        found = {each.address: each.type for each in _addresses(node)}
        if host in found:
            return next((one for one, type_ in found.items() if type_ == "ExternalIP"), host)
    return ""


def _addresses(node: NodeObject) -> Sequence[NodeAddress]:
    return (node.status.addresses if node.status else None) or ()


def _is_inside(address: str, port: int, nodes: Sequence[NodeObject]) -> str:
    """Return that this machine is in the cluster, empty where it is not.

    It is known by the address as which it connects, which a node has, or a node has for its pods.
    """
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return _INSIDE
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect((address, port))
            own = asked.getsockname()[0]
    except OSError:
        return ""
    specs = [each.spec for each in nodes if each.spec is not None]
    cidrs = (one for each in specs for one in (*(each.pod_cidrs or ()), each.pod_cidr or ""))
    ranges = [ip_network(each, strict=False) for each in cidrs if each]
    of_nodes = {each.address for node in nodes for each in _addresses(node)}
    within = own in of_nodes or any(ip_address(own) in each for each in ranges)
    return _INSIDE if within else ""


_INSIDE: Final = "this machine is a node or a pod of the cluster, and sees nothing from outside"


def _tried(probe: ConnectionProbe, target: _OutsideTarget | str, pace: ProbePace) -> Observation:
    """Return what this machine sees, tried again while it is not what is predicted."""
    if isinstance(target, str):
        return Observation(reason=target)
    found = Observation()
    for attempt in range(1, pace.tries + 1):
        outcome, reason = _connected_to(target.address, target.port, pace.wait)
        found = Observation(outcome, attempt, reason=reason)
        if (outcome is ProbeOutcome.CONNECTED) is probe.should_pass:
            break
        if attempt < pace.tries:
            time.sleep(attempt)
    return found


def _connected_to(address: str, port: int, wait: float) -> tuple[ProbeOutcome, str]:
    """Connect over IPv4, and return how that ends; of what is of this machine, why."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trying:
            trying.settimeout(wait)
            trying.connect((address, port))
    except OSError as problem:
        outcome = _ENDS.get(type(problem)) or _UNREACHABLE.get(problem.errno or 0)
        reason = "" if outcome else f"this machine can't connect: {problem.strerror}"
        return outcome or ProbeOutcome.NOT_OBSERVED, reason
    return ProbeOutcome.CONNECTED, ""


_ENDS: Final[Mapping[type[OSError], ProbeOutcome]] = {
    TimeoutError: ProbeOutcome.TIMED_OUT,
    ConnectionRefusedError: ProbeOutcome.REFUSED,
    ConnectionResetError: ProbeOutcome.RESET,
    socket.gaierror: ProbeOutcome.UNRESOLVED,
}
_UNREACHABLE: Final = {
    errno.EHOSTUNREACH: ProbeOutcome.UNREACHABLE,
    errno.ENETUNREACH: ProbeOutcome.UNREACHABLE,
}
