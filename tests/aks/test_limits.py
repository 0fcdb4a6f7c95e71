"""The numbers of AKS, written down a second time from the pages that state them."""

from __future__ import annotations

import re

import pytest

from podwall.aks import limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LONGEST_CLUSTER_NAME", 63),
        ("LONGEST_DNS_PREFIX", 54),
        ("LONGEST_LINUX_POOL_NAME", 12),
        ("LONGEST_WINDOWS_POOL_NAME", 6),
        ("NODES_OF_A_CLUSTER", 5000),
        ("NODES_OF_A_FREE_CLUSTER", 1000),
        ("NODES_OF_A_POOL", 1000),
        ("SYSTEM_POOL_NODES", 2),
        ("SYSTEM_POOL_CORES", 4),
        ("MAX_PODS", range(10, 251)),
        ("PODS_OF_A_POOL", 30),
        ("DEFAULT_MAX_PODS_OVERLAY", 250),
        ("DEFAULT_MAX_PODS_POD_SUBNET", 110),
        ("DEFAULT_MAX_PODS_NODE_SUBNET", 30),
        ("DEFAULT_MAX_PODS_KUBENET", 110),
        ("OS_DISK_GB", range(30, 2049)),
        ("NODE_BLOCK", 24),
        ("LARGEST_SERVICES", 12),
        ("LARGEST_IPV6_SERVICES", 108),
        ("AZURE_KEEPS", 5),
        ("ADDRESS_BATCH", 16),
        ("FREE_BEFORE_NEXT_BATCH", 8),
        ("LARGEST_STATIC_SUBNET", 12),
        ("SMALLEST_API_SERVER_SUBNET", 28),
        ("AUTHORIZED_RANGES", 200),
        ("AUTHORIZED_RANGES_WITH_VNET_INTEGRATION", 2000),
        ("L7_NODES", 1000),
        ("L7_PODS", 40_000),
        ("IMAGE_CLEANER_HOURS", range(24, 2161)),
        ("MAINTENANCE_HOURS", range(4, 25)),
    ],
)
def test_a_limit_is_what_azure_states(name: str, value: object) -> None:
    assert getattr(limits, name) == value


def test_reserved_ranges_are_those_of_azure() -> None:
    assert [str(each) for each in limits.RESERVED_RANGES] == [
        "169.254.0.0/16",
        "192.0.2.0/24",
        "172.30.0.0/16",
        "172.31.0.0/16",
    ]


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [
        (limits.CLUSTER_NAME, 63),
        (limits.DNS_PREFIX, 54),
        (limits.LINUX_POOL_NAME, 12),
        (limits.WINDOWS_POOL_NAME, 6),
    ],
)
def test_a_name_may_be_as_long_as_it_says(pattern: re.Pattern[str], longest: int) -> None:
    assert pattern.fullmatch("a" * longest)
    assert not pattern.fullmatch("a" * (longest + 1))
