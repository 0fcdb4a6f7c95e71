"""The running cluster as a source, from a real API server: python -m benchmarks.running_cluster.

etcd and kube-apiserver are started as the tests do it; `make test-live` builds what PATH has not.
Pods are as long as they are in clusters: environments, probes, volumes, owners.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from benchmarks.commands import run_once
from podwall.change_review import WatchedCluster
from podwall.cli.arguments import paused_collector
from podwall.live.watching import ClusterWatch
from podwall.model import IpProtocol
from tests.live.lab import LabServer, created, missing_programs, running_server
from tests.live.objects import namespace, pod, policy

__all__ = ["ALIKE", "filled", "main", "objects"]

PODS = 10_000
POLICIES = 2_000
_TEAMS: Final = 20
ALIKE: Final = 10
_WRITERS: Final = 8
_ROUNDS: Final = 3
_CHANGES: Final = 5
Object = dict[str, Any]


def _owner(kind: str, name: str) -> Object:
    uid = "00000000-0000-4000-8000-000000000000"
    version = "apps/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "controller": True, "uid": uid}


def _deployments() -> Iterator[Object]:
    """Yield the Deployments, each with the ReplicaSet of today and one of before, and the pods."""
    for number in range(PODS // ALIKE):
        where, name = f"team-{number % _TEAMS}", f"app-{number}"
        labels = {"app": name, "tier": ("web", "api", "db")[number % 3], "team": where}
        template = {"metadata": {"labels": labels}, "spec": _long(name)}
        spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
        yield _of_apps("Deployment", where, name, {**spec, "replicas": ALIKE})
        for turn, count in (("a", 0), ("b", ALIKE)):
            made = _of_apps("ReplicaSet", where, f"{name}-{turn}", {**spec, "replicas": count})
            made["metadata"]["ownerReferences"] = [_owner("Deployment", name)]
            yield made
        for each in range(ALIKE):
            owner = _owner("ReplicaSet", f"{name}-b")
            found = pod(where, f"{name}-b-{each}", owner=owner, **labels)
            yield found | {"spec": _long(name)}


def _of_apps(kind: str, where: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": where, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _long(name: str) -> Object:
    """Return a pod's spec that is as long as they are."""
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "name": "main",
        "image": f"registry.example/{name}:1.2.3",
        "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9090}],
        "env": [{"name": f"SETTING_{n}", "value": f"{name}-{n}" * 3} for n in range(30)],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": f"v{n}", "mountPath": f"/data/{n}"} for n in range(3)],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    volumes = [{"name": f"v{n}", "emptyDir": {}} for n in range(3)]
    return {"containers": [container], "volumes": volumes}


def _policies() -> Iterator[Object]:
    for number in range(POLICIES):
        app, peer = f"app-{number // 2}", f"app-{(number // 2 + 7 * _TEAMS) % (PODS // ALIKE)}"
        side, other = (("ingress", "from"), ("egress", "to"))[number % 2]
        peers = [{"podSelector": {"matchLabels": {"app": peer}}}]
        rule = {other: peers, "ports": [{"port": 8080}]}
        spec: Object = {"podSelector": {"matchLabels": {"app": app}}, side: [rule]}
        spec["policyTypes"] = [side.capitalize()]
        yield policy(f"team-{(number // 2) % _TEAMS}", f"{app}-{side}", spec)


def objects() -> Iterator[Object]:
    """Yield the objects of the benchmark, but for the namespaces."""
    yield from _deployments()
    yield from _policies()


def filled(server: LabServer) -> None:
    """Create the objects of the benchmark."""
    with server.connection() as connection:
        created(connection, [namespace(f"team-{n}", team=f"team-{n}") for n in range(_TEAMS)])
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(lambda each: created(connection, [each]), objects(), chunksize=50))


def main() -> int:
    """Measure, and print a table."""
    if missing := missing_programs():
        print(f"not on PATH: {', '.join(missing)} (`make test-live` builds them)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        filled(server)
        where = ["--kubeconfig", str(server.kubeconfig(Path(folder))), "--engine", "cilium"]
        print(f"{PODS:,} pods and {POLICIES:,} policies, best of {_ROUNDS}\n")
        print("| command | seconds | of CPU | memory |\n|---|---|---|---|")
        flow = ["team-0/app-0", "team-7/app-7"]
        for words in (["lint", "cluster"], ["explain", "cluster", *flow]):
            print(_row([*words, *where], Path(folder) / "printed"), flush=True)
        print(f"\n{_watched(server)}")
    return 0


def _watched(server: LabServer) -> str:
    """Return what one changed policy costs a cluster that is followed, and how soon it is seen."""
    seconds, cpu = [], []
    with server.connection() as connection, ClusterWatch(connection) as watch, paused_collector():
        cluster = WatchedCluster(watch, "cilium")
        cluster.review.reachability.verdict("team-0/app-0", "team-7/app-7", IpProtocol.TCP, 8080)
        for number in range(_CHANGES):
            start, before = time.monotonic(), time.process_time()
            created(connection, [policy("team-1", f"new-{number}")])
            change = next(cluster.changes(60))
            list(change.review.difference.port_changes())
            seconds.append(time.monotonic() - start)
            cpu.append(time.process_time() - before)
    return (
        f"one changed policy, followed: {statistics.median(seconds):.2f} s until it is compared, "
        f"{statistics.median(cpu):.2f} s of CPU"
    )


def _row(words: list[str], output: Path) -> str:
    command = [sys.executable, "-m", "podwall", *words]
    found = [run_once(command, output, ends=(0, 1)) for _ in range(_ROUNDS)]
    cpu, wall, memory = min((each for each in found if each), key=lambda each: each[1])
    return f"| `podwall {words[0]} cluster` | {wall:.1f} | {cpu:.1f} | {memory:.0f} MB |"


if __name__ == "__main__":
    sys.exit(main())
