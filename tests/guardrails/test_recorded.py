"""Recorded previews and states, as the pack judges them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from podwall.aks.resource_types import CLUSTER_LEAVES
from tests.components.cluster.leaves import REPLACES_A_CLUSTER
from tests.guardrails.packs import (
    RECORDINGS,
    Told,
    cluster,
    judged,
    messages,
    recorded,
    resource,
)

STATE = RECORDINGS / "state.json"
FIRST = RECORDINGS / "first.json"
TYPE = "azure-native:containerservice:ManagedCluster"


def test_a_first_preview_is_judged_although_it_has_no_outputs() -> None:
    found = judged(recorded("first.json"))
    assert len(messages(found, "namespace-without-default-deny")) == 1
    (open_,) = messages(found, "workload-open")
    assert open_.startswith("everyone may connect to `tools/scan`")
    assert messages(found, "workload-before-policies")


def test_a_state_is_judged_by_its_outputs_where_nothing_was_remembered() -> None:
    remembered = judged(recorded("state.json"))
    shown = judged(recorded("state.json"), remembered=False)
    others, cluster = shown[:-1], shown[-1]
    assert [each for each in remembered if not each.policy.startswith("cluster-")] == others
    assert (cluster.policy, cluster.name) == ("undetermined", "aks")
    assert "the rules about one cluster are shown nothing of `aks`" in cluster.message


def test_objects_without_inputs_and_outputs_are_undetermined() -> None:
    found = judged(recorded("first.json"), remembered=False)
    undetermined = messages(found, "undetermined")
    assert any("nothing is known of NetworkPolicy `deny`" in each for each in undetermined)
    assert any("nothing is known of Deployment `web`" in each for each in undetermined)


def test_another_engine_is_a_replacement_where_the_state_is_known() -> None:
    settings = {"cluster-replaced": {"deployed": str(STATE)}}
    assert messages(judged(recorded("state.json"), settings), "cluster-replaced") == []
    end = "from `azure` to `cilium` replaces cluster `aks`, with everything that runs in it"
    assert messages(judged(recorded("cilium.json"), settings), "cluster-replaced") == [
        f"networkProfile.networkPolicy: {end}",
        f"networkProfile.networkDataplane: {end}",
    ]


def test_a_cluster_that_is_no_longer_there_is_deleted() -> None:
    settings = {"cluster-replaced": {"deployed": str(STATE)}}
    (said,) = messages(judged([], settings), "cluster-replaced")
    assert said.startswith("the deployment deletes cluster `aks`")


def test_a_cluster_that_is_exempt_may_go() -> None:
    exempt = [{"cluster": "aks", "reason": "the second one takes over"}]
    settings = {"cluster-replaced": {"deployed": str(STATE), "exempt": exempt}}
    assert messages(judged([], settings), "cluster-replaced") == []
    assert messages(judged(recorded("cilium.json"), settings), "cluster-replaced") == []


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    settings = {"cluster-replaced": {"deployed": str(FIRST)}}
    (said,) = messages(judged([cluster()], settings), "cluster-replaced")
    assert said == f"{FIRST}: is not the state of a stack"
    broken = tmp_path / "state.json"
    broken.write_text("{", encoding="utf-8")
    (said,) = messages(
        judged([cluster()], {"cluster-replaced": {"deployed": str(broken)}}), "cluster-replaced"
    )
    assert said.startswith(f"{broken}:1: ")


def test_without_the_state_a_cluster_that_is_made_may_be_a_replacement() -> None:
    group = {
        "urn": "urn:pulumi:dev::shop::azure-native:resources:ResourceGroup::rg",
        "type": "azure-native:resources:ResourceGroup",
        "outputs": {"name": "rg"},
    }
    later = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    made = {**cluster(), "outputs": {"fqdn": later}}
    deployed = {**cluster(), "outputs": {"fqdn": "aks.example.test"}}
    doubt = "cluster `aks` is made anew"
    assert any(each.startswith(doubt) for each in messages(judged([group, made]), "undetermined"))
    assert messages(judged([group, deployed]), "undetermined") == []
    assert messages(judged([made]), "undetermined") == []


def test_no_secret_comes_out() -> None:
    states = recorded("state.json")
    for each in states:
        each["inputs"] = {**each.get("inputs", {}), "kubeconfig": "canary", "data": {"k": "canary"}}
    assert "canary" not in str(judged(states))


def replaced(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], type_: str = TYPE
) -> list[Told]:
    """Return what a pack says that knows the state before the deployment."""
    states = [resource(type_, "aks", inputs, protect=True) for inputs in (before, after)]
    file = tmp_path / "state.json"
    document = {"version": 3, "deployment": {"resources": [{**states[0], "custom": True}]}}
    file.write_text(json.dumps(document), encoding="utf-8")
    return judged([states[1]], {"cluster-replaced": {"deployed": str(file)}})


def nested(path: str, value: str) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


@pytest.mark.parametrize("path", REPLACES_A_CLUSTER)
def test_every_leaf_that_replaces_is_told_with_what_to_do(tmp_path: Path, path: str) -> None:
    found = replaced(tmp_path, nested(path, "a"), nested(path, "b"))
    (message,) = messages(found, "cluster-replaced")
    assert message.startswith(f"{path}: from `a` to `b` replaces cluster `aks`")
    (told,) = [each for each in found if each.policy == "cluster-replaced"]
    assert CLUSTER_LEAVES[path] in told.message
    unknown = replaced(tmp_path, nested(path, "a"), nested(path, LATER))
    assert messages(unknown, "cluster-replaced") == []
    undetermined = messages(unknown, "undetermined")
    assert any(
        each.startswith(f"{path}: ") and each.endswith("[cluster-replaced]")
        for each in undetermined
    )


@pytest.mark.parametrize(
    "type_",
    [
        "azure-native:containerservice/v20240901:ManagedCluster",
        "azure-native_containerservice_v20260501:containerservice:ManagedCluster",
    ],
)
def test_a_replacement_is_told_in_every_spelling(tmp_path: Path, type_: str) -> None:
    found = replaced(tmp_path, {"dnsPrefix": "a"}, {"dnsPrefix": "b"}, type_)
    assert len(messages(found, "cluster-replaced")) == 1


def test_of_a_cluster_that_is_not_recognised_the_loss_is_told_and_no_change(
    tmp_path: Path,
) -> None:
    classic = "azure:containerservice/kubernetesCluster:KubernetesCluster"
    found = replaced(tmp_path, {"dnsPrefix": "a"}, {"dnsPrefix": "b"}, classic)
    assert messages(found, "cluster-replaced") == []
    assert any(each.endswith("[cluster-replaced]") for each in messages(found, "undetermined"))
    settings = {"cluster-replaced": {"deployed": str(tmp_path / "state.json")}}
    (lost,) = messages(judged([], settings), "cluster-replaced")
    assert lost.startswith("the deployment deletes cluster `aks`")
