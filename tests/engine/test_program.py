"""This repository's program under the real engine: plan, deploy, change, refresh, destroy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.plans import names, operations, step_of, types
from tests.engine.plugins.azure_native import DRIFT
from tests.engine.plugins.kubeconfig import leaks
from tests.engine.plugins.wire import has_unknown
from tests.engine.workspace import Document, EngineFailed, Workspace

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

POLICY_TYPES = {"podwall:index:NetworkPolicies", "kubernetes:networking.k8s.io/v1:NetworkPolicy"}
CLUSTER = "azure-native:containerservice:ManagedCluster::podwall"
CILIUM = {"networkProfile.networkDataplane": "cilium", "networkProfile.networkPolicy": "cilium"}
CLIENTS = ("starwind/client-labelled", "starwind/client-unlabelled", "visitor/client-labelled")


def kubernetes_objects(preview: Document) -> list[Document]:
    return [step for step in preview["steps"] if "kubernetes:" in step["urn"].split("::")[2]]


def reaches_backend(workspace: Workspace) -> list[str]:
    """Return the clients that reach port 80 of the backend, as the engine's own plan has it."""
    shown = workspace.podwall("preview", "--stack", "dev", "--with", "pulumi", "-o", "json")
    connections = json.loads(shown.stdout)["reachability"]["connections"]
    return [
        found["source"]
        for found in connections
        if found["destination"] == "starwind/backend" and found["source"] in CLIENTS
        and any(one["protocol"] == "TCP" and one["ports"][0][0] <= 80 for one in found["allowed"])
    ]  # fmt: skip


def test_a_first_preview_creates_everything_and_knows_every_kubernetes_object(
    dev_new: Workspace,
) -> None:
    preview = dev_new.preview()
    objects = kubernetes_objects(preview)
    assert operations(preview) == {"create"}
    assert len(objects) > 10
    assert [step["urn"] for step in objects if has_unknown(step["newState"]["inputs"])] == []


def test_nothing_changes_where_nothing_was_changed(dev: Workspace, prod: Workspace) -> None:
    assert operations(dev.preview()) == {"same"}
    assert operations(prod.preview()) == {"same"}


@pytest.mark.parametrize(
    ("step", "operation", "reached_by"),
    [
        pytest.param("open", "delete", CLIENTS, id="without a policy everyone reaches the backend"),
        pytest.param("deny-all", "update", (), id="a policy without a rule lets nobody in"),
        pytest.param("same-namespace", "update", CLIENTS[:1], id="labels of the same namespace"),
        pytest.param("any-namespace", "update", CLIENTS[::2], id="labels of any namespace"),
        pytest.param("own-namespace", "same", CLIENTS[:1], id="labels of the named namespace"),
    ],
)
def test_a_step_of_the_walkthrough_changes_the_policy_and_nothing_else(
    dev: Workspace, step: str, operation: str, reached_by: tuple[str, ...]
) -> None:
    preview = dev.configured({"step": step}).preview()
    assert types(preview, operation) >= {"kubernetes:networking.k8s.io/v1:NetworkPolicy"}
    assert operations(preview) == {"same", operation}
    assert operation == "same" or types(preview, operation) <= POLICY_TYPES
    assert reaches_backend(dev) == sorted(reached_by)
    dev.up()
    assert operations(dev.preview()) == {"same"}


def test_another_engine_is_refused_with_the_way_to_migrate(dev: Workspace) -> None:
    with pytest.raises(EngineFailed) as failure:
        dev.configured({"engine": "cilium"}).preview()
    assert "would have to be made anew" in failure.value.output
    shown = dev.podwall("preview", "--stack", "dev", "--with", "pulumi")
    assert shown.returncode == 2
    assert "az aks update --network-dataplane cilium" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_another_engine_that_is_asked_for_replaces_the_cluster_and_everything_in_it(
    dev: Workspace,
) -> None:
    dev.configured({"cluster.protect": "false"}).up()
    preview = dev.configured({"engine": "cilium", "cluster.engineChange": "replace"}).preview()
    replaced = types(preview, "replace")
    assert {
        "azure-native:containerservice:ManagedCluster",
        "pulumi:providers:kubernetes",
    } < replaced
    assert {step["op"] for step in kubernetes_objects(preview)} == {"replace"}
    dev.up()
    assert operations(dev.preview()) == {"same"}


def test_a_cluster_that_azure_has_already_moved_to_cilium_is_left_alone(
    dev: Workspace, tmp_path: Path
) -> None:
    drift = tmp_path / "drift.json"
    drift.write_text(json.dumps({CLUSTER: CILIUM}), encoding="utf-8")
    dev.refresh(**{DRIFT: str(drift)})
    migrated = {"engine": "cilium", "cluster.engineChange": "already-migrated"}
    preview = dev.configured(migrated).preview()
    assert (names(preview, "update"), operations(preview)) == ({"podwall"}, {"same", "update"})
    assert step_of(preview, CLUSTER)["op"] == "same"
    dev.up()
    assert operations(dev.configured({"cluster.engineChange": "refuse"}).preview()) == {"same"}


def test_a_refresh_finds_nothing_where_nothing_has_moved(dev: Workspace) -> None:
    everything = len(dev.preview()["steps"])
    assert f"Resources:\n    {everything} unchanged" in dev.refresh()


def test_a_protected_cluster_stops_destroy_before_anything_is_deleted(prod: Workspace) -> None:
    before = len(prod.export()["deployment"]["resources"])
    with pytest.raises(EngineFailed, match="because it is protected"):
        prod.destroy()
    assert len(prod.export()["deployment"]["resources"]) == before


def test_a_stack_that_gives_its_protection_up_can_be_destroyed(dev: Workspace) -> None:
    dev.configured({"cluster.protect": "false"}).up()
    dev.destroy()
    assert dev.export()["deployment"].get("resources", []) == []


def test_no_secret_is_in_any_document(prod: Workspace) -> None:
    prod.configured({"replicas": "3"})
    shown = prod.podwall("preview", "--stack", "prod", "--with", "pulumi")
    assert shown.returncode == 0, shown.stderr
    written = "".join(path.read_text("utf-8") for path in (prod.project / "out").rglob("*.*"))
    documents = [prod.preview(), prod.events(), prod.export()]
    assert not leaks(shown.stdout + shown.stderr + written)
    assert not leaks(json.dumps(documents))
    assert leaks(prod.pulumi("stack", "output", "--show-secrets", "--stack", "prod"))
