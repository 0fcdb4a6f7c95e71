"""The tree of resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from podwall.plan import SECRET, Operation, Origin, Plan, PlannedResource, ResourceOptions
from podwall.policies.errors import Unknown
from podwall.reports.preview import resource_summary, resource_tree
from podwall.reports.screen import ASCII, UNICODE

AKS = "azure-native:containerservice:"
KUBERNETES = "kubernetes:core/v1:"
UNKNOWN = Unknown("later")


def planned(
    token: str, name: str, inputs: Any = None, parent: str | None = "s", **fields: Any
) -> Any:
    return PlannedResource(name, token, name, inputs or {}, parent=parent, **fields)


STACK = planned("pulumi:pulumi:Stack", "s", parent=None, custom=False)
PART = planned("shop:index:Part", "part", custom=False)
CLUSTER = planned(
    f"{AKS}ManagedCluster",
    "aks",
    {"kubernetesVersion": "1.36", "networkProfile": {"networkPlugin": "azure"}},
    "part",
    options=ResourceOptions(protect=True),
    change=Operation.REPLACE,
    replaced_by=("networkProfile.networkPolicy",),
)
POD = planned(
    f"{KUBERNETES}Pod",
    "web",
    {"spec": {"containers": [{"image": "nginx", "ports": [{"containerPort": 80}]}]}},
    change=Operation.SAME,
)
PLAN = Plan("shop", "dev", (STACK, PART, CLUSTER, POD))


def lines(plan: Plan, width: int = 100, **fields: Any) -> list[str]:
    return [
        line.plain.rstrip() for line in resource_tree(plan, width, fields.get("signs", UNICODE))
    ]


def test_resources_stand_under_their_parents_with_what_matters_beside_them() -> None:
    plan = Plan(
        "shop", "dev", (STACK, PART, planned(f"{AKS}AgentPool", "a", {"count": 1}, "part"), POD)
    )
    assert lines(plan) == [
        "Stack s",
        "├─ Part part",
        "│  └─ AgentPool a  1 node",
        "└─ Pod web         nginx, port 80",
    ]


def test_a_screen_without_unicode_has_a_tree_as_well() -> None:
    assert lines(Plan("s", "d", (STACK, PART, POD)), signs=ASCII)[1:] == [
        "|- Part part",
        "`- Pod web    nginx, port 80",
    ]


def test_a_narrow_screen_wraps_beside_the_tree() -> None:
    found = lines(PLAN, 48)
    assert max(map(len, found)) <= 48
    assert found[2].startswith("│  └─ ManagedCluster aks  protected,")
    assert found[3].startswith("│                         ")


def test_a_plan_of_pulumi_says_what_happens_to_each() -> None:
    found = lines(Plan("shop", "dev", PLAN.resources, origin=Origin.PULUMI))
    assert found[2].startswith("+- │  └─ ManagedCluster aks")
    assert "replaced because of networkProfile.networkPolicy" in found[2]
    assert found[-1].startswith("=  └─ Pod web")


def test_what_goes_with_another_resource_says_so_without_pulumis_word_for_it() -> None:
    gone = replace(POD, change=Operation.REPLACE, replaced_by=("deletedWith",))
    plan = Plan("shop", "dev", (STACK, gone), origin=Origin.PULUMI)
    assert lines(plan)[-1].endswith("replaced with what it is in; nginx, port 80")


def test_of_many_alike_resources_the_first_are_shown_and_the_others_counted() -> None:
    pods = [planned(f"{KUBERNETES}Pod", f"p{k}", parent="part") for k in range(9)]
    kept = planned(f"{KUBERNETES}Pod", "x", parent="part", change=Operation.REPLACE)
    plan = Plan("shop", "dev", (STACK, PART, *pods, kept))
    shown = [line.plain.rstrip() for line in resource_tree(plan, 60, UNICODE, most_alike=2)]
    assert [line.split()[-1] for line in shown] == ["s", "part", "p0", "p1", "x", "Pod"]
    assert shown[-1] == "… 7 more Pod"
    assert len(list(resource_tree(plan, 60, UNICODE))) == 12


def test_a_resource_whose_parent_is_not_there_is_shown_all_the_same() -> None:
    assert lines(Plan("s", "d", (planned("a:b:C", "x", parent="gone"),))) == ["C x"]


SELECTOR = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}


@pytest.mark.parametrize(
    ("token", "inputs", "words"),
    [
        pytest.param(
            f"{AKS}ManagedCluster",
            {
                "networkProfile": {
                    "networkPlugin": "azure",
                    "networkPluginMode": "overlay",
                    "networkPolicy": "cilium",
                },
                "apiServerAccessProfile": {"enablePrivateCluster": True},
                "sku": {"tier": "Standard"},
                "location": "westeurope",
            },
            "Azure CNI overlay, network policy cilium, private, Standard, westeurope",
            id="a cluster",
        ),
        pytest.param(
            f"{AKS}ManagedCluster", {}, "default networking, network policy none", id="a bare one"
        ),
        pytest.param(
            "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
            {"networkProfile": {"networkPlugin": "None"}},
            "own networking, network policy none",
            id="one in a package of its own, with a network of its own",
        ),
        pytest.param("azure-native:servicefabric:ManagedCluster", {}, "", id="Service Fabric"),
        pytest.param(
            f"{AKS}AgentPool",
            {"vmSize": "D4", "minCount": 1, "maxCount": 3, "availabilityZones": ["1", "2"]},
            "D4, 1 to 3 nodes, zones 1 2",
            id="a pool",
        ),
        pytest.param(
            "azure-native:network:VirtualNetwork",
            {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}},
            "10.0.0.0/8",
            id="a network",
        ),
        pytest.param(
            f"{KUBERNETES}Namespace",
            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
            "pod security restricted",
            id="a namespace",
        ),
        pytest.param(
            "kubernetes:apps/v1:Deployment",
            {"spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": UNKNOWN}]}}}},
            "3 pods, [unknown]",
            id="a deployment",
        ),
        pytest.param(
            f"{KUBERNETES}Service",
            {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}},
            "LoadBalancer, port 80",
            id="a service",
        ),
        pytest.param(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            {
                "spec": {
                    "podSelector": SELECTOR,
                    "policyTypes": ["Ingress", "Egress"],
                    "egress": [{}],
                }
            },
            "for app=web x Exists, ingress closed, egress 1 rule",
            id="a policy",
        ),
        pytest.param(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            {"spec": {"podSelector": {}, "ingress": [{}, {}]}},
            "for all pods, ingress 2 rules",
            id="a policy without types",
        ),
        pytest.param(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            {"spec": {"podSelector": UNKNOWN, "ingress": UNKNOWN}},
            "for [unknown], ingress [unknown]",
            id="a policy that is not known",
        ),
        pytest.param("a:b:Other", {"secret": SECRET}, "", id="another kind"),
    ],
)
def test_what_matters(token: str, inputs: Mapping[str, Any], words: str) -> None:
    assert resource_summary(PlannedResource("u", token, "n", inputs)) == words


@pytest.mark.parametrize("kind", ["Pod", "Service", "Namespace", "Deployment", "NetworkPolicy"])
@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"spec": UNKNOWN, "metadata": UNKNOWN},
        {"spec": {"containers": UNKNOWN, "ports": [UNKNOWN]}},
    ],
)
def test_what_is_not_known_is_never_in_the_way(kind: str, inputs: Mapping[str, Any]) -> None:
    assert isinstance(
        resource_summary(PlannedResource("u", f"kubernetes::{kind}", "n", inputs)), str
    )
