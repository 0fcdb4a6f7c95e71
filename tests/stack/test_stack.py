from __future__ import annotations

import base64
from importlib.metadata import version
from itertools import product
from typing import Any

import pytest

from components.settings import PodNetworking
from podwall.components.cluster import NetworkEngine
from podwall.plan.model import SECRET
from podwall.policies import NetworkPolicy, PodwallError, Step
from policies.walkthrough import backend_policies
from tests.stack.documents import ROOT
from tests.stack.planning import ancestors, named, objects, one, plan

SAYS_WHAT_IS_SECRET = tuple(map(int, version("pulumi").split(".")[:2])) >= (3, 262)

EVERY_CHOICE = [
    pytest.param(*choice, id=" ".join(choice))
    for choice in product(Step, NetworkEngine, PodNetworking)
]


@pytest.mark.parametrize(("step", "engine", "networking"), EVERY_CHOICE)
@pytest.mark.long(keep=1)
def test_every_step_engine_and_pod_networking_can_be_planned(
    step: Step, engine: NetworkEngine, networking: PodNetworking
) -> None:
    planned = plan("dev", step=step.value, engine=engine.value, podNetworking=networking.value)
    network = one(planned, ":ManagedCluster").inputs["networkProfile"]
    assert network["networkPolicy"] == engine.value
    assert network["networkDataplane"] == engine.dataplane
    assert ("networkPluginMode" in network) == (networking is PodNetworking.OVERLAY)
    sent = [each for each in objects(planned) if each.type.endswith(":NetworkPolicy")]
    written = [NetworkPolicy.from_manifest(each.inputs) for each in sent]
    assert tuple(written) == backend_policies(step)
    assert planned.outputs["step"] == step.value
    assert planned.outputs["engine"] == engine.value


def test_the_program_is_a_table_of_contents() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 60


def test_the_dev_stack_is_the_scenario_of_the_walkthrough() -> None:
    pods = {
        f"{each.inputs['metadata']['namespace']}/{each.inputs['metadata']['name']}": dict(
            each.inputs["metadata"]["labels"]
        )
        for each in objects(plan("dev"))
        if each.type.endswith(":Pod")
    }
    assert pods == {
        "starwind/backend": {"app": "webapp", "role": "backend"},
        "starwind/client-labelled": {"app": "webapp", "role": "frontend"},
        "starwind/client-unlabelled": {"app": "unknown"},
        "visitor/client-labelled": {"app": "webapp", "role": "frontend"},
    }


@pytest.mark.long
def test_the_open_step_has_no_policy_at_all() -> None:
    assert not [each for each in plan("dev", step="open").resources if "NetworkPol" in each.type]


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.long(keep=1)
def test_pods_wait_for_every_policy_of_their_namespace(stack: str) -> None:
    planned = plan(stack)
    for runner in objects(planned):
        if runner.type.endswith((":Pod", ":Deployment")):
            waits_for = {named(planned, urn) for urn in runner.dependencies}
            namespace = runner.inputs["metadata"]["namespace"]
            assert waits_for >= {f"Namespace {namespace}", *_policies_of(planned, namespace)}


def _policies_of(planned: Any, namespace: str) -> set[str]:
    return {
        f"NetworkPolicy {each.name}"
        for each in objects(planned)
        if each.type.endswith(":NetworkPolicy")
        and each.inputs["metadata"]["namespace"] == namespace
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_names_and_namespaces_are_known_before_the_cluster_exists(stack: str) -> None:
    for each in objects(plan(stack)):
        metadata = each.inputs["metadata"]
        assert isinstance(metadata["name"], str)
        if not each.type.endswith(":Namespace"):
            assert each.name in (
                f"{metadata['namespace']}/{metadata['name']}",
                metadata["name"],
            )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_object_goes_with_its_cluster_through_its_provider(stack: str) -> None:
    planned = plan(stack)
    cluster = one(planned, ":ManagedCluster").urn
    provider = one(planned, "pulumi:providers:kubernetes").urn
    for each in objects(planned):
        assert each.options.deleted_with == cluster
        assert each.provider == provider


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_object_belongs_to_a_component(stack: str) -> None:
    planned = plan(stack)
    for each in objects(planned):
        assert next(ancestors(planned, each)).startswith("podwall:index:")


@pytest.mark.skipif(
    not SAYS_WHAT_IS_SECRET, reason="pulumi 3.260 tells of an unknown value only that it is unknown"
)
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_kubeconfig_is_secret_wherever_it_goes(stack: str) -> None:
    planned = plan(stack)
    assert planned.outputs["kubeconfig"] is SECRET
    assert one(planned, "pulumi:providers:kubernetes").inputs["kubeconfig"] is SECRET
    shown = repr(planned)
    assert "BEGIN CERTIFICATE" not in shown
    assert base64.b64encode(b"apiVersion: v1").decode()[:12] not in shown


def test_exports_name_the_cluster_the_engine_the_step_and_the_namespaces() -> None:
    outputs = plan("dev").outputs
    assert set(outputs) == {"cluster", "kubeconfig", "engine", "step", "namespaces"}
    assert outputs["namespaces"] == ["starwind", "visitor"]


def test_production_is_private_protected_and_without_local_accounts() -> None:
    planned = plan("prod")
    cluster = one(planned, ":ManagedCluster")
    assert cluster.protect
    assert cluster.inputs["apiServerAccessProfile"]["enablePrivateCluster"] is True
    assert cluster.inputs["disableLocalAccounts"] is True
    assert cluster.inputs["networkProfile"]["networkPolicy"] == "cilium"
    assert one(planned, ":AgentPool").inputs["availabilityZones"] == ["1", "2", "3"]


def test_production_denies_by_default_in_every_namespace() -> None:
    planned = plan("prod")
    namespaces = {each.name for each in objects(planned) if each.type.endswith(":Namespace")}
    for namespace in namespaces:
        deny = one(planned, ":NetworkPolicy", f"{namespace}/default-deny").inputs["spec"]
        assert deny["policyTypes"] == ["Ingress", "Egress"]
        assert not {"ingress", "egress"} & set(deny)


@pytest.mark.long
def test_both_applications_can_be_planned_together_or_neither() -> None:
    both = plan("dev", applications=["walkthrough", "shop"])
    assert both.outputs["namespaces"] == ["starwind", "visitor", "ingress", "monitoring", "shop"]
    assert not list(objects(plan("dev", applications=[])))


WRONG = [
    pytest.param(
        {"stepp": "open"}, "there is no field `stepp`", "did you mean `step`?", id="a key"
    ),
    pytest.param({"step": "opn"}, "is `opn`", "did you mean `open`?", id="a value"),
    pytest.param({"engine": "flannel"}, "or `cilium`, is", "", id="an engine"),
    pytest.param(
        {"cluster": {"podCidr": "10.224.0.0/16"}}, "`10.224.0.0/16`", "", id="what Azure refuses"
    ),
]


@pytest.mark.parametrize(("wrong", "message", "remedy"), WRONG)
def test_wrong_configuration_stops_the_plan_with_one_message(
    wrong: dict[str, Any], message: str, remedy: str
) -> None:
    with pytest.raises(PodwallError) as refusal:
        plan("dev", **wrong)
    assert message in refusal.value.message
    assert remedy in refusal.value.help
    assert "podwall:" in refusal.value.place.path
