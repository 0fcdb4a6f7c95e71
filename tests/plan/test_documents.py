"""What a plan hands over to the analysis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from podwall.plan import SECRET, Operation, Plan, PlannedResource
from podwall.plan.documents import documents, unseen_objects
from podwall.plan.read_objects import read_inputs
from podwall.policies.errors import Place
from podwall.policies.syntax import dns_label_problem
from podwall.policies.unknown import Unknown

UNKNOWN = Unknown("later")
NOTHING: Mapping[str, Any] = MappingProxyType({})


def planned(token: str, inputs: Mapping[str, Any] = NOTHING, **fields: Any) -> PlannedResource:
    urn = f"urn:pulumi:dev::shop::{token}::it"
    return PlannedResource(**{"urn": urn, "type": token, "name": "it", "inputs": inputs, **fields})


def pod(inputs: Mapping[str, Any] = NOTHING, **fields: Any) -> PlannedResource:
    return planned("kubernetes:core/v1:Pod", {"kind": "Pod", **inputs}, **fields)


def manifests(*resources: PlannedResource) -> list[Mapping[str, Any]]:
    return [each.manifest for each in documents(Plan("shop", "dev", resources))]


def test_an_object_is_handed_over_as_it_is_at_its_line() -> None:
    inputs = {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"x": UNKNOWN}}
    (document,) = documents(Plan("shop", "dev", (pod(inputs, place=Place("__main__.py", 3)),)))
    assert document.manifest == inputs
    assert document.place == Place("__main__.py", 3)


def test_an_object_without_a_line_is_placed_by_its_urn() -> None:
    (document,) = documents(Plan("shop", "dev", (pod(),)))
    assert document.place.source == "urn:pulumi:dev::shop::kubernetes:core/v1:Pod::it"


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(planned("azure-native:network:Subnet"), id="not of Kubernetes"),
        pytest.param(planned("kubernetes:yaml:ConfigGroup", custom=False), id="a component"),
        pytest.param(pod(change=Operation.DELETE), id="to be deleted"),
        pytest.param(planned("kubernetes:core/v1:PodPatch"), id="a patch of a live object"),
        pytest.param(planned("kubernetes:helm.sh/v3:Release"), id="a chart"),
    ],
)
def test_what_is_not_an_object_to_be_made_is_left_out(resource: PlannedResource) -> None:
    assert manifests(resource) == []


def test_an_object_that_is_only_looked_up_is_there_with_what_it_says_unknown() -> None:
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    looked_up = planned(kind, read_inputs(kind, "it", "shop/deny"), change=Operation.READ)
    (manifest,) = manifests(looked_up)
    assert (manifest["metadata"]["namespace"], manifest["metadata"]["name"]) == ("shop", "deny")
    assert isinstance(manifest["spec"], Unknown)


def test_a_name_that_pulumi_makes_up_begins_with_the_resources_name() -> None:
    (document,) = documents(Plan("shop", "dev", (pod(),)))
    name = document.manifest["metadata"]["name"]
    assert re.fullmatch("it-[0-9a-f]{8}", name)
    assert dns_label_problem(name) is None
    assert document.called == "it"


def test_a_prefix_of_the_programs_own_is_kept() -> None:
    (manifest,) = manifests(pod({"metadata": {"generateName": "own-"}}))
    assert re.fullmatch("own-[0-9a-f]{8}", manifest["metadata"]["name"])


def test_a_name_that_pulumi_made_up_is_known_and_called_what_the_program_calls_it() -> None:
    metadata = {"name": "it-0c015392", "annotations": {"pulumi.com/autonamed": "true"}}
    plan = Plan("shop", "dev", (pod({"metadata": metadata}), pod({"metadata": {"name": "web"}})))
    made_up, written = documents(plan)
    assert (made_up.manifest["metadata"]["name"], made_up.called) == ("it-0c015392", "it")
    assert (written.manifest["metadata"]["name"], written.called) == ("web", "")


def test_the_providers_namespace_is_that_of_objects_without_one() -> None:
    provider = planned("pulumi:providers:kubernetes", {"namespace": "shop"})
    own = {"metadata": {"name": "a", "namespace": "own"}}
    namespace = planned("kubernetes:core/v1:Namespace", {"metadata": {"name": "b"}})
    found = manifests(
        provider,
        pod({"metadata": {"name": "a"}}, provider=provider.urn),
        pod(own, provider=provider.urn),
        namespace,
    )
    assert [each["metadata"].get("namespace") for each in found] == ["shop", "own", None]


def test_a_secret_is_unknown_to_the_analysis() -> None:
    (manifest,) = manifests(pod({"metadata": {"name": "a", "labels": {"x": [SECRET]}}}))
    (label,) = manifest["metadata"]["labels"]["x"]
    assert label == Unknown("`metadata.labels.x[0]` of Pod `it` is secret")


def test_metadata_that_is_unknown_stays_unknown() -> None:
    (manifest,) = manifests(pod({"metadata": UNKNOWN}))
    assert manifest["metadata"] == UNKNOWN


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("kubernetes:helm.sh/v4:Chart", id="a chart"),
        pytest.param("kubernetes:yaml/v2:ConfigGroup", id="files that the provider reads"),
        pytest.param("kubernetes:apps/v1:DeploymentPatch", id="a patch"),
    ],
)
def test_objects_that_the_plan_cannot_show_are_a_finding(token: str) -> None:
    (finding,) = unseen_objects(Plan("shop", "dev", (planned(token), pod())))
    assert finding.id == "unseen-objects"
    assert "`it`" in finding.message


def test_files_whose_objects_the_plan_shows_are_no_finding() -> None:
    group = planned("kubernetes:yaml/v2:ConfigGroup", custom=False)
    assert list(unseen_objects(Plan("shop", "dev", (group, pod(parent=group.urn))))) == []


def test_files_of_which_the_plan_shows_a_part_are_a_finding_that_says_why() -> None:
    group = planned("kubernetes:yaml/v2:ConfigGroup", custom=False, unseen=("`a` is not fetched",))
    (finding,) = unseen_objects(Plan("shop", "dev", (group, pod(parent=group.urn))))
    assert finding.message == (
        "some objects of ConfigGroup `it` are not in the plan: `a` is not fetched"
    )
