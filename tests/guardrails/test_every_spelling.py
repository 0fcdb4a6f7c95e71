"""Each rule against every spelling of a cluster, in every situation that a pack is asked in.

Of a cluster that is read, what breaks a rule is refused. Of one that is not, or may be made by what
does not show what it makes, the rules about clusters say so, and all others judge as ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from podwall.guardrails.pack import rules
from tests.guardrails.packs import (
    PREFIX,
    TODAY,
    State,
    Told,
    judged,
    kubernetes,
    messages,
    resource,
)
from tests.lint.cases import DENY, SHOP, pod, policy

OVERLAY: Final = {"networkPlugin": "azure", "networkPluginMode": "overlay"}
CILIUM: Final = {**OVERLAY, "networkDataplane": "cilium", "networkPolicy": "cilium"}
AZURE: Final = {**OVERLAY, "networkDataplane": "azure", "networkPolicy": "azure"}
PRIVATE: Final = {"apiServerAccessProfile": {"enablePrivateCluster": True}}
WEB: Final = pod("web")
TYPO: Final = policy("podSelector: {matchLabels: {app: wbe}}, ingress: []", "typo")
TOO_HIGH: Final = policy("podSelector: {}, ingress: [{ports: [{port: 99999}]}]", "port")
NO_NAMES: Final = policy("podSelector: {}, egress: [{ports: [{port: 443}]}]", "out")
FAR: Final = policy(
    "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {env: dev}}}]}]", "far"
)
DENY_INGRESS: Final = policy("podSelector: {}, policyTypes: [Ingress]", "deny")


class Stack(NamedTuple):
    """What is in a stack: the inputs of its cluster and objects; and how a rule is configured."""

    cluster: Mapping[str, Any]
    objects: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None
    protect: bool = True


def network(profile: Mapping[str, Any], **inputs: Any) -> dict[str, Any]:
    return {"networkProfile": dict(profile), **PRIVATE, **inputs}


FINE: Final = network(CILIUM)
BREAKS: Final[Mapping[str, Stack]] = {
    "cluster-without-engine": Stack(network(OVERLAY)),
    "cluster-network-misfit": Stack(network({**CILIUM, "networkPolicy": "azure"})),
    "cluster-on-kubenet": Stack(network({"networkPlugin": "kubenet", "networkPolicy": "calico"})),
    "cluster-api-server-open": Stack({"networkProfile": CILIUM}),
    "cluster-unprotected": Stack(FINE, protect=False),
    "cluster-engine-ends": Stack(network(AZURE)),
    "cluster-beyond-engine": Stack(network(AZURE, agentPoolProfiles=[{"count": 251}])),
    "cluster-replaced": Stack({**FINE, "dnsPrefix": "other"}, settings={"deployed": "STATE"}),
    "expectation-broken": Stack(FINE, (SHOP, WEB), settings={"file": "EXPECTATIONS"}),
    "namespace-without-default-deny": Stack(FINE, (SHOP, WEB)),
    "workload-open": Stack(FINE, (SHOP, WEB)),
    "workload-exposed": Stack(FINE, (SHOP, WEB, DENY, FAR)),
    "object-refused": Stack(FINE, (WEB, TOO_HIGH)),
    "policy-not-enforced": Stack(network(OVERLAY), (SHOP, WEB, DENY)),
    "dns-cut-off": Stack(FINE, (WEB, DENY, NO_NAMES)),
    "selector-without-match": Stack(FINE, (WEB, TYPO)),
    "lint": Stack(FINE, (WEB, policy("podSelector: {}, egress: [{}]", "out"))),
    "workload-before-policies": Stack(FINE, (WEB, DENY_INGRESS)),
}
OF_CLUSTERS: Final = {name for name in BREAKS if name.startswith("cluster-")}

READ: Final = {
    "the default version": "azure-native:containerservice:ManagedCluster",
    "a version": "azure-native:containerservice/v20240901:ManagedCluster",
    "a version of release 2": "azure-native:containerservice/v20230401:ManagedCluster",
    "a preview version": "azure-native:containerservice/v20240902preview:ManagedCluster",
    "a package": "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
    "before azure-native": "azure-nextgen:containerservice/v20210301:ManagedCluster",
}
TYPE: Final = "Microsoft.ContainerService/managedClusters@2025-09-01"
TEMPLATE: Final = {"resources": [{"type": "microsoft.containerservice/managedclusters"}]}
NOT_READ: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "classic": ("azure:containerservice/kubernetesCluster:KubernetesCluster", {}),
    "bridged": ("azurerm:index/kubernetesCluster:KubernetesCluster", {}),
    "bridged, automatic": (
        "azurerm:index/kubernetesAutomaticCluster:KubernetesAutomaticCluster",
        {},
    ),
    "in a module": ("aks:tf:azurerm_kubernetes_cluster", {}),
    "any type": ("azapi:index/resource:Resource", {"type": TYPE}),
    "any type in a module": ("aks:tf:azapi_resource", {"type": TYPE}),
    "by its parts": (
        "azure-native:resources:Resource",
        {
            "resourceProviderNamespace": "Microsoft.ContainerService",
            "resourceType": "managedClusters",
        },
    ),
    "a template": (
        "azure-native:resources/v20240301:Deployment",
        {"properties": {"template": TEMPLATE}},
    ),
    "a bridged template": (
        "azurerm:index/resourceGroupTemplateDeployment:ResourceGroupTemplateDeployment",
        {"templateContent": json.dumps(TEMPLATE)},
    ),
    "a linked template": (
        "azure-native:resources:Deployment",
        {"properties": {"templateLink": {"uri": "https://example.test/aks.json"}}},
    ),
    "a template that links": (
        "azure-native:resources:Deployment",
        {"properties": {"template": {"resources": [{"properties": {"templateLink": {}}}]}}},
    ),
    "a template that is not known": (
        "azure-native:resources:Deployment",
        {"properties": {"template": LATER}},
    ),
    "a type that is not known": ("azapi:index/resource:Resource", {"type": LATER}),
}


def first(states: Sequence[State]) -> list[State]:
    """Return them as in a first preview: no output, and a cluster that nobody can ask yet."""
    return list(states)


def update(states: Sequence[State]) -> list[State]:
    """Return them as in a preview of an update: outputs of the deployment before."""
    return [{**each, "outputs": {**each["inputs"], "id": each["urn"]}} for each in states]


def refresh(states: Sequence[State]) -> list[State]:
    """Return them as after a refresh that found that others have changed them."""
    found = {"metadata": {"name": "web", "namespace": "elsewhere"}, "networkProfile": CILIUM}
    return [{**each, "outputs": {**each["inputs"], **found}} for each in states]


def typescript(states: Sequence[State]) -> list[State]:
    """Return them as a state of a TypeScript program: in a component, what the SDK keeps beside."""
    kept = {"__initialApiVersion": "v1", "__fieldManager": "pulumi-kubernetes-1"}
    component = resource("shop:index:Shop", "shop", {}, custom=False)
    text = json.dumps(update(states)).replace(PREFIX, f"{PREFIX}shop:index:Shop$")
    inside = [{**each, "parent": component["urn"]} for each in json.loads(text)]
    written = [{**each, "outputs": {**each["outputs"], **kept}} for each in inside]
    return [component, *written]


SITUATIONS: Final = (first, update, refresh, typescript)
Situation = Callable[[Sequence[State]], list[State]]


def told(stack: Stack, rule: str, type_: str, situation: Situation, folder: Path) -> list[Told]:
    """Return what the pack says of a stack, with one of its rules configured."""
    aks = resource(type_, "aks", stack.cluster, protect=stack.protect)
    states = situation([aks, *map(kubernetes, stack.objects)])
    settings = {rule: _settings(stack, situation([{**aks, "inputs": FINE}]), folder)}
    return judged(states, settings)


def _settings(stack: Stack, before: Sequence[State], folder: Path) -> Mapping[str, Any]:
    """Return the settings of a rule with the files that they name, which are written now."""
    state, expectations = folder / "state.json", folder / "expectations.yaml"
    exported = {"resources": [{"custom": True, **each} for each in before]}
    state.write_text(json.dumps({"version": 3, "deployment": exported}), encoding="utf-8")
    expectations.write_text(
        "expectations:\n  - {name: n, from: internet, to: shop/web, expect: denied}\n",
        encoding="utf-8",
    )
    files = {"STATE": str(state), "EXPECTATIONS": str(expectations)}
    return {name: files.get(value, value) for name, value in (stack.settings or {}).items()}


def undetermined(found: Sequence[Told]) -> set[tuple[str, str]]:
    """Return the rules that can't tell, each with the resource that it can't tell of."""
    lines = [each for each in found if each.policy == "undetermined"]
    texts = [(each.message.split("\n")[1], each.name) for each in lines]
    return {(text.rpartition("[")[2].rstrip("]"), name) for text, name in texts}


def test_the_table_has_every_rule() -> None:
    assert BREAKS.keys() == {each.id for each in rules(TODAY)}
    assert CANNOT_TELL.keys() == BREAKS.keys()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: str(each.__name__))
@pytest.mark.parametrize("type_", READ.values(), ids=READ)
@pytest.mark.long(keep=1)
def test_what_breaks_a_rule_is_refused(type_: str, situation: Situation, tmp_path: Path) -> None:
    silent = {
        rule
        for rule, stack in BREAKS.items()
        if not messages(told(stack, rule, type_, situation, tmp_path), rule)
    }
    assert silent == set()


@pytest.mark.parametrize("type_", READ.values(), ids=READ)
def test_a_sound_stack_is_refused_by_no_mandatory_rule(type_: str, tmp_path: Path) -> None:
    found = told(Stack(FINE, (SHOP, DENY, WEB)), "lint", type_, update, tmp_path)
    assert [each for each in found if each.level == "mandatory"] == []


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: str(each.__name__))
@pytest.mark.parametrize(("type_", "inputs"), NOT_READ.values(), ids=NOT_READ)
@pytest.mark.long(keep=10)
def test_a_cluster_that_is_not_read_passes_no_rule(
    type_: str, inputs: Mapping[str, Any], situation: Situation, tmp_path: Path
) -> None:
    stack = Stack(inputs, (SHOP, WEB, DENY))
    found = undetermined(told(stack, "lint", type_, situation, tmp_path))
    assert {rule for rule, name in found if name == "aks"} >= OF_CLUSTERS
    assert "policy-not-enforced" in {rule for rule, _ in found}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: str(each.__name__))
@pytest.mark.long(keep=1)
def test_what_is_in_a_cluster_that_is_not_read_is_judged_as_ever(
    situation: Situation, tmp_path: Path
) -> None:
    type_, inputs = NOT_READ["classic"]
    others = BREAKS.keys() - OF_CLUSTERS - {"policy-not-enforced"}
    silent = {
        rule
        for rule in others
        if not messages(
            told(BREAKS[rule]._replace(cluster=inputs), rule, type_, situation, tmp_path), rule
        )
    }
    assert silent == set()


LATER_RULES: Final = policy(f"podSelector: {{}}, ingress: {LATER}", "deny")
LATER_PODS: Final = policy(f"podSelector: {LATER}, policyTypes: [Ingress]", "deny")
LATER_PROFILE: Final = {"networkProfile": LATER, **PRIVATE}
LATER_PEERS: Final = policy(
    f"podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {LATER}}}}}}}]}}]",
    "web",
)
TO_API: Final = policy("podSelector: {matchLabels: {app: api}}, ingress: []", "api")
UNKNOWN_OBJECT: Final = "known-only-after-deployment"


class Doubt(NamedTuple):
    """What a rule can't judge, the resource that this is about, and under which name it says so.

    What the rules that share the findings of lint can't judge of an object is said once for all.
    """

    stack: Stack
    about: str
    under: str = ""


CANNOT_TELL: Final[Mapping[str, Sequence[Doubt]]] = {
    "cluster-without-engine": [
        Doubt(Stack(LATER_PROFILE), "aks"),
        Doubt(Stack(network({"networkPlugin": "none"})), "aks"),
        Doubt(Stack(network({**OVERLAY, "networkPolicy": 7})), "aks"),
        Doubt(Stack({"sku": {"name": LATER}, **PRIVATE}), "aks"),
    ],
    "cluster-network-misfit": [
        Doubt(Stack(LATER_PROFILE), "aks"),
        Doubt(Stack(network({**CILIUM, "networkDataplane": LATER})), "aks"),
    ],
    "cluster-on-kubenet": [
        Doubt(Stack(LATER_PROFILE), "aks"),
        Doubt(Stack(network({"networkPlugin": 5})), "aks"),
        Doubt(Stack(network({"networkPolicy": "calico"})), "aks"),
    ],
    "cluster-api-server-open": [
        Doubt(Stack({"apiServerAccessProfile": LATER}), "aks"),
        Doubt(Stack({"publicNetworkAccess": LATER}), "aks"),
    ],
    "cluster-unprotected": [],  # the engine always tells whether a resource is protected
    "cluster-engine-ends": [
        Doubt(Stack(LATER_PROFILE), "aks"),
        Doubt(Stack({"sku": {"name": LATER}, **PRIVATE}), "aks"),
        Doubt(Stack(network({"networkPlugin": "none"})), "aks"),
    ],
    "cluster-beyond-engine": [
        Doubt(Stack(LATER_PROFILE), "aks"),
        Doubt(Stack({"sku": {"name": LATER}, **PRIVATE}), "aks"),
        Doubt(Stack(network(AZURE, agentPoolProfiles=LATER)), "aks"),
    ],
    "cluster-replaced": [
        Doubt(Stack({**FINE, "dnsPrefix": LATER}, settings={"deployed": "STATE"}), "aks")
    ],
    "expectation-broken": [
        Doubt(Stack(FINE, (SHOP, WEB, LATER_RULES), {"file": "EXPECTATIONS"}), "")
    ],
    "namespace-without-default-deny": [
        Doubt(Stack(FINE, (SHOP, WEB, LATER_PODS)), "shop"),
        Doubt(Stack(FINE, (SHOP.replace("name: shop", f"name: {LATER}"),)), LATER),
        Doubt(Stack(FINE, (SHOP, policy("appliedTo: []", "antrea"))), "shop"),
    ],
    "workload-open": [
        Doubt(Stack(FINE, (SHOP, WEB, LATER_RULES)), "web"),
        Doubt(Stack(FINE, (SHOP, WEB, DENY, policy("appliedTo: []", "antrea"))), "web"),
    ],
    "workload-exposed": [
        Doubt(Stack(FINE, (SHOP, WEB, LATER_RULES)), "web"),
        Doubt(Stack(FINE, (SHOP, WEB, DENY, policy("appliedTo: []", "antrea"))), "web"),
    ],
    "object-refused": [Doubt(Stack(FINE, (WEB, LATER_RULES)), "deny", UNKNOWN_OBJECT)],
    "policy-not-enforced": [
        Doubt(Stack(LATER_PROFILE, (SHOP, WEB, DENY)), "default-deny"),
        Doubt(Stack(network({"networkPlugin": "none"}), (SHOP, WEB, DENY)), "default-deny"),
    ],
    "dns-cut-off": [
        Doubt(
            Stack(FINE, (WEB, policy(f"podSelector: {{}}, egress: {LATER}", "out"))),
            "out",
            UNKNOWN_OBJECT,
        )
    ],
    "selector-without-match": [
        Doubt(Stack(FINE, (WEB, LATER_PODS)), "deny"),
        Doubt(Stack(FINE, (pod("web", app=LATER), TO_API)), "api"),
        Doubt(Stack(FINE, (WEB, LATER_PEERS)), "web", UNKNOWN_OBJECT),
    ],
    "lint": [Doubt(Stack(FINE, (WEB, LATER_RULES)), "deny", UNKNOWN_OBJECT)],
    "workload-before-policies": [
        Doubt(Stack(FINE, (WEB, LATER_PODS)), "web"),
        Doubt(Stack(FINE, (WEB, policy("appliedTo: []", "antrea"))), "web"),
    ],
}


def _as_antrea(text: str) -> str:
    """Return a policy of Antrea, which nothing here reads, where a text is one."""
    is_one = "appliedTo" in text
    return text.replace("networking.k8s.io/v1", "crd.antrea.io/v1beta1") if is_one else text


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: str(each.__name__))
@pytest.mark.parametrize(
    ("rule", "doubt"),
    [
        pytest.param(rule, doubt, id=f"{rule} {number}")
        for rule, doubts in CANNOT_TELL.items()
        for number, doubt in enumerate(doubts)
    ],
)
@pytest.mark.long(keep=10)
def test_a_rule_that_cannot_judge_says_so_with_the_resource(
    rule: str, doubt: Doubt, situation: Situation, tmp_path: Path
) -> None:
    stack = doubt.stack._replace(objects=tuple(map(_as_antrea, doubt.stack.objects)))
    found = told(stack, rule, READ["a version"], situation, tmp_path)
    assert messages(found, rule) == []
    assert (doubt.under or rule, doubt.about) in undetermined(found)
