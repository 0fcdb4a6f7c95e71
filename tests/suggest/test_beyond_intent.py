"""What stays open beyond intent is said once, and LocalDNS is opened no wider than it is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from podwall.policies import LOCAL_DNS
from podwall.suggest import suggest
from tests.core.builders import cluster, load_balancer, named, pod, selector
from tests.suggest.shop import CALLS, SHOP

LOCAL_DNS_SERVERS = {ip_address("169.254.10.10"), ip_address("169.254.10.11")}


def test_local_dns_is_its_two_addresses() -> None:

    assert set(ip_network(LOCAL_DNS.cidr)) == LOCAL_DNS_SERVERS


@pytest.mark.parametrize("engine", ["azure", "calico", "cilium"])
def test_one_service_is_said_once(engine: str) -> None:
    services = (load_balancer("shop/web", 8080, selector(app="web")),)
    findings = suggest(replace(SHOP, services=services), [CALLS], engine).findings
    about = [each for each in findings if "beyond-intent" in each.id]
    assert len(about) <= 1
    assert all("shop/web" in each.message for each in about)


def test_many_clients_of_a_service_are_one_finding() -> None:
    clients = [pod(f"shop/client-{number}") for number in range(9)]
    servers = [pod("shop/web", named("http", 8080)), pod("shop/other", named("http", 8080))]
    services = tuple(
        load_balancer(f"shop/{name}", 8080, selector(app=name)) for name in ("web", "other")
    )
    snapshot = replace(cluster(*clients, *servers), services=services)
    findings = [each for each in suggest(snapshot, []).findings if "beyond" in each.id]
    assert 1 <= len(findings) <= len(services)
    assert "workloads more" in findings[0].message
