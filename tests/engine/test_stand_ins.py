"""The stand-ins by themselves, without an engine: what they replace, name, refuse and hide."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.plugins.azure_native import AzureNative
from tests.engine.plugins.kubeconfig import credentials, leaks
from tests.engine.plugins.kubernetes import OUTSIDE, REFUSES, Kubernetes
from tests.engine.plugins.provider import Absent, Refused, Resource
from tests.engine.plugins.wire import SECRET_KEY, SECRET_SIGNATURE, UNKNOWN, Properties

CLUSTER = "azure-native:containerservice:ManagedCluster"
ANYTHING = Resource("urn:pulumi:dev::p::a:b:C::thing", "a:b:C")


def cluster(**profile: str) -> Properties:
    return {"resourceName": "aks", "resourceGroupName": "rg", "networkProfile": profile}


def policy(name: str, **spec: Any) -> Properties:
    metadata = {"name": name, "namespace": "shop"}
    return {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1"} | {
        "metadata": metadata,
        "spec": spec,
    }


def kubeconfig(name: str) -> str:
    return base64.b64decode(credentials(name, "exec")["kubeconfigs"][0]["value"]).decode()


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        pytest.param(
            cluster(networkPolicy="azure"),
            cluster(networkPolicy="cilium"),
            ("networkProfile.networkPolicy",),
            id="another policy engine is another cluster",
        ),
        pytest.param(
            cluster(podCidr="10.244.0.0/16"),
            cluster(),
            ("networkProfile.podCidr",),
            id="a range that is no longer said is another cluster",
        ),
        pytest.param(
            cluster(loadBalancerSku="standard"),
            cluster(loadBalancerSku="basic"),
            (),
            id="the load balancer is changed in place",
        ),
    ],
)
def test_the_cluster_is_replaced_where_the_provider_replaces_it(
    old: Properties, new: Properties, replaces: tuple[str, ...]
) -> None:
    difference = AzureNative().difference(Resource("urn::::::aks", CLUSTER), old, new)
    assert difference.replaces == replaces
    assert difference.delete_before_replace == bool(replaces)


def test_credentials_of_a_cluster_that_does_not_exist_are_refused() -> None:
    with pytest.raises(Absent, match="`aks` was not found"):
        AzureNative().invoked("x:listManagedClusterUserCredentials", {"resourceName": "aks"})


def test_admin_credentials_are_refused_without_local_accounts() -> None:
    azure = AzureNative()
    azure.created(Resource("urn::::::aks", CLUSTER), cluster() | {"disableLocalAccounts": True})
    with pytest.raises(Refused, match="local accounts are disabled"):
        azure.invoked("x:listManagedClusterAdminCredentials", {"resourceName": "aks"})


@pytest.mark.parametrize("form", ["azure", "exec"])
def test_credentials_carry_the_canary_in_clear_and_encoded(form: str) -> None:
    encoded = credentials("aks", form)["kubeconfigs"][0]["value"]
    assert leaks(encoded)
    assert leaks(base64.b64decode(encoded).decode())


@pytest.mark.parametrize(
    ("old", "new", "replaces", "delete_first"),
    [
        pytest.param(
            policy("deny"),
            policy("deny", ingress=[]),
            (),
            False,
            id="a policy's spec is changed in place",
        ),
        pytest.param(
            policy("deny"),
            policy("no"),
            ("metadata.name",),
            False,
            id="a renamed policy is created before the old one goes",
        ),
        pytest.param(
            {"kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "None"}},
            {"kind": "Service", "metadata": {"name": "a"}, "spec": {}},
            ("spec.clusterIP",),
            True,
            id="an object that keeps its name is deleted before it is replaced",
        ),
    ],
)
def test_an_object_is_replaced_where_the_provider_replaces_it(
    old: Properties, new: Properties, replaces: tuple[str, ...], *, delete_first: bool
) -> None:
    difference = Kubernetes().difference(ANYTHING, old, new)
    assert (difference.replaces, difference.delete_before_replace) == (replaces, delete_first)


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        pytest.param(
            {"kubeconfig": kubeconfig("a")},
            {"kubeconfig": UNKNOWN},
            ("kubeconfig",),
            id="an unknown kubeconfig may lead to another cluster",
        ),
        pytest.param(
            {"kubeconfig": kubeconfig("a"), "clusterIdentifier": "1"},
            {"kubeconfig": UNKNOWN, "clusterIdentifier": "1"},
            (),
            id="the same identifier is the same cluster",
        ),
        pytest.param(
            {"kubeconfig": kubeconfig("a"), "clusterIdentifier": "1"},
            {"kubeconfig": kubeconfig("a"), "clusterIdentifier": UNKNOWN},
            ("clusterIdentifier",),
            id="an unknown identifier is another cluster",
        ),
        pytest.param(
            {"kubeconfig": kubeconfig("a")},
            {"kubeconfig": kubeconfig("b")},
            ("kubeconfig",),
            id="another active cluster is another cluster",
        ),
        pytest.param(
            {"kubeconfig": kubeconfig("a")},
            {"kubeconfig": kubeconfig("a"), "clusterIdentifier": "1"},
            (),
            id="an identifier can be added",
        ),
    ],
)
def test_a_kubernetes_provider_is_replaced_where_it_leads_elsewhere(
    old: Properties, new: Properties, replaces: tuple[str, ...]
) -> None:
    assert Kubernetes().difference_of_configuration(old, new).replaces == replaces


def test_a_kubeconfig_is_compared_whether_it_is_marked_as_a_secret_or_not() -> None:
    marked = {SECRET_KEY: SECRET_SIGNATURE, "value": kubeconfig("a")}
    compare = Kubernetes().difference_of_configuration
    assert compare({"kubeconfig": marked}, {"kubeconfig": kubeconfig("a")}).changes == ()


def test_an_object_without_a_name_gets_one_that_stays() -> None:
    kubernetes, wanted = Kubernetes(), {"kind": "ConfigMap", "metadata": {}}
    first = kubernetes.checked(Resource("urn::x", "t", b"1"), {}, wanted)
    second = kubernetes.checked(Resource("urn::x", "t", b"2"), first, wanted)
    assert first["metadata"]["name"].startswith("x-")
    assert second == first


def test_nothing_is_created_in_a_cluster_that_is_not_reached() -> None:
    with pytest.raises(Refused, match="unreachable"):
        Kubernetes().created(ANYTHING, policy("deny"))


DENY = Resource("urn::deny", "kubernetes:networking.k8s.io/v1:NetworkPolicy", id="shop/deny")


def outside(folder: Path, monkeypatch: pytest.MonkeyPatch, **objects: Properties | None) -> None:
    path = folder / "outside.json"
    path.write_text(
        json.dumps({f"NetworkPolicy shop/{name}": one for name, one in objects.items()})
    )
    monkeypatch.setenv(OUTSIDE, str(path))


def test_an_object_is_read_as_it_was_deployed_where_nobody_touched_it() -> None:
    state = Kubernetes().updated(DENY, policy("deny"), {})
    assert Kubernetes().read(DENY, policy("deny"), state) == (policy("deny"), state)


def test_what_others_changed_is_read_from_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = policy("deny", ingress=[{}])
    outside(tmp_path, monkeypatch, deny=opened)
    inputs, state = Kubernetes().read(DENY, policy("deny"), policy("deny"))
    assert inputs == opened
    assert state["spec"] == opened["spec"]


def test_what_is_imported_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside(tmp_path, monkeypatch, deny=policy("deny"))
    inputs, _ = Kubernetes().read(DENY, {}, {})
    assert inputs == policy("deny")


@pytest.mark.parametrize("state", [policy("deny"), {}], ids=["deployed", "to import"])
def test_what_others_deleted_is_absent(
    state: Properties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside(tmp_path, monkeypatch, deny=None)
    with pytest.raises(Absent, match="`shop/deny` was not found"):
        Kubernetes().read(DENY, state, state)


def test_a_deletion_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Kubernetes().deleted(DENY)
    monkeypatch.setenv(REFUSES, "delete deny")
    with pytest.raises(Refused, match="refuses to delete `deny`"):
        Kubernetes().deleted(DENY)
