"""A policy that is not read comes or goes: what it may decide is a change, with its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.diff import ConnectionChange, diff
from podwall.model import Snapshot, UnreadPolicy
from podwall.policies.rules import Direction
from podwall.reachability import reachability
from podwall.reading import Document, snapshot

UNREAD = UnreadPolicy("CiliumNetworkPolicy", "x", "shop", engines=frozenset({"cilium"}))
CAUSE = "CiliumNetworkPolicy `shop/x` is not read, and may allow or deny it"


def pod(name: str, namespace: str = "shop") -> Document:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return Document({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})


DENY = Document(
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
)
PODS = (pod("web"), pod("db"), pod("log", "tools"), pod("job", "tools"))
OPEN, CLOSED = snapshot(PODS).snapshot, snapshot([*PODS, DENY]).snapshot


def changes(
    before: Snapshot, after: Snapshot, engine: str = "spec"
) -> dict[tuple[str, str], ConnectionChange]:
    found = diff(reachability(before, engine), reachability(after, engine)).changes()
    return {(each.source.id, each.destination.id): each for each in found}


def beside(read: Snapshot, *unread: UnreadPolicy) -> Snapshot:
    return replace(read, unread_policies=unread)


@pytest.mark.parametrize("read", [OPEN, CLOSED], ids=["open", "closed"])
def test_what_it_may_decide_changes_as_it_comes_and_as_it_goes(read: Snapshot) -> None:
    came, gone = changes(read, beside(read, UNREAD)), changes(beside(read, UNREAD), read)
    assert came.keys() == gone.keys()
    assert {("shop/web", "shop/db"), ("shop/web", "tools/log")} <= came.keys()
    assert ("tools/log", "tools/job") not in came
    assert all(each.after.undetermined for each in came.values())
    assert all(each.before.undetermined for each in gone.values())


def test_every_change_names_it() -> None:
    found = [*changes(CLOSED, beside(CLOSED, UNREAD)).values()]
    assert {each.because for each in found} == {CAUSE}


def test_unseen_pods_are_among_what_changes() -> None:
    found = changes(CLOSED, beside(CLOSED, UNREAD))
    assert any(source.startswith("any:") for source, _ in found)


def test_it_changes_what_it_may_decide_in_its_direction_alone() -> None:
    ingress = replace(UNREAD, directions=(Direction.INGRESS,))
    found = changes(OPEN, beside(OPEN, ingress))
    assert ("tools/log", "shop/web") in found
    assert ("shop/web", "tools/log") not in found


def test_nothing_changes_under_an_engine_that_does_not_enforce_it_nor_where_it_stays() -> None:
    assert not changes(OPEN, beside(OPEN, UNREAD), "azure")
    assert not changes(beside(OPEN, UNREAD), beside(OPEN, UNREAD))
