"""Objects whose names are made up, shown by what their program calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from podwall.expectations import Outcome, check, denied, selection
from podwall.model import Snapshot
from podwall.policies.rules import METADATA_NAME
from podwall.reachability import reachability
from podwall.reading import Document, snapshot

Manifest = Mapping[str, Any]


def namespace(name: str, called: str = "") -> Document:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    return Document(manifest, called=called)


def pod(full_name: str, called: str = "", **labels: str) -> Document:
    space, name = full_name.split("/")
    metadata = {"name": name, "namespace": space, "labels": labels}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    return Document({**manifest, "spec": {}}, called=called)


def policy(full_name: str, *from_: Manifest, called: str = "") -> Document:
    space, name = full_name.split("/")
    rules = [{"from": list(from_)}] if from_ else []
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": space},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": rules},
    }
    return Document(manifest, called=called)


def read(*documents: Document) -> Snapshot:
    found = snapshot(documents)
    assert not found.findings
    return found.snapshot


def of_namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {METADATA_NAME: name}}}


def among_namespaces(*names: str) -> Manifest:
    expression = {"key": METADATA_NAME, "operator": "In", "values": list(names)}
    return {"namespaceSelector": {"matchExpressions": [expression]}}


APP = namespace("app-628c3b92", "app")


def test_everything_of_a_namespace_is_shown_in_it() -> None:
    found = read(
        APP,
        pod("app-628c3b92/web-1234abcd", "web"),
        policy("app-628c3b92/deny-9999ffff", called="deny"),
    )
    assert [each.full_name for each in found.workloads] == ["app/web"]
    assert [each.full_name for each in found.policies] == ["app/deny"]
    assert [(each.name, each.also) for each in found.namespaces] == [("app", "app-628c3b92")]


@pytest.mark.parametrize("peer", [of_namespace, among_namespaces])
def test_who_mentions_the_namespace_means_it(peer: Any) -> None:
    found = reachability(
        read(
            APP,
            pod("app-628c3b92/web"),
            pod("shop/api"),
            policy("shop/from-app", peer("app-628c3b92")),
        )
    )
    assert found.connection("app/web", "shop/api").allowed
    assert not found.connection("0.0.0.0/0", "shop/api").allowed
    ends = {end.id for each in found.exposures() for end in (each.source, each.destination)}
    assert not [each for each in ends if "628c3b92" in each]


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(namespace("app"), id="a namespace"),
        pytest.param(namespace("app-99999999", "app"), id="another made-up one"),
        pytest.param(pod("app/other"), id="the namespace of an object"),
        pytest.param(policy("shop/from-app", of_namespace("app")), id="a peer by label"),
        pytest.param(policy("shop/from-app", among_namespaces("app")), id="a peer by expression"),
    ],
)
def test_two_namespaces_are_never_shown_as_one(taken: Document) -> None:
    found = read(APP, pod("app-628c3b92/web"), taken)
    assert "app-628c3b92/web" in {each.full_name for each in found.workloads}


def test_a_namespace_that_a_formula_mentions_keeps_its_name() -> None:
    formula = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "other"},
        "spec": {"namespaceSelector": "projectcalico.org/name == 'app-628c3b92'"},
    }
    found = snapshot([APP, pod("app-628c3b92/web"), Document(formula)]).snapshot
    assert [each.full_name for each in found.workloads] == ["app-628c3b92/web"]


@pytest.mark.parametrize("called", ["App", "app_1", "default", "kube-system", "a" * 64])
def test_a_namespace_is_not_shown_as_what_it_cannot_be(called: str) -> None:
    found = read(namespace("app-628c3b92", called), pod("app-628c3b92/web"))
    assert [each.full_name for each in found.workloads] == ["app-628c3b92/web"]


def test_two_objects_are_never_shown_as_one() -> None:
    pods = (pod("shop/web-1111aaaa", "web"), pod("shop/web-2222bbbb", "web"), pod("shop/api", ""))
    names = {each.full_name for each in read(*pods).workloads}
    assert names == {"shop/web-1111aaaa", "shop/web-2222bbbb", "shop/api"}
    written = read(pod("shop/web-1111aaaa", "web"), pod("shop/web"))
    assert {each.full_name for each in written.workloads} == {"shop/web-1111aaaa", "shop/web"}


@pytest.mark.parametrize(
    "id_", ["app/web", "app/web-1234abcd", "app-628c3b92/web", "app-628c3b92/web-1234abcd"]
)
def test_every_name_addresses_it(id_: str) -> None:
    documents = APP, pod("app-628c3b92/web-1234abcd", "web"), policy("app-628c3b92/deny")
    found = reachability(read(*documents))
    assert found.endpoint(id_).id == "app/web"
    (source, destination) = map(selection, ("internet", id_))
    expectation = denied("closed", source, destination, "80")
    (result,) = check(found, [expectation])
    assert (result.outcome, result.expectation) == (Outcome.PASS, expectation)


def test_a_job_labels_its_pods_with_its_name_in_the_cluster() -> None:
    name = "batch.kubernetes.io/job-name"
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "scan-628c3b92", "namespace": "shop"},
        "spec": {"template": {"metadata": {}, "spec": {}}},
    }
    selector = {"podSelector": {"matchLabels": {name: "scan-628c3b92"}}}
    found = reachability(
        read(Document(job, called="scan"), pod("shop/web"), policy("shop/from-job", selector))
    )
    assert found.connection("shop/scan", "shop/web").allowed


def test_a_call_of_the_api_server_means_the_service_that_is_shown() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "hook-1234abcd", "namespace": "shop"},
        "spec": {"selector": {"app": "hook"}, "ports": [{"port": 443}]},
    }
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hook"},
        "webhooks": [
            {
                "name": "hook.example.com",
                "clientConfig": {"service": {"namespace": "shop", "name": "hook-1234abcd"}},
                "rules": [{}],
            }
        ],
    }
    found = read(Document(service, called="hook"), Document(webhook))
    assert [each.name for each in found.services] == ["hook"]
    assert [each.service for each in found.server_calls] == ["hook"]
