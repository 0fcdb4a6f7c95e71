"""Every other combination that Azure refuses is refused here first, at its argument."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.components.cluster import (
    Access,
    AddOns,
    AdvancedNetworking,
    AdvancedPolicies,
    Autoscale,
    EngineChange,
    FixedCount,
    Lifecycle,
    LocalDns,
    NatGatewayEgress,
    NetworkEngine,
    NodeProvisioning,
    NodeSubnet,
    OsSku,
    Overlay,
    PodAllocation,
    PodSubnet,
    PrivateApiServer,
    RouteTableEgress,
    SystemPool,
    Tier,
    UpgradeChannel,
    UserPool,
)
from tests.components.cluster.values import API_SERVER, PODS, ZONE, cluster, existing, refused

WINDOWS = UserPool(name="win", os_sku=OsSku.WINDOWS_2022)
FIXED = SystemPool(node_count=FixedCount(3))
L7 = AddOns(advanced_networking=AdvancedNetworking(policies=AdvancedPolicies.L7))
FQDN = AddOns(advanced_networking=AdvancedNetworking(policies=AdvancedPolicies.FQDN))
AUTO = NodeProvisioning.AUTO
CALICO, CILIUM = NetworkEngine.CALICO, NetworkEngine.CILIUM
LARGE = UserPool(name="large", node_count=Autoscale(0, 246), max_pods=30, max_surge="1")
LOCAL_DNS = AddOns(local_dns=LocalDns.REQUIRED)


@pytest.mark.parametrize(
    ("changes", "argument", "words"),
    [
        pytest.param(
            {"user_pools": (UserPool(name="tee", vm_size="Standard_DC4s_v2"),)},
            "user_pools[tee].vm_size",
            "does not support the overlay",
            id="old confidential sizes do not go with the overlay",
        ),
        pytest.param(
            {"network": existing(pod_subnet_id=PODS)},
            "network.pod_subnet_id",
            "`Overlay` pods",
            id="overlay pods take no addresses of a pod subnet",
        ),
        pytest.param(
            {"network": existing(pod_subnet_id=PODS), "pod_network": NodeSubnet()},
            "network.pod_subnet_id",
            "`NodeSubnet` pods",
            id="node subnet pods take no addresses of a pod subnet",
        ),
        pytest.param(
            {"network": existing(), "pod_network": PodSubnet()},
            "network.pod_subnet_id",
            "names none",
            id="a pod subnet has to be named in an existing network",
        ),
        pytest.param(
            {"pod_network": PodSubnet(PodAllocation.STATIC_BLOCK), "kubernetes_version": "1.27"},
            "pod_network.allocation",
            "Kubernetes 1.28",
            id="static blocks need Kubernetes 1.28",
        ),
        pytest.param(
            {"egress": NatGatewayEgress()},
            "egress.nat_gateway_id",
            "before the cluster",
            id="a NAT gateway has to exist before a new network's cluster",
        ),
        pytest.param(
            {"egress": RouteTableEgress()},
            "egress.route_table_id",
            "before the cluster",
            id="a route table has to exist before a new network's cluster",
        ),
        pytest.param(
            {"egress": NatGatewayEgress("id"), "network": existing()},
            "egress.nat_gateway_id",
            "does not change a network of yours",
            id="a NAT gateway of an existing network is tied by its owner",
        ),
        pytest.param(
            {"egress": RouteTableEgress("id"), "network": existing()},
            "egress.route_table_id",
            "does not change a network of yours",
            id="a route table of an existing network is tied by its owner",
        ),
        pytest.param(
            {"access": Access(vnet_integration=True), "location": "qatarcentral"},
            "access.vnet_integration",
            "`qatarcentral` does not offer it",
            id="one region has no API server VNet integration",
        ),
        pytest.param(
            {"access": Access(vnet_integration=True), "network": existing()},
            "network.api_server_subnet_id",
            "belong together",
            id="VNet integration needs a subnet of the existing network",
        ),
        pytest.param(
            {"network": existing(api_server_subnet_id=API_SERVER)},
            "network.api_server_subnet_id",
            "belong together",
            id="a subnet for the API server needs VNet integration",
        ),
        pytest.param(
            {
                "access": Access(api_server=PrivateApiServer(ZONE, fqdn_subdomain="shop")),
                "dns_prefix": "shop",
            },
            "dns_prefix",
            "a subdomain of it instead",
            id="a zone of one's own takes a subdomain and no prefix",
        ),
        pytest.param(
            {"addons": LOCAL_DNS, "kubernetes_version": "1.30"},
            "addons.local_dns",
            "Kubernetes 1.31",
            id="LocalDNS needs Kubernetes 1.31",
        ),
        pytest.param(
            {
                "addons": LOCAL_DNS,
                "user_pools": (UserPool(name="small", vm_size="Standard_D2ds_v5"),),
            },
            "addons.local_dns",
            "`Standard_D2ds_v5` of pool `small` has 2",
            id="LocalDNS needs four cores",
        ),
        pytest.param(
            {"kubernetes_version": None},
            "kubernetes_version",
            "chooses none",
            id="somebody has to choose the version",
        ),
        pytest.param(
            {"lifecycle": Lifecycle(upgrades=UpgradeChannel.STABLE)},
            "kubernetes_version",
            "contradicts the upgrade channel `stable`",
            id="the stable channel chooses the version by itself",
        ),
        pytest.param(
            {"kubernetes_version": "1.36.2"},
            "kubernetes_version",
            "`1.36.2` is not a Kubernetes minor version",
            id="a version names no patch",
        ),
        pytest.param(
            {"cluster_name": "my shop"},
            "cluster_name",
            "`my shop` is not a possible name",
            id="a cluster's name has no spaces",
        ),
        pytest.param(
            {"dns_prefix": "-shop"},
            "dns_prefix",
            "`-shop` is not a possible name",
            id="a DNS prefix starts with a letter or digit",
        ),
        pytest.param(
            {"user_pools": (UserPool(name="system"),)},
            "user_pools[system].name",
            "another pool",
            id="two pools can't share a name",
        ),
        pytest.param(
            {
                "engine": CILIUM,
                "lifecycle": Lifecycle(tier=Tier.FREE),
                "network": existing(),
                "pod_network": Overlay("10.240.0.0/12"),
                "user_pools": (UserPool(name="big", node_count=Autoscale(0, 996)),),
            },
            "lifecycle.tier",
            "1001 nodes are more than the 1000 of tier `Free`",
            id="the free tier has 1,000 nodes",
        ),
        pytest.param(
            {
                "engine": CILIUM,
                "network": existing(),
                "pod_network": Overlay("10.224.0.0/11"),
                "user_pools": tuple(
                    UserPool(name=f"big{number}", node_count=Autoscale(0, 1000))
                    for number in range(5)
                ),
            },
            "user_pools",
            "5005 nodes are more than the 5000",
            id="a cluster has 5,000 nodes",
        ),
        pytest.param(
            {"engine_change": EngineChange.REPLACE},
            "engine_change",
            "`protect` forbids it",
            id="a protected cluster is not made anew",
        ),
    ],
)
def test_refusal(changes: dict[str, Any], argument: str, words: str) -> None:
    refused(lambda: cluster(**changes), argument, words)
