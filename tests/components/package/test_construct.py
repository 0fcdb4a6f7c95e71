from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from pulumi import InputPropertyError, Output
from pulumi.provider.server import ComponentInitError
from pulumi_kubernetes.provider import Provider

from components.package import provider
from podwall.components import manifests
from podwall.policies import NetworkPolicy, allow_from, allow_to, ip_block, pods, sctp, tcp
from tests.components.harness import SUBSCRIPTION, Deployment, deploy

POLICY: dict[str, Any] = {"name": "api", "podSelector": {}, "policyTypes": ["Ingress"]}
WORKLOAD: dict[str, Any] = {
    "namespace": "shop",
    "labels": {"app": "api"},
    "image": "docker.io/library/api:1.0",
    "ports": [{"name": "http", "number": 8080.0, "protocol": "TCP"}],
    "replicas": 3.0,
    "kind": "Deployment",
    "resources": {"cpuRequest": "200m"},
    "probe": {"port": "http", "path": "/healthz"},
}


# An engine asks one provider for everything, too: it reads the annotations once.
package = cache(provider)


def construct(component: str, name: str, inputs: Mapping[str, Any]) -> Deployment:
    """Call the provider as the engine does, with inputs as they come over the wire."""

    def program() -> Mapping[str, Any]:
        made = package().construct(name, f"podwall:index:{component}", dict(inputs))
        return dict(made.state)

    return deploy(program)


@pytest.mark.long
def test_a_workload_is_made_from_inputs_of_any_language() -> None:
    made = construct("Workload", "api", WORKLOAD)
    spec = made.one("Deployment").inputs["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 3
    assert container["resources"]["requests"]["cpu"] == "200m"
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert made.values == {"workloadId": "shop/api"}


def test_a_namespace_has_the_resources_name_unless_said_otherwise() -> None:
    made = construct("Namespace", "shop", {"podSecurity": "baseline", "quota": {"pods": 5.0}})
    labels = made.one("core/v1:Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert made.one("ResourceQuota").inputs["spec"] == {"hard": {"pods": "5"}}
    assert made.values == {"namespaceName": "shop"}


def test_policies_come_in_kubernetes_own_shape() -> None:
    inputs = {
        "namespace": "shop",
        "policies": [
            {
                "name": "api",
                "podSelector": {"matchLabels": {"app": "api", "snake_case": "kept"}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {
                        "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
                        "ports": [{"protocol": "TCP", "port": 80.0, "endPort": 90.0}],
                    },
                ],
                "egress": [
                    {
                        "to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.7/32"]}}],
                        "ports": [{"protocol": "SCTP", "portName": "signal"}],
                    }
                ],
            }
        ],
    }
    made = construct("NetworkPolicies", "rules", inputs)
    expected = NetworkPolicy(
        name="api",
        namespace="shop",
        pod_selector=pods({"app": "api", "snake_case": "kept"}),
        ingress=[allow_from(pods(app="web"), ports=tcp(80, end_port=90))],
        egress=[allow_to(ip_block("192.0.2.0/24", except_=["192.0.2.7/32"]), ports=sctp("signal"))],
    )
    assert NetworkPolicy.from_manifest(made.one("NetworkPolicy").inputs) == expected
    assert made.values == {"names": ["api"]}


@pytest.mark.long
def test_what_is_legal_but_surprising_becomes_a_warning() -> None:
    policy = {**POLICY, "ingress": [{"from": [{"ipBlock": {"cidr": "192.0.2.5/24"}}]}]}
    made = construct("NetworkPolicies", "shop", {"policies": [policy]})
    assert any("192.0.2.5/24" in warning for warning in made.warnings)


@pytest.mark.long
def test_a_cluster_is_made_from_flat_inputs_and_its_kubeconfig_is_secret() -> None:
    inputs = {
        "engine": "cilium",
        "kubernetesVersion": "1.36",
        "userPools": [{"name": "apps", "minNodes": 1.0, "maxNodes": 3.0}],
        "private": True,
        "entra": {"adminGroups": ["group"], "login": "spn"},
    }
    made = construct("AksCluster", "shop", inputs)
    cluster = made.one("ManagedCluster").inputs
    assert cluster["networkProfile"]["networkPolicy"] == "cilium"
    assert cluster["disableLocalAccounts"] is True
    assert made.one("AgentPool").inputs["maxCount"] == 3
    assert "kubeconfig" in made.secrets


SUBNET = f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets"

# Every argument of Python's `AksClusterArgs` that is not left to its default, and where it arrives.
ARGUMENTS: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"dnsPrefix": "shop"}, "ManagedCluster", "dnsPrefix", "shop"),
    ({"name": "aks-shop"}, "ManagedCluster", "resourceName", "aks-shop"),
    ({"runCommand": True}, "ManagedCluster", "apiServerAccessProfile.disableRunCommand", False),
    (
        {"services": {"cidr": "172.20.0.0/16"}},
        "ManagedCluster",
        "networkProfile.dnsServiceIP",
        "172.20.0.10",
    ),
    (
        {"engine": "cilium", "ipv6": {}},
        "ManagedCluster",
        "networkProfile.ipFamilies",
        ["IPv4", "IPv6"],
    ),
    (
        {"egress": {"publicIps": 3.0}},
        "ManagedCluster",
        "networkProfile.loadBalancerProfile.managedOutboundIPs.count",
        3,
    ),
    (
        {"egress": {"type": "none", "bootstrapRegistryId": "r"}},
        "ManagedCluster",
        "bootstrapProfile.containerRegistryId",
        "r",
    ),
    (
        {"egress": {"type": "userAssignedNATGateway", "natGatewayId": "n"}},
        "Subnet",
        "natGateway.id",
        "n",
    ),
    (
        {"egress": {"type": "userDefinedRouting", "routeTableId": "t"}},
        "Subnet",
        "routeTable.id",
        "t",
    ),
    ({"systemPool": {"name": "first"}}, "ManagedCluster", "agentPoolProfiles.0.name", "first"),
    (
        {"systemPool": {"nodes": 4.0}},
        "ManagedCluster",
        "agentPoolProfiles.0.enableAutoScaling",
        False,
    ),
    (
        {"systemPool": {"osDisk": {"kind": "Managed", "sizeGb": 64.0}}},
        "ManagedCluster",
        "agentPoolProfiles.0.osDiskType",
        "Managed",
    ),
    (
        {"systemPool": {"maxSurge": "50%"}},
        "ManagedCluster",
        "agentPoolProfiles.0.upgradeSettings.maxSurge",
        "50%",
    ),
    (
        {"systemPool": {"encryptionAtHost": True}},
        "ManagedCluster",
        "agentPoolProfiles.0.enableEncryptionAtHost",
        True,
    ),
    (
        {"systemPool": {"labels": {"tier": "own"}}},
        "ManagedCluster",
        "agentPoolProfiles.0.nodeLabels.tier",
        "own",
    ),
    (
        {"userPools": [{"name": "batch", "priority": "Spot"}]},
        "AgentPool",
        "scaleSetPriority",
        "Spot",
    ),
    (
        {"nodeProvisioning": "Auto", "systemPool": {"nodes": 3.0}},
        "ManagedCluster",
        "nodeProvisioningProfile.mode",
        "Auto",
    ),
    (
        {"podNetworking": "pod-subnet", "podAllocation": "StaticBlock"},
        "ManagedCluster",
        "agentPoolProfiles.0.podIPAllocationMode",
        "StaticBlock",
    ),
    ({"azurePolicy": False}, "ManagedCluster", "addonProfiles.azurepolicy.enabled", False),
    (
        {"imageCleanerHours": 48.0},
        "ManagedCluster",
        "securityProfile.imageCleaner.intervalHours",
        48,
    ),
    ({"imageCleanerHours": 0.0}, "ManagedCluster", "securityProfile.imageCleaner.enabled", False),
    (
        {"engine": "cilium", "advancedNetworking": {"policies": "FQDN"}},
        "ManagedCluster",
        "networkProfile.advancedNetworking.security.advancedNetworkPolicies",
        "FQDN",
    ),
    (
        {"private": True, "publicFqdn": True},
        "ManagedCluster",
        "apiServerAccessProfile.enablePrivateClusterPublicFQDN",
        True,
    ),
    (
        {"private": True, "privateDnsZone": "z", "fqdnSubdomain": "shop"},
        "ManagedCluster",
        "apiServerAccessProfile.privateDNSZone",
        "z",
    ),
    (
        {"entra": {"admins": [{"objectId": "o", "type": "User"}]}},
        "RoleAssignment",
        "principalType",
        "User",
    ),
    (
        {"entra": {"adminGroups": ["g"], "azureRbac": False}},
        "ManagedCluster",
        "aadProfile.enableAzureRBAC",
        False,
    ),
    (
        {"entra": {"adminGroups": ["g"], "users": [{"objectId": "u"}]}},
        "RoleAssignment",
        "principalId",
        "u",
    ),
    (
        {"identities": {"cluster": {"resourceId": "i", "principalId": "p"}}},
        "ManagedCluster",
        "identity.userAssignedIdentities.0",
        "i",
    ),
    (
        {"identities": {"kubelet": {"resourceId": "k", "principalId": "p"}}},
        "ManagedCluster",
        "identityProfile.kubeletidentity.resourceId",
        "k",
    ),
    (
        {"identities": {"registries": [f"{SUBSCRIPTION}/r"]}},
        "RoleAssignment",
        "scope",
        f"{SUBSCRIPTION}/r",
    ),
    (
        {"network": {"nodeSubnetId": f"{SUBNET}/nodes"}},
        "ManagedCluster",
        "agentPoolProfiles.0.vnetSubnetID",
        f"{SUBNET}/nodes",
    ),
]


@pytest.mark.parametrize(("inputs", "kind", "leaf", "value"), ARGUMENTS)
@pytest.mark.long(keep=1)
def test_every_argument_of_python_arrives(
    inputs: dict[str, Any], kind: str, leaf: str, value: Any
) -> None:
    made = construct("AksCluster", "shop", inputs)
    assert value in [_leaf(each.inputs, leaf) for each in made.of(kind)]


def _leaf(inputs: Any, path: str) -> Any:
    for key in path.split("."):
        inputs = inputs[int(key)] if isinstance(inputs, list) else (inputs or {}).get(key)
    return inputs


def test_upgrades_at_any_time_have_no_window() -> None:
    assert construct("AksCluster", "shop", {"anyTime": True}).of("MaintenanceConfiguration") == []


def _later(text: str) -> Output[str]:
    """Return an output that is known once the program runs."""
    return Output.from_input(text)


def test_ids_may_be_outputs_of_other_resources() -> None:
    def program() -> Mapping[str, Any]:
        inputs = {
            "resourceGroup": _later("rg"),
            "network": {"nodeSubnetId": _later(f"{SUBNET}/nodes")},
            "monitoringWorkspaceId": _later("workspace"),
            "identities": {
                "cluster": {"resourceId": _later("identity"), "principalId": _later("principal")},
                "registries": [_later(f"{SUBSCRIPTION}/registry")],
            },
            "entra": {"adminGroups": [_later("group")]},
        }
        made = package().construct("shop", "podwall:index:AksCluster", inputs)
        return dict(made.state)

    made = deploy(program)
    cluster = made.one("ManagedCluster").inputs
    assert cluster["resourceGroupName"] == "rg"
    assert cluster["agentPoolProfiles"][0]["vnetSubnetID"] == f"{SUBNET}/nodes"
    assert cluster["aadProfile"]["adminGroupObjectIDs"] == ["group"]
    assert cluster["addonProfiles"]["omsagent"]["config"] == {
        "logAnalyticsWorkspaceResourceID": "workspace",
        "useAADAuth": "true",
    }
    assert made.values["identityId"] == "identity"
    assert made.values["identityPrincipalId"] == "principal"
    assert made.of("ResourceGroup") == made.of("VirtualNetwork") == []


def test_what_the_next_resource_needs_is_given_back() -> None:
    made = construct("AksCluster", "shop", {})
    assert made.values["identityPrincipalId"] == "principal-of-shop"
    assert made.values["kubeletIdentityObjectId"] == "object-of-kubelet"
    assert made.values["nodeResourceGroup"] == "MC_shop"
    assert made.values["oidcIssuerUrl"] == "https://oidc.example.test/"
    assert made.values["clusterId"] == made.one("ManagedCluster").id
    assert made.secrets == {"kubeconfig"}


def test_the_cluster_gives_back_its_provider() -> None:
    def program() -> Mapping[str, Any]:
        state = provider().construct("shop", "podwall:index:AksCluster", {}).state
        own = state["kubernetesProvider"]
        assert isinstance(own, Provider)
        return {"urn": own.urn}

    urn = deploy(program).values["urn"]
    assert urn.endswith("podwall:index:AksCluster$pulumi:providers:kubernetes::shop")


def test_an_image_may_name_a_registry_that_is_made() -> None:
    def program() -> Mapping[str, Any]:
        image = _later("shop.azurecr.io").apply(lambda server: f"{server}/api:1.0")
        inputs = {**WORKLOAD, "image": image}
        return dict(provider().construct("api", "podwall:index:Workload", inputs).state)

    spec = deploy(program).one("Deployment").inputs["spec"]
    assert spec["template"]["spec"]["containers"][0]["image"] == "shop.azurecr.io/api:1.0"


WRONG = [
    pytest.param(
        "Workload", {**WORKLOAD, "image": "api"}, "image", "`api` has neither", id="an image"
    ),
    pytest.param(
        "Workload",
        {**WORKLOAD, "resources": {"cpuRequest": "1m"}},
        "resources.requests.cpu",
        "`1m` is less than `100m`",
        id="a quantity inside",
    ),
    pytest.param(
        "Namespace", {"name": "kube-system"}, "metadata.name", "of the system", id="a system name"
    ),
    pytest.param("NetworkPolicies", {"policies": []}, "policies", "no policy", id="no policy"),
    pytest.param(
        "NetworkPolicies",
        {"policies": [{**POLICY, "ingress": [{"ports": [{"port": 80.0, "portName": "http"}]}]}]},
        "policies[0].ingress[0].ports[0].portName",
        "a port has a number or a name",
        id="a port twice",
    ),
    pytest.param(
        "NetworkPolicies",
        {"policies": [{**POLICY, "policyTypes": ["Sideways"]}]},
        "policies[0].spec.policyTypes[0]",
        "`Sideways` is not a policy type",
        id="what the API server refuses",
    ),
    pytest.param(
        "AksCluster", {"podCidr": "8.8.0.0/16"}, "podCidr", "not a private range", id="a range"
    ),
    pytest.param(
        "AksCluster",
        {"egress": {"natGatewayId": "n"}},
        "egress.natGatewayId",
        "the way out `loadBalancer` has none",
        id="another way out",
    ),
    pytest.param(
        "AksCluster",
        {"egress": {"type": "none"}},
        "egress.bootstrapRegistryId",
        "none is given",
        id="no way out and no registry",
    ),
    pytest.param(
        "AksCluster",
        {"network": {"podSubnetId": f"{SUBNET}/pods"}},
        "network.podSubnetId",
        "needs `nodeSubnetId`",
        id="half of an existing network",
    ),
    pytest.param(
        "AksCluster",
        {"network": {"nodeSubnetId": f"{SUBNET}/nodes", "addressSpace": "10.0.0.0/8"}},
        "network.addressSpace",
        "range of a new network",
        id="both networks",
    ),
    pytest.param(
        "AksCluster",
        {"systemPool": {"nodes": 3.0, "minNodes": 2.0}},
        "systemPool.nodes",
        "has no bounds",
        id="a fixed number with bounds",
    ),
    pytest.param(
        "AksCluster",
        {"fqdnSubdomain": "shop"},
        "fqdnSubdomain",
        "private API server",
        id="a private name of a public server",
    ),
    pytest.param(
        "AksCluster",
        {"anyTime": True, "maintenance": {}},
        "anyTime",
        "a window and any time",
        id="a window and none",
    ),
    pytest.param(
        "AksCluster",
        {"podAllocation": "StaticBlock"},
        "podAllocation",
        "`overlay` has no pod subnet",
        id="an allocation without a pod subnet",
    ),
    pytest.param("AksCluster", {"entra": {}}, "entra.adminGroups", "nobody", id="no administrator"),
    pytest.param(
        "AksCluster", {"resourceGroup": 3.0}, "resourceGroup", "must be text", id="no text"
    ),
    pytest.param(
        "AksCluster",
        {"podCidr": Output.from_input("10.244.0.0/16")},
        "podCidr",
        "has to be known before the deployment",
        id="an output where a preview needs the value",
    ),
    pytest.param(
        "AksCluster",
        {"systemPool": {"vmSize": Output.from_input("Standard_D4ds_v5")}},
        "systemPool.vmSize",
        "has to be known before the deployment",
        id="an output inside",
    ),
    pytest.param(
        "Workload",
        {**WORKLOAD, "labels": {"app": Output.from_input("api")}},
        "labels[app]",
        "has to be known before the deployment",
        id="a label that a preview needs",
    ),
]


@pytest.mark.parametrize(("component", "inputs", "path", "reason"), WRONG)
@pytest.mark.long(keep=2)
def test_wrong_inputs_are_refused_by_their_property(
    component: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    with pytest.raises(InputPropertyError) as refusal:
        provider().construct("shop", f"podwall:index:{component}", inputs)
    assert refusal.value.property_path == path
    assert reason in refusal.value.reason


def test_what_is_no_refusal_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "namespace", lambda _args: 1 / 0)
    with pytest.raises(ComponentInitError, match="division by zero"):
        construct("Namespace", "shop", {})
