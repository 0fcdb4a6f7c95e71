"""Make attempts in pods that exist: the script of a temporary client, executed in one of them.

Nothing is made, and nothing is left behind. The pod is the one that policies already know; its
image has to have what the script needs, and who asks has to be allowed to execute in pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from podwall.live.connection import ApiConnection, ClusterError
from podwall.live.executing import executed
from podwall.model import IpProtocol
from podwall.verify.comparing import Observation
from podwall.verify.servers import RUNNING_PODS, RunningPod, ServerPod, server_of
from podwall.verify.temporary import ClientPod, ProbeRun, command, observations

__all__ = ["seen_by_existing"]


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
