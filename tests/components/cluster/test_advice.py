"""What Azure accepts and a person should know all the same, on a given day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from podwall.components.cluster import (
    Access,
    Autoscale,
    Entra,
    FixedCount,
    Lifecycle,
    NatGatewayEgress,
    NetworkEngine,
    NewNetwork,
    NodeProvisioning,
    OsSku,
    PodSubnet,
    Priority,
    PrivateApiServer,
    PublicApiServer,
    SystemPool,
    Tier,
    UpgradeChannel,
    UserPool,
)
from podwall.components.cluster.advice import cluster_findings
from podwall.policies.errors import Finding, Severity
from tests.components.cluster.values import cluster, existing

TODAY = date(2026, 11, 23)
QUIET: dict[str, Any] = {
    "engine": NetworkEngine.CILIUM,
    "access": Access(api_server=PrivateApiServer(), sign_in=Entra(admin_groups=("group",))),
}
CALICO_1_35 = {"engine": NetworkEngine.CALICO, "kubernetes_version": "1.35"}


def findings(today: date = TODAY, **changes: object) -> dict[str, Finding]:
    return {each.id: each for each in cluster_findings(cluster(**{**QUIET, **changes}), today)}


def test_a_hardened_cluster_has_nothing_to_be_told() -> None:
    assert findings() == {}


def test_a_newcomer_is_told_three_things() -> None:
    found = cluster_findings(cluster(), TODAY)
    assert [(each.id, each.severity) for each in found] == [
        ("engine-retires", Severity.WARNING),
        ("local-accounts", Severity.INFO),
        ("api-server-open", Severity.INFO),
    ]


@pytest.mark.parametrize(
    ("changes", "identifier", "words"),
    [
        pytest.param(
            {"engine": NetworkEngine.AZURE},
            "engine-retires",
            "ends on 30 September 2028",
            id="the azure engine ends",
        ),
        pytest.param(
            {"engine": NetworkEngine.AZURE, "system_pool": SystemPool(node_count=Autoscale(3, 64))},
            "near-pods-limit",
            "16000 pods, and `azure` supports 20000",
            id="close to 20,000 pods",
        ),
        pytest.param(
            {
                "engine": NetworkEngine.AZURE,
                "system_pool": SystemPool(node_count=Autoscale(3, 180), max_pods=30, max_surge="1"),
                "user_pools": (UserPool(name="p", node_count=Autoscale(0, 20), max_pods=30),),
            },
            "near-nodes-limit",
            "200 nodes, and `azure` supports 250",
            id="close to 250 nodes",
        ),
        pytest.param(
            {
                "engine": NetworkEngine.AZURE,
                "node_provisioning": NodeProvisioning.AUTO,
                "system_pool": SystemPool(node_count=FixedCount(3)),
            },
            "unbounded-nodes",
            "`azure` supports 250",
            id="nodes without a limit",
        ),
        pytest.param(
            {"kubernetes_version": "1.31"},
            "port-ranges-ignored",
            "`endPort`",
            id="Cilium before 1.17 knows no port ranges",
        ),
        pytest.param(
            {"kubernetes_version": "1.34"},
            "kubernetes-support-ends",
            "`1.34` ends on 30 November 2026",
            id="a version whose support ends soon",
        ),
        pytest.param(
            {"kubernetes_version": "1.33"},
            "kubernetes-support-ends",
            "`1.33` ended",
            id="a version that is out of support",
        ),
        pytest.param(
            {"access": Access(sign_in=Entra(admin_groups=("group",)))},
            "api-server-open",
            "every address",
            id="an API server for everyone",
        ),
        pytest.param(
            {
                "access": Access(api_server=PublicApiServer(("20.0.0.0/24",))),
                "egress": NatGatewayEgress(),
                "network": existing(),
            },
            "nodes-need-authorization",
            "shut out unless it is named",
            id="nodes behind an address of their own",
        ),
        pytest.param(
            {"system_pool": SystemPool(node_count=FixedCount(2))},
            "system-pool-small",
            "fewer than 3",
            id="two system nodes",
        ),
        pytest.param(
            {"user_pools": (UserPool(name="spot", priority=Priority.SPOT),)},
            "no-pool-for-plain-pods",
            "no tolerations",
            id="no pool for ordinary pods",
        ),
        pytest.param(
            {**CALICO_1_35, "user_pools": (UserPool(name="win", os_sku=OsSku.WINDOWS_2022),)},
            "windows-2022-retires",
            "15 March 2027",
            id="Windows Server 2022 ends",
        ),
        pytest.param(
            {
                "lifecycle": Lifecycle(tier=Tier.FREE),
                "system_pool": SystemPool(node_count=Autoscale(3, 11)),
            },
            "free-tier-large",
            "11 nodes",
            id="many nodes on the free tier",
        ),
        pytest.param(
            {"pod_network": PodSubnet(), "network": NewNetwork(pod_subnet="10.224.128.0/24")},
            "pod-subnet-small",
            "full nodes need",
            id="a pod subnet that full nodes outgrow",
        ),
    ],
)
def test_finding(changes: dict[str, Any], identifier: str, words: str) -> None:
    found = findings(**changes)[identifier]
    assert words in found.message
    assert found.help
    assert found.link.startswith("https://learn.microsoft.com/azure/aks/")
    assert found.place.path


def test_the_end_of_the_azure_engine_is_an_error_once_it_has_come() -> None:
    engine = NetworkEngine.AZURE
    assert findings(date(2028, 9, 30), engine=engine)["engine-retires"].severity == "warning"
    over = findings(date(2028, 10, 1), engine=engine)["engine-retires"]
    assert over.severity is Severity.ERROR
    assert "ended on 30 September 2028" in over.message


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2027, 3, 31), False),
        (date(2027, 4, 1), True),
        (date(2027, 6, 30), True),
        (date(2027, 7, 1), True),
    ],
)
def test_the_end_of_a_version_is_said_three_months_ahead(today: date, *, said: bool) -> None:
    assert ("kubernetes-support-ends" in findings(today, kubernetes_version="1.36")) is said


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"kubernetes_version": "1.33", "lifecycle": Lifecycle(tier=Tier.PREMIUM)},
            id="long-term support",
        ),
        pytest.param(
            {"kubernetes_version": None, "lifecycle": Lifecycle(upgrades=UpgradeChannel.STABLE)},
            id="a version that Azure chooses",
        ),
        pytest.param({"kubernetes_version": "1.40"}, id="a version that is not announced yet"),
    ],
)
def test_no_end_of_support_is_said_with(changes: dict[str, Any]) -> None:
    assert "kubernetes-support-ends" not in findings(**changes)
