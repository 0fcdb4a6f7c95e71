"""What a plan hands over to the analysis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import pytest
import yaml

from podwall.plan import SECRET, Operation, Plan, PlannedResource
from podwall.plan.documents import documents, unseen_objects, with_known_namespaces
from podwall.plan.existing_objects import read_inputs
from podwall.plan.masking import masked
from podwall.plan.providers import default_provider
from podwall.policies.errors import Place, Unknown
from podwall.policies.syntax import dns_label_problem

UNKNOWN = Unknown("later")
KUBECONFIG = """
current-context: a
contexts:
- {name: a, context: {cluster: one, namespace: red}}
- {name: b, context: {cluster: one, namespace: blue}}
- {name: c, context: {cluster: two}}
"""
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
    found = placed(
        provider,
        pod({"metadata": {"name": "a"}}, provider=provider.urn),
        pod(own, provider=provider.urn),
        replace(namespace, provider=provider.urn),
    )
    assert found == ["shop", "own", None]


def placed(*resources: PlannedResource, **config: str) -> list[Any]:
    """Return the namespaces that objects name, in a stack with a configuration of Kubernetes."""
    default = default_provider({f"kubernetes:{key}": value for key, value in config.items()})
    plan = with_known_namespaces(Plan("shop", "dev", resources, default_provider=default))
    return [each.manifest["metadata"].get("namespace") for each in documents(plan)]


NAMELESS = pod({"metadata": {"name": "a"}})
OWN: Final = "urn:pulumi:dev::shop::pulumi:providers:kubernetes::own"


def test_the_configuration_is_that_of_the_default_provider_alone() -> None:
    provider = planned("pulumi:providers:kubernetes", {"context": "b"}, urn=OWN)
    found = placed(provider, NAMELESS, replace(NAMELESS, provider=OWN), namespace="shop")
    assert found == ["shop", None]


def test_the_kubeconfig_of_the_default_provider_is_masked_and_still_places() -> None:
    default = default_provider({"kubernetes:kubeconfig": KUBECONFIG})
    plan = masked(Plan("shop", "dev", (NAMELESS,), default_provider=default))
    assert plan.default_provider is not None
    assert plan.default_provider.inputs["kubeconfig"] is SECRET
    (found,) = documents(with_known_namespaces(plan))
    assert found.manifest["metadata"]["namespace"] == "red"


def test_what_is_said_of_the_default_provider_holds_where_no_provider_is_shown() -> None:
    assert placed(replace(NAMELESS, provider=OWN), namespace="shop") == ["shop"]


@pytest.mark.parametrize(
    ("inputs", "namespace"),
    [
        pytest.param({"kubeconfig": KUBECONFIG}, "red", id="of the current context"),
        pytest.param({"kubeconfig": KUBECONFIG, "context": "b"}, "blue", id="of the chosen one"),
        pytest.param({"kubeconfig": KUBECONFIG, "context": "c"}, None, id="of one without any"),
        pytest.param({"kubeconfig": KUBECONFIG, "namespace": "shop"}, "shop", id="its own first"),
        pytest.param({"kubeconfig": json.dumps(yaml.safe_load(KUBECONFIG))}, "red", id="JSON"),
        pytest.param({"kubeconfig": "~/.kube/config"}, None, id="a path"),
        pytest.param({"kubeconfig": "a: [b"}, None, id="no YAML"),
        pytest.param({"kubeconfig": "contexts: [1, {name: x}]"}, None, id="no kubeconfig"),
        pytest.param({"kubeconfig": UNKNOWN}, None, id="later"),
        pytest.param({"namespace": UNKNOWN}, UNKNOWN, id="a namespace that is known later"),
        pytest.param(
            {"namespace": SECRET},
            Unknown("the namespace of Provider `it` is secret"),
            id="a secret namespace",
        ),
    ],
)
def test_the_namespace_of_a_provider(inputs: Mapping[str, Any], namespace: Any) -> None:
    provider = planned("pulumi:providers:kubernetes", inputs, urn=OWN)
    assert placed(provider, replace(NAMELESS, provider=OWN)) == [namespace]


def test_a_namespace_that_a_provider_takes_from_another_object_is_that_one() -> None:
    namespace = planned(
        "kubernetes:core/v1:Namespace", urn="urn:pulumi:dev::shop::a:b:Namespace::n"
    )
    provider = planned("pulumi:providers:kubernetes", {"namespace": UNKNOWN}, urn=OWN)
    depends = {"namespace": (namespace.urn,)}
    given = replace(provider, property_dependencies=depends)
    found = placed(namespace, given, replace(NAMELESS, provider=OWN))
    assert found[1] == documents(Plan("", "", (namespace,)))[0].manifest["metadata"]["name"]


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
