"""A cluster is known in every spelling of its type, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from podwall.aks.resource_types import is_cluster, is_node_pool, is_unrecognised_cluster

AZURE_TEMPLATE = {
    "resources": [
        {"type": "Microsoft.ContainerService/managedClusters", "apiVersion": "2025-09-01"},
    ]
}


@pytest.mark.parametrize(
    "package",
    [
        pytest.param("azure-native:containerservice", id="the default version of the API"),
        pytest.param("azure-native:containerservice/v20240901", id="one version of the API"),
        pytest.param("azure-native:containerservice/v20240602preview", id="a preview of the API"),
        pytest.param(
            "azure-native_containerservice_v20260501:containerservice", id="a package of its own"
        ),
        pytest.param(
            "azure-native_containerservice_v20250602preview:containerservice",
            id="a package of its own for a preview",
        ),
        pytest.param("azure-nextgen:containerservice/latest", id="what azure-native was before"),
    ],
)
def test_what_has_azures_own_names_is_read(package: str) -> None:
    assert is_cluster(f"{package}:ManagedCluster")
    assert not is_node_pool(f"{package}:ManagedCluster")
    assert is_node_pool(f"{package}:AgentPool")
    assert not is_cluster(f"{package}:AgentPool")
    assert not is_unrecognised_cluster(f"{package}:ManagedCluster", {})
    assert not is_unrecognised_cluster(f"{package}:AgentPool", {})


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        pytest.param("azure:containerservice/kubernetesCluster:KubernetesCluster", {}, id="azure"),
        pytest.param("azurerm:index/kubernetesCluster:KubernetesCluster", {}, id="bridged"),
        pytest.param(
            "azurerm:index/kubernetesAutomaticCluster:KubernetesAutomaticCluster",
            {},
            id="bridged, Automatic",
        ),
        pytest.param("aks:tf:azurerm_kubernetes_cluster", {}, id="a module of Terraform"),
        pytest.param(
            "azapi:index/resource:Resource",
            {"type": "Microsoft.ContainerService/managedClusters@2025-09-01"},
            id="azapi",
        ),
        pytest.param(
            "azapi:index/resource:Resource",
            {"type": "microsoft.containerservice/MANAGEDCLUSTERS@2025-09-01"},
            id="azapi, in another case",
        ),
        pytest.param(
            "azure-native:resources:Resource",
            {
                "resourceProviderNamespace": "Microsoft.ContainerService",
                "resourceType": "managedClusters",
            },
            id="a resource of any type",
        ),
        pytest.param(
            "azure-native:resources:Deployment",
            {"properties": {"template": AZURE_TEMPLATE}},
            id="a template of Azure",
        ),
        pytest.param(
            "azure:core/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
            {"templateContent": json.dumps(AZURE_TEMPLATE)},
            id="a template of Azure as text",
        ),
    ],
)
def test_a_cluster_with_other_names_is_named_as_not_recognised(
    type_: str, inputs: dict[str, Any]
) -> None:
    assert is_unrecognised_cluster(type_, inputs)
    assert not is_cluster(type_)
    assert not is_node_pool(type_)


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        pytest.param("azure-native:servicefabric:ManagedCluster", {}, id="Service Fabric"),
        pytest.param(
            "azure-native_servicefabric_v20240401:servicefabric:ManagedCluster",
            {},
            id="Service Fabric in a package of its own",
        ),
        pytest.param("azure-native:containerservice:ManagedClusterSnapshot", {}, id="a snapshot"),
        pytest.param("azure-native:containerservice:MaintenanceConfiguration", {}, id="a window"),
        pytest.param("acme:containerservice:ManagedCluster", {}, id="another provider"),
        pytest.param(
            "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool",
            {},
            id="a pool of the older provider",
        ),
        pytest.param("digitalocean:index/kubernetesCluster:KubernetesCluster", {}, id="elsewhere"),
        pytest.param(
            "azapi:index/resource:Resource",
            {"type": "Microsoft.ContainerService/managedClusters/agentPools@2025-09-01"},
            id="a pool of azapi",
        ),
        pytest.param("azapi:index/resource:Resource", {}, id="azapi without a type"),
        pytest.param(
            "azure-native:resources:Deployment",
            {
                "properties": {
                    "template": {
                        "resources": [
                            {
                                "type": "Microsoft.Authorization/roleAssignments",
                                "scope": "Microsoft.ContainerService/managedClusters/aks",
                            }
                        ]
                    }
                }
            },
            id="a template that only names a cluster",
        ),
        pytest.param("podwall:index:AksCluster", {}, id="the component around a cluster"),
    ],
)
def test_nothing_else_is_a_cluster(type_: str, inputs: dict[str, Any]) -> None:
    assert not is_cluster(type_)
    assert not is_node_pool(type_)
    assert not is_unrecognised_cluster(type_, inputs)
