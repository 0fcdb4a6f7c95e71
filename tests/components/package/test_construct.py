from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pulumi import InputPropertyError
from pulumi.provider.server import ComponentInitError

from components.package import provider
from podwall.components import manifests
from podwall.policies import NetworkPolicy, allow_from, allow_to, ip_block, pods, sctp, tcp
from tests.components.harness import Deployment, deploy

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


def construct(component: str, name: str, inputs: Mapping[str, Any]) -> Deployment:
    """Call the provider as the engine does, with inputs as they come over the wire."""

    def program() -> Mapping[str, Any]:
        made = provider().construct(name, f"podwall:index:{component}", dict(inputs))
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
