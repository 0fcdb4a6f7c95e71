"""Policies that are not read: what they may decide is not certain, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from podwall.model import Snapshot, Unknown, UnreadPolicy
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, snapshot

INGRESS, EGRESS = (Direction.INGRESS,), (Direction.EGRESS,)


def document(kind: str, name: str, namespace: str = "shop", **fields: Any) -> Document:
    group = {"Pod": "v1", "NetworkPolicy": "networking.k8s.io/v1"}[kind]
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return Document({"apiVersion": group, "kind": kind, "metadata": metadata, **fields})


OPEN = snapshot(
    [document("Pod", "web"), document("Pod", "db"), document("Pod", "log", "tools")]
).snapshot
CLOSED = snapshot(
    [
        document("Pod", "web"),
        document("Pod", "db"),
        document("Pod", "log", "tools"),
        document("NetworkPolicy", "deny", spec={"podSelector": {}, "policyTypes": ["Ingress"]}),
    ]
).snapshot


def beside(read: Snapshot, *unread: UnreadPolicy, engine: str = "spec") -> Reachability:
    return reachability(replace(read, unread_policies=unread), engine)


def certainly(found: Reachability, source: str, destination: str) -> str:
    """Return what is certain of a pair: `all`, `none`, or nothing."""
    replay = found.replay(source, destination)
    listed = {(each.source_id, each.destination_id): each for each in found.connections()}
    connection = listed.get((source, destination))
    may = connection is not None and bool(connection.undetermined)
    assert may == bool(replay.allowed.may - replay.allowed.must), "analysis and replay differ"
    if may:
        return ""
    return "none" if replay.allowed.may == NO_PORTS else "all"


def test_nothing_is_certain_of_a_pod_that_it_may_select() -> None:
    found = beside(OPEN, UnreadPolicy("CiliumClusterwideNetworkPolicy", "x", None))
    ids = ("shop/web", "shop/db", "tools/log", "0.0.0.0/0")
    assert {certainly(found, *pair) for pair in product(ids, ids[:3]) if len({*pair}) == 2} == {""}


@pytest.mark.parametrize(
    ("policy", "web_to_db", "db_to_log"),
    [
        pytest.param(UnreadPolicy("C", "x", "tools"), "all", "", id="of another namespace"),
        pytest.param(UnreadPolicy("C", "x", "other"), "all", "all", id="of none that is shown"),
        pytest.param(
            UnreadPolicy("C", "x", "shop", directions=INGRESS), "", "all", id="of ingress alone"
        ),
        pytest.param(UnreadPolicy("C", "x", Unknown("later")), "", "", id="of an unknown one"),
    ],
)
def test_it_is_about_what_is_in_its_namespace_and_direction(
    policy: UnreadPolicy, web_to_db: str, db_to_log: str
) -> None:
    found = beside(OPEN, policy)
    assert certainly(found, "shop/web", "shop/db") == web_to_db
    assert certainly(found, "shop/db", "tools/log") == db_to_log


def test_what_only_narrows_opens_nothing() -> None:
    narrows = UnreadPolicy("AuthorizationPolicy", "x", None, directions=INGRESS, narrows=True)
    found = beside(CLOSED, narrows)
    assert certainly(found, "shop/web", "shop/db") == "none"
    assert certainly(found, "shop/web", "tools/log") == ""


def test_what_may_open_makes_a_denied_pair_undetermined() -> None:
    found = beside(CLOSED, UnreadPolicy("CiliumNetworkPolicy", "x", "shop", directions=INGRESS))
    assert certainly(found, "shop/web", "shop/db") == ""


@pytest.mark.parametrize(
    ("engine", "certain"), [("azure", "all"), ("cilium", ""), ("spec", ""), ("none", "all")]
)
def test_only_an_engine_that_enforces_it_is_in_doubt(engine: str, certain: str) -> None:
    policy = UnreadPolicy("CiliumNetworkPolicy", "x", "shop", engines=frozenset({"cilium"}))
    assert certainly(beside(OPEN, policy, engine=engine), "shop/web", "shop/db") == certain


def test_unseen_pods_are_in_doubt_as_well() -> None:
    found = beside(CLOSED, UnreadPolicy("CiliumNetworkPolicy", "x", "shop"))
    openings = found.exposure("shop/db", Direction.INGRESS)
    assert openings
    assert all(each.undetermined and not each.allowed for each in openings)


def test_the_cause_is_named() -> None:
    found = beside(OPEN, UnreadPolicy("CiliumNetworkPolicy", "x", "shop"))
    assert next(iter(found.replay("shop/web", "tools/log").doubts()))[1] == (
        "CiliumNetworkPolicy `shop/x` is not read, and may allow or deny it",
    )
