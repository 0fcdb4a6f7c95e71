"""What `AksClusterArgs` has no argument for reaches Azure by a transformation, and alone.

The properties are those that production users set, by the names that the provider's SDK has for
them: of one that a release no longer knows this test tells.
"""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import ResourceOptions, ResourceTransformationArgs, ResourceTransformationResult
from pulumi_azure_native import containerservice

from podwall.components.cluster import AksCluster, UserPool
from tests.components.cluster.values import cluster
from tests.components.harness import Deployment, deploy

MANAGED_CLUSTER = "azure-native:containerservice:ManagedCluster"
AGENT_POOL = "azure-native:containerservice:AgentPool"

OF_THE_CLUSTER: dict[str, Any] = {
    "workload_auto_scaler_profile": {
        "keda": {"enabled": True},
        "vertical_pod_autoscaler": {"enabled": True},
    },
    "azure_monitor_profile": {"metrics": {"enabled": True}},
    "metrics_profile": {"cost_analysis": {"enabled": True}},
    "auto_scaler_profile": {"expander": "least-waste"},
    "ingress_profile": {"web_app_routing": {"enabled": True}},
    "service_mesh_profile": {"mode": "Istio", "istio": {"revisions": ["asm-1-27"]}},
    "storage_profile": {"blob_csi_driver": {"enabled": True}},
    "disk_encryption_set_id": "/subscriptions/s/resourceGroups/r/providers/x/des",
    "http_proxy_config": {"http_proxy": "http://proxy.example:3128"},
    "windows_profile": {"admin_username": "azureuser"},
    "linux_profile": {"admin_username": "azureuser", "ssh": {"public_keys": []}},
    "upgrade_settings": {"override_settings": {"force_upgrade": True}},
}
OF_A_POOL: dict[str, Any] = {
    "gpu_profile": {"driver": "None"},
    "enable_fips": True,
    "enable_ultra_ssd": True,
    "kubelet_config": {"cpu_manager_policy": "static"},
    "linux_os_config": {"swap_file_size_mb": 1500},
    "spot_max_price": -1.0,
    "enable_node_public_ip": True,
    "capacity_reservation_group_id": "/subscriptions/s/resourceGroups/r/providers/x/crg",
    "workload_runtime": "KataVmIsolation",
    "security_profile": {"enable_secure_boot": True, "enable_vtpm": True},
    "network_profile": {"allowed_host_ports": [{"port_start": 80, "port_end": 81}]},
    "vnet_subnet_id": "/subscriptions/s/resourceGroups/r/providers/x/subnets/gpu",
    "tags": {"team": "search"},
}


def deployed(type_: str, more: dict[str, Any]) -> Deployment:
    """Return a cluster with a pool, of which resources of one type have further properties."""

    def further(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
        if args.type_ != type_:
            return None
        return ResourceTransformationResult({**args.props, **more}, args.opts)

    def program() -> None:
        options = ResourceOptions(transformations=[further])
        AksCluster("shop", cluster(user_pools=(UserPool(name="apps"),)), options)

    return deploy(program)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    odd = {"vtpm": "VTPM", "fips": "FIPS", "ultra": "Ultra", "ssd": "SSD", "ip": "IP", "id": "ID"}
    return first + "".join(odd.get(each, each.title()) for each in rest)


@pytest.mark.parametrize(
    ("type_", "known", "more"),
    [
        pytest.param(
            MANAGED_CLUSTER, containerservice.ManagedClusterArgs, OF_THE_CLUSTER, id="the cluster"
        ),
        pytest.param(AGENT_POOL, containerservice.AgentPoolArgs, OF_A_POOL, id="a pool"),
    ],
)
def test_what_has_no_argument_is_set_by_a_transformation(
    type_: str, known: type, more: dict[str, Any]
) -> None:
    assert {name for name in more if not hasattr(known, name)} == set()
    plain, found = deployed("none", {}), deployed(type_, more)
    name = type_.rpartition(":")[2]
    before, after = plain.one(name).inputs, found.one(name).inputs
    kept = {key: value for key, value in after.items() if before.get(key) == value}
    assert len(after) - len(kept) == len(more)
    assert {camel(each).lower() for each in more} == {
        key.lower() for key in after.keys() - kept.keys()
    }
    others = [
        [each.inputs for each in side.resources if each.type != type_] for side in (plain, found)
    ]
    assert others[0] == others[1]
