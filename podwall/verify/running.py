"""Make the probes in a running cluster: temporary clients, some at a time, and what they log.

Nothing that was there before is touched. A client is made, runs its attempts by itself, and is
removed as soon as its log is read. Whatever ends the run, what it made is removed; what can't be
removed ends by itself at its deadline. Where existing pods are to be used, the same attempts are
executed in them, and nothing is made.

Real servers come first. Few of them answer what is sent to them over UDP, so that pods with their
labels stand for them there, some servers at a time.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError, connected
from podwall.live.listing import READ, listed
from podwall.live.objects import Page, SpecObject
from podwall.model import IpProtocol, SnapshotWorkload
from podwall.policies.syntax import is_system_namespace
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.streams import show_progress
from podwall.verify.cleanup import make_owner, other_runs, removed_run
from podwall.verify.comparing import (
    RUN_LABEL,
    Agreement,
    ComparedProbe,
    ConnectionProbe,
    MadeProbes,
    Observation,
    ProbePlan,
    Verification,
    compared,
    doubtful_ones,
    verification,
)
from podwall.verify.existing import (
    RUNNING_PODS,
    RunningPod,
    ServerPod,
    publishing_service,
    seen_by_existing,
    seen_from_outside,
    server_of,
    service_addresses,
)
from podwall.verify.temporary import (
    AddressAttempt,
    ClientPod,
    ProbeRun,
    client_manifest,
    observations,
    stand_in_manifest,
    used_keys,
)

__all__ = ["run_probes", "verified"]

_MOST_ATTEMPTS: Final = 64
"""So many attempts are made by one client at most."""

_MOST_BY_TURNS: Final = 12
"""So many where one is made after the other."""

_STARTING: Final = 60
"""So many seconds a pod that stands for a server may take until it runs."""

_MOST_AGAIN: Final = 64
"""So many probes are tried again at most; of more, what was seen is believed."""

_MOST_NAMED: Final = 5
_LONGER: Final = 12
"""So many seconds clients then wait after their control."""

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
        say: called with what other runs have there, before anything is made.

    Raises:
        SourceError: there is no such cluster, it does not answer, or lets nothing be listed.
        MissingExtra: `podwall[live]` is not installed.
    """
    with connected(context) as connection:
        names = sorted({str(each.namespace) for each in found.workloads})
        for sentence in other_runs(connection, (e for e in names if not is_system_namespace(e))):
            say(sentence)
        inside = tuple(each for each in plan.probes if not each.way)
        made = run_probes(connection, found, inside, how)
        outside = seen_from_outside(connection, found, plan.probes, how.pace)
        made = replace(made, results=(*made.results, *outside))
        return verification(connection.name, found, made, plan.left_out)


def run_probes(
    connection: ApiConnection,
    found: Reachability,
    probes: Sequence[ConnectionProbe],
    how: ProbeRun,
) -> MadeProbes:
    """Return what came of each probe, in order, and notes on what was borrowed or left behind.

    Raises:
        ClusterError: the cluster does not answer any more, or lets nothing be listed.
    """
    run = _Run(connection, found, probes, how)
    left: tuple[str, ...] = ()
    try:
        run.make_all(range(len(probes)))
        run.look_again()
    except ClusterError as problem:
        left = removed_run(connection, how.run, run.namespaces)
        problem.help = "; ".join(filter(None, [problem.help, *left]))
        raise
    finally:
        if not left:
            left = removed_run(connection, how.run, run.namespaces)
    return MadeProbes(tuple(run.results()), (*run.notes(), *left), run.unpinned())


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
        self._made_pods = 0
        self._image = ""
        self._stood_in: set[str] = set()
        self._standing: dict[str, ClientPod] = {}
        self._services: dict[str, Mapping[str, tuple[str, int]]] = {}
        self._late: list[str] = []
        self.namespaces: list[str] = []
        self.seen: dict[int, Observation] = {}

    def notes(self) -> tuple[str, ...]:
        """Return what was borrowed, in words."""
        notes = []
        if names := ", ".join(f"`{each}`" for each in self.namespaces):
            notes = [f"labels of workloads were borrowed by temporary pods in {names}"]
        if self._stood_in:
            servers = ", ".join(f"`{each}`" for each in sorted(self._stood_in))
            notes.append(f"over UDP, temporary pods with their labels stood for {servers}")
        if self._late:
            notes.append(
                f"as predicted only when it was tried again later: {'; '.join(self._late)}"
            )
        return tuple(notes)

    def unpinned(self) -> str:
        """Return that the image is named by a tag, and which one that was, nothing where not so."""
        if "@sha256:" in self._how.image or self._how.existing:
            return ""
        ran = f"; these probes ran `{self._image}`" if self._image else ""
        return f"`{self._how.image}` is a tag, which may be another image tomorrow{ran}"

    def results(self) -> Iterator[ComparedProbe]:
        """Yield what came of each probe, in order."""
        for number, each in enumerate(self._probes):
            yield compared(each, self.seen.get(number, Observation(reason=_NEVER)))

    def look_again(self) -> None:
        """Let fresh clients, which wait longer, try what is doubtful, and disagreements among it.

        An engine, or a whole node, may be slow for a while. What can't be tried stays as it was.
        """
        self._doubt_silence()
        doubtful = {n: self.seen[n] for n in doubtful_ones(tuple(self.results()))}
        if not 0 < len(doubtful) <= _MOST_AGAIN:
            return
        self._how = replace(self._how, pace=replace(self._how.pace, settle=_LONGER))
        for each in doubtful:
            del self.seen[each]
        self.make_all(sorted(doubtful))
        self._doubt_silence()
        results = list(self.results())
        for number, before in doubtful.items():
            if results[number].agreement is Agreement.AGREES:
                self._late.append(str(self._probes[number]))
            elif results[number].agreement is Agreement.NOT_OBSERVED:
                self.seen[number] = before

    def make_all(self, numbers: Sequence[int]) -> None:
        """Make probes, those of real servers first."""
        stood_for = [n for n in numbers if self._needs_stand_in(self._probes[n])]
        real = sorted({*numbers} - {*stood_for})
        self._make(real, self._servers)
        servers = list(dict.fromkeys(self._probes[number].server for number in stood_for))
        for first in range(0, len(servers), self._how.together):
            some = servers[first : first + self._how.together]
            self._make([n for n in stood_for if self._probes[n].server in some], self._stand_ins)

    def _needs_stand_in(self, probe: ConnectionProbe) -> bool:
        """Return whether a temporary pod is to answer; none is made in the system's namespaces."""
        workload = self._workloads[probe.server]
        real = self._how.existing or is_system_namespace(str(workload.namespace))
        return probe.protocol is IpProtocol.UDP and not real

    def _make(
        self, numbers: Sequence[int], found: Callable[[Sequence[int]], Mapping[str, ServerPod]]
    ) -> None:
        """Make clients, and read what they see; servers have to be there before and after."""
        servers = found(numbers)
        clients = list(self._clients(numbers, servers))
        if self._how.existing:
            pods = self._pods_in(each.namespace for each in clients)
            self.seen.update(seen_by_existing(self._connection, clients, pods, servers, self._how))
        else:
            self._run(clients)
        now = found(numbers)
        for number in numbers:
            server = self._probes[number].server
            if number in self.seen and now.get(server) != servers.get(server):
                reason = "the server was replaced, or was not ready any more, when it was over"
                self.seen[number] = Observation(reason=reason)
        self._remove_stand_ins()

    def _run(self, clients: Sequence[ClientPod]) -> None:
        """Make clients, some at a time, and read what they see."""
        waiting = deque(clients)
        total = len(waiting)
        while waiting or self._active:
            while waiting and len(self._active) < self._how.together:
                self._begin(waiting.popleft())
            show_progress(f"probing, {total - len(waiting) - len(self._active)} of {total} clients")
            if self._active:
                time.sleep(_POLL)
                self._look()

    def _servers(self, numbers: Iterable[int]) -> Mapping[str, ServerPod]:
        """Return a pod for each workload that is connected to, as far as there is one."""
        names = {self._probes[number].server for number in numbers}
        wanted = {each: self._workloads[each] for each in sorted(names)}
        pods = self._pods_in(str(each.namespace) for each in wanted.values())
        found = {name: server_of(each, pods) for name, each in wanted.items()}
        return {name: each for name, each in found.items() if each is not None}

    def _pods_in(self, namespaces: Iterable[str]) -> Sequence[RunningPod]:
        names = sorted(set(namespaces))
        return [pod for name in names for pod in listed(self._connection, RUNNING_PODS, name).items]

    def _clients(
        self, numbers: Iterable[int], servers: Mapping[str, ServerPod]
    ) -> Iterator[ClientPod]:
        """Yield the clients that are needed; probes without a server are not made."""
        attempts: defaultdict[str, list[AddressAttempt]] = defaultdict(list)
        for number in numbers:
            probe = self._probes[number]
            address = self._address(probe, servers.get(probe.server))
            if isinstance(address, str):
                self.seen.setdefault(number, Observation(reason=address))
            else:
                attempt = AddressAttempt(number, *address, probe.should_pass, probe.protocol)
                attempts[probe.client].append(attempt)
        for client, own in attempts.items():
            turns = own[0].protocol is IpProtocol.UDP
            most = _MOST_BY_TURNS if turns else _MOST_ATTEMPTS
            for first in range(0, len(own), most):
                yield self._pod_for(client, tuple(own[first : first + most]))

    def _pod_for(self, workload: str, attempts: tuple[AddressAttempt, ...] = ()) -> ClientPod:
        found = self._workloads[workload]
        name = f"podwall-verify-{self._how.run}-{self._made_pods}"
        self._made_pods += 1
        return ClientPod(name, str(found.namespace), found, attempts)

    def _address(self, probe: ConnectionProbe, server: ServerPod | None) -> tuple[str, int] | str:
        """Return where a probe connects to, or why there is no such place."""
        if server is None:
            return f"no pod of `{probe.server}` is ready"
        if not probe.service:
            return server.address, probe.port
        namespace = str(self._workloads[probe.server].namespace)
        if namespace not in self._services:
            self._services[namespace] = service_addresses(self._services_in(namespace))
        found = self._services[namespace].get(probe.service)
        return found or f"service `{namespace}/{probe.service}` has no address of its own"

    def _services_in(self, namespace: str) -> Sequence[SpecObject]:
        return listed(self._connection, _SERVICES, namespace).items  # type: ignore[return-value]  # services keep their spec

    def _stand_ins(self, numbers: Iterable[int]) -> Mapping[str, ServerPod]:
        """Return a temporary pod for each server, made at the first call, as far as it runs."""
        servers = dict.fromkeys(self._probes[number].server for number in numbers)
        if not self._standing:
            for server in servers:
                self._stand_in(server, [n for n in numbers if self._probes[n].server == server])
        deadline = time.monotonic() + _STARTING
        while True:
            pods = self._pods_in(each.namespace for each in self._standing.values())
            found = {each.metadata.name: each for each in pods}
            mine = {name: found.get(each.name) for name, each in self._standing.items()}
            if all(map(_is_settled, mine.values())) or time.monotonic() > deadline:
                break
            time.sleep(_POLL)
        running = {name: each for name, each in mine.items() if each and each.runs}
        return {
            name: ServerPod(each.metadata.namespace, each.metadata.name, each.status.pod_ip)
            for name, each in running.items()
        }

    def _stand_in(self, server: str, numbers: Iterable[int]) -> None:
        """Make the pod that stands for a server; whatever refuses it is why nothing is observed."""
        pod = self._pod_for(server)
        made = self._created(
            pod,
            lambda owner: stand_in_manifest(pod, self._how, owner, self._used, self._longest()),
        )
        if isinstance(made, str):
            for each in numbers:
                self.seen[each] = Observation(reason=f"no pod can stand for the server: {made}")
        else:
            self._standing[server] = pod
            self._stood_in.add(server)

    def _remove_stand_ins(self) -> None:
        for each in self._standing.values():
            self._remove(each)
        self._standing.clear()

    def _doubt_silence(self) -> None:
        """Take back what was seen of the silent that have answered nobody.

        Pods that were made to answer do. Of other servers of UDP nobody knows whether they ever do,
        nor of a service whether it leads anywhere.
        """
        doubtful = [
            (n, each)
            for n, each in enumerate(self._probes)
            if each.service or (each.protocol is IpProtocol.UDP and not self._needs_stand_in(each))
        ]
        answered = {_end_of(each) for n, each in doubtful if n in self.seen and self.seen[n].passed}
        for n, each in doubtful:
            if n in self.seen and self.seen[n].blocked and _end_of(each) not in answered:
                self.seen[n] = Observation(reason=_ANSWERS_NOBODY)

    def _begin(self, client: ClientPod) -> None:
        """Make a client; whatever refuses it is the reason why nothing is observed."""
        made = self._created(
            client, lambda owner: client_manifest(client, self._how, owner, self._used)
        )
        if isinstance(made, str):
            self._unseen(client, made)
        else:
            self._active[client.name] = _ActiveClient(client, time.monotonic() + made)

    def _created(self, pod: ClientPod, manifest: Callable[[str], Mapping[str, Any]]) -> float | str:
        """Make a pod, and return how many seconds it may take, or why there is none."""
        try:
            if refused := self._refused(pod.workload):
                return refused
            body = manifest(self._owner(pod.namespace))
            self._connection.send(ApiRequest("POST", RUNNING_PODS.path(pod.namespace), body=body))
        except ClusterError as problem:
            if problem.code == 0:
                raise
            return f"the client can't be made: {problem.message}"
        return float(body["spec"]["activeDeadlineSeconds"])

    def _refused(self, workload: SnapshotWorkload) -> str:
        """Return why no client may stand for a workload, nothing where one may."""
        namespace = str(workload.namespace)
        if is_system_namespace(namespace):
            return f"no pod is made in `{namespace}`, which is the system's"
        service = publishing_service(workload, self._services_in(namespace))
        if service is None:
            return ""
        name = f"{namespace}/{service.metadata.name}"
        return f"service `{name}` publishes pods that are not ready, as the client would be"

    def _owner(self, namespace: str) -> str:
        """Return the uid of the owner of the clients in a namespace, which is made if need be."""
        if namespace not in self._owners:
            self.namespaces.append(namespace)
            made = make_owner(self._connection, self._how.run, namespace, self._longest())
            self._owners[namespace] = made
        return self._owners[namespace]

    def _longest(self) -> int:
        """Return how long all clients take at most, one after the other where they have to wait."""
        clients = len(self._probes) // _MOST_BY_TURNS + len({each.client for each in self._probes})
        turns = min(sum(e.protocol is IpProtocol.UDP for e in self._probes), _MOST_BY_TURNS)
        servers = len({each.server for each in self._probes if self._needs_stand_in(each)})
        rounds = -(-clients // self._how.together) * (1 + -(-servers // self._how.together))
        own = self._how.pace.seconds(min(len(self._probes), _MOST_ATTEMPTS), turns)
        return 2 * rounds * (own + _LONGER + _STARTING * bool(servers))

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
            self._image = pod.image or self._image
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
        self._remove(client)

    def _remove(self, client: ClientPod) -> None:
        path = f"{RUNNING_PODS.path(client.namespace)}/{client.name}"
        try:
            self._connection.send(ApiRequest("DELETE", path, body={"gracePeriodSeconds": 0}))
        except ClusterError as problem:
            if problem.code == 0:
                raise


_ANSWERS_NOBODY: Final = (
    "the server answers nobody on this port, so that its silence proves nothing"
)


def _end_of(probe: ConnectionProbe) -> tuple[str, IpProtocol, int, str]:
    return probe.server, probe.protocol, probe.port, probe.service


def _is_settled(pod: RunningPod | None) -> bool:
    """Return whether waiting for a pod does not help any more."""
    return pod is None or pod.runs or pod.has_ended or pod.cannot_start


@dataclass(frozen=True, slots=True)
class _ActiveClient:
    """A client that runs, and until when it may."""

    client: ClientPod
    deadline: float


_PAGE: Final = msgspec.json.Decoder(Page[RunningPod])
