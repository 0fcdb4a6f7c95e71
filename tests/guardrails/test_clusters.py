"""The rules about one cluster: what they refuse, what they accept, what they can't tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pulumi_policy import ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyResourceOptions
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from podwall.guardrails.pack import policies, rules
from tests.guardrails.packs import (
    TODAY,
    State,
    cluster,
    judged,
    kubernetes,
    messages,
    resource,
)
from tests.lint.cases import DENY, pod

TYPE = "azure-native:containerservice:ManagedCluster"
OVERLAY = {"networkPlugin": "azure", "networkPluginMode": "overlay", "networkDataplane": "azure"}
CILIUM = {**OVERLAY, "networkDataplane": "cilium", "networkPolicy": "cilium"}
AZURE = {**OVERLAY, "networkPolicy": "azure"}
KUBENET = {"networkPlugin": "kubenet", "networkPolicy": "calico"}
LATER = UNKNOWN_STRING_VALUE


def refusals(
    name: str, inputs: Mapping[str, Any], day: date = TODAY, type_: str = TYPE, **settings: Any
) -> list[str]:
    """Return what one policy of a pack says about a cluster with these inputs, unprotected."""
    (policy,) = [each for each in policies(day) if each.name == name]
    assert isinstance(policy, ResourceValidationPolicy)
    times = PolicyCustomTimeouts(0, 0, 0)
    options = PolicyResourceOptions(
        protect=False,
        ignore_changes=[],
        delete_before_replace=None,
        aliases=[],
        custom_timeouts=times,
        additional_secret_outputs=[],
    )
    urn = f"urn:pulumi:dev::shop::{type_}::aks"
    proxy = unknown_checking_proxy(dict(inputs))
    args = ResourceValidationArgs(type_, proxy, urn, "aks", options, None, settings)
    said: list[str] = []

    def report(message: str, _urn: str | None) -> None:
        said.append(message)

    policy.validate(args, report)
    return said


def network(profile: Mapping[str, Any], **inputs: Any) -> dict[str, Any]:
    return {"networkProfile": profile, **inputs}


@pytest.mark.parametrize(
    ("rule", "inputs", "said"),
    [
        pytest.param(
            "cluster-without-engine",
            network(OVERLAY),
            "networkProfile.networkPolicy: cluster `aks` has no network policy engine",
            id="an engine that is left out is none",
        ),
        pytest.param(
            "cluster-without-engine",
            network({**OVERLAY, "networkPolicy": "none"}),
            "networkProfile.networkPolicy: cluster `aks` has no network policy engine",
            id="none is no engine",
        ),
        pytest.param(
            "cluster-without-engine",
            network({**OVERLAY, "networkPolicy": "weave"}),
            "networkProfile.networkPolicy: cluster `aks` has `weave`",
            id="an engine that AKS does not know enforces nothing",
        ),
        pytest.param(
            "cluster-without-engine",
            {},
            "networkProfile.networkPolicy: cluster `aks` has no network policy engine",
            id="a cluster without a network profile has no engine",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**CILIUM, "networkPolicy": "azure"}),
            "networkProfile.networkDataplane: `networkDataplane: cilium` with",
            id="the Cilium dataplane needs the engine",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**OVERLAY, "networkPolicy": "cilium"}),
            "networkProfile.networkDataplane: `networkDataplane: azure` with",
            id="the engine Cilium needs the dataplane",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**KUBENET, "networkPluginMode": "overlay"}),
            "networkProfile.networkPluginMode: `networkPluginMode: overlay` with",
            id="the overlay is for Azure CNI",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**KUBENET, "networkPolicy": "azure"}),
            "networkProfile.networkPolicy: `networkPolicy: azure` with `networkPlugin: kubenet`",
            id="the engine azure needs Azure CNI",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({"networkPlugin": "none", "networkPolicy": "calico"}),
            "networkProfile.networkPolicy: `networkPolicy: calico` with `networkPlugin: none`",
            id="who brings a network brings the engine",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**AZURE, "ipFamilies": ["IPv4", "IPv6"]}),
            "networkProfile.networkPolicy: `networkPolicy: azure` with",
            id="the engine azure knows no IPv6",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**OVERLAY, "networkPolicy": "Calico", "ipFamilies": ["ipv4", "ipv6"]}),
            "networkProfile.networkPolicy: `networkPolicy: Calico` with",
            id="Calico neither, in whatever case it is written",
        ),
        pytest.param(
            "cluster-network-misfit",
            network({**AZURE, "advancedNetworking": {"security": {"enabled": True}}}),
            "networkProfile.networkPolicy: `networkPolicy: azure` with `enabled: True`",
            id="advanced policies need Cilium",
        ),
        pytest.param(
            "cluster-on-kubenet",
            network(KUBENET),
            "networkProfile.networkPlugin: cluster `aks` runs on kubenet",
            id="kubenet retires",
        ),
        pytest.param(
            "cluster-api-server-open",
            {},
            "apiServerAccessProfile.authorizedIPRanges: the API server of `aks` answers",
            id="a public API server answers to everyone",
        ),
        pytest.param(
            "cluster-api-server-open",
            {"apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.0/24", "0.0.0.0/0"]}},
            "apiServerAccessProfile.authorizedIPRanges[1]: `0.0.0.0/0` lets too much",
            id="the whole Internet is no range",
        ),
        pytest.param(
            "cluster-unprotected",
            network(CILIUM),
            "nothing keeps a deployment from deleting or replacing cluster `aks`",
            id="a cluster without protect can be deleted",
        ),
        pytest.param(
            "cluster-engine-ends",
            network(AZURE),
            "networkProfile.networkPolicy: support for the engine `azure` ends on 30 September",
            id="the engine azure ends",
        ),
    ],
)
def test_a_cluster_is_refused(rule: str, inputs: Mapping[str, Any], said: str) -> None:
    (message,) = refusals(rule, inputs)
    assert message.startswith(said)
    assert "\nhelp: " in message


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        pytest.param("cluster-without-engine", network(CILIUM), id="an engine enforces"),
        pytest.param(
            "cluster-without-engine", {"sku": {"name": "Automatic"}}, id="Automatic has Cilium"
        ),
        pytest.param(
            "cluster-without-engine",
            network({**CILIUM, "networkPolicy": "Cilium"}),
            id="an engine in another case",
        ),
        pytest.param("cluster-network-misfit", network(CILIUM), id="Cilium in both places"),
        pytest.param(
            "cluster-network-misfit",
            network({**CILIUM, "networkPlugin": "Azure", "networkDataplane": "Cilium"}),
            id="Cilium in whatever case",
        ),
        pytest.param("cluster-network-misfit", network(AZURE), id="azure on Azure CNI"),
        pytest.param("cluster-network-misfit", network(KUBENET), id="Calico runs on kubenet"),
        pytest.param("cluster-on-kubenet", network(CILIUM), id="Azure CNI"),
        pytest.param(
            "cluster-api-server-open",
            {"apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.7"]}},
            id="a single address",
        ),
        pytest.param(
            "cluster-api-server-open", {"publicNetworkAccess": "Disabled"}, id="no public access"
        ),
        pytest.param("cluster-engine-ends", network(CILIUM), id="Cilium has no end"),
    ],
)
def test_a_cluster_is_accepted(rule: str, inputs: Mapping[str, Any]) -> None:
    assert refusals(rule, inputs) == []


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        pytest.param(
            "cluster-without-engine", network({**OVERLAY, "networkPolicy": LATER}), id="engine"
        ),
        pytest.param("cluster-without-engine", {"networkProfile": LATER}, id="whole profile"),
        pytest.param("cluster-without-engine", {"sku": {"name": LATER}}, id="kind of cluster"),
        pytest.param(
            "cluster-without-engine",
            network({"networkPlugin": "none", "networkPolicy": "none"}),
            id="a network of its own",
        ),
        pytest.param(
            "cluster-network-misfit", network({**CILIUM, "networkDataplane": LATER}), id="dataplane"
        ),
        pytest.param("cluster-on-kubenet", network({"networkPlugin": LATER}), id="plugin"),
        pytest.param(
            "cluster-api-server-open",
            {"apiServerAccessProfile": {"authorizedIPRanges": [LATER]}},
            id="one range",
        ),
        pytest.param("cluster-api-server-open", {"apiServerAccessProfile": LATER}, id="access"),
        pytest.param(
            "cluster-engine-ends", network({**OVERLAY, "networkPolicy": LATER}), id="engine's end"
        ),
        pytest.param(
            "cluster-beyond-engine", network(AZURE, agentPoolProfiles=[{"count": LATER}]), id="size"
        ),
        pytest.param("cluster-beyond-engine", network(CILIUM, agentPoolProfiles=LATER), id="pools"),
    ],
)
def test_an_unknown_is_undetermined_and_breaks_nothing(
    rule: str, inputs: Mapping[str, Any]
) -> None:
    found = judged([resource(TYPE, "aks", inputs, protect=True)])
    assert messages(found, rule) == []
    assert any(message.endswith(f"[{rule}]") for message in messages(found, "undetermined"))


@pytest.mark.parametrize(
    ("engine", "pools", "said"),
    [
        pytest.param(AZURE, [{"count": 251}], "251 nodes", id="too many nodes"),
        pytest.param(
            AZURE,
            [{"count": 1, "enableAutoScaling": True, "maxCount": 300}],
            "300 nodes",
            id="a pool that may grow",
        ),
        pytest.param(AZURE, [{"count": 200, "maxPods": 110}], "22000 pods", id="too many pods"),
        pytest.param(AZURE, [{"count": 81}], "20250 pods", id="too many pods by default"),
        pytest.param(
            {"networkPlugin": "azure", "networkPolicy": "azure"},
            [{"count": 182, "podSubnetID": "pods"}],
            "20020 pods",
            id="too many pods by default in a subnet of pods",
        ),
        pytest.param(CILIUM, [{"osType": "Windows"}], "Windows", id="Cilium on Windows"),
    ],
)
def test_pools_stay_within_the_engine(
    engine: Mapping[str, Any], pools: list[dict[str, Any]], said: str
) -> None:
    found = messages(judged([cluster(engine, agentPoolProfiles=pools)]), "cluster-beyond-engine")
    assert said in found[0]


def test_pools_that_are_resources_count_as_well() -> None:
    pool = resource("azure-native:containerservice:AgentPool", "more", {"count": 200})
    within = [cluster(AZURE, agentPoolProfiles=[{"count": 60, "maxPods": 10}])]
    assert messages(judged(within), "cluster-beyond-engine") == []
    assert "260 nodes" in messages(judged([*within, pool]), "cluster-beyond-engine")[0]


def test_the_end_of_an_engine_is_told_as_early_as_configured() -> None:
    assert refusals("cluster-engine-ends", network(AZURE), notice_days=600) == []
    assert refusals("cluster-engine-ends", network(AZURE), notice_days=700) != []


def test_an_engine_that_has_ended_is_told_in_the_past() -> None:
    (said,) = refusals("cluster-engine-ends", network(AZURE), date(2028, 10, 1))
    assert "ended on 30 September 2028" in said


def test_a_cluster_is_exempt_by_name_and_with_a_reason() -> None:
    exempt = [{"cluster": "aks", "reason": "moves in March"}]
    assert refusals("cluster-on-kubenet", network(KUBENET), exempt=exempt) == []
    other = [{"cluster": "other", "reason": "moves in March"}]
    assert len(refusals("cluster-on-kubenet", network(KUBENET), exempt=other)) == 1


def test_what_is_protected_is_accepted() -> None:
    state: State = cluster()
    assert messages(judged([state]), "cluster-unprotected") == []


SPELLINGS = (
    TYPE,
    "azure-native:containerservice/v20240901:ManagedCluster",
    "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
)
UNRECOGNISED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("azure:containerservice/kubernetesCluster:KubernetesCluster", {}),
    ("azurerm:index/kubernetesCluster:KubernetesCluster", {}),
    (
        "azapi:index/resource:Resource",
        {"type": "Microsoft.ContainerService/managedClusters@2025-09-01"},
    ),
)


@pytest.mark.parametrize("type_", SPELLINGS)
def test_every_spelling_of_a_cluster_is_judged(type_: str) -> None:
    for rule, inputs in (
        ("cluster-without-engine", {}),
        ("cluster-network-misfit", network({**CILIUM, "networkPolicy": "azure"})),
        ("cluster-on-kubenet", network(KUBENET)),
        ("cluster-api-server-open", {}),
        ("cluster-unprotected", {}),
        ("cluster-engine-ends", network(AZURE)),
    ):
        assert len(refusals(rule, inputs, type_=type_)) == 1
    pools = [{"count": 251, "maxPods": 10}]
    states = [resource(type_, "aks", network(AZURE, agentPoolProfiles=pools))]
    assert len(messages(judged(states), "cluster-beyond-engine")) == 1


@pytest.mark.parametrize(("type_", "inputs"), UNRECOGNISED)
def test_a_cluster_that_is_not_recognised_passes_no_rule(
    type_: str, inputs: dict[str, Any]
) -> None:
    found = messages(judged([resource(type_, "old", inputs, protect=True)]), "undetermined")
    of_clusters = [each.id for each in rules(TODAY) if each.id.startswith("cluster-")]
    assert len(of_clusters) == 8
    for rule in (*of_clusters, "cluster-not-recognised"):
        (message,) = [each for each in found if each.endswith(f"[{rule}]")]
        assert "the AKS cluster `old`" in message


def test_a_cluster_that_is_not_recognised_is_exempt_by_name_like_any_other() -> None:
    type_, inputs = UNRECOGNISED[0]
    exempt = {"exempt": [{"cluster": "old", "reason": "goes in March"}]}
    of_clusters = [each.id for each in rules(TODAY) if each.id.startswith("cluster-")]
    found = judged([resource(type_, "old", inputs)], dict.fromkeys(of_clusters, exempt))
    (message,) = messages(found, "undetermined")
    assert message.endswith("[cluster-not-recognised]")


def test_what_an_unseen_engine_does_is_not_judged_as_if_there_were_none() -> None:
    own = network({"networkPlugin": "none", "networkPolicy": "none"})
    found = judged([resource(TYPE, "aks", own, protect=True), *map(kubernetes, (DENY, pod("web")))])
    assert messages(found, "policy-not-enforced") == []
    assert any(each.endswith("[engine-not-known]") for each in messages(found, "undetermined"))
