"""Exactly the intended leaves of `networkProfile` are sent, for every choice."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_azure_native.containerservice import (
    ContainerServiceNetworkProfileArgs,
    LocalDNSProfileArgs,
    MaintenanceWindowArgs,
    ManagedClusterLoadBalancerProfileArgs,
    ManagedClusterNodeProvisioningProfileArgs,
)

from podwall.components.cluster import (
    AddOns,
    AdvancedNetworking,
    AdvancedPolicies,
    DualStack,
    LoadBalancerEgress,
    NatGatewayEgress,
    NetworkEngine,
    NodeSubnet,
    NoEgress,
    Overlay,
    PodAllocation,
    PodNetwork,
    PodSubnet,
    RouteTableEgress,
    ServiceNetwork,
)
from podwall.components.cluster.network_profile import Egress
from tests.components.cluster.sent import declared, sent
from tests.components.cluster.values import PODS, REGISTRY, cluster, existing

BALANCER = {
    "managedOutboundIPs": {"count": 1},
    "allocatedOutboundPorts": 0,
    "idleTimeoutInMinutes": 30,
    "backendPoolType": "NodeIPConfiguration",
}
ALWAYS = {
    "networkPlugin": "azure",
    "serviceCidr": "10.0.0.0/16",
    "dnsServiceIP": "10.0.0.10",
    "outboundType": "loadBalancer",
    "loadBalancerSku": "standard",
    "loadBalancerProfile": BALANCER,
    "ipFamilies": ["IPv4"],
}
ENGINES = {
    NetworkEngine.AZURE: {"networkPolicy": "azure", "networkDataplane": "azure"},
    NetworkEngine.CALICO: {"networkPolicy": "calico", "networkDataplane": "azure"},
    NetworkEngine.CILIUM: {"networkPolicy": "cilium", "networkDataplane": "cilium"},
}
POD_NETWORKS: list[tuple[PodNetwork, dict[str, str]]] = [
    (Overlay(), {"networkPluginMode": "overlay", "podCidr": "10.244.0.0/16"}),
    (Overlay("192.168.0.0/16"), {"networkPluginMode": "overlay", "podCidr": "192.168.0.0/16"}),
    (NodeSubnet(), {}),
    (PodSubnet(), {}),
    (PodSubnet(PodAllocation.STATIC_BLOCK), {}),
]


def profile(**changes: object) -> dict[str, Any]:
    found: dict[str, Any] = sent(cluster(**changes))["networkProfile"]
    return found


@pytest.mark.parametrize("engine", NetworkEngine)
@pytest.mark.parametrize(("pods", "leaves"), POD_NETWORKS, ids=str)
@pytest.mark.long(keep=2)
def test_every_engine_with_every_pod_network(
    engine: NetworkEngine, pods: PodNetwork, leaves: dict[str, str]
) -> None:
    assert profile(engine=engine, pod_network=pods) == ALWAYS | ENGINES[engine] | leaves


@pytest.mark.parametrize("allocation", PodAllocation)
@pytest.mark.long
def test_pods_of_a_pod_subnet_are_sent_to_it(allocation: PodAllocation) -> None:
    found = sent(cluster(pod_network=PodSubnet(allocation)))
    pool = found["agentPoolProfiles"][0]
    assert pool["podSubnetID"] == PODS
    assert pool["podIPAllocationMode"] == allocation.value
    assert pool["maxPods"] == 110


def test_ipv6_is_sent_beside_ipv4() -> None:
    found = profile(engine=NetworkEngine.CILIUM, ipv6=DualStack())
    assert found["ipFamilies"] == ["IPv4", "IPv6"]
    assert found["podCidrs"] == ["10.244.0.0/16", "fd12:3456:789a::/64"]
    assert found["serviceCidrs"] == ["10.0.0.0/16", "fd12:3456:789a:1::/108"]
    assert found["loadBalancerProfile"]["managedOutboundIPs"] == {"count": 1, "countIPv6": 1}


@pytest.mark.parametrize(
    ("egress", "outbound_type"),
    [
        (NatGatewayEgress(), "userAssignedNATGateway"),
        (RouteTableEgress(), "userDefinedRouting"),
        (NoEgress(REGISTRY), "none"),
    ],
)
def test_other_ways_out_have_no_load_balancer_profile(egress: Egress, outbound_type: str) -> None:
    found = profile(egress=egress, network=existing())
    assert found["outboundType"] == outbound_type
    assert "loadBalancerProfile" not in found


def test_advanced_networking_is_sent_in_full() -> None:
    advanced = AdvancedNetworking(policies=AdvancedPolicies.L7)
    found = profile(engine=NetworkEngine.CILIUM, addons=AddOns(advanced_networking=advanced))
    assert found["advancedNetworking"] == {
        "enabled": True,
        "observability": {"enabled": True},
        "security": {"enabled": True, "advancedNetworkPolicies": "L7"},
    }


class TestDefaultsOfTheSdk:
    """The SDK's classes send leaves that nobody wrote; each would replace or reimage something."""

    injected = ContainerServiceNetworkProfileArgs(network_plugin="azure")

    def test_a_pod_range_is_not_sent_without_an_overlay(self) -> None:
        assert self.injected.pod_cidr == "10.244.0.0/16"
        assert "podCidr" not in profile(pod_network=NodeSubnet())

    def test_the_service_range_is_the_arguments(self) -> None:
        assert self.injected.service_cidr == "10.0.0.0/16"
        assert profile(services=ServiceNetwork("172.20.0.0/16"))["serviceCidr"] == "172.20.0.0/16"

    def test_the_dns_address_is_the_arguments(self) -> None:
        assert self.injected.dns_service_ip == "10.0.0.10"
        assert profile(services=ServiceNetwork("172.20.0.0/16"))["dnsServiceIP"] == "172.20.0.10"

    def test_the_outbound_type_is_the_arguments(self) -> None:
        assert self.injected.outbound_type == "loadBalancer"
        found = profile(egress=RouteTableEgress(), network=existing())
        assert found["outboundType"] == "userDefinedRouting"

    def test_the_load_balancer_is_the_arguments(self) -> None:
        injected = ManagedClusterLoadBalancerProfileArgs()
        assert injected.backend_pool_type == "NodeIPConfiguration"
        assert (injected.allocated_outbound_ports, injected.idle_timeout_in_minutes) == (0, 30)
        found = profile(egress=LoadBalancerEgress(3, 1024, 10))["loadBalancerProfile"]
        assert found == {
            "managedOutboundIPs": {"count": 3},
            "allocatedOutboundPorts": 1024,
            "idleTimeoutInMinutes": 10,
            "backendPoolType": "NodeIPConfiguration",
        }

    def test_local_dns_is_never_preferred(self) -> None:
        assert LocalDNSProfileArgs().mode == "Preferred"
        pool = sent(cluster())["agentPoolProfiles"][0]
        assert pool["localDNSProfile"] == {"mode": "Disabled"}

    def test_node_provisioning_makes_no_pools_while_it_is_manual(self) -> None:
        assert ManagedClusterNodeProvisioningProfileArgs().default_node_pools == "Auto"
        found = sent(cluster())["nodeProvisioningProfile"]
        assert found == {"mode": "Manual"}

    @pytest.mark.long
    def test_maintenance_lasts_as_long_as_is_said(self) -> None:
        injected: Any = MaintenanceWindowArgs(schedule={}, start_time="01:00")  # type: ignore[arg-type]  # only the default matters
        assert injected.duration_hours == 24
        for found in declared(cluster()).of("MaintenanceConfiguration"):
            assert found.inputs["maintenanceWindow"]["durationHours"] == 6
