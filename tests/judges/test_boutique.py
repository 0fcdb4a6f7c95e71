"""The online boutique under two sets of policies, with the connections their authors publish."""

from __future__ import annotations

import pytest

from podwall.model import IpProtocol
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability import Reachability, WorkloadEndpoint
from tests.judges.manifests import reach

WORLD = ("0.0.0.0/0", "::/0")
PORTS = {
    "adservice": 9555,
    "cartservice": 7070,
    "checkoutservice": 5050,
    "currencyservice": 7000,
    "emailservice": 8080,
    "paymentservice": 50051,
    "productcatalogservice": 3550,
    "recommendationservice": 8080,
    "redis-cart": 6379,
    "shippingservice": 50051,
}
CALLS = {
    "cartservice": ["redis-cart"],
    "checkoutservice": [
        "cartservice",
        "currencyservice",
        "emailservice",
        "paymentservice",
        "productcatalogservice",
        "shippingservice",
    ],
    "frontend": [
        "adservice",
        "cartservice",
        "checkoutservice",
        "currencyservice",
        "productcatalogservice",
        "recommendationservice",
        "shippingservice",
    ],
    "recommendationservice": ["productcatalogservice"],
}
"""https://github.com/GoogleCloudPlatform/microservices-demo#architecture"""

Table = dict[tuple[str, str], PortSet]


def told(found: Reachability) -> Table:
    """Return what passes between different workloads, and between them and the world."""
    assert not any(each.undetermined for each in found.connections())
    return {
        (each.source_id, each.destination_id): each.allowed
        for each in found.connections()
        if each.source_id != each.destination_id
    }


def calls(without: str = "") -> Table:
    """Return the calls that the boutique makes, but for those to one service."""
    return {
        (f"boutique/{client}", f"boutique/{server}"): PortSet.of(IpProtocol.TCP, PORTS[server])
        for client, servers in CALLS.items()
        for server in servers
        if server != without
    }


def test_each_server_names_its_callers() -> None:
    found = reach("boutique/workloads.yaml", "boutique/served/policies.yaml")
    names = [each.id for each in found.endpoints if isinstance(each, WorkloadEndpoint)]
    out = {(name, world): ALL_PORTS for name in names for world in WORLD}
    frontend = {(name, "boutique/frontend"): ALL_PORTS for name in (*names, *WORLD)}
    del frontend["boutique/frontend", "boutique/frontend"]
    assert told(found) == calls() | out | frontend


def test_both_ends_of_every_call_name_each_other() -> None:
    """The published list has 17 lines: these, the world written as one range of IPv4.

    https://github.com/np-guard/netpol-analyzer/blob/main/test_outputs/connlist/onlineboutique_workloads_connlist_output.txt
    """
    found = reach("boutique/workloads.yaml", "boutique/minimal/policies.yaml")
    redis = "boutique/redis-cart"
    published = calls(without="redis-cart") | {
        ("boutique/loadgenerator", "boutique/frontend"): PortSet.of(IpProtocol.TCP, 8080),
        ("0.0.0.0/0", redis): ALL_PORTS,
        (redis, "0.0.0.0/0"): ALL_PORTS,
    }
    ipv6 = {("::/0", redis): ALL_PORTS, (redis, "::/0"): ALL_PORTS}
    assert len(published) == 17
    assert told(found) == published | ipv6


@pytest.mark.parametrize("policies", ["served", "minimal"])
def test_the_frontend_never_pays(policies: str) -> None:
    found = reach("boutique/workloads.yaml", f"boutique/{policies}/policies.yaml")
    verdict = found.verdict(
        "boutique/frontend", "boutique/paymentservice", IpProtocol.TCP, PORTS["paymentservice"]
    )
    assert verdict == "denied"
