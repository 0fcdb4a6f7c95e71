"""A part of a followed cluster shows of changed policies what the whole cluster shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from podwall.change_review import ChangeReview, WatchedCluster
from podwall.engines import ENGINES, Treatment
from podwall.live import watching
from podwall.live.cluster import ClusterReading, ReadingScope, reading_of
from podwall.live.connection import ApiConnection
from podwall.live.listing import NODES, POLICIES, READ, SERVICES, ApiKind, GatheredLists
from podwall.live.objects import NodeObject, PlainObject
from podwall.live.watching import ClusterWatch, Pace
from podwall.model import Snapshot
from podwall.policies.errors import Place, Severity
from podwall.review import Review, review
from podwall.sources import source_of_cluster

CONNECTION = cast(
    "ApiConnection", SimpleNamespace(name="test", place=Place("https://test.example"))
)
ALL: tuple[ApiKind[Any], ...] = (*READ, NODES)
KINDS = {each.kind: each for each in ALL}
APPS, TIERS, SPACES = ("web", "api", "db", "job"), ("front", "back"), ("shop", "tools", "logs")


def _selector(rng: Random) -> dict[str, Any]:
    app, tier = rng.choice(APPS), rng.choice(TIERS)
    some = {"key": "app", "operator": rng.choice(("In", "NotIn")), "values": rng.sample(APPS, 2)}
    there = {"key": "tier", "operator": rng.choice(("Exists", "DoesNotExist"))}
    return rng.choice(
        [
            {},
            {"matchLabels": {"app": app}},
            {"matchLabels": {"app": app}},
            {"matchLabels": {"app": app, "tier": tier}},
            {"matchExpressions": [some]},
            {"matchExpressions": [there]},
        ]
    )


def _peer(rng: Random) -> dict[str, Any]:
    number = rng.random()
    if number < 0.15:
        return {"ipBlock": {"cidr": rng.choice(("10.0.0.0/16", "203.0.113.0/24", "0.0.0.0/0"))}}
    if number < 0.2:
        return {"ipBlock": {"cidr": "2001:db8::/32"}}
    found: dict[str, Any] = {"podSelector": _selector(rng)}
    if number < 0.5:
        team = rng.choice(("a", "b"))
        other = {"key": "team", "operator": "NotIn", "values": [team]}
        marked = {"key": "marked", "operator": "Exists"}
        named = {"kubernetes.io/metadata.name": rng.choice(SPACES)}
        found["namespaceSelector"] = rng.choice(
            [
                {},
                {"matchLabels": {"team": team}},
                {"matchLabels": {"team": team}},
                {"matchExpressions": [other]},
                {"matchExpressions": [marked, other]},
                {"matchLabels": named, "matchExpressions": [marked]},
            ]
        )
    return found


def _rules(rng: Random, peers: str) -> list[dict[str, Any]]:
    found = []
    for _ in range(rng.randrange(3)):
        rule: dict[str, Any] = {}
        if rng.random() < 0.85:
            rule[peers] = [_peer(rng) for _ in range(rng.randrange(1, 3))]
        if rng.random() < 0.6:
            port = rng.choice((80, 8080, "http"))
            rule["ports"] = [{"port": port, "protocol": rng.choice(("TCP", "UDP"))}]
        found.append(rule)
    return found


def _policy(rng: Random, annotated: float = 0.05) -> dict[str, Any]:
    types = rng.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    spec: dict[str, Any] = {"podSelector": _selector(rng), "policyTypes": types}
    if "Ingress" in types:
        spec["ingress"] = _rules(rng, "from")
    if "Egress" in types:
        spec["egress"] = _rules(rng, "to")
    metadata: dict[str, Any] = {"namespace": rng.choice(SPACES), "name": f"p{rng.randrange(12)}"}
    if rng.random() < annotated:
        metadata["annotations"] = {"podwall.dev/ignore": "engine-skips-policy: known"}
    return {"metadata": metadata, "spec": spec}


def _deployment(rng: Random, number: int) -> dict[str, Any]:
    labels = {"app": rng.choice(APPS)}
    if rng.random() < 0.5:
        labels["tier"] = rng.choice(TIERS)
    ports = [{"name": "http", "containerPort": rng.choice((80, 8080))}]
    pod = {"containers": [{"name": "main", "ports": ports}], "hostNetwork": rng.random() < 0.1}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": rng.randrange(1, 4), "template": template}
    name = {"name": f"d{number}", "namespace": rng.choice(SPACES)}
    return {"metadata": name, "spec": {**spec, "selector": {"matchLabels": labels}}}


def _other(rng: Random) -> tuple[str, dict[str, Any]]:
    """Return an object that is no policy."""
    number = rng.random()
    if number < 0.3:
        return "Deployment", _deployment(rng, rng.randrange(8))
    if number < 0.4:
        return rng.choice(("ReplicaSet", "DaemonSet", "StatefulSet")), _owned(
            rng, "d", "Deployment"
        )
    if number < 0.8:
        return "Pod", _pod(rng)
    return _around(rng)


def _around(rng: Random) -> tuple[str, dict[str, Any]]:
    """Return an object that neither is a policy nor makes pods."""
    number, space = rng.random(), rng.choice(SPACES)
    if number < 0.45:
        return "Namespace", _space(rng.choice((*SPACES, "empty")), rng)
    if number < 0.85:
        return "Service", _service(rng, space)
    if number < 0.92:
        labels = {"agentpool": rng.choice(("one", "two"))}
        return "Node", {"metadata": {"name": "node", "labels": labels}}
    address = {"addressType": "IPv4", "endpoints": [{"addresses": [f"10.0.0.{rng.randrange(9)}"]}]}
    return "EndpointSlice", {"metadata": {"name": "s-x", "namespace": space}, **address}


def _service(rng: Random, space: str) -> dict[str, Any]:
    target = rng.choice((80, 8080, "http"))
    spec: dict[str, Any] = {"ports": [{"port": 80, "targetPort": target}]}
    spec["type"] = rng.choice(("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer"))
    spec["externalTrafficPolicy"] = rng.choice(("Cluster", "Cluster", "Local"))
    if rng.random() < 0.2:
        spec["externalIPs"] = ["198.51.100.7"]
    if rng.random() < 0.9:
        spec["selector"] = {"app": rng.choice(APPS)}
    return {"metadata": {"name": rng.choice("st"), "namespace": space}, "spec": spec}


def _owned(rng: Random, name: str, above: str) -> dict[str, Any]:
    """Return a controller that another one has made, or none."""
    found = _deployment(rng, rng.randrange(3))
    kind = rng.choice((above, above, "Node", ""))
    owner = {"kind": kind, "name": found["metadata"]["name"], "controller": rng.random() < 0.9}
    found["metadata"] |= {"ownerReferences": [owner]} if kind else {}
    found["metadata"]["name"] = f"{name}{rng.randrange(3)}-a"
    return found


def _pod(rng: Random) -> dict[str, Any]:
    found = _owned(rng, "pod", rng.choice(("Deployment", "ReplicaSet")))
    template = found["spec"]["template"]
    metadata = {**found["metadata"], "labels": template["metadata"]["labels"]}
    if rng.random() < 0.4:
        metadata.pop("ownerReferences", None)
    pod: dict[str, Any] = {"metadata": metadata, "spec": template["spec"]}
    if rng.random() < 0.5:
        address = f"10.0.0.{rng.randrange(9)}" if rng.random() < 0.9 else "2001:db8::1"
        pod["status"] = {"phase": "Running", "podIPs": [{"ip": address}], "hostIP": "192.0.2.1"}
    if rng.random() < 0.2:
        pod["spec"] = pod["spec"] | {"nodeName": rng.choice(("one", "other"))}
    return pod


def _space(name: str, rng: Random) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name}
    if rng.random() < 0.8:
        labels["team"] = rng.choice(("a", "b"))
    if rng.random() < 0.3:
        labels["marked"] = rng.choice(("yes", "no"))
    return {"metadata": {"name": name, "labels": labels}}


class _Followed:
    """A cluster that is followed without one: what a watch hands on is put into its queue."""

    def __init__(self, rng: Random, others: float = 0.3) -> None:
        """Begin with Deployments and policies, with some `others` now and then."""
        self._rng = rng
        self.watch = _Watch(CONNECTION, pace=Pace(quiet=0, longest=60))
        for name in SPACES:
            self._put("Namespace", _space(name, rng))
        self._put("Node", {"metadata": {"name": "node"}})
        for number in range(8):
            self._put("Deployment", _deployment(rng, number))
        for _ in range(rng.randrange(8)):
            self._put("NetworkPolicy", _policy(rng, annotated=others / 6))
        if rng.random() < others:
            self._put(*_other(rng))
        list(self.watch.changes(0))

    def change(self) -> None:
        """Add, replace or remove a policy or two, or something else now and then."""
        for _ in range(self._rng.choice((1, 1, 1, 2))):
            self._change()

    def change_around(self) -> None:
        """Add or replace a service or a namespace, or remove a service, or change a policy, too."""
        services = sorted(self.watch.objects.get(SERVICES, {}))
        if services and self._rng.random() < 0.2:
            self.watch.hand_on(SERVICES, self._rng.choice(services), None, "DELETED")
        else:
            self._put(*_around(self._rng))
        if self._rng.random() < 0.2:
            self._put("NetworkPolicy", _policy(self._rng, annotated=0))

    def _change(self) -> None:
        number = self._rng.random()
        kind = POLICIES if number < 0.2 else self._rng.choice(ALL)
        there = sorted(self.watch.objects.get(kind, {}))
        if there and number < 0.3:
            self.watch.hand_on(kind, self._rng.choice(there), None, "DELETED")
        elif number < 0.6:
            self._put("NetworkPolicy", _policy(self._rng))
        else:
            self._put(*_other(self._rng))

    def _put(self, kind: str, written: dict[str, Any]) -> None:
        found = msgspec.json.decode(msgspec.json.encode(written), type=KINDS[kind].type)
        self.watch.hand_on(KINDS[kind], (found.metadata.namespace, found.metadata.name), found)

    def anew(self) -> ClusterReading:
        """Return the cluster as one reads it who has never seen it."""
        return _read(self.watch.objects)


class _Watch(ClusterWatch):
    """Follows what is handed on."""

    @property
    def objects(self) -> dict[ApiKind[Any], dict[tuple[str, str], PlainObject]]:
        return self._objects

    def hand_on(
        self,
        kind: ApiKind[Any],
        key: tuple[str, str],
        found: PlainObject | None,
        event: str = "MODIFIED",
    ) -> None:
        none = watching._Marked()  # noqa: SLF001 - what a thread hands on
        self._seen.put(watching._Seen(kind, key, found, event, none))  # noqa: SLF001 - as above

    def first(self) -> ClusterReading:
        return self.now()

    def _are_kinds_new(self) -> bool:
        return False


def _read(objects: dict[ApiKind[Any], dict[tuple[str, str], PlainObject]]) -> ClusterReading:
    lists = {kind: tuple(each.values()) for kind, each in objects.items()}
    nodes = cast("tuple[NodeObject, ...]", lists.pop(NODES, ()))
    return reading_of(CONNECTION, GatheredLists(lists), nodes, ReadingScope())


def _said(found: ChangeReview) -> Iterator[object]:
    """Yield all that `podwall watch` says of a change."""
    difference = found.difference
    yield from (difference.policies, difference.added, difference.gone, difference.findings)
    yield [
        (
            each.source.id,
            each.destination.id,
            each.before,
            each.after,
            each.cause,
            each.because,
            [policy.name for policy in each.policies],
        )
        for each in difference.changes()
    ]
    yield found.weighed
    yield found.after.not_read
    yield [each for each in found.brought if each.severity is Severity.ERROR]


def _sorted(found: Review) -> Snapshot:
    """Return a snapshot whose workloads are in an order of their own."""
    snapshot = found.reading.snapshot
    workloads = sorted(snapshot.workloads, key=lambda each: (each.kind, each.full_name))
    return replace(snapshot, workloads=tuple(workloads))


def _holds(cluster: WatchedCluster, last: Review) -> None:
    """Check that a followed cluster is what a fresh reading shows."""
    assert _sorted(cluster.review) == _sorted(last)
    # Of one place they come as the workloads do, whose order is another one.
    assert Counter(cluster.review.findings) == Counter(last.findings)
    pairs = [set(each.reachability.connections()) for each in (cluster.review, last)]
    assert pairs[0] == pairs[1]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.long
def test_what_is_said_of_a_change_is_the_difference_of_two_readings(seed: int, engine: str) -> None:
    followed = _Followed(Random(f"{engine} {seed}"))
    cluster = WatchedCluster(followed.watch, engine)
    last, parts = review(source_of_cluster(followed.anew()), engine), 0
    for step in range(25):
        followed.change()
        for change in cluster.changes(0):
            fresh = review(source_of_cluster(followed.anew()), engine)
            assert list(_said(change.review)) == list(_said(ChangeReview(last, fresh))), step
            size = len(change.review.after.reachability.workloads)
            parts += size < len(fresh.reachability.workloads)
            last = fresh
        if step % 5 == 4:
            _holds(cluster, last)
    assert parts or engine == "none" or seed  # some clusters only change in what needs the whole


@pytest.mark.parametrize("engine", [each for each in ENGINES if each != "none"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.long
def test_services_and_labels_of_namespaces_are_followed_in_parts(seed: int, engine: str) -> None:
    followed = _Followed(Random(f"around {engine} {seed}"), others=0)
    cluster = WatchedCluster(followed.watch, engine)
    last, differ = review(source_of_cluster(followed.anew()), engine), 0
    for step in range(25):
        followed.change_around()
        for change in cluster.changes(0):
            fresh = review(source_of_cluster(followed.anew()), engine)
            assert list(_said(change.review)) == list(_said(ChangeReview(last, fresh))), step
            differ += bool(list(change.review.difference.changes()))
            last = fresh
        if step % 8 == 7:
            _holds(cluster, last)
    replaces_names = ENGINES[engine].egress_port_names.value is not Treatment.ENFORCED
    assert not cluster.full_analyses or replaces_names
    assert differ or seed  # some clusters only change in what opens nothing
