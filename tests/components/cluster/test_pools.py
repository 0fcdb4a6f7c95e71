"""Node pools that AKS would refuse, and what is sent for those that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.aks.limits import VmSize
from podwall.components.cluster import (
    Autoscale,
    FixedCount,
    ManagedDisk,
    OsSku,
    SystemPool,
    UserPool,
)
from podwall.components.cluster.pools import surge_nodes
from tests.components.cluster.values import cluster, refused


@pytest.mark.parametrize(
    ("changes", "leaf", "words"),
    [
        pytest.param({"name": "web-pool"}, "name", "`web-pool`", id="a name with a dash"),
        pytest.param({"name": "Web"}, "name", "`Web`", id="a name in capitals"),
        pytest.param({"name": "1web"}, "name", "`1web`", id="a digit first"),
        pytest.param({"name": ""}, "name", "``", id="no name at all"),
        pytest.param({"name": "thirteenchars"}, "name", "Linux", id="13 characters on Linux"),
        pytest.param(
            {"name": "windows", "os_sku": OsSku.WINDOWS_2022},
            "name",
            "Windows node pool",
            id="seven characters on Windows",
        ),
        pytest.param({"zones": ("4",)}, "zones", "`4`", id="a zone that no region has"),
        pytest.param({"zones": ("1", "1")}, "zones", "`1, 1`", id="a zone twice"),
        pytest.param(
            {"vm_size": "Standard_D4s_v5"},
            "os_disk",
            "no local disk",
            id="an ephemeral disk where the size has no local one",
        ),
        pytest.param(
            {"os_disk": ManagedDisk(29)}, "os_disk", "`29` GB", id="an OS disk below 30 GB"
        ),
        pytest.param({"max_pods": 9}, "max_pods", "`9`", id="nine pods on a node"),
        pytest.param({"max_pods": 251}, "max_pods", "`251`", id="251 pods on a node"),
        pytest.param(
            {"max_pods": 10, "node_count": FixedCount(2)},
            "max_pods",
            "fewer than 30 pods",
            id="a pool for 20 pods",
        ),
        pytest.param({"max_surge": "lots"}, "max_surge", "`lots`", id="a surge of lots"),
        pytest.param({"max_surge": "101%"}, "max_surge", "`101%`", id="101 per cent"),
        pytest.param(
            {"labels": {"kubernetes.azure.com/mode": "x"}},
            "labels",
            "belongs to AKS",
            id="a label that is AKS's own",
        ),
        pytest.param({"taints": ("gpu",)}, "taints", "`gpu`", id="half a taint"),
    ],
)
def test_a_pool_is_refused(changes: dict[str, Any], leaf: str, words: str) -> None:
    described = {"name": "p", **changes}
    refused(lambda: UserPool(**described), f"user_pools[{described['name']}].{leaf}", words)


@pytest.mark.parametrize(
    ("make", "argument", "words"),
    [
        pytest.param(
            lambda: SystemPool(os_sku=OsSku.WINDOWS_2022, name="win"),
            "system_pool.os_sku",
            "runs Linux",
            id="Windows",
        ),
        pytest.param(
            lambda: SystemPool(node_count=Autoscale(1, 3)),
            "system_pool.node_count",
            "`1` nodes",
            id="one node",
        ),
        pytest.param(
            lambda: SystemPool(vm_size="Standard_B4ms", os_disk=ManagedDisk()),
            "system_pool.vm_size",
            "burstable",
            id="a burstable size",
        ),
        pytest.param(
            lambda: SystemPool(vm_size="Standard_D2ds_v5"),
            "system_pool.vm_size",
            "has 2 cores",
            id="two cores",
        ),
        pytest.param(
            lambda: SystemPool(max_pods=29),
            "system_pool.max_pods",
            "`29` is fewer",
            id="29 pods on a node",
        ),
        pytest.param(
            lambda: Autoscale(5, 3), "node_count", "`5` to `3`", id="bounds the wrong way round"
        ),
        pytest.param(lambda: Autoscale(0, 0), "node_count", "`0` to `0`", id="never a node"),
        pytest.param(lambda: FixedCount(1001), "node_count", "`1001`", id="1,001 nodes"),
    ],
)
def test_a_system_pool_is_refused(
    make: Callable[[], SystemPool], argument: str, words: str
) -> None:
    refused(make, argument, words)


@pytest.mark.parametrize(
    "taint", ["gpu=true:NoSchedule", "dedicated:NoExecute", "a.b/c=d:PreferNoSchedule"]
)
def test_taints_are_written_as_kubectl_shows_them(taint: str) -> None:
    assert UserPool(name="p", taints=(taint,)).taints == (taint,)


@pytest.mark.parametrize(
    ("name", "cores"),
    [
        ("Standard_D4ds_v5", 4),
        ("Standard_D4s_v3", 4),
        ("Standard_DS3_v2", 4),
        ("Standard_D2_v2", 2),
        ("Standard_E8-4ds_v5", 4),
        ("Standard_B2ms", 2),
        ("Standard_F8s_v2", 8),
        ("Standard_NC24ads_A100_v4", 24),
        ("Something_new", None),
    ],
)
def test_a_size_says_how_many_cores_it_has(name: str, cores: int | None) -> None:
    assert VmSize(name).cores == cores


@pytest.mark.parametrize("name", ["Standard_D4s_v5", "Standard_D4as_v6", "Standard_E8-4s_v5"])
def test_a_size_says_that_it_has_no_local_disk(name: str) -> None:
    assert VmSize(name).lacks_local_disk


@pytest.mark.parametrize(
    "name", ["Standard_D4ds_v5", "Standard_D4s_v3", "Standard_L8s_v3", "Something_new"]
)
def test_a_size_is_given_the_benefit_of_the_doubt(name: str) -> None:
    assert not VmSize(name).lacks_local_disk


def test_the_b_series_is_burstable() -> None:
    assert VmSize("Standard_B2ms").is_burstable
    assert not VmSize("Standard_D4ds_v5").is_burstable


@given(st.integers(1, 100), st.integers(1, 1000))
def test_a_surge_share_is_rounded_up_to_whole_nodes(share: int, nodes: int) -> None:
    found = surge_nodes(f"{share}%", nodes)
    assert 0 <= found - nodes * share / 100 < 1
    assert found >= 1


def test_what_a_caller_changes_later_changes_nothing() -> None:
    labels = {"team": "shop"}
    pools = [UserPool(name="p", labels=labels)]
    args = cluster(user_pools=pools)
    labels["team"] = "other"
    pools.clear()
    assert [dict(pool.labels) for pool in args.user_pools] == [{"team": "shop"}]
