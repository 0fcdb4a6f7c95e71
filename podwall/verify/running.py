"""Make the probes in a running cluster: temporary clients, some at a time, and what they log.

Nothing is executed in pods, and nothing that was there before is touched. A client is made, runs
its attempts by itself, and is removed as soon as its log is read. Whatever ends the run, what it
made is removed; what can't be removed ends by itself at its deadline.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, connected
from podwall.live.kinds import READ
from podwall.live.kubeconfig import KubeContext
from podwall.live.listing import listed
from podwall.live.objects import Page, SpecObject
from podwall.model import SnapshotWorkload
from podwall.policies.system_namespaces import is_system_namespace
from podwall.reachability import Reachability
from podwall.streams import show_progress
from podwall.verify.cleanup import Leftover, leftovers, removed_run
from podwall.verify.comparing import (
    RUN_LABEL,
    ComparedProbe,
    ConnectionProbe,
    Observation,
    ProbePlan,
    Verification,
    compared,
    verification,
)
from podwall.verify.servers import (
    RUNNING_PODS,
    RunningPod,
    ServerPod,
    publishing_service,
    server_of,
)
from podwall.verify.temporary import (
    AddressAttempt,
    ClientPod,
    ProbeRun,
    client_manifest,
    observations,
    owner_manifest,
    timer_manifest,
    used_keys,
)

__all__ = ["run_probes", "verified"]

_MOST_ATTEMPTS: Final = 64
"""So many attempts are made by one client at most."""

_POLL: Final = 1.0
_SERVICES: Final = next(each for each in READ if each.kind == "Service")


def verified(
    context: KubeContext,
    found: Reachability,
    plan: ProbePlan,
    how: ProbeRun,
    say: Callable[[str], None],
) -> Verification:
    """Return what came of a plan in a running cluster.

    Args:
        context: which cluster.
        found: the analysis that the plan was made of.
        plan: what is probed.
        how: how.
        say: is told, before anything is made, what other runs have there.

    Raises:
        SourceError: there is no such cluster, it does not answer, or lets nothing be listed.
        MissingExtra: `podwall[live]` is not installed.
    """
    with connected(context) as connection:
        for each in _others(connection, found):
            say(
                f"run `{each.run}` has pods in `{each.namespace}`: it runs elsewhere, or was "
                "stopped; `podwall verify --cleanup` removes what it left"
            )
        results, notes = run_probes(connection, found, plan.probes, how)
        return verification(connection.name, found, results, plan.left_out, notes)


def _others(connection: ApiConnection, found: Reachability) -> Iterator[Leftover]:
    for namespace in sorted({each.namespace for each in found.workloads}):
        if not is_system_namespace(namespace):
            yield from leftovers(connection, namespace)


def run_probes(
    connection: ApiConnection,
    found: Reachability,
    probes: Sequence[ConnectionProbe],
    how: ProbeRun,
) -> tuple[tuple[ComparedProbe, ...], tuple[str, ...]]:
    """Return what came of each probe, in order, and notes on what was borrowed or left behind.

    Raises:
        ClusterError: the cluster does not answer any more, or lets nothing be listed.
    """
    run = _Run(connection, found, probes, how)
    left: tuple[str, ...] = ()
    try:
        run.make_all()
    except ClusterError as problem:
        left = removed_run(connection, how.run, run.namespaces)
        problem.help = "; ".join(filter(None, [problem.help, *left]))
        raise
    finally:
        if not left:
            left = removed_run(connection, how.run, run.namespaces)
    results = tuple(
        compared(each, run.seen.get(number, Observation(reason=_NEVER)))
        for number, each in enumerate(probes)
    )
    return results, (*run.notes(), *left)


_NEVER: Final = "the client ended before it came to this one"


class _Run:
    """One run: what is still to be made, what runs, and what was seen."""

    def __init__(
        self,
        connection: ApiConnection,
        found: Reachability,
        probes: Sequence[ConnectionProbe],
        how: ProbeRun,
    ) -> None:
        self._connection = connection
        self._workloads = {each.id: each.workload for each in found.workloads}
        self._used = used_keys(found.snapshot)
        self._probes = probes
        self._how = how
        self._owners: dict[str, str] = {}
        self._active: dict[str, _ActiveClient] = {}
        self.namespaces: list[str] = []
        self.seen: dict[int, Observation] = {}

    def notes(self) -> tuple[str, ...]:
        """Return what was borrowed, in words."""
        if not self.namespaces:
            return ()
        names = ", ".join(f"`{each}`" for each in self.namespaces)
        return (f"labels of workloads were borrowed by temporary pods in {names}",)

    def make_all(self) -> None:
        """Make all clients, and read what they see; servers have to be there before and after."""
        servers = self._servers()
        waiting = deque(self._clients(servers))
        total = len(waiting)
        while waiting or self._active:
            while waiting and len(self._active) < self._how.together:
                self._begin(waiting.popleft())
            show_progress(f"probing, {total - len(waiting) - len(self._active)} of {total} clients")
            if self._active:
                time.sleep(_POLL)
                self._look()
        self._confirm(servers)

    def _servers(self) -> Mapping[str, ServerPod]:
        """Return a pod for each workload that is connected to, as far as there is one."""
        wanted = {each.server: self._workloads[each.server] for each in self._probes}
        pods = self._pods_in(str(each.namespace) for each in wanted.values())
        found = {name: server_of(each, pods) for name, each in wanted.items()}
        return {name: each for name, each in found.items() if each is not None}

    def _pods_in(self, namespaces: Iterable[str]) -> Sequence[RunningPod]:
        names = sorted(set(namespaces))
        return [pod for name in names for pod in listed(self._connection, RUNNING_PODS, name).items]

    def _confirm(self, servers: Mapping[str, ServerPod]) -> None:
        """Take back what was seen of servers that are not the same any more."""
        now = self._servers()
        for number, probe in enumerate(self._probes):
            if number in self.seen and now.get(probe.server) != servers.get(probe.server):
                reason = "the server was replaced, or was not ready any more, when it was over"
                self.seen[number] = Observation(reason=reason)

    def _clients(self, servers: Mapping[str, ServerPod]) -> Iterator[ClientPod]:
        """Yield the clients that are needed; probes without a server are not made."""
        attempts: defaultdict[str, list[AddressAttempt]] = defaultdict(list)
        for number, probe in enumerate(self._probes):
            server = servers.get(probe.server)
            if server is None:
                reason = f"no pod of `{probe.server}` is ready"
                self.seen[number] = Observation(reason=reason)
            else:
                attempt = AddressAttempt(number, server.address, probe.port, probe.should_pass)
                attempts[probe.client].append(attempt)
        count = 0
        for client, own in attempts.items():
            for first in range(0, len(own), _MOST_ATTEMPTS):
                part = tuple(own[first : first + _MOST_ATTEMPTS])
                workload = self._workloads[client]
                name = f"podwall-verify-{self._how.run}-{count}"
                yield ClientPod(name, str(workload.namespace), workload, part)
                count += 1

    def _begin(self, client: ClientPod) -> None:
        """Make a client; whatever refuses it is the reason why nothing is observed."""
        try:
            refused = self._refused(client.workload)
            if refused:
                self._unseen(client, refused)
                return
            owner = self._owner(client.namespace)
            body = client_manifest(client, self._how, owner, self._used)
            self._connection.send(
                ApiRequest("POST", RUNNING_PODS.path(client.namespace), body=body)
            )
        except ClusterError as problem:
            if problem.code == 0:
                raise
            self._unseen(client, f"the client can't be made: {problem.message}")
        else:
            seconds = body["spec"]["activeDeadlineSeconds"]
            self._active[client.name] = _ActiveClient(client, time.monotonic() + seconds)

    def _refused(self, workload: SnapshotWorkload) -> str:
        """Return why no client may stand for a workload, nothing where one may."""
        namespace = str(workload.namespace)
        if is_system_namespace(namespace):
            return f"no pod is made in `{namespace}`, which is the system's"
        services: Sequence[SpecObject] = listed(self._connection, _SERVICES, namespace).items  # type: ignore[assignment]  # services keep their spec
        service = publishing_service(workload, services)
        if service is None:
            return ""
        return (
            f"service `{namespace}/{service.metadata.name}` publishes pods that are not ready, and "
            "would send traffic to the client"
        )

    def _owner(self, namespace: str) -> str:
        """Return the uid of the owner of the clients in a namespace, which is made if need be."""
        if namespace not in self._owners:
            self.namespaces.append(namespace)
            run, seconds = self._how.run, self._longest()
            timer = self._made(
                f"/apis/batch/v1/namespaces/{namespace}/jobs",
                timer_manifest(run, namespace, seconds),
            )
            self._owners[namespace] = self._made(
                f"/api/v1/namespaces/{namespace}/configmaps",
                owner_manifest(run, namespace, timer),
            )
        return self._owners[namespace]

    def _made(self, path: str, body: Mapping[str, Any]) -> str:
        answer = self._connection.send(ApiRequest("POST", path, body=body))
        return msgspec.json.decode(answer, type=_Made).metadata.uid

    def _longest(self) -> int:
        """Return how long all clients take at most, one after the other where they have to wait."""
        clients = len(self._probes) // _MOST_ATTEMPTS + len({each.client for each in self._probes})
        rounds = -(-clients // self._how.together)
        return rounds * self._how.pace.seconds(min(len(self._probes), _MOST_ATTEMPTS))

    def _unseen(self, client: ClientPod, reason: str) -> None:
        for each in client.attempts:
            self.seen.setdefault(each.number, Observation(reason=reason))

    def _look(self) -> None:
        """Read the logs of the clients that have ended, and remove these."""
        for namespace in sorted({each.client.namespace for each in self._active.values()}):
            path, label = RUNNING_PODS.path(namespace), f"{RUN_LABEL}={self._how.run}"
            found = _PAGE.decode(self._connection.get(path, labelSelector=label))
            pods = {each.metadata.name: each for each in found.items or ()}
            inside = [each for each in self._active.values() if each.client.namespace == namespace]
            for active in inside:
                self._look_at(active, pods.get(active.client.name))

    def _look_at(self, active: _ActiveClient, pod: RunningPod | None) -> None:
        client, late = active.client, time.monotonic() > active.deadline
        if pod is None:
            self._end(client, "somebody removed the client")
        elif pod.has_ended:
            self._read(client)
            self._end(client, f"the client ended early: {pod.why or pod.status.phase}")
        elif pod.cannot_start or late:
            self._end(client, f"the client does not run: {pod.why or 'it is not known why'}")

    def _read(self, client: ClientPod) -> None:
        path = f"{RUNNING_PODS.path(client.namespace)}/{client.name}/log"
        try:
            log = self._connection.get(path, container="probe")
        except ClusterError as problem:
            if problem.code == 0:
                raise
            self._unseen(client, f"the client's log can't be read: {problem.message}")
            return
        numbers = {each.number for each in client.attempts}
        self.seen.update(
            (number, seen) for number, seen in observations(log).items() if number in numbers
        )

    def _end(self, client: ClientPod, reason: str) -> None:
        self._unseen(client, reason)
        del self._active[client.name]
        path = f"{RUNNING_PODS.path(client.namespace)}/{client.name}"
        try:
            self._connection.send(ApiRequest("DELETE", path, body={"gracePeriodSeconds": 0}))
        except ClusterError as problem:
            if problem.code == 0:
                raise


@dataclass(frozen=True, slots=True)
class _ActiveClient:
    """A client that runs, and until when it may."""

    client: ClientPod
    deadline: float


class _MadeMetadata(msgspec.Struct):
    uid: str


class _Made(msgspec.Struct):
    metadata: _MadeMetadata


_PAGE: Final = msgspec.json.Decoder(Page[RunningPod])
