"""The component as a whole: parents, order, protection, secrets and outputs."""

from __future__ import annotations

import json

import pytest

from podwall.components.cluster import (
    Access,
    AddOns,
    Entra,
    ExistingIdentity,
    Identities,
    Lifecycle,
    NewNetwork,
    Overlay,
    PodSubnet,
    Principal,
    PrincipalType,
    PrivateApiServer,
    RouteTableEgress,
    UserPool,
)
from podwall.components.cluster.access import Role
from tests.components import harness
from tests.components.cluster.leaves import REPLACES_A_POOL
from tests.components.cluster.sent import declared
from tests.components.cluster.values import (
    NETWORK,
    NODES,
    REGISTRY,
    SUBSCRIPTION,
    ZONE,
    cluster,
    existing,
)
from tests.components.harness import SECRET_MARK, Deployment

KUBELET = f"{SUBSCRIPTION}/resourceGroups/r/providers/Microsoft.ManagedIdentity/x/kubelet"


@pytest.fixture(scope="module")
def ordinary() -> Deployment:
    return declared(cluster(user_pools=(UserPool(name="apps"),)))


@pytest.mark.long
def test_every_resource_has_its_exact_type_and_its_parent(ordinary: Deployment) -> None:
    found = {(each.type, each.name): each.parent_type for each in ordinary.resources}
    component, network = "podwall:index:AksCluster", "azure-native:network:VirtualNetwork"
    aks = "azure-native:containerservice"
    assert found == {
        ("pulumi:pulumi:Stack", "project-stack"): "",
        (component, "shop"): "pulumi:pulumi:Stack",
        ("azure-native:resources:ResourceGroup", "shop"): component,
        (network, "shop"): component,
        ("azure-native:network:Subnet", "shop-nodes"): network,
        ("azure-native:managedidentity:UserAssignedIdentity", "shop"): component,
        ("azure-native:authorization:RoleAssignment", "shop-join-nodes"): component,
        (f"{aks}:ManagedCluster", "shop"): component,
        (f"{aks}:AgentPool", "shop-apps"): component,
        (f"{aks}:MaintenanceConfiguration", "shop-upgrades"): component,
        (f"{aks}:MaintenanceConfiguration", "shop-node-os"): component,
        ("pulumi:providers:kubernetes", "shop"): component,
    }


def test_only_the_cluster_is_protected(ordinary: Deployment) -> None:
    protected = [each.type for each in ordinary.resources if each.request.protect]
    assert protected == ["azure-native:containerservice:ManagedCluster"]


@pytest.mark.long
def test_protection_can_be_taken_away() -> None:
    found = declared(cluster(protect=False))
    assert not any(each.request.protect for each in found.resources)


def test_the_cluster_waits_for_the_role_on_its_subnet(ordinary: Deployment) -> None:
    assert "shop-join-nodes" in ordinary.one("ManagedCluster").depends_on
    role = ordinary.one("RoleAssignment")
    assert role.inputs["scope"] == ordinary.one("Subnet").id
    assert role.inputs["roleDefinitionId"].endswith(Role.NETWORK_CONTRIBUTOR)
    assert role.inputs["principalId"] == "principal-of-shop"
    assert role.inputs["principalType"] == "ServicePrincipal"


def test_kubernetes_objects_wait_for_the_pools_that_run_them(ordinary: Deployment) -> None:
    assert "shop-apps" in ordinary.one("kubernetes").depends_on


def test_the_provider_is_told_apart_by_the_clusters_id(ordinary: Deployment) -> None:
    inputs = ordinary.one("kubernetes").inputs
    assert inputs["clusterIdentifier"] == ordinary.one("ManagedCluster").id
    assert json.loads(inputs["enableServerSideApply"]) is True


def test_the_kubeconfig_is_a_secret_everywhere(ordinary: Deployment) -> None:
    assert ordinary.secrets == {"kubeconfig"}
    assert SECRET_MARK in ordinary.one("kubernetes").inputs["kubeconfig"]
    for each in ordinary.resources:
        if each.type != "pulumi:providers:kubernetes":
            assert "devicecode" not in json.dumps(each.inputs)
    assert not any("devicecode" in record.getMessage() for record in ordinary.logged)


def test_every_output_is_registered(ordinary: Deployment) -> None:
    registered = ordinary.outputs[ordinary.one("AksCluster").urn]
    assert registered.keys() == ordinary.values.keys()
    assert SECRET_MARK in registered["kubeconfig"]


def test_the_outputs_are_azures(ordinary: Deployment) -> None:
    found = {name: ordinary.values[name] for name in ordinary.values if name != "kubeconfig"}
    assert found == {
        "name": "shop",
        "cluster_id": ordinary.one("ManagedCluster").id,
        "fqdn": "shop.example.test",
        "resource_group": "shop",
        "node_resource_group": "MC_shop",
        "node_subnet_id": ordinary.one("Subnet").id,
        "oidc_issuer_url": "https://oidc.example.test/",
        "identity_id": ordinary.one("UserAssignedIdentity").id,
        "identity_principal_id": "principal-of-shop",
        "kubelet_identity_object_id": "object-of-kubelet",
        "kubelet_identity_client_id": "client-of-kubelet",
    }


def test_long_operations_are_waited_for(ordinary: Deployment) -> None:
    for type_ in ("ManagedCluster", "AgentPool"):
        timeouts = ordinary.one(type_).request.customTimeouts
        assert (timeouts.create, timeouts.update, timeouts.delete) == ("60m", "120m", "60m")


def test_the_node_count_of_the_moment_is_the_autoscalers(ordinary: Deployment) -> None:
    assert list(ordinary.one("ManagedCluster").request.ignoreChanges) == [
        "agentPoolProfiles[0].count"
    ]
    assert list(ordinary.one("AgentPool").request.ignoreChanges) == ["count"]


def test_a_pool_is_made_anew_where_azure_refuses_an_update(ordinary: Deployment) -> None:
    request = ordinary.one("AgentPool").request
    assert set(request.replaceOnChanges) == {*REPLACES_A_POOL} - {"name"}
    assert request.deleteBeforeReplace


def test_what_goes_with_the_cluster_is_not_deleted_one_by_one(ordinary: Deployment) -> None:
    urn = ordinary.one("ManagedCluster").urn
    for each in (*ordinary.of("AgentPool"), *ordinary.of("MaintenanceConfiguration")):
        assert each.request.deletedWith == urn


def test_a_new_subnet_has_no_hidden_way_out(ordinary: Deployment) -> None:
    assert ordinary.one("Subnet").inputs["defaultOutboundAccess"] is False


@pytest.mark.long
def test_subnets_are_made_one_after_another_for_pods_and_api_server() -> None:
    found = declared(cluster(pod_network=PodSubnet(), access=Access(vnet_integration=True)))
    subnets = {each.name: each for each in found.of("Subnet")}
    assert list(subnets) == ["shop-nodes", "shop-pods", "shop-api-server"]
    assert "shop-pods" in subnets["shop-api-server"].depends_on
    api = subnets["shop-api-server"].inputs["delegations"][0]["serviceName"]
    assert api == "Microsoft.ContainerService/managedClusters"
    roles = {each.name for each in found.of("RoleAssignment")}
    assert roles == {"shop-join-nodes", "shop-join-pods", "shop-join-api-server"}
    assert roles <= found.one("ManagedCluster").depends_on


@pytest.mark.long
def test_the_way_out_is_tied_to_a_new_subnet() -> None:
    found = declared(cluster(egress=RouteTableEgress("table"))).one("Subnet")
    assert found.inputs["routeTable"] == {"id": "table"}


@pytest.mark.long
def test_an_existing_network_gets_roles_and_nothing_else() -> None:
    found = declared(cluster(network=existing(), resource_group="group"))
    assert not found.of("Subnet")
    assert not found.of("ResourceGroup")
    assert found.one("RoleAssignment").inputs["scope"] == NODES
    assert found.one("ManagedCluster").inputs["resourceGroupName"] == "group"


@pytest.mark.long
def test_a_zone_of_ones_own_needs_roles_on_the_zone_and_the_whole_network() -> None:
    private = PrivateApiServer(ZONE, fqdn_subdomain="shop")
    found = declared(cluster(network=existing(), access=Access(api_server=private)))
    scopes = {each.name: each.inputs["scope"] for each in found.of("RoleAssignment")}
    assert scopes == {"shop-join-network": NETWORK.removesuffix("/subnets"), "shop-zone": ZONE}


@pytest.mark.long
def test_identities_of_ones_own_are_used_and_given_their_roles() -> None:
    identities = Identities(
        cluster=ExistingIdentity("identity", "principal"),
        kubelet=ExistingIdentity(KUBELET, "nodes"),
        registries=(REGISTRY,),
    )
    found = declared(cluster(identities=identities))
    assert not found.of("UserAssignedIdentity")
    inputs = found.one("ManagedCluster").inputs
    assert inputs["identity"]["userAssignedIdentities"] == ["identity"]
    assert inputs["identityProfile"] == {"kubeletidentity": {"resourceId": KUBELET}}
    operator = found.one("RoleAssignment", "shop-kubelet")
    assert operator.inputs["scope"] == KUBELET
    assert operator.inputs["principalId"] == "principal"
    assert "shop-kubelet" in found.one("ManagedCluster").depends_on
    pull = found.one("RoleAssignment", "shop-pull-1").inputs
    assert (pull["scope"], pull["principalId"]) == (REGISTRY, "object-of-kubelet")


def test_administrators_get_their_roles_before_anything_is_put_into_the_cluster() -> None:
    entra = Entra(
        admins=(Principal("pipeline", PrincipalType.SERVICE_PRINCIPAL),), users=(Principal("all"),)
    )
    found = declared(cluster(access=Access(sign_in=entra)))
    admin = found.one("RoleAssignment", "shop-admin-1")
    assert admin.inputs["scope"] == found.one("ManagedCluster").id
    assert admin.inputs["principalType"] == "ServicePrincipal"
    assert {"shop-admin-1", "shop-user-1"} <= found.one("kubernetes").depends_on
    assert "azurecli" in found.values["kubeconfig"]
    assert "devicecode" not in found.values["kubeconfig"]


def test_maintenance_can_be_left_to_azure() -> None:
    assert not declared(cluster(lifecycle=Lifecycle(maintenance=None))).of(
        "MaintenanceConfiguration"
    )


@pytest.mark.long
def test_what_is_worth_knowing_is_logged() -> None:
    found = declared(cluster())
    assert [text for text in found.warnings if "30 September 2028" in text]
    assert [text for text in found.warnings if "NetworkEngine.CILIUM" in text]
    assert any("administrator" in record.getMessage() for record in found.logged)


@pytest.mark.long
def test_credentials_are_asked_for_once_and_by_name() -> None:
    found = declared(cluster(cluster_name="shop-prod", addons=AddOns(), pod_network=Overlay()))
    assert found.calls == ["azure-native:containerservice:listManagedClusterUserCredentials"]
    assert found.values["name"] == "shop-prod"


@pytest.mark.long
def test_a_network_names_what_it_must_not_meet() -> None:
    network = NewNetwork(also_in_use=("10.50.0.0/16",))
    found = declared(cluster(network=network)).one("VirtualNetwork")
    assert found.inputs["addressSpace"] == {"addressPrefixes": ["10.224.0.0/16"]}


@pytest.mark.long
def test_a_plugin_that_echoes_the_list_of_identities_in_a_preview_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "_state", lambda made: {"name": made.name, **made.inputs})
    deployment = declared(cluster())
    assert deployment.one("ManagedCluster").inputs["identity"]["userAssignedIdentities"]
