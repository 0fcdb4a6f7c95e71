"""What `AksClusterArgs` has no argument for reaches Azure by a transformation, and alone.

The properties are those that production users set, by the names that the provider's SDK has for
them: of one that a release no longer knows this test tells.
"""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import ResourceOptions, ResourceTransformationArgs, ResourceTransformationResult
from pulumi_azure_native import containerservice

from podwall.components import Workload, WorkloadArgs
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
    "node_public_ip_prefix_id": "/subscriptions/s/resourceGroups/r/providers/x/prefix",
    "creation_data": {"source_resource_id": "/subscriptions/s/resourceGroups/r/providers/x/snap"},
    "tags": {"team": "search"},
}

MAINTENANCE = "azure-native:containerservice:MaintenanceConfiguration"

INSIDE: list[Any] = [
    pytest.param(
        MANAGED_CLUSTER,
        "security_profile",
        {"azure_key_vault_kms": {"enabled": True}, "custom_ca_trust_certificates": ["Y2E="]},
        id="KMS, and certificates that nodes trust",
    ),
    pytest.param(
        MANAGED_CLUSTER,
        "network_profile",
        {"static_egress_gateway_profile": {"enabled": True}},
        id="a static egress gateway",
    ),
    pytest.param(
        MANAGED_CLUSTER,
        "network_profile",
        {"load_balancer_profile": {"backend_pool_type": "NodeIP"}},
        id="another type of backend pool",
    ),
    pytest.param(
        MANAGED_CLUSTER,
        "node_resource_group_profile",
        {"restriction_level": "Unrestricted"},
        id="an open node resource group",
    ),
    pytest.param(
        MANAGED_CLUSTER,
        "addon_profiles",
        {"azureKeyvaultSecretsProvider": {"config": {"enableSecretRotation": "false"}}},
        id="no rotation of keys",
    ),
    pytest.param(
        AGENT_POOL,
        "upgrade_settings",
        {"drain_timeout_in_minutes": 45, "node_soak_duration_in_minutes": 5},
        id="drain and soak",
    ),
    pytest.param(
        MAINTENANCE,
        "maintenance_window",
        {
            "schedule": {"daily": {"interval_days": 1}},
            "not_allowed_dates": [{"start": "2026-12-20", "end": "2027-01-02"}],
        },
        id="a daily window, and dates that are not allowed",
    ),
]
"""What stands inside a property that the component sets itself, and is added to it."""


def deployed(type_: str, more: dict[str, Any]) -> Deployment:
    """Return a cluster with a pool, of which resources of one type have further properties."""

    def further(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
        if args.type_ != type_:
            return None
        props: dict[str, Any] = {**args.props}
        nested = {
            key: {**(props.get(key) or {}), **each} if isinstance(each, dict) else each
            for key, each in more.items()
        }
        return ResourceTransformationResult({**props, **nested}, args.opts)

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
@pytest.mark.long(keep=1)
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


@pytest.mark.parametrize(("type_", "key", "more"), INSIDE)
def test_what_is_inside_a_property_of_the_component_is_added(
    type_: str, key: str, more: dict[str, Any]
) -> None:
    plain, found = deployed("none", {}), deployed(type_, {key: more})
    of_type = (side.of(type_.rpartition(":")[2]) for side in (plain, found))
    for before, after in zip(*of_type, strict=True):
        own, kept = after.inputs.pop(camel(key)), before.inputs.pop(camel(key))
        assert before.inputs == after.inputs
        added = {camel(name).lower() for name in more}
        assert added <= {name.lower() for name in own}
        assert all(own[name] == kept[name] for name in kept if name.lower() not in added)


def test_a_second_pool_may_be_of_the_system() -> None:
    assert deployed(AGENT_POOL, {"mode": "System"}).one("AgentPool").inputs["mode"] == "System"


def test_a_deployment_gets_volumes_secrets_and_a_sidecar() -> None:
    more = {"name": "proxy", "image": "example.com/proxy:1"}
    secret = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}}

    def further(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
        if args.type_ != "kubernetes:apps/v1:Deployment":
            return None
        spec: Any = args.props["spec"]
        pod = spec["template"]["spec"]
        (own,) = pod["containers"]
        pod["volumes"] = [*pod.get("volumes", ()), {"name": "data", "emptyDir": {}}]
        pod["containers"] = [{**own, "env": [*own.get("env", ()), secret]}, more]
        return ResourceTransformationResult(args.props, args.opts)

    def program() -> None:
        labels = {"app": "api"}
        args = WorkloadArgs(name="api", namespace="shop", labels=labels, image="example.com/api:1")
        Workload("api", args, ResourceOptions(transformations=[further]))

    pod = deploy(program).one("Deployment").inputs["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["containers"]][1:] == ["proxy"]
    assert secret in pod["containers"][0]["env"]
    assert {"name": "data", "emptyDir": {}} in pod["volumes"]
