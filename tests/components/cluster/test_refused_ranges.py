"""A range that Azure would refuse by itself is refused at its argument, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from podwall.components.cluster import (
    DualStack,
    ExistingNetwork,
    NewNetwork,
    Overlay,
    ServiceNetwork,
)
from tests.components.cluster.values import NETWORK, NODES, PODS, refused

RANGES = "access.api_server.authorized_ip_ranges"


@pytest.mark.parametrize(
    ("make", "argument", "words"),
    [
        pytest.param(
            lambda: Overlay("10.244.0.0"),
            "pod_network.pod_cidr",
            "too small",
            id="a single address for pods",
        ),
        pytest.param(
            lambda: Overlay("8.8.0.0/16"),
            "pod_network.pod_cidr",
            "not a private range",
            id="a public range for pods",
        ),
        pytest.param(
            lambda: Overlay("172.16.0.0/12"),
            "pod_network.pod_cidr",
            "`172.30.0.0/16`, which AKS keeps",
            id="a range for pods that holds a reserved one",
        ),
        pytest.param(
            lambda: Overlay("10.0.0.1/16"),
            "pod_network.pod_cidr",
            "is not an address range",
            id="a range with host bits",
        ),
        pytest.param(
            lambda: Overlay("fd00::/64"),
            "pod_network.pod_cidr",
            "is IPv6",
            id="an IPv6 range where IPv4 belongs",
        ),
        pytest.param(
            lambda: ServiceNetwork("10.0.0.0/12"),
            "services.cidr",
            "not smaller than `/12`",
            id="services of /12",
        ),
        pytest.param(
            lambda: ServiceNetwork("10.0.0.0/29"),
            "services.cidr",
            "no tenth address",
            id="services without room for DNS",
        ),
        pytest.param(
            lambda: ServiceNetwork("10.0.0.0/16", "10.0.0.1"),
            "services.dns_ip",
            "not a free address",
            id="DNS at the first address, which is the API server's",
        ),
        pytest.param(
            lambda: ServiceNetwork("10.0.0.0/16", "10.1.0.10"),
            "services.dns_ip",
            "not a free address",
            id="DNS outside the services",
        ),
        pytest.param(
            lambda: ServiceNetwork("10.0.0.0/16", "dns"),
            "services.dns_ip",
            "not an IPv4 address",
            id="DNS at no address",
        ),
        pytest.param(
            lambda: DualStack(service_cidr="fd12::/64"),
            "ipv6.service_cidr",
            "larger than `/108`",
            id="IPv6 services above /108",
        ),
        pytest.param(
            lambda: DualStack(node_subnet="fd12:3456:789b::/80"),
            "ipv6.node_subnet",
            "is not a `/64`",
            id="an IPv6 subnet that is no /64",
        ),
        pytest.param(
            lambda: DualStack(pod_cidr="10.0.0.0/8"),
            "ipv6.pod_cidr",
            "is IPv4",
            id="an IPv4 range where IPv6 belongs",
        ),
        pytest.param(
            lambda: NewNetwork(address_space="172.31.0.0/16"),
            "network.address_space",
            "AKS keeps",
            id="a reserved address space",
        ),
        pytest.param(
            lambda: NewNetwork(node_subnet="10.225.0.0/20"),
            "network.node_subnet",
            "outside the network's address space",
            id="a subnet outside the network",
        ),
        pytest.param(
            lambda: NewNetwork(node_subnet="10.224.0.0/30"),
            "network.node_subnet",
            "too small",
            id="a subnet that Azure keeps for itself",
        ),
        pytest.param(
            lambda: NewNetwork(api_server_subnet="10.224.16.0/29"),
            "network.api_server_subnet",
            "too small for the API server",
            id="an API server in less than /28",
        ),
        pytest.param(
            lambda: NewNetwork(also_in_use=("office",)),
            "network.also_in_use",
            "is not an address range",
            id="a neighbour that is no range",
        ),
        pytest.param(
            lambda: ExistingNetwork(node_subnet_id="nodes"),
            "network.node_subnet_id",
            "not the id of a subnet",
            id="a subnet's name instead of its id",
        ),
        pytest.param(
            lambda: ExistingNetwork(node_subnet_id=f"{NETWORK}/{'n' * 64}"),
            "network.node_subnet_id",
            "longer than 63 characters",
            id="a name that can't be a node's label",
        ),
        pytest.param(
            lambda: ExistingNetwork(node_subnet_id=NODES, pod_subnet_id=NODES),
            "network.pod_subnet_id",
            "is the node subnet",
            id="pods in the node subnet under another name",
        ),
        pytest.param(
            lambda: ExistingNetwork(
                node_subnet_id=NODES, pod_subnet_id=PODS.replace("/hub/", "/spoke/")
            ),
            "network.pod_subnet_id",
            "in another virtual network",
            id="pods in another network than the nodes",
        ),
        pytest.param(
            lambda: ExistingNetwork(node_subnet_id=NODES, node_subnet="172.30.0.0/24"),
            "network.node_subnet",
            "AKS keeps",
            id="an existing subnet in a reserved range",
        ),
    ],
)
def test_refusal(make: Callable[[], object], argument: str, words: str) -> None:
    refused(make, argument, words)


def test_an_id_that_only_deployment_tells_is_accepted() -> None:
    later: Any = object()
    assert ExistingNetwork(node_subnet_id=later).node_subnet_id is later
