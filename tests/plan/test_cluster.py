"""What a plan says about its cluster: in every spelling of its type, and where it says nothing."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from podwall.plan.cluster import (
    planned_cluster,
    replaced_clusters,
    several_clusters,
    unclear_clusters,
)
from podwall.plan.model import SECRET, Operation, Plan, PlannedResource
from podwall.policies.errors import Unknown
from podwall.reading import DeclaredCluster

AKS = "azure-native:containerservice:ManagedCluster"
CLASSIC = "azure:containerservice/kubernetesCluster:KubernetesCluster"
UNKNOWN = Unknown("later")
OVERLAY = {"networkPlugin": "azure", "networkPluginMode": "overlay", "podCidr": "10.244.0.0/16"}
OF_ITS_OWN = {"networkPlugin": "none", "networkPolicy": "none"}

SPELLINGS = (
    AKS,
    "azure-native:containerservice/v20240901:ManagedCluster",
    "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
)


def of_type(type_: str, name: str = "aks", **inputs: Any) -> PlannedResource:
    return PlannedResource(f"urn:pulumi:dev::shop::{type_}::{name}", type_, name, inputs)


def cluster(name: str = "aks", **profile: Any) -> PlannedResource:
    return of_type(AKS, name, networkProfile=profile)


def plan(*resources: PlannedResource) -> Plan:
    return Plan("shop", "dev", resources)


@pytest.mark.parametrize("type_", SPELLINGS)
def test_every_spelling_declares_its_engine(type_: str) -> None:
    calico = of_type(type_, networkProfile={"networkPolicy": "calico"})
    assert planned_cluster(plan(calico)).engine == "calico"
    assert planned_cluster(plan(of_type(type_))).engine == "none"
    assert list(unclear_clusters(plan(calico))) == []


@pytest.mark.parametrize(
    ("resources", "declared"),
    [
        pytest.param(
            [of_type(AKS, kubernetesVersion="1.36.2", networkProfile={"networkPolicy": "azure"})],
            DeclaredCluster("azure", "1.36"),
            id="its engine and its minor version",
        ),
        pytest.param(
            [cluster(**OVERLAY)],
            DeclaredCluster("none", None, (ip_network("10.244.0.0/16"),)),
            id="no engine unless one is asked for, and the pods of an overlay",
        ),
        pytest.param(
            [cluster(networkPlugin="azure", podCidr="10.244.0.0/16")],
            DeclaredCluster("none"),
            id="pods of a flat network are in a subnet",
        ),
        pytest.param(
            [
                cluster(
                    networkPlugin="Azure",
                    networkPluginMode="Overlay",
                    networkPolicy="CILIUM",
                    podCidrs=["10.244.0.0/16", "fd12::/64"],
                )
            ],
            DeclaredCluster("cilium", None, (ip_network("10.244.0.0/16"), ip_network("fd12::/64"))),
            id="Azure takes its names in any case",
        ),
        pytest.param(
            [of_type(AKS, sku={"name": "Automatic"})], DeclaredCluster("cilium"), id="Automatic"
        ),
        pytest.param([cluster(networkPolicy=UNKNOWN)], DeclaredCluster(), id="an unknown engine"),
        pytest.param([cluster(networkPolicy=SECRET)], DeclaredCluster(), id="a secret engine"),
        pytest.param([cluster(networkPolicy="weave")], DeclaredCluster(), id="a foreign engine"),
        pytest.param([cluster(**OF_ITS_OWN)], DeclaredCluster(), id="a network of its own"),
        pytest.param(
            [cluster(networkPlugin=UNKNOWN, networkPolicy="none")],
            DeclaredCluster(),
            id="perhaps a network of its own",
        ),
        pytest.param([], DeclaredCluster(), id="no cluster"),
        pytest.param(
            [cluster("a", networkPolicy="azure"), cluster("b", networkPolicy="azure")],
            DeclaredCluster(),
            id="two clusters",
        ),
        pytest.param([of_type(CLASSIC)], DeclaredCluster(), id="one that is not recognised"),
        pytest.param(
            [cluster(networkPolicy="azure"), of_type(CLASSIC, "old")],
            DeclaredCluster(),
            id="one, and one that is not recognised",
        ),
        pytest.param(
            [
                cluster(networkPolicy="azure"),
                replace(of_type(CLASSIC, "old"), change=Operation.DELETE),
            ],
            DeclaredCluster("azure"),
            id="one that is deleted does not count",
        ),
        pytest.param(
            [cluster(networkPolicy="azure"), of_type("azure-native:servicefabric:ManagedCluster")],
            DeclaredCluster("azure"),
            id="Service Fabric is no AKS",
        ),
    ],
)
def test_the_cluster_declares(resources: list[PlannedResource], declared: DeclaredCluster) -> None:
    assert replace(planned_cluster(plan(*resources)), ip_families=(), name="") == declared


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        pytest.param(
            of_type(CLASSIC),
            "cluster-not-recognised: the AKS cluster `aks` is a KubernetesCluster of `azure`",
            id="another provider",
        ),
        pytest.param(
            cluster(**OF_ITS_OWN),
            "engine-not-known: the engine of the AKS cluster `aks` is not known: it brings its own",
            id="a network of its own",
        ),
        pytest.param(
            cluster(networkPolicy="weave"),
            "engine-not-known: the engine of the AKS cluster `aks` is not known: AKS has no engine",
            id="a foreign engine",
        ),
        pytest.param(
            cluster(networkPolicy=UNKNOWN),
            "engine-not-known: the engine of the AKS cluster `aks` is not known: later",
            id="an unknown engine",
        ),
    ],
)
def test_what_is_not_known_of_a_cluster_is_a_finding(resource: PlannedResource, told: str) -> None:
    (finding,) = unclear_clusters(plan(resource))
    assert f"{finding.id}: {finding.message}".startswith(told)
    assert "--engine" in finding.help
    gone = replace(resource, change=Operation.DELETE)
    assert list(unclear_clusters(plan(gone))) == []


@pytest.mark.parametrize("type_", [*SPELLINGS, CLASSIC])
def test_a_cluster_that_is_lost_is_told_in_every_spelling(type_: str) -> None:
    before = of_type(type_)
    (replaced,) = replaced_clusters(plan(replace(before, change=Operation.REPLACE)))
    assert replaced.message.startswith("the deployment replaces the AKS cluster `aks`")
    (deleted,) = replaced_clusters(plan(replace(before, change=Operation.DELETE)))
    assert deleted.message.startswith("the deployment deletes the AKS cluster `aks`")


def test_the_cluster_of_another_service_may_go() -> None:
    fabric = of_type("azure-native:servicefabric:ManagedCluster")
    for change in (Operation.REPLACE, Operation.DELETE):
        assert list(replaced_clusters(plan(replace(fabric, change=change)))) == []


@pytest.mark.parametrize("other", [*SPELLINGS, CLASSIC])
def test_objects_for_two_clusters_are_told_in_every_spelling(other: str) -> None:
    resources: list[PlannedResource] = []
    for number, type_ in enumerate((AKS, other)):
        aks = of_type(type_, f"aks{number}")
        provider = replace(
            of_type("pulumi:providers:kubernetes", f"k8s{number}"), dependencies=(aks.urn,)
        )
        web = of_type("kubernetes:core/v1:Pod", f"web{number}")
        resources += [aks, provider, replace(web, provider=provider.urn)]
    (finding,) = several_clusters(plan(*resources))
    assert "`aks0`, `aks1`" in finding.message


@pytest.mark.parametrize(
    ("families", "versions"),
    [
        pytest.param(None, (4,), id="IPv4, unless both are asked for"),
        pytest.param(["IPv4"], (4,), id="IPv4 where that is written"),
        pytest.param(["IPv4", "IPv6"], (4, 6), id="both"),
        pytest.param(UNKNOWN, (), id="not known yet"),
        pytest.param(["IPv4", UNKNOWN], (), id="one of them not known yet"),
    ],
)
def test_a_cluster_declares_which_addresses_its_pods_have(
    families: Any, versions: tuple[int, ...]
) -> None:
    declared = cluster(networkPolicy="calico", ipFamilies=families)
    assert planned_cluster(plan(declared)).ip_families == versions
    assert planned_cluster(plan(cluster(networkPolicy=UNKNOWN))).ip_families == (4,)
