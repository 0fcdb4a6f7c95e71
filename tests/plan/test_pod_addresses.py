"""Where pods get their addresses from: what a plan shows of it, and that a gap is no range."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from podwall.plan.cluster import planned_cluster
from podwall.plan.embedded import embedded_plan
from podwall.plan.model import SECRET, Operation, Plan, PlannedResource
from podwall.policies.errors import Unknown
from tests.plan.projects import project_in

LATER = Unknown("later")
AKS = "azure-native:containerservice:ManagedCluster"
POOL = "azure-native:containerservice:AgentPool"
SUBNET = "azure-native:network:Subnet"
NETWORK = "azure-native:network/v20240501:VirtualNetwork"
ID = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/{}/subnets/{}"


def made(type_: str, name: str, needs: dict[str, list[str]], /, **inputs: Any) -> PlannedResource:
    depends = {key: tuple(map(_urn, names)) for key, names in needs.items()}
    return PlannedResource(_urn(name), type_, name, inputs, property_dependencies=depends)


def _urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::any::{name}"


def subnet(name: str, *prefixes: Any, **inputs: Any) -> PlannedResource:
    given = {"addressPrefixes": list(prefixes)} if prefixes else {}
    return made(SUBNET, name, {}, virtualNetworkName="net", subnetName=name, **given, **inputs)


def network(*space: Any) -> PlannedResource:
    return made(NETWORK, "net", {}, addressSpace={"addressPrefixes": list(space)})


def aks(
    *pools: Any, needs: tuple[str, ...] = (), profile: dict[str, Any] | None = None, **inputs: Any
) -> PlannedResource:
    return made(
        AKS,
        "aks",
        {"agentPoolProfiles": list(needs)},
        networkProfile={"networkPlugin": "azure"} | (profile or {}),
        agentPoolProfiles=list(pools),
        **inputs,
    )


NODES = {"vnetSubnetID": LATER}
PODS = {"vnetSubnetID": LATER, "podSubnetID": LATER}
BOTH = [subnet("nodes", "10.1.0.0/24"), subnet("pods", "10.1.8.0/21")]
OVERLAY = {"networkPluginMode": "overlay"}
VIRTUAL = {"aciConnectorLinux": {"enabled": True}}


def pool(name: str, needs: dict[str, list[str]], /, **inputs: Any) -> PlannedResource:
    return made(POOL, name, needs, **inputs)


SHOWN: dict[str, tuple[list[PlannedResource], str]] = {
    "the subnet of the nodes": ([BOTH[0], aks(NODES, needs=("nodes",))], "10.1.0.0/24"),
    "one of two subnets that are made with it": (
        [*BOTH, aks(PODS, needs=("nodes", "pods"))],
        "10.1.0.0/24 10.1.8.0/21",
    ),
    "a subnet that is there, by its names": (
        [*BOTH, aks({"vnetSubnetID": ID.format("NET", "Nodes")})],
        "10.1.0.0/24",
    ),
    "the subnet of the pods, not that of the nodes": (
        [
            *BOTH,
            aks(
                {"vnetSubnetID": ID.format("net", "nodes"), "podSubnetID": ID.format("net", "pods")}
            ),
        ],
        "10.1.8.0/21",
    ),
    "one prefix alone": (
        [subnet("one", addressPrefix="10.2.0.0/24"), aks(NODES, needs=("one",))],
        "10.2.0.0/24",
    ),
    "some part of a network": (
        [network("10.0.0.0/8", "20.1.0.0/16"), aks(NODES, needs=("net",))],
        "10.0.0.0/8 20.1.0.0/16",
    ),
    "a public range": ([subnet("pub", "20.1.0.0/24"), aks(NODES, needs=("pub",))], "20.1.0.0/24"),
    "a subnet of the classic provider": (
        [
            made(
                "azure:network/subnet:Subnet",
                "old",
                {},
                virtualNetworkName="net",
                name="old",
                addressPrefixes=["10.3.0.0/24"],
            ),
            aks(NODES, needs=("old",)),
        ],
        "10.3.0.0/24",
    ),
    "pools that are resources of their own": (
        [
            *BOTH,
            aks(NODES, needs=("nodes",)),
            pool("more", {"vnetSubnetID": ["pods"]}, vnetSubnetID=LATER),
        ],
        "10.1.0.0/24 10.1.8.0/21",
    ),
    "both families of an overlay": (
        [
            aks(
                profile=OVERLAY
                | {"podCidrs": ["10.244.0.0/16", "fd00::/64"], "ipFamilies": ["IPv4", "IPv6"]}
            )
        ],
        "10.244.0.0/16 fd00::/64",
    ),
}
NOT_SHOWN: dict[str, list[PlannedResource]] = {
    "no subnet is named: it is one that Azure makes": [aks({"count": 3})],
    "a subnet that is made elsewhere": [*BOTH, aks({"vnetSubnetID": ID.format("net", "other")})],
    "a subnet of that name in another network": [
        *BOTH,
        aks({"vnetSubnetID": ID.format("hub", "nodes")}),
    ],
    "it comes from nothing that is shown": [*BOTH, aks(NODES)],
    "it comes from a stack reference": [
        made("pulumi:pulumi:StackReference", "hub", {}, name="hub"),
        aks(NODES, needs=("hub",)),
    ],
    "a second pool says nothing": [*BOTH, aks(NODES, {"count": 1}, needs=("nodes",))],
    "a second pool is elsewhere": [
        *BOTH,
        aks(NODES, needs=("nodes",)),
        pool("more", {}, vnetSubnetID=ID.format("net", "x")),
    ],
    "a pool is not known": [*BOTH, aks(LATER, needs=("nodes",))],
    "a pool is secret": [*BOTH, aks(SECRET, needs=("nodes",))],
    "a prefix is not known": [subnet("nodes", LATER), aks(NODES, needs=("nodes",))],
    "one of two prefixes is not known": [
        subnet("nodes", "10.1.0.0/24", LATER),
        aks(NODES, needs=("nodes",)),
    ],
    "a subnet with a prefix from a pool of addresses": [
        subnet("nodes"),
        aks(NODES, needs=("nodes",)),
    ],
    "a subnet that is only looked up": [
        replace(BOTH[0], change=Operation.READ),
        aks(NODES, needs=("nodes",)),
    ],
    "a subnet that goes": [replace(BOTH[0], change=Operation.DELETE), aks(NODES, needs=("nodes",))],
    "virtual nodes": [*BOTH, aks(NODES, needs=("nodes",), addonProfiles=VIRTUAL)],
    "addons that are not known": [*BOTH, aks(NODES, needs=("nodes",), addonProfiles=LATER)],
    "nodes that are provisioned": [
        *BOTH,
        aks(NODES, needs=("nodes",), nodeProvisioningProfile={"mode": "Auto"}),
    ],
    "Automatic": [*BOTH, aks(NODES, needs=("nodes",), sku={"name": "Automatic"})],
    "a mode that is not known": [
        *BOTH,
        aks(NODES, needs=("nodes",), profile={"networkPluginMode": LATER}),
    ],
    "a plugin that is not named": [
        *BOTH,
        aks(NODES, needs=("nodes",), profile={"networkPlugin": None}),
    ],
    "one range of an overlay is not known": [
        aks(profile=OVERLAY | {"podCidrs": ["10.244.0.0/16", LATER]})
    ],
    "two families and one range": [
        aks(profile=OVERLAY | {"podCidr": "10.244.0.0/16", "ipFamilies": ["IPv4", "IPv6"]})
    ],
    "families that are not known": [
        aks(profile=OVERLAY | {"podCidr": "10.244.0.0/16", "ipFamilies": LATER})
    ],
    "what is no range": [aks(profile=OVERLAY | {"podCidr": "somewhere"})],
}


@pytest.mark.parametrize(("resources", "ranges"), SHOWN.values(), ids=SHOWN)
def test_pods_are_somewhere_in(resources: list[PlannedResource], ranges: str) -> None:
    found = planned_cluster(Plan("shop", "dev", tuple(resources))).pod_cidrs
    assert " ".join(map(str, found)) == ranges


@pytest.mark.parametrize("resources", NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_pods_may_be_anywhere(resources: list[PlannedResource]) -> None:
    assert planned_cluster(Plan("shop", "dev", tuple(resources))).pod_cidrs == ()


def test_a_program_says_which_subnet_it_is(tmp_path: Path) -> None:
    program = """
        from pulumi_azure_native import containerservice, network, resources

        group = resources.ResourceGroup("rg")
        given = {"resource_group_name": group.name}
        space = {"address_prefixes": ["20.1.0.0/16"]}
        net = network.VirtualNetwork("net", address_space=space, **given)
        named = {"virtual_network_name": net.name, **given}
        nodes = network.Subnet("nodes", address_prefix="20.1.0.0/24", **named)
        containerservice.ManagedCluster(
            "aks",
            network_profile={"network_plugin": "azure", "network_policy": "calico"},
            agent_pool_profiles=[{"name": "a", "mode": "System", "vnet_subnet_id": nodes.id}],
            **given,
        )
    """
    planned = planned_cluster(embedded_plan(project_in(tmp_path, program), "dev"))
    assert planned.pod_cidrs == (ip_network("20.1.0.0/24"),)
