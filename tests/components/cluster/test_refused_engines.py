"""Every combination that an engine refuses is refused here first, at its argument."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.components.cluster import (
    AddOns,
    AdvancedNetworking,
    AdvancedPolicies,
    Autoscale,
    DualStack,
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
    SystemPool,
    UpgradeChannel,
    UserPool,
)
from tests.components.cluster.values import cluster, existing, refused

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
            {"user_pools": (WINDOWS,), "kubernetes_version": "1.35"},
            "user_pools[win].os_sku",
            "30 September 2026",
            id="Azure Network Policy Manager has left Windows",
        ),
        pytest.param(
            {"user_pools": (WINDOWS,), "kubernetes_version": "1.35", "engine": CILIUM},
            "user_pools[win].os_sku",
            "Linux nodes only",
            id="Cilium does not run on Windows",
        ),
        pytest.param(
            {"user_pools": (WINDOWS,), "engine": CALICO},
            "user_pools[win].os_sku",
            "does not run Kubernetes `1.36`",
            id="Windows Server 2022 ends with Kubernetes 1.35",
        ),
        pytest.param(
            {"ipv6": DualStack()}, "ipv6", "`azure` does not know IPv6", id="azure knows no IPv6"
        ),
        pytest.param(
            {"ipv6": DualStack(), "engine": CALICO},
            "ipv6",
            "`calico` does not know IPv6",
            id="Calico on AKS knows no IPv6",
        ),
        pytest.param(
            {"ipv6": DualStack(), "engine": CILIUM, "pod_network": NodeSubnet()},
            "ipv6",
            "need the overlay",
            id="IPv6 needs the overlay",
        ),
        pytest.param(
            {"ipv6": DualStack(), "engine": CILIUM, "egress": NatGatewayEgress("id")},
            "egress",
            "NAT gateway",
            id="IPv6 can't leave through a NAT gateway",
        ),
        pytest.param(
            {"user_pools": (LARGE,)},
            "engine",
            "251 nodes, and `azure` supports 250",
            id="azure supports 250 nodes",
        ),
        pytest.param(
            {"user_pools": (UserPool(name="many", node_count=Autoscale(0, 76)),)},
            "engine",
            "20250 pods, and `azure` supports 20000",
            id="azure supports 20,000 pods",
        ),
        pytest.param(
            {"addons": FQDN},
            "addons.advanced_networking.policies",
            "need Cilium",
            id="FQDN policies need Cilium",
        ),
        pytest.param(
            {"addons": L7, "engine": CALICO},
            "addons.advanced_networking.policies",
            "need Cilium",
            id="L7 policies need Cilium",
        ),
        pytest.param(
            {"addons": FQDN, "engine": CILIUM, "kubernetes_version": "1.28"},
            "addons.advanced_networking.policies",
            "need Kubernetes 1.29",
            id="FQDN policies need Kubernetes 1.29",
        ),
        pytest.param(
            {
                "addons": L7,
                "engine": CILIUM,
                "pod_network": Overlay("10.240.0.0/12"),
                "network": existing(),
                "system_pool": SystemPool(max_pods=30, node_count=Autoscale(3, 1000)),
                "user_pools": (UserPool(name="one", max_pods=30, node_count=Autoscale(0, 1)),),
            },
            "addons.advanced_networking.policies",
            "1000 nodes",
            id="L7 policies support 1,000 nodes",
        ),
        pytest.param(
            {
                "addons": L7,
                "engine": CILIUM,
                "system_pool": SystemPool(node_count=Autoscale(3, 161)),
            },
            "addons.advanced_networking.policies",
            "40000 pods",
            id="L7 policies support 40,000 pods",
        ),
        pytest.param(
            {"node_provisioning": AUTO, "system_pool": FIXED, "engine": CALICO},
            "node_provisioning",
            "engine `calico`",
            id="node auto-provisioning does not go with Calico",
        ),
        pytest.param(
            {
                "node_provisioning": AUTO,
                "system_pool": FIXED,
                "engine": CALICO,
                "kubernetes_version": "1.35",
                "user_pools": (WINDOWS,),
            },
            "node_provisioning",
            "engine `calico`",
            id="node auto-provisioning does not go with Windows, which needs Calico",
        ),
        pytest.param(
            {"node_provisioning": AUTO, "system_pool": FIXED, "pod_network": PodSubnet()},
            "node_provisioning",
            "dynamic allocation",
            id="node auto-provisioning does not go with a dynamic pod subnet",
        ),
        pytest.param(
            {
                "node_provisioning": AUTO,
                "system_pool": FIXED,
                "engine": CILIUM,
                "ipv6": DualStack(),
            },
            "node_provisioning",
            "IPv6",
            id="node auto-provisioning does not go with IPv6",
        ),
        pytest.param(
            {"node_provisioning": AUTO},
            "node_provisioning",
            "autoscaling pool, and `system` is one",
            id="node auto-provisioning does not go with an autoscaling pool",
        ),
    ],
)
def test_refusal(changes: dict[str, Any], argument: str, words: str) -> None:
    refused(lambda: cluster(**changes), argument, words)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"user_pools": (WINDOWS,), "engine": CALICO, "kubernetes_version": "1.35"},
            id="Calico with Windows before Kubernetes 1.36",
        ),
        pytest.param({"ipv6": DualStack(), "engine": CILIUM}, id="Cilium overlay with IPv6"),
        pytest.param({"addons": FQDN, "engine": CILIUM}, id="Cilium with FQDN policies"),
        pytest.param({"addons": L7, "engine": CILIUM}, id="Cilium with L7 policies"),
        pytest.param(
            {"addons": AddOns(advanced_networking=AdvancedNetworking())},
            id="observability with any engine",
        ),
        pytest.param(
            {"node_provisioning": AUTO, "system_pool": FIXED, "engine": CILIUM},
            id="node auto-provisioning with Cilium and fixed pools",
        ),
        pytest.param(
            {
                "node_provisioning": AUTO,
                "system_pool": FIXED,
                "pod_network": PodSubnet(PodAllocation.STATIC_BLOCK),
            },
            id="node auto-provisioning with static blocks",
        ),
        pytest.param(
            {"kubernetes_version": None, "lifecycle": Lifecycle(upgrades=UpgradeChannel.STABLE)},
            id="the stable channel without a version",
        ),
        pytest.param({"addons": LOCAL_DNS}, id="LocalDNS on four cores"),
        pytest.param(
            {"engine_change": EngineChange.REPLACE, "protect": False},
            id="an unprotected cluster made anew",
        ),
        pytest.param(
            {"user_pools": (LARGE,), "engine": CALICO}, id="251 nodes with another engine"
        ),
    ],
)
def test_accepted(changes: dict[str, Any]) -> None:
    found = cluster(**changes)
    assert {name: getattr(found, name) for name in changes} == changes
