"""Patch resources: what they apply is read, and what only they mention is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from podwall.model import IpProtocol, Snapshot
from podwall.plan import Plan, PlannedResource
from podwall.plan.documents import (
    brought_policies,
    documents,
    unseen_objects,
    with_known_namespaces,
)
from podwall.plan.providers import PROVIDER
from podwall.reachability import Verdict, reachability
from podwall.reading import snapshot
from tests.plan.projects import plan_of

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
POD = "kubernetes:core/v1:Pod"
API = {POLICY: ("networking.k8s.io/v1", "NetworkPolicy"), POD: ("v1", "Pod")}


def made(type_: str, name: str, patch: str = "", **fields: Any) -> PlannedResource:
    version, kind = API.get(type_, ("apps/v1", "Deployment"))
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    inputs = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return PlannedResource(f"urn:{type_}{patch}::{name}", f"{type_}{patch}", name, inputs)


def read(*resources: PlannedResource) -> Snapshot:
    plan = with_known_namespaces(Plan("shop", "dev", resources))
    assert not list(unseen_objects(plan))
    return snapshot(documents(plan)).snapshot


def verdict(found: Snapshot, source: str, destination: str) -> Verdict:
    return reachability(found).verdict(source, destination, IpProtocol.TCP, 80)


WEB = made(POD, "web", metadata={"labels": {"app": "web"}}, spec={"containers": []})
CLOSED = made(POLICY, "closed", spec={"podSelector": {}, "policyTypes": ["Ingress"]})
OUTSIDE = "0.0.0.0/0"


def patch(type_: str, name: str, **fields: Any) -> PlannedResource:
    return made(type_, name, "Patch", **fields)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"ingress": [{}]}, Verdict.ALLOWED, id="opens"),
        pytest.param({"podSelector": {"matchLabels": {"a": "b"}}}, Verdict.ALLOWED, id="selects"),
        pytest.param({"policyTypes": ["Egress"]}, Verdict.ALLOWED, id="other direction"),
        pytest.param({"egress": [{}]}, Verdict.DENIED, id="adds to an unlisted direction"),
        pytest.param({}, Verdict.DENIED, id="says nothing"),
    ],
)
def test_a_patch_changes_the_policy_of_the_plan(spec: Mapping[str, Any], expected: Verdict) -> None:
    for listed in (
        (CLOSED, patch(POLICY, "closed", spec=spec)),
        (patch(POLICY, "closed", spec=spec), CLOSED),
    ):
        assert verdict(read(WEB, *listed), OUTSIDE, "shop/web") is expected


def test_directions_are_stored_when_the_policy_is_made() -> None:
    plain = made(POLICY, "closed", spec={"podSelector": {}})
    found = read(WEB, plain, patch(POLICY, "closed", spec={"egress": [{"to": []}]}))
    assert verdict(found, "shop/web", OUTSIDE) is Verdict.ALLOWED
    (policy,) = found.policies
    assert policy.egress is None


def test_labels_are_merged_and_containers_by_name() -> None:
    pod = made(POD, "api", metadata={"labels": {"a": "1"}}, spec={"containers": [{"name": "x"}]})
    ports = [{"containerPort": 80, "name": "http"}]
    change = patch(
        POD,
        "api",
        metadata={"labels": {"b": "2"}},
        spec={"containers": [{"name": "x", "ports": ports}, {"name": "y"}]},
    )
    (api,) = read(pod, change).workloads
    assert api.labels.items == (("a", "1"), ("b", "2"))
    assert [(each.number, each.name) for each in api.ports] == [(80, "http")]


@pytest.mark.parametrize(
    "change",
    [
        patch(POLICY, "elsewhere", spec={"ingress": [{}]}),
        patch(POLICY, "elsewhere", metadata={"labels": {"a": "b"}}),
    ],
)
def test_a_policy_that_is_only_patched_is_undetermined(change: PlannedResource) -> None:
    found = read(WEB, change)
    assert verdict(found, "shop/web", OUTSIDE) is Verdict.UNDETERMINED
    because = reachability(found).connection("shop/web", OUTSIDE).undetermined
    assert "`elsewhere` is only patched" in because[0].because


def test_a_workload_that_is_only_patched_has_labels_that_nobody_knows() -> None:
    type_ = "kubernetes:apps/v1:Deployment"
    (api,) = read(patch(type_, "api", spec={"replicas": 2})).workloads
    assert (api.full_name, api.labels.more is None) == ("shop/api", False)


def test_what_pulumi_names_is_patched_by_the_name_that_stands_for_its_own(tmp_path: Path) -> None:
    program = """
    from pulumi_kubernetes.core.v1 import NamespacePatch
    from pulumi_kubernetes.networking.v1 import NetworkPolicy, NetworkPolicyPatch

    app = Namespace("app")
    NamespacePatch("team", metadata={"name": app.metadata.name, "labels": {"team": "a"}})
    at = {"namespace": app.metadata.name}
    deny = NetworkPolicy("deny", metadata=at, spec={"pod_selector": {}, "ingress": [{}]})
    named = {**at, "name": deny.metadata.name}
    NetworkPolicyPatch("closing", metadata=named, spec={"ingress": []})
    pod("web", **at)
    """
    found = snapshot(documents(with_known_namespaces(plan_of(tmp_path, program))))
    assert [each.id for each in found.findings] == []
    (app,) = found.snapshot.namespaces
    assert app.labels.items[-1] == ("team", "a")
    assert verdict(found.snapshot, OUTSIDE, "app/web") is Verdict.DENIED


def test_a_patch_without_a_name_is_unseen() -> None:
    nameless = {**CLOSED.inputs, "metadata": {"namespace": "shop"}}
    change = replace(CLOSED, type=f"{POLICY}Patch", inputs=nameless)
    plan = with_known_namespaces(Plan("shop", "dev", (WEB, change)))
    assert [each.kind for each in brought_policies(plan)] == ["NetworkPolicyPatch"]


def test_a_patch_by_another_provider_of_the_cluster_changes_the_same_object() -> None:
    one, two = (
        PlannedResource(f"urn:{name}", PROVIDER, name, {"context": "it"}) for name in ("one", "two")
    )
    opened = patch(POLICY, "closed", spec={"ingress": [{}]})
    found = read(
        one,
        two,
        replace(opened, provider="urn:two"),
        replace(CLOSED, provider="urn:one"),
        replace(WEB, provider="urn:one"),
    )
    assert len(found.policies) == 1
    assert verdict(found, OUTSIDE, "shop/web") is Verdict.ALLOWED
