"""A cluster that is followed means the same as one that is read anew, whatever changes in it."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from podwall.live.cluster import ClusterReading, ReadingScope, reading_of
from podwall.live.connection import ApiConnection
from podwall.live.kinds import NAMESPACES, NODES, PODS, POLICIES, READ, ApiKind
from podwall.live.listing import GatheredLists
from podwall.live.objects import PlainObject
from podwall.policies.errors import Place
from podwall.reading import KeptReadings
from podwall.review import review
from podwall.sources import source_of_cluster

CONNECTION = cast(
    "ApiConnection", SimpleNamespace(name="test", place=Place("https://test.example"))
)
ALL: tuple[ApiKind[Any], ...] = (*READ, NODES)
KINDS = {each.kind: each for each in ALL}
CHANGED = (
    "Pod",
    "Pod",
    "Deployment",
    "ReplicaSet",
    "NetworkPolicy",
    "Service",
    "Namespace",
    "Node",
)
APPS = ("web", "api", "db")
SPACES = ("shop", "tools")
Objects = dict[ApiKind[Any], dict[tuple[str, str], PlainObject]]


def made(rng: Random, kind: str) -> dict[str, Any]:
    """Return an object of a kind, some of which the API server would refuse."""
    app, space = rng.choice(APPS), rng.choice(SPACES)
    metadata: dict[str, Any] = {"name": f"{app}-{rng.randrange(3)}", "namespace": space}
    metadata["labels"] = {"app": app, "turn": str(rng.randrange(2))}
    ports = [{"name": "http", "containerPort": rng.choice((80, 8080))}]
    spec: dict[str, Any] = {"containers": [{"name": "main", "ports": ports}]}
    status: dict[str, Any] = {}
    match kind:
        case "Pod":
            metadata["ownerReferences"] = rng.choice(
                [[], [{"kind": "ReplicaSet", "name": f"{app}-0", "controller": True}]]
            )
            spec |= {"nodeName": "n1", "hostNetwork": rng.random() < 0.1}
            status = {"podIP": "10.0.0.7", "podIPs": [{"ip": f"10.0.{rng.randrange(2)}.7"}]}
        case "Deployment" | "ReplicaSet":
            template = {"metadata": {"labels": {"app": app}}, "spec": spec}
            spec = {"replicas": rng.randrange(3), "template": template}
            spec["selector"] = {"matchLabels": {"app": rng.choice((app, "other"))}}
        case "NetworkPolicy":
            peers = [{"podSelector": {"matchLabels": {"app": rng.choice(APPS)}}}]
            spec = {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"]}
            spec["ingress"] = rng.choice([[], [{"from": peers}], [{"ports": [{"port": "http"}]}]])
        case "Service":
            spec = {"selector": {"app": app}, "type": rng.choice(("ClusterIP", "LoadBalancer"))}
            spec["ports"] = [{"port": 80, "targetPort": rng.choice((8080, "http"))}]
        case "Namespace":
            metadata = {"name": space, "labels": metadata["labels"]}
        case _:
            metadata = {"name": "n1"}
            status = {
                "addresses": [{"type": "InternalIP", "address": f"10.1.0.{rng.randrange(3)}"}]
            }
            spec = {"podCIDR": rng.choice(("10.0.0.0/16", "10.9.0.0/16"))}
    return {"metadata": metadata, "spec": spec, "status": status}


def change(rng: Random, objects: Objects) -> None:
    """Add, replace or remove one object."""
    kind = KINDS[rng.choice(CHANGED)]
    there = objects.setdefault(kind, {})
    if there and rng.random() < 0.3:
        del there[rng.choice(sorted(there))]
        return
    written = msgspec.json.encode(made(rng, kind.kind))
    found = msgspec.json.decode(written, type=kind.type)
    there[found.metadata.namespace, found.metadata.name] = found


def read(objects: Objects, scope: ReadingScope) -> ClusterReading:
    lists = {kind: tuple(each.values()) for kind, each in objects.items()}
    nodes = lists.pop(NODES, ())
    return reading_of(CONNECTION, GatheredLists(lists), cast("Any", nodes), scope)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_kept_changes_no_answer(seed: int) -> None:
    rng, objects = Random(f"kept {seed}"), cast("Objects", {})
    scope, kept = ReadingScope(kubernetes="v1.34.4"), KeptReadings()
    for _ in range(40):
        for _ in range(rng.randrange(1, 4)):
            change(rng, objects)
        followed = read(objects, scope)
        fresh = read(objects, ReadingScope(kubernetes="v1.34.4"))
        assert followed == fresh
        now, anew = (
            review(source_of_cluster(followed, kept), "calico"),
            review(source_of_cluster(fresh), "calico"),
        )
        assert now.reading == anew.reading
        assert now.findings == anew.findings
        assert list(now.reachability.connections()) == list(anew.reachability.connections())


def test_an_object_that_has_not_changed_stays_the_same_document() -> None:
    rng, objects = Random("same"), cast("Objects", {})
    scope = ReadingScope()
    for kind in (NAMESPACES, PODS, POLICIES):
        found = msgspec.json.decode(msgspec.json.encode(made(rng, kind.kind)), type=kind.type)
        objects[kind] = {(found.metadata.namespace, found.metadata.name): found}
    first, second = read(objects, scope), read(objects, scope)
    assert [id(each) for each in first.documents] == [id(each) for each in second.documents]
