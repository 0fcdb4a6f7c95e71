"""A stack with two clusters: each is judged by itself, and no policy protects the other's pods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from tests.guardrails.packs import State, Told, judged, kubernetes, resource
from tests.lint.cases import DENY, SHOP, pod

AZURE_CNI: Final = {"networkPlugin": "azure", "networkPluginMode": "overlay"}
CILIUM: Final = {**AZURE_CNI, "networkDataplane": "cilium", "networkPolicy": "cilium"}
TYPES: Final = (
    "azure-native:containerservice:ManagedCluster",
    "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
)
CLASSIC: Final = "azure:containerservice/kubernetesCluster:KubernetesCluster"


def cluster(name: str, profile: Mapping[str, Any], type_: str = TYPES[0]) -> State:
    return resource(type_, name, {"networkProfile": dict(profile)}, protect=True)


def provider(cluster_state: State) -> State:
    """Return a provider whose kubeconfig is that of a cluster, which is not made yet."""
    name = f"{cluster_state['urn'].rpartition('::')[2]}-k8s"
    urns = [cluster_state["urn"]]
    return resource(
        "pulumi:providers:kubernetes",
        name,
        {"kubeconfig": LATER},
        dependencies=urns,
        propertyDependencies={"kubeconfig": urns},
    )


def speaking_to(server: str) -> State:
    """Return a provider with a kubeconfig that names a server."""
    clusters = [{"name": "it", "cluster": {"server": server}}]
    contexts = [{"name": "it", "context": {"cluster": "it", "user": "me"}}]
    kubeconfig = {"clusters": clusters, "contexts": contexts, "current-context": "it"}
    name = server.partition("//")[2].partition(".")[0]
    return resource("pulumi:providers:kubernetes", name, {"kubeconfig": json.dumps(kubeconfig)})


def inside(provider_state: State, *texts: str) -> list[State]:
    """Return objects of a provider, called after it in the program."""
    where = provider_state["urn"].rpartition("::")[2]
    states = [kubernetes(text, provider=f"{provider_state['urn']}::id") for text in texts]
    return [{**each, "urn": f"{each['urn']}-{where}"} for each in states]


def refused(found: list[Told], rule: str) -> set[str]:
    return {each.name for each in found if each.policy == rule}


@pytest.mark.parametrize("type_", TYPES)
def test_a_default_deny_of_one_cluster_denies_nothing_in_the_other(type_: str) -> None:
    east, west = cluster("east", CILIUM, type_), cluster("west", CILIUM, type_)
    first, second = provider(east), provider(west)
    states = [
        *(east, west, first, second),
        *inside(first, SHOP, DENY, pod("web")),
        *inside(second, SHOP, pod("web")),
    ]
    found = judged(states)
    assert refused(found, "namespace-without-default-deny") == {"shop-west-k8s"}
    assert refused(found, "workload-open") == {"web-west-k8s"}
    assert refused(found, "workload-before-policies") == {"web-east-k8s"}


def test_the_same_where_both_are_told_by_their_kubeconfigs() -> None:
    first, second = speaking_to("https://east.example"), speaking_to("https://west.example")
    states = [first, second, *inside(first, SHOP, pod("web")), *inside(second, SHOP, DENY)]
    found = judged(states)
    assert refused(found, "namespace-without-default-deny") == {"shop-east"}
    assert refused(found, "workload-open") == {"web-east"}


def test_two_providers_of_one_server_are_one_cluster() -> None:
    first, second = speaking_to("https://east.example"), speaking_to("https://east.example")
    second = {**second, "urn": f"{second['urn']}-again"}
    found = judged([first, second, *inside(first, SHOP, pod("web")), *inside(second, DENY)])
    assert refused(found, "workload-open") == set()


def test_each_cluster_has_its_own_engine() -> None:
    east, west = cluster("east", CILIUM), cluster("west", AZURE_CNI)
    first, second = provider(east), provider(west)
    states = [
        *(east, west, first, second),
        *inside(first, SHOP, DENY, pod("web")),
        *inside(second, SHOP, DENY, pod("web")),
    ]
    found = judged(states)
    assert refused(found, "cluster-without-engine") == {"west"}
    (idle,) = [each.message for each in found if each.policy == "policy-not-enforced"]
    assert "cluster `west` has no network policy engine, so 1 policy is idle" in idle
    assert refused(found, "workload-open") == {"web-west-k8s"}


def test_beside_a_cluster_that_is_not_read_the_other_is_judged_as_ever() -> None:
    east, west = cluster("east", CILIUM), resource(CLASSIC, "west", {}, protect=True)
    first, second = provider(east), provider(west)
    states = [
        *(east, west, first, second),
        *inside(first, SHOP, DENY, pod("web")),
        *inside(second, SHOP, DENY, pod("web")),
    ]
    found = judged(states)
    assert refused(found, "policy-not-enforced") == set()
    said = [each.message for each in found if each.name == "default-deny-west-k8s"]
    assert any("its engine is not known" in each for each in said)
    assert not any("engine is not known" in each.message for each in found if "east" in each.name)


def test_providers_that_nothing_tells_apart_are_undetermined() -> None:
    one, two = (
        resource("pulumi:providers:kubernetes", name, {"kubeconfig": "[secret]"})
        for name in ("one", "two")
    )
    states = [one, two, *inside(one, SHOP, DENY, pod("web")), *inside(two, SHOP, pod("api"))]
    said = [each.message for each in judged(states) if each.policy == "undetermined"]
    assert any(
        "the providers `one` and `two` speak to the same cluster is not known" in each
        for each in said
    )


def test_of_clusters_that_are_certainly_two_nothing_of_that_is_said() -> None:
    first, second = speaking_to("https://east.example"), speaking_to("https://west.example")
    states = [first, second, *inside(first, SHOP, DENY), *inside(second, SHOP, DENY)]
    assert not any("speak to the same cluster" in each.message for each in judged(states))
