"""A cluster that is followed means the same as one that is read anew, whatever changes in it."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from podwall.live.cluster import ClusterReading, ReadingScope, reading_of, says_ranges
from podwall.live.connection import ApiConnection
from podwall.live.copies import PodAddresses, decides_nothing
from podwall.live.listing import NAMESPACES, NODES, PODS, POLICIES, READ, ApiKind, GatheredLists
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
            if rng.random() < 0.5:
                metadata["labels"] = {"app": app, "pod-template-hash": "7d4"}
            spec |= {"nodeName": "n1", "hostNetwork": rng.random() < 0.1}
            status = {"podIP": "10.0.0.7", "podIPs": [{"ip": f"10.0.{rng.randrange(2)}.7"}]}
        case "Deployment" | "ReplicaSet":
            template = {"metadata": {"labels": {"app": app}}, "spec": spec}
            spec = {"replicas": rng.randrange(3), "template": template}
            spec["selector"] = {"matchLabels": {"app": rng.choice((app, "other"))}}
            if kind == "ReplicaSet" and rng.random() < 0.7:
                owner = {"kind": "Deployment", "name": f"{app}-0", "controller": True}
                metadata |= {"ownerReferences": [owner], "name": f"{app}-0", "labels": {}}
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


Changed = tuple[ApiKind[Any], PlainObject | None, PlainObject | None]


def change(rng: Random, objects: Objects) -> Changed:
    """Add, replace or remove one object, and return its kind, and what it was and is."""
    kind = KINDS[rng.choice(CHANGED)]
    there = objects.setdefault(kind, {})
    if there and rng.random() < 0.3:
        return kind, there.pop(rng.choice(sorted(there))), None
    written = msgspec.json.encode(made(rng, kind.kind))
    found = msgspec.json.decode(written, type=kind.type)
    key = found.metadata.namespace, found.metadata.name
    before, there[key] = there.get(key), found
    return kind, before, found


def read(objects: Objects, scope: ReadingScope) -> ClusterReading:
    lists = {kind: tuple(each.values()) for kind, each in objects.items()}
    nodes = lists.pop(NODES, ())
    return reading_of(CONNECTION, GatheredLists(lists), cast("Any", nodes), scope)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.long
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


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.long(keep=1)
def test_what_decides_nothing_leaves_a_fresh_reading_as_it_was(seed: int) -> None:
    rng, objects = Random(f"copies {seed}"), cast("Objects", {})
    for app in APPS:  # the controllers first, or hardly any pod is a copy
        for kind in ("Deployment", "ReplicaSet"):
            found = controlled(app, kind)
            objects.setdefault(KINDS[kind], {})["shop", f"{app}-0"] = found
    addresses = PodAddresses()
    last = review(source_of_cluster(read(objects, ReadingScope())), "calico")
    passed = 0
    for _ in range(150):
        changed = change(rng, objects) if rng.random() < 0.3 else usual_change(rng, objects)
        reading = read(objects, ReadingScope())
        fresh = review(source_of_cluster(reading), "calico")
        if decides_nothing(*changed, objects, addresses):
            passed += changed[1] != changed[2]
            assert fresh.reading.snapshot == last.reading.snapshot, changed
            assert fresh.findings == last.findings
            assert list(fresh.reachability.connections()) == list(last.reachability.connections())
        else:
            said = says_ranges(cast("Any", objects.get(NODES, {}).values()))
            addresses = PodAddresses(reading.cluster.pod_cidrs, said)
            last = fresh
    assert passed


def usual_change(rng: Random, objects: Objects) -> Changed:
    """Add, replace or remove a pod of a ReplicaSet, or put a controller right again."""
    app = rng.choice(APPS)
    kind = KINDS[rng.choice(("Pod", "Pod", "Pod", "Deployment", "ReplicaSet"))]
    there = objects.setdefault(kind, {})
    if kind is not PODS:
        key = "shop", f"{app}-0"
        before, there[key] = there.get(key), controlled(app, kind.kind, rng.randrange(1, 4))
        return kind, before, there[key]
    key = "shop", f"{app}-{rng.randrange(3)}"
    if key in there and rng.random() < 0.4:
        return kind, there.pop(key), None
    owner = {"kind": "ReplicaSet", "name": f"{app}-0", "controller": True}
    labels = {"app": app, "pod-template-hash": "7d4"}
    metadata = {"name": key[1], "namespace": "shop", "labels": labels, "ownerReferences": [owner]}
    status = {"podIPs": [{"ip": rng.choice(("10.0.0.9", "10.9.0.9"))}]}
    written = {"metadata": metadata, "spec": {"containers": []}, "status": status}
    found = msgspec.json.decode(msgspec.json.encode(written), type=kind.type)
    before, there[key] = there.get(key), found
    return kind, before, found


def controlled(app: str, kind: str, replicas: int = 2) -> PlainObject:
    """Return a controller of pods with one label."""
    owner = {"kind": "Deployment", "name": f"{app}-0", "controller": True}
    owners = [owner] if kind == "ReplicaSet" else []
    template = {"metadata": {"labels": {"app": app}}, "spec": {"containers": []}}
    selector = {"matchLabels": {"app": app}}
    written = {
        "metadata": {"name": f"{app}-0", "namespace": "shop", "ownerReferences": owners},
        "spec": {"replicas": replicas, "template": template, "selector": selector},
    }
    found: PlainObject = msgspec.json.decode(msgspec.json.encode(written), type=KINDS[kind].type)
    return found


def test_an_object_that_has_not_changed_stays_the_same_document() -> None:
    rng, objects = Random("same"), cast("Objects", {})
    scope = ReadingScope()
    for kind in (NAMESPACES, PODS, POLICIES):
        found = msgspec.json.decode(msgspec.json.encode(made(rng, kind.kind)), type=kind.type)
        objects[kind] = {(found.metadata.namespace, found.metadata.name): found}
    first, second = read(objects, scope), read(objects, scope)
    assert [id(each) for each in first.documents] == [id(each) for each in second.documents]
