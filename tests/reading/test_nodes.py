"""The addresses of nodes, as nodes and their pods tell them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from podwall.model import SnapshotNode
from podwall.reading import Document, snapshot

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node1"},
    "status": {
        "addresses": [
            {"type": "InternalIP", "address": "10.224.0.4"},
            {"type": "Hostname", "address": "node1"},
            {"type": "ExternalIP", "address": "20.1.2.3"},
        ]
    },
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"nodeName": "node1", "containers": [{"name": "web", "image": "web"}]},
    "status": {"hostIP": "10.224.0.4", "hostIPs": [{"ip": "10.224.0.4"}, {"ip": "fd00::4"}]},
}


def addresses(*documents: dict[str, Any]) -> tuple[SnapshotNode, ...]:
    return snapshot(map(Document, documents)).snapshot.nodes


def node(*written: str) -> tuple[SnapshotNode, ...]:
    return (SnapshotNode("node1", tuple(map(ip_address, written))),)


def test_a_node_tells_its_addresses_and_so_do_the_pods_that_run_on_it() -> None:
    assert addresses(NODE) == node("10.224.0.4", "20.1.2.3")
    assert addresses(POD) == node("10.224.0.4", "fd00::4")
    assert addresses(NODE, POD) == node("10.224.0.4", "20.1.2.3", "fd00::4")
    (web,) = snapshot([Document(POD)]).snapshot.workloads
    assert web.node == "node1"


@pytest.mark.parametrize(
    "status", [None, "up", {"addresses": "10.0.0.1"}, {"addresses": [None, {"address": 7}]}]
)
def test_what_is_no_status_tells_no_address(status: Any) -> None:
    assert addresses({**NODE, "status": status}, {**POD, "status": status}) == ()


def test_a_node_is_nothing_that_is_not_read() -> None:
    (entry,) = snapshot([Document(NODE)]).ledger
    assert entry.status == "harmless"
    assert entry.reason == "of a node only the addresses matter, which are read"
