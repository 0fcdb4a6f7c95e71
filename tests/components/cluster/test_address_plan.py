"""Ranges are large enough for the cluster at its largest, and share no address."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.components.cluster import (
    Access,
    Autoscale,
    DualStack,
    NetworkEngine,
    NewNetwork,
    NodeSubnet,
    Overlay,
    PodAllocation,
    PodSubnet,
    ServiceNetwork,
    SystemPool,
    UserPool,
)
from podwall.components.cluster.networks import NamedRange, overlaps
from podwall.components.cluster.spec import (
    PoolSize,
    dynamic_pod_addresses,
    node_addresses,
    static_pod_addresses,
)
from tests.components.cluster.values import PODS, cluster, existing, refused

STATIC = PodSubnet(PodAllocation.STATIC_BLOCK)
POOLS = st.lists(
    st.builds(PoolSize, st.integers(0, 500), st.integers(0, 50), st.integers(10, 250)),
    min_size=1,
    max_size=4,
).map(tuple)
RANGES = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(4, 30),
)


@pytest.mark.parametrize(
    ("changes", "argument", "words"),
    [
        pytest.param(
            {"services": ServiceNetwork("10.244.0.0/20")},
            "pod_network.pod_cidr",
            "overlaps `10.244.0.0/20` of `services.cidr`",
            id="services inside the pods' range",
        ),
        pytest.param(
            {"pod_network": Overlay("10.224.0.0/14")},
            "network.address_space",
            "of `pod_network.pod_cidr`",
            id="pods over the network of the nodes",
        ),
        pytest.param(
            {"services": ServiceNetwork("10.224.64.0/20")},
            "network.address_space",
            "of `services.cidr`",
            id="services inside the network of the nodes",
        ),
        pytest.param(
            {"network": NewNetwork(also_in_use=("10.244.128.0/24",))},
            "network.also_in_use",
            "of `pod_network.pod_cidr`",
            id="pods over a peered network",
        ),
        pytest.param(
            {"network": NewNetwork(also_in_use=("10.0.0.0/24",))},
            "network.also_in_use",
            "of `services.cidr`",
            id="services over a network on premises",
        ),
        pytest.param(
            {"network": existing(node_subnet="10.244.0.0/24")},
            "network.node_subnet",
            "of `pod_network.pod_cidr`",
            id="pods over an existing subnet",
        ),
        pytest.param(
            {
                "pod_network": PodSubnet(),
                "network": NewNetwork(pod_subnet="10.224.0.0/17"),
            },
            "network.pod_subnet",
            "of `network.node_subnet`",
            id="a pod subnet over the node subnet",
        ),
        pytest.param(
            {
                "access": Access(vnet_integration=True),
                "network": NewNetwork(api_server_subnet="10.224.1.0/28"),
            },
            "network.api_server_subnet",
            "of `network.node_subnet`",
            id="the API server inside the node subnet",
        ),
        pytest.param(
            {
                "engine": NetworkEngine.CILIUM,
                "ipv6": DualStack(service_cidr="fd12:3456:789a::/108"),
            },
            "ipv6.service_cidr",
            "of `ipv6.pod_cidr`",
            id="IPv6 services inside the pods' range",
        ),
        pytest.param(
            {"pod_network": Overlay("10.244.0.0/22")},
            "pod_network.pod_cidr",
            "blocks for 4 nodes, and the pools may grow to 7",
            id="an overlay with fewer blocks than nodes",
        ),
        pytest.param(
            {"pod_network": NodeSubnet(), "network": NewNetwork(node_subnet="10.224.0.0/25")},
            "network.node_subnet",
            "has 128 addresses, and nodes and their pods may need 222",
            id="a flat node subnet without room for the pods",
        ),
        pytest.param(
            {"network": NewNetwork(node_subnet="10.224.0.0/29")},
            "network.node_subnet",
            "has 8 addresses, and nodes may need 12",
            id="a node subnet without room for an upgrade",
        ),
        pytest.param(
            {
                "network": existing(pod_subnet_id=PODS, pod_subnet="10.1.0.0/24"),
                "pod_network": STATIC,
            },
            "network.pod_subnet",
            "has 256 addresses, and pods in blocks of 16 may need 789",
            id="a pod subnet without room for the blocks",
        ),
        pytest.param(
            {
                "network": existing(pod_subnet_id=PODS, pod_subnet="100.64.0.0/11"),
                "pod_network": STATIC,
            },
            "network.pod_subnet",
            "larger than `/12`",
            id="a pod subnet that is too large for static blocks",
        ),
    ],
)
def test_refusal(changes: dict[str, Any], argument: str, words: str) -> None:
    refused(lambda: cluster(**changes), argument, words)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"network": NewNetwork(pod_subnet="10.224.0.0/17")},
            id="a pod subnet that is not made may be anywhere",
        ),
        pytest.param(
            {"network": existing(node_subnet="10.1.0.0/24", also_in_use=("10.1.0.0/16",))},
            id="a subnet lies inside its own network",
        ),
        pytest.param(
            {"pod_network": PodSubnet(), "services": ServiceNetwork("10.244.0.0/16")},
            id="without an overlay its range is free",
        ),
    ],
)
def test_accepted(changes: dict[str, Any]) -> None:
    found = cluster(**changes)
    assert {name: getattr(found, name) for name in changes} == changes


def test_the_remedy_names_a_prefix_that_is_large_enough() -> None:
    with pytest.raises(ValueError, match="may need 222") as caught:
        cluster(pod_network=NodeSubnet(), network=NewNetwork(node_subnet="10.224.0.0/25"))
    assert "`/24`" in getattr(caught.value, "help", "")
    network = NewNetwork(node_subnet="10.224.0.0/24")
    assert cluster(pod_network=NodeSubnet(), network=network).network == network


def test_microsofts_example_of_a_flat_network() -> None:
    assert node_addresses((PoolSize(nodes=50, surge=1, pods=30),), flat=True) == 1581 + 5


def test_an_overlay_of_16_has_blocks_for_256_nodes() -> None:
    pools = {
        "engine": NetworkEngine.CALICO,
        "system_pool": SystemPool(node_count=Autoscale(3, 100), max_surge="1"),
    }
    last = UserPool(name="last", node_count=Autoscale(0, 154), max_surge="1")
    assert cluster(**pools, user_pools=(last,)).most_nodes == 254
    more = UserPool(name="last", node_count=Autoscale(0, 155), max_surge="1")
    refused(
        lambda: cluster(**pools, user_pools=(more,)),
        "pod_network.pod_cidr",
        "blocks for 256 nodes, and the pools may grow to 257",
    )


@given(POOLS)
@pytest.mark.long
def test_full_nodes_have_an_address_for_every_pod(sizes: tuple[PoolSize, ...]) -> None:
    pods = sum(size.machines * size.pods for size in sizes)
    machines = sum(size.machines for size in sizes)
    assert node_addresses(sizes, flat=True) == pods + machines + 5
    assert node_addresses(sizes, flat=False) == machines + 5
    assert static_pod_addresses(sizes) >= pods + machines + 5
    assert dynamic_pod_addresses(sizes) >= pods + 8 * machines + 5


@given(POOLS)
def test_pod_subnets_are_taken_in_blocks_of_16(sizes: tuple[PoolSize, ...]) -> None:
    assert (static_pod_addresses(sizes) - 5) % 16 == 0
    assert (dynamic_pod_addresses(sizes) - 5) % 16 == 0


@given(st.integers(1, 15), st.integers(0, 500))
def test_fifteen_pods_less_than_a_multiple_of_16_waste_no_address(blocks: int, nodes: int) -> None:
    found = static_pod_addresses((PoolSize(nodes=nodes, surge=0, pods=16 * blocks - 1),))
    assert found == 5 + nodes * 16 * blocks


@given(RANGES, RANGES)
def test_two_ranges_overlap_exactly_if_one_holds_the_others_first_address(
    a: IPv4Network, b: IPv4Network
) -> None:
    shared = a.network_address in b or b.network_address in a
    found = list(overlaps([NamedRange("a", a), NamedRange("b", b)]))
    assert [each.place.path for each in found] == (["b"] if shared else [])
    assert bool(list(overlaps([NamedRange("b", b)], [NamedRange("a", a)]))) is shared
