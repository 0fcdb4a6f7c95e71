"""Our own network resources are the SDK's, and importing the component does not import those."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pulumi import ResourceOptions

from podwall.components.cluster.resources import Subnet, VirtualNetwork
from tests.components.harness import Deployment, Registered, deploy

SUBNET: dict[str, Any] = {
    "resourceGroupName": "group",
    "virtualNetworkName": "network",
    "subnetName": "nodes",
    "addressPrefixes": ["10.0.0.0/24"],
    "natGateway": {"id": "gateway"},
    "routeTable": {"id": "table"},
    "delegations": [{"name": "aks", "serviceName": "service"}],
}
NETWORK: dict[str, Any] = {
    "resourceGroupName": "group",
    "location": "westeurope",
    "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
    "tags": {"a": "b"},
}


@pytest.fixture(scope="module")
def made() -> Deployment:
    from pulumi_azure_native import network as sdk  # noqa: PLC0415 - takes seconds, only here

    def program() -> None:
        VirtualNetwork("ours", NETWORK, ResourceOptions())
        sdk.VirtualNetwork(
            "theirs",
            resource_group_name="group",
            location="westeurope",
            address_space={"address_prefixes": ["10.0.0.0/16"]},
            tags={"a": "b"},
        )
        Subnet("ours", SUBNET, ResourceOptions())
        sdk.Subnet(
            "theirs",
            resource_group_name="group",
            virtual_network_name="network",
            subnet_name="nodes",
            address_prefixes=["10.0.0.0/24"],
            nat_gateway={"id": "gateway"},
            route_table={"id": "table"},
            delegations=[{"name": "aks", "service_name": "service"}],
            default_outbound_access=False,
        )

    return deploy(program)


def asked(registered: Registered) -> tuple[Any, ...]:
    return (registered.type, registered.request.version, registered.inputs)


@pytest.mark.parametrize("type_", ["VirtualNetwork", "Subnet"])
@pytest.mark.long(keep=1)
def test_the_engine_is_asked_for_the_same_as_by_the_sdk(made: Deployment, type_: str) -> None:
    assert asked(made.one(type_, "ours")) == asked(made.one(type_, "theirs"))


@pytest.mark.long
def test_importing_the_component_does_not_import_the_sdks_network() -> None:
    check = (
        "import sys; from podwall.components.cluster import AksCluster;"
        " sys.exit('pulumi_azure_native.network._inputs' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
