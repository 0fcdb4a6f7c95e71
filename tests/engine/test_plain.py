"""A program in raw SDK objects under the real engine: what the reference says of it is so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.plans import inputs_of, names, operations, step_of
from tests.engine.plugins.azure_native import DRIFT
from tests.engine.plugins.kubeconfig import leaks
from tests.engine.plugins.wire import UNKNOWN
from tests.engine.workspace import Document, Workspace

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CLUSTER_WIDE = {"aks", "k8s", "shop", "tools", "deny", "web", "api", "scan"}


def test_a_first_preview_has_whole_inputs_and_no_outputs(plain_first: Document) -> None:
    assert operations(plain_first) == {"create"}
    assert inputs_of(plain_first, "deny")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress"],
    }
    assert [step["urn"] for step in plain_first["steps"] if "outputs" in step["newState"]] == []


def test_a_first_preview_does_not_know_a_namespace_taken_from_an_output(
    plain_first: Document,
) -> None:
    assert inputs_of(plain_first, "web")["metadata"]["namespace"] == UNKNOWN
    (shop,) = step_of(plain_first, "web")["newState"]["propertyDependencies"]["metadata"]
    assert shop.endswith("::shop")


def test_an_object_that_the_provider_names_has_no_name_in_a_first_preview(
    plain_first: Document,
) -> None:
    assert "metadata" not in inputs_of(plain_first, "tools")


def test_nothing_changes_where_nothing_was_changed(plain: Workspace) -> None:
    assert plain.preview()["changeSummary"] == {"same": 10}


def test_a_policy_is_changed_in_place(plain: Workspace) -> None:
    preview = plain.configured({"allow": "true"}).preview()
    assert names(preview, "create") == {"allow-web"}
    plain.up()
    assert names(plain.configured({"allow": "false"}).preview(), "delete") == {"allow-web"}


def test_a_renamed_policy_is_created_before_the_old_one_goes(plain: Workspace) -> None:
    preview = plain.configured({"deny": "nothing-comes-in"}).preview("--show-replacement-steps")
    done = [step["op"] for step in preview["steps"] if step["urn"].endswith("::deny")]
    assert done == ["create-replacement", "replace", "delete-replaced"]


def test_another_engine_replaces_the_cluster_and_everything_in_it(plain: Workspace) -> None:
    preview = plain.configured({"engine": "cilium"}).preview()
    assert names(preview, "replace") == CLUSTER_WIDE
    assert set(step_of(preview, "aks")["replaceReasons"]) == {
        "networkProfile.networkDataplane",
        "networkProfile.networkPolicy",
    }


def test_a_cluster_that_azure_has_already_moved_to_cilium_is_left_alone(
    plain: Workspace, tmp_path: Path
) -> None:
    moved = {"networkProfile.networkDataplane": "cilium", "networkProfile.networkPolicy": "cilium"}
    (tmp_path / "drift.json").write_text(
        json.dumps({"ManagedCluster::aks": moved}), encoding="utf-8"
    )
    plain.refresh(**{DRIFT: str(tmp_path / "drift.json")})
    assert names(plain.preview(), "replace") == CLUSTER_WIDE
    assert plain.configured({"engine": "cilium"}).preview()["changeSummary"] == {"same": 10}


def test_no_secret_is_in_any_document(plain: Workspace) -> None:
    plain.configured({"engine": "cilium"})
    assert not leaks(json.dumps(plain.preview()))
    assert not leaks(json.dumps(plain.events()))
    assert not leaks(json.dumps(plain.export()))
    assert leaks(plain.pulumi("stack", "output", "--show-secrets", "--stack", "dev"))


def test_everything_can_be_destroyed(plain: Workspace) -> None:
    plain.destroy()
    assert plain.export()["deployment"].get("resources", []) == []
