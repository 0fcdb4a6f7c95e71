"""What is sent to Azure for access, updates, add-ons and node pools."""

from __future__ import annotations

from typing import Any

import pytest

from podwall.components.cluster import (
    Access,
    AddOns,
    Autoscale,
    Entra,
    FixedCount,
    Lifecycle,
    LocalDns,
    ManagedDisk,
    NetworkEngine,
    NodeProvisioning,
    NoEgress,
    OsSku,
    Priority,
    PrivateApiServer,
    PublicApiServer,
    SystemPool,
    Tier,
    UpgradeChannel,
    UserPool,
)
from podwall.components.cluster.properties import SYSTEM_TAINT, dns_prefix, pool_properties
from tests.components.cluster.sent import sent
from tests.components.cluster.values import NODES, REGISTRY, WORKSPACE, ZONE, cluster


def pool(pool: UserPool, **changes: object) -> dict[str, Any]:
    args = cluster(user_pools=(pool,), **changes)
    return dict(pool_properties(args, pool, NODES, None))


def test_an_ordinary_cluster() -> None:
    found = sent(cluster())
    assert found["sku"] == {"name": "Base", "tier": "Standard"}
    assert found["supportPlan"] == "KubernetesOfficial"
    assert found["kubernetesVersion"] == "1.36"
    assert found["dnsPrefix"] == "shop"
    assert found["enableRBAC"] is True
    assert found["disableLocalAccounts"] is False
    assert found["oidcIssuerProfile"] == {"enabled": True}
    assert found["nodeResourceGroupProfile"] == {"restrictionLevel": "ReadOnly"}
    assert found["autoUpgradeProfile"] == {
        "upgradeChannel": "patch",
        "nodeOSUpgradeChannel": "NodeImage",
    }
    assert found["securityProfile"] == {
        "workloadIdentity": {"enabled": True},
        "imageCleaner": {"enabled": True, "intervalHours": 168},
    }
    assert found["apiServerAccessProfile"] == {
        "disableRunCommand": True,
        "enableVnetIntegration": False,
        "enablePrivateCluster": False,
        "authorizedIPRanges": [],
    }
    assert "aadProfile" not in found


def test_no_leaf_is_sent_in_pythons_spelling() -> None:
    def keys(value: object) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(key for each in value.values() for key in keys(each))]
        return [key for each in value for key in keys(each)] if isinstance(value, list) else []

    entra = Entra(admin_groups=("group",), tenant_id="tenant")
    found = sent(cluster(access=Access(sign_in=entra, vnet_integration=True)))
    assert [key for key in keys(found) if "_" in key] == []
    assert None not in found.values()


def test_entra_closes_the_local_accounts() -> None:
    entra = Entra(admin_groups=("group",), tenant_id="tenant")
    found = sent(cluster(access=Access(sign_in=entra)))
    assert found["disableLocalAccounts"] is True
    assert found["aadProfile"] == {
        "managed": True,
        "enableAzureRBAC": True,
        "adminGroupObjectIDs": ["group"],
        "tenantID": "tenant",
    }


@pytest.mark.parametrize(
    ("access", "leaves"),
    [
        (
            Access(api_server=PublicApiServer(("20.0.0.0/24",)), run_command=True),
            {"authorizedIPRanges": ["20.0.0.0/24"], "disableRunCommand": False},
        ),
        (
            Access(api_server=PrivateApiServer("none", public_fqdn=True)),
            {
                "enablePrivateCluster": True,
                "privateDNSZone": "none",
                "enablePrivateClusterPublicFQDN": True,
            },
        ),
        (Access(vnet_integration=True), {"enableVnetIntegration": True}),
    ],
)
@pytest.mark.long(keep=1)
def test_access_to_the_api_server(access: Access, leaves: dict[str, Any]) -> None:
    found = sent(cluster(access=access))["apiServerAccessProfile"]
    assert found.items() >= leaves.items()


def test_a_private_api_server_has_no_authorised_ranges() -> None:
    found = sent(cluster(access=Access(api_server=PrivateApiServer())))["apiServerAccessProfile"]
    assert "authorizedIPRanges" not in found


def test_a_zone_of_ones_own_takes_a_subdomain_and_no_prefix() -> None:
    private = PrivateApiServer(ZONE, fqdn_subdomain="shop")
    found = sent(cluster(access=Access(api_server=private)))
    assert found["fqdnSubdomain"] == "shop"
    assert "dnsPrefix" not in found


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("shop", "shop"), ("my shop!", "my-shop"), ("-", "aks"), ("a" * 60, "a" * 54)],
)
def test_a_dns_prefix_is_made_of_the_name(name: str, prefix: str) -> None:
    assert dns_prefix(name, cluster()) == prefix


def test_long_term_support_is_sent_with_its_tier() -> None:
    found = sent(cluster(lifecycle=Lifecycle(tier=Tier.PREMIUM)))
    assert (found["sku"]["tier"], found["supportPlan"]) == ("Premium", "AKSLongTermSupport")


def test_a_version_that_azure_chooses_is_not_sent() -> None:
    channel = Lifecycle(upgrades=UpgradeChannel.STABLE)
    assert "kubernetesVersion" not in sent(cluster(kubernetes_version=None, lifecycle=channel))


def test_the_add_ons_that_are_asked_for() -> None:
    addons = AddOns(
        azure_policy=False,
        key_vault_secrets=True,
        image_cleaner_hours=None,
        monitoring_workspace_id=WORKSPACE,
        defender_workspace_id=WORKSPACE,
    )
    found = sent(cluster(addons=addons))
    assert found["addonProfiles"] == {
        "azurepolicy": {"enabled": False, "config": {"version": "v2"}},
        "azureKeyvaultSecretsProvider": {
            "enabled": True,
            "config": {"enableSecretRotation": "true"},
        },
        "omsagent": {
            "enabled": True,
            "config": {"logAnalyticsWorkspaceResourceID": WORKSPACE, "useAADAuth": "true"},
        },
    }
    assert found["securityProfile"]["imageCleaner"] == {"enabled": False}
    assert found["securityProfile"]["defender"] == {
        "logAnalyticsWorkspaceResourceId": WORKSPACE,
        "securityMonitoring": {"enabled": True},
    }


def test_a_network_isolated_cluster_names_its_registry() -> None:
    args = cluster(egress=NoEgress(REGISTRY))
    assert sent(args)["bootstrapProfile"] == {
        "artifactSource": "Cache",
        "containerRegistryId": REGISTRY,
    }


def test_node_auto_provisioning_is_sent_with_its_pools() -> None:
    fixed = SystemPool(node_count=FixedCount(3))
    found = sent(cluster(node_provisioning=NodeProvisioning.AUTO, system_pool=fixed))
    assert found["nodeProvisioningProfile"] == {"mode": "Auto", "defaultNodePools": "Auto"}
    assert found["agentPoolProfiles"][0]["nodeTaints"] == [SYSTEM_TAINT]


@pytest.mark.long
def test_the_system_pool_takes_everything_while_it_is_alone() -> None:
    assert sent(cluster())["agentPoolProfiles"][0]["nodeTaints"] == []
    beside = cluster(user_pools=(UserPool(name="apps"),))
    assert sent(beside)["agentPoolProfiles"][0]["nodeTaints"] == [SYSTEM_TAINT]


def test_a_fixed_pool_is_not_autoscaled() -> None:
    found = pool(UserPool(name="p", node_count=FixedCount(4), max_pods=50, zones=()))
    assert (found["count"], found["enable_auto_scaling"]) == (4, False)
    assert not {"min_count", "max_count", "availability_zones"} & found.keys()
    assert found["max_pods"] == 50


def test_an_autoscaled_pool_starts_at_its_minimum() -> None:
    found = pool(UserPool(name="p", node_count=Autoscale(0, 9)))
    assert (found["count"], found["min_count"], found["max_count"]) == (0, 0, 9)


def test_a_spot_pool_says_what_azure_adds_by_itself() -> None:
    spot = UserPool(name="p", priority=Priority.SPOT, taints=("a=b:NoSchedule",), labels={"x": "y"})
    found = pool(spot)
    assert found["node_labels"] == {"x": "y", "kubernetes.azure.com/scalesetpriority": "spot"}
    assert found["node_taints"] == [
        "a=b:NoSchedule",
        "kubernetes.azure.com/scalesetpriority=spot:NoSchedule",
    ]
    assert (found["scale_set_eviction_policy"], found["spot_max_price"]) == ("Delete", -1)
    assert "upgrade_settings" not in found


def test_windows_has_no_local_dns() -> None:
    windows = UserPool(name="win", os_sku=OsSku.WINDOWS_2022, os_disk=ManagedDisk())
    changes = {"engine": NetworkEngine.CALICO, "kubernetes_version": "1.35"}
    found = pool(windows, **changes)
    assert (found["os_type"], found["os_disk_type"]) == ("Windows", "Managed")
    assert "local_dns_profile" not in found
    linux = pool(UserPool(name="p"), addons=AddOns(local_dns=LocalDns.REQUIRED))
    assert linux["local_dns_profile"] == {"mode": "Required"}
