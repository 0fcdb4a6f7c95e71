from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pulumi import Alias, ResourceOptions
from pulumi_kubernetes import Provider
from pulumi_kubernetes.core.v1 import ConfigMap

from podwall.components.kubernetes import (
    CiliumNetworkPolicies,
    ClusterNetworkPolicies,
    Namespace,
    NetworkPolicies,
    Workload,
)
from podwall.components.namespace_args import NamespaceArgs, Quota
from podwall.components.workload_args import ContainerPort, Resources, WorkloadArgs, WorkloadKind
from podwall.policies import (
    ALL_PORTS,
    CiliumNetworkPolicy,
    ClusterNetworkPolicy,
    InvalidValue,
    NetworkPolicy,
    PolicyTier,
    allow_from,
    ask_names,
    default_deny,
    deny_from,
    names_to,
    namespace,
    pods,
    tcp,
)
from tests.components.harness import Deployment, Registered, deploy

API = WorkloadArgs(
    name="api",
    namespace="shop",
    labels={"app": "api"},
    image="docker.io/library/api:1.0",
    ports=(ContainerPort(name="http", number=8080),),
)
POLICY = NetworkPolicy(
    name="api",
    namespace="shop",
    pod_selector=pods(app="api"),
    ingress=[allow_from(pods(app="web"), ports=tcp(8080))],
)


def recorded(make: Callable[[], object]) -> Deployment:
    def program() -> None:
        make()

    return deploy(program)


def contents(made: Deployment) -> set[str]:
    return {_titled(each) for each in made.resources if each.type != "pulumi:pulumi:Stack"}


def awaited_by(made: Deployment, resource: Registered) -> set[str]:
    named = {each.urn: _titled(each) for each in made.resources}
    return {named[urn] for urn in resource.request.dependencies}


def test_a_namespace_is_closed_by_its_own_children() -> None:
    made = recorded(lambda: Namespace("shop", NamespaceArgs(name="shop")))
    assert contents(made) == {
        "Namespace shop",
        "NetworkPolicies shop/closed",
        "NetworkPolicy shop/default-deny",
        "NetworkPolicy shop/allow-dns",
    }
    assert made.one("NetworkPolicy", "shop/default-deny").inputs["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_an_open_namespace_is_a_namespace_alone() -> None:
    args = NamespaceArgs(name="shop", deny_ingress=False, deny_egress=False)
    assert contents(recorded(lambda: Namespace("shop", args))) == {"Namespace shop"}


def test_quota_and_defaults_come_with_the_namespace() -> None:
    args = NamespaceArgs(name="shop", quota=Quota(pods=9), default_resources=Resources())
    made = recorded(lambda: Namespace("shop", args))
    assert made.one("ResourceQuota", "shop/quota").inputs["spec"] == {"hard": {"pods": "9"}}
    assert made.one("LimitRange", "shop/defaults").inputs["spec"]["limits"] == [
        {
            "type": "Container",
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
            "default": {"cpu": "500m", "memory": "256Mi"},
        }
    ]


def test_what_closes_a_namespace_waits_for_it() -> None:
    made = recorded(lambda: Namespace("shop", NamespaceArgs(name="shop")))
    for policy in made.of("NetworkPolicy"):
        assert "Namespace shop" in awaited_by(made, policy)


def test_policies_are_resources_with_explicit_and_stable_names() -> None:
    made = recorded(lambda: NetworkPolicies("shop", [POLICY, default_deny("shop")]))
    assert {each.name for each in made.of("NetworkPolicy")} == {"shop/api", "shop/default-deny"}
    assert made.one("NetworkPolicy", "shop/api").inputs["metadata"] == {
        "name": "api",
        "namespace": "shop",
    }


def test_policies_are_sent_exactly_as_they_are_written() -> None:
    made = recorded(lambda: NetworkPolicies("shop", [POLICY]))
    sent = dict(made.one("NetworkPolicy", "shop/api").inputs)
    assert NetworkPolicy.from_manifest(sent) == POLICY


def test_a_renamed_component_keeps_its_policies_by_aliases() -> None:
    opts = ResourceOptions(aliases=[Alias(name="old")])
    made = recorded(lambda: NetworkPolicies("shop", [POLICY], opts=opts))
    (alias,) = made.one("NetworkPolicies", "shop").request.aliases
    assert alias.spec.name == "old"


REFUSED: list[Any] = [
    pytest.param([], "shop", "no policy is given", id="none"),
    pytest.param([POLICY, POLICY], "shop", "`api` is given twice", id="the same twice"),
    pytest.param([POLICY], "other", "`api` is a policy of `shop`", id="of another namespace"),
    pytest.param([POLICY], "kube-system", "namespace of the system", id="of the system"),
]


@pytest.mark.parametrize(("policies", "namespace", "message"), REFUSED)
def test_policies_that_do_not_belong_together_are_refused(
    policies: list[NetworkPolicy], namespace: str, message: str
) -> None:
    # Nothing is registered before everything is checked, so this needs no engine.
    with pytest.raises(InvalidValue, match=message):
        NetworkPolicies("shop", policies, namespace=namespace)


def test_a_deployment_comes_with_account_service_and_budget() -> None:
    made = recorded(lambda: Workload(API.id, API))
    assert contents(made) == {
        "Workload shop/api",
        "ServiceAccount shop/api",
        "Deployment shop/api",
        "Service shop/api",
        "PodDisruptionBudget shop/api",
    }
    assert made.one("ServiceAccount", "shop/api").inputs["automountServiceAccountToken"] is False


def test_a_bare_pod_comes_with_account_and_service() -> None:
    pod = WorkloadArgs(
        name="backend",
        namespace="starwind",
        labels={"app": "webapp"},
        image="docker.io/library/web:1",
        kind=WorkloadKind.POD,
        ports=(ContainerPort(name="http", number=80),),
    )
    assert contents(recorded(lambda: Workload(pod.id, pod))) == {
        "Workload starwind/backend",
        "ServiceAccount starwind/backend",
        "Pod starwind/backend",
        "Service starwind/backend",
    }


def test_pods_wait_for_their_account_and_for_the_policies_that_protect_them() -> None:
    def make() -> None:
        policies = NetworkPolicies("shop", [POLICY])
        Workload(API.id, API, ResourceOptions(depends_on=[policies]))

    made = recorded(make)
    waits_for = awaited_by(made, made.one("Deployment", "shop/api"))
    assert waits_for >= {"NetworkPolicy shop/api", "ServiceAccount shop/api"}


def test_every_object_goes_with_its_cluster_and_uses_its_provider() -> None:
    def make() -> None:
        provider = Provider("cluster", kubeconfig="{}")
        cluster = ConfigMap("stands-for-the-cluster", opts=ResourceOptions(provider=provider))
        opts = ResourceOptions(provider=provider, deleted_with=cluster)
        Namespace("shop", NamespaceArgs(name="shop", quota=Quota(pods=9)), opts)
        NetworkPolicies("shop", [POLICY], opts=opts)
        Workload(API.id, API, opts)

    made = recorded(make)
    objects = [each for each in made.resources if _is_object(each)]
    cluster = made.one("ConfigMap")
    assert len(objects) == 9
    assert {each.request.deletedWith for each in objects} == {cluster.urn}
    assert all("pulumi:providers:kubernetes::cluster" in each.request.provider for each in objects)


def _is_object(resource: Registered) -> bool:
    return resource.type.startswith("kubernetes:") and not resource.type.endswith(":ConfigMap")


def _titled(resource: Registered) -> str:
    return f"{resource.type.rpartition(':')[2]} {resource.name}"


GUARD = ClusterNetworkPolicy(
    name="guard",
    tier=PolicyTier.ADMIN,
    priority=5,
    subject=namespace("shop"),
    ingress=[deny_from(namespace("bank"), ports=ALL_PORTS)],
)


def test_policies_of_the_cluster_are_resources_called_as_in_kubernetes() -> None:
    made = recorded(lambda: ClusterNetworkPolicies("cluster", [GUARD], engine="spec"))
    assert contents(made) == {"ClusterNetworkPolicies cluster", "ClusterNetworkPolicy guard"}
    found = made.one("ClusterNetworkPolicy", "guard")
    assert found.type == "kubernetes:policy.networking.k8s.io/v1alpha2:ClusterNetworkPolicy"
    assert found.inputs["spec"] == GUARD.to_manifest()["spec"]


@pytest.mark.parametrize(
    ("engine", "version", "words"),
    [
        ("azure", "1.34", "does not enforce"),
        ("calico", "1.36", "does not enforce"),
        ("cilium", "1.36", "does not enforce"),
        ("none", None, "does not enforce"),
        ("cilium", "1.37", "is not known to enforce"),
        ("calico", None, "is not known to enforce"),
    ],
)
def test_an_engine_that_leaves_a_guard_idle_is_refused(
    engine: str, version: str | None, words: str
) -> None:
    def make() -> object:
        return ClusterNetworkPolicies("cluster", [GUARD], engine=engine, kubernetes_version=version)

    with pytest.raises(InvalidValue, match=words):
        recorded(make)


@pytest.mark.parametrize(
    ("given", "words"),
    [([], "no policy is given"), ([GUARD, replace(GUARD, name="other")], "has priority 5")],
    ids=["none", "one priority"],
)
def test_policies_of_the_cluster_are_compared_before_any_is_made(
    given: list[ClusterNetworkPolicy], words: str
) -> None:
    with pytest.raises(InvalidValue, match=words):
        recorded(lambda: ClusterNetworkPolicies("cluster", given, engine="spec"))


NAMES = CiliumNetworkPolicy(
    name="names",
    namespace="shop",
    pod_selector=pods(app="api"),
    egress=[names_to("api.example.org", ports=tcp(443)), ask_names()],
)


def test_policies_of_cilium_are_made_where_it_enforces_them() -> None:
    made = recorded(lambda: CiliumNetworkPolicies("names", [NAMES], engine="cilium"))
    found = made.one("CiliumNetworkPolicy", "shop/names")
    assert found.type == "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
    assert found.inputs["spec"] == NAMES.to_manifest()["spec"]


@pytest.mark.parametrize("engine", ["azure", "calico", "none", "spec"])
def test_an_engine_that_leaves_them_idle_is_refused(engine: str) -> None:
    with pytest.raises(InvalidValue, match="enforce CiliumNetworkPolicy"):
        recorded(lambda: CiliumNetworkPolicies("names", [NAMES], engine=engine))


def test_two_policies_of_cilium_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidValue, match="is given twice"):
        recorded(lambda: CiliumNetworkPolicies("names", [NAMES, NAMES], engine="cilium"))
