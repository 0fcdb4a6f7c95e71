"""Previews, engine events and exported stacks of a real engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from podwall.model import LabelMap, Snapshot, Unknown
from podwall.policies.errors import InvalidValue
from podwall.reading import DeclaredCluster
from podwall.review import review
from podwall.sources import Source, SourceKind, in_cluster, source

FOLDER = Path(__file__).parents[1] / "data" / "previews"
SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
NAME = "kubernetes.io/metadata.name"


def real(name: str) -> Source:
    return source(str(FOLDER / f"{name}.json"))


def planned(found: Source) -> Snapshot:
    return review(found).reading.snapshot


def deployed(found: Source) -> Snapshot:
    before = found.as_deployed()
    assert before is not None
    return review(before).reading.snapshot


def workloads(snapshot: Snapshot) -> set[str]:
    return {f"{workload.namespace}/{workload.name}" for workload in snapshot.workloads}


def test_a_first_preview_adds_everything_to_nothing() -> None:
    found = real("first")
    assert found.kind == SourceKind.PREVIEW
    assert workloads(planned(found)) == {"shop/web", "shop/api", "tools/scan"}
    assert deployed(found) == Snapshot()


def test_a_namespace_that_is_an_output_is_found_through_its_dependencies() -> None:
    (policy,) = planned(real("first")).policies
    assert (policy.namespace, policy.ingress) == ("shop", ())


def test_an_automatic_name_is_a_stand_in_that_is_shown_as_the_program_calls_it() -> None:
    tools = next(ns for ns in planned(real("first")).namespaces if ns.name == "tools")
    assert dict(tools.labels.items)[NAME] == "tools"
    assert re.fullmatch("tools-[0-9a-f]{8}", tools.also)
    assert tools.labels.more is None


def test_a_later_preview_holds_both_states() -> None:
    found = real("allow")
    assert workloads(planned(found)) == {"shop/web", "shop/api", "tools/scan"}
    assert workloads(deployed(found)) == workloads(planned(found))
    assert {policy.name for policy in deployed(found).policies} == {"default-deny"}
    assert {policy.name for policy in planned(found).policies} == {"default-deny", "api"}


def test_an_exported_stack_is_what_the_preview_promised() -> None:
    found = real("state")
    assert (found.kind, found.deployed) == (SourceKind.STATE, None)
    promised, exported = planned(real("allow")), planned(found)
    assert set(exported.policies) == set(promised.policies)
    assert set(exported.workloads) == set(promised.workloads)
    assert set(exported.namespaces) == set(promised.namespaces)


@pytest.mark.parametrize("name", ["first", "allow", "state"])
def test_the_engine_is_that_of_the_cluster_in_the_stack(name: str) -> None:
    assert planned(real(name)).engine == "azure"


def resource(kind: str, name: str, inputs: Any, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:dev::p1::{kind}::{name}",
        "type": kind,
        "custom": True,
        "id": name,
        "inputs": inputs,
        **more,
    }


def pod(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": more.pop("labels", {})}
    return resource("kubernetes:core/v1:Pod", name, {"metadata": metadata}, **more)


def cluster(policy: str) -> dict[str, Any]:
    profile = {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "networkPolicy": policy,
        "podCidr": "10.244.0.0/16",
    }
    inputs = {"kubernetesVersion": "1.34.2", "networkProfile": profile}
    return resource("azure-native:containerservice:ManagedCluster", "aks", inputs)


def opened(tmp_path: Path, *values: Any) -> Source:
    path = tmp_path / "preview.json"
    path.write_text("\n".join(json.dumps(value) for value in values), encoding="utf-8")
    return source(str(path))


def preview(tmp_path: Path, *steps: tuple[str, Any, Any]) -> Source:
    written = [{"op": op, "urn": "", "oldState": old, "newState": new} for op, old, new in steps]
    return opened(tmp_path, {"steps": written})


@pytest.mark.parametrize(
    ("op", "before", "after"),
    [
        pytest.param("create", False, True, id="create"),
        pytest.param("same", True, True, id="same"),
        pytest.param("update", True, True, id="update"),
        pytest.param("replace", True, True, id="replace"),
        pytest.param("create-replacement", True, True, id="create-replacement"),
        pytest.param("delete-replaced", True, False, id="delete-replaced"),
        pytest.param("delete", True, False, id="delete"),
        pytest.param("import", True, True, id="import"),
        pytest.param("refresh", True, True, id="refresh"),
        pytest.param("discard", True, True, id="discard"),
    ],
)
def test_steps(tmp_path: Path, op: str, *, before: bool, after: bool) -> None:
    anchor = ("same", pod("anchor"), pod("anchor"))
    found = preview(
        tmp_path, anchor, (op, pod("web") if before else None, pod("web") if after else None)
    )
    assert ("default/web" in workloads(deployed(found))) is before
    assert ("default/web" in workloads(planned(found))) is after


def test_a_resource_that_waits_for_its_deletion_is_there_until_then(tmp_path: Path) -> None:
    found = preview(tmp_path, ("delete", pod("web", delete=True), None))
    assert workloads(deployed(found)) == {"default/web"}
    assert planned(found) == Snapshot()


def test_a_cluster_that_changes_its_engine(tmp_path: Path) -> None:
    found = preview(tmp_path, ("replace", cluster("azure"), cluster("cilium")))
    assert deployed(found).engine == "azure"
    assert planned(found).engine == "cilium"
    assert planned(found).kubernetes_version == "1.34"
    assert [str(cidr) for cidr in planned(found).pod_cidrs] == ["10.244.0.0/16"]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        pytest.param(SENTINEL, "is known only after deployment", id="unknown"),
        pytest.param("[secret]", "is secret", id="a secret in a preview"),
        pytest.param(
            {
                "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
                "ciphertext": "v1:...",
            },
            "is secret",
            id="a secret in a state",
        ),
    ],
)
def test_values_that_are_not_told(tmp_path: Path, value: Any, cause: str) -> None:
    found = preview(tmp_path, ("create", None, pod("web", labels={"app": value, "a": "b"})))
    (web,) = planned(found).workloads
    assert web.labels == LabelMap.of(
        {"a": "b", "app": Unknown(f"`metadata.labels.app` of Pod `web` {cause}")}
    )


@pytest.mark.parametrize("cidr", ["2001-01-01", "", "10.0.0.0/99", None, 5, ["10.0.0.0/8"]])
def test_a_range_of_pods_that_is_none_says_nothing(tmp_path: Path, cidr: Any) -> None:
    aks = cluster("azure")
    aks["inputs"]["networkProfile"]["podCidr"] = cidr
    assert planned(preview(tmp_path, ("same", aks, aks))).pod_cidrs == ()


def test_engine_events_are_a_preview_too(tmp_path: Path) -> None:
    events = [
        {"sequence": 1, "timestamp": 1, "preludeEvent": {"config": {}}},
        {
            "sequence": 2,
            "timestamp": 1,
            "resourcePreEvent": {"metadata": {"op": "create", "new": pod("web")}},
        },
        {
            "sequence": 3,
            "timestamp": 1,
            "resourcePreEvent": {"metadata": {"op": "delete", "old": pod("old")}},
        },
        {"sequence": 4, "timestamp": 1, "summaryEvent": {}},
    ]
    found = opened(tmp_path, *events)
    assert (workloads(deployed(found)), workloads(planned(found))) == (
        {"default/old"},
        {"default/web"},
    )


def test_a_checkpoint_of_a_local_backend(tmp_path: Path) -> None:
    checkpoint = {"version": 3, "checkpoint": {"latest": {"resources": [pod("web")]}}}
    assert workloads(planned(opened(tmp_path, checkpoint))) == {"default/web"}


SOUND = pod("web")
LATER = {"op": "create", "newState": {**SOUND, "propertyDependencies": {"spec": ["x"]}}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({"steps": [1]}, "steps[0]: must be a mapping, is `1`", id="no step"),
        pytest.param({"steps": [{}]}, "steps[0].op: is missing", id="no operation"),
        pytest.param({"steps": [{"op": []}]}, "steps[0].op: must be `create`, `cr", id="a list"),
        pytest.param(
            {"steps": [{"op": "same"}, {"op": "transmogrify"}]},
            "steps[1].op: must be `create`, `create-replacement`, `delete`, `delete-replaced`, "
            "`discard`, `discard-replaced`, `import`, `import-replacement`, `read`, "
            "`read-replacement`, `refresh`, `remove-pending-replace`, `replace`, `same` or "
            "`update`, is `transmogrify`",
            id="an operation of a later engine",
        ),
        pytest.param(
            {"steps": [{"op": "create", "newState": {"urn": "x", "type": "y"}}]},
            "steps[0].newState.urn: must be a URN, is `x`",
            id="no URN",
        ),
        pytest.param(
            {"steps": [{"op": "create", "newState": {**SOUND, "inputs": 5}}]},
            "steps[0].newState.inputs: must be a mapping, is `5`",
            id="inputs that are none",
        ),
        pytest.param(
            {"steps": [LATER]},
            "steps[0].newState.propertyDependencies[spec][0]: must be a URN, is `x`",
            id="a dependency on what is no URN",
        ),
        pytest.param(
            {"steps": [], "changeSummary": {"same": "7"}},
            "changeSummary[same]: must be a whole number, is the text `7`",
            id="a count that is none",
        ),
        pytest.param(
            {"steps": [], "diagnostics": [{"severity": "error", "message": None}]},
            "diagnostics[0].message: must be text, is `null`",
            id="a message that is none",
        ),
        pytest.param(
            {"version": 3, "deployment": {"resources": [{**SOUND, "protect": "no"}]}},
            "deployment.resources[0].protect: must be `true` or `false`, is the text `no`",
            id="a state",
        ),
        pytest.param(
            {"checkpoint": {"latest": {"resources": [{**SOUND, "dependencies": [1]}]}}},
            "checkpoint.latest.resources[0].dependencies[0]: must be text, is `1`",
            id="a checkpoint",
        ),
        pytest.param(
            {"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": {"op": "made"}}},
            "[0].resourcePreEvent.metadata.op: must be `create`",
            id="an event",
        ),
    ],
)
def test_what_no_engine_writes_is_refused_with_its_place(
    tmp_path: Path, document: Any, message: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        opened(tmp_path, document)
    assert str(refusal.value).startswith(f"{tmp_path / 'preview.json'} {message}")


def test_what_an_engine_adds_is_left_to_others(tmp_path: Path) -> None:
    later = {**pod("web"), "viewOf": 5, "stackTrace": [{"sourcePosition": "file://[#1"}]}
    steps = [{"op": "create", "urn": later["urn"], "newState": later, "views": []}]
    assert workloads(planned(opened(tmp_path, {"steps": steps, "maySkip": 1}))) == {"default/web"}


def test_a_stack_of_two_clusters_declares_no_engine(tmp_path: Path) -> None:
    other = cluster("cilium")
    other["urn"] += "2"
    found = preview(tmp_path, ("create", None, cluster("azure")), ("create", None, other))
    assert found.planned.cluster == DeclaredCluster()


def gaps(found: Source) -> list[str]:
    return [f"{finding.id}: {finding.message}" for finding in review(found).source_findings]


@pytest.mark.parametrize(
    ("messages", "reasons"),
    [
        pytest.param(["error: no\n  such thing"], ["no such thing"], id="one line"),
        pytest.param(["error: no", "error: preview failed\n"], ["no"], id="what is no reason"),
        pytest.param(["error: Preview failed: no", "no"], ["no"], id="once"),
        pytest.param(["error: preview failed"], ["preview failed"], id="a policy pack said no"),
    ],
)
def test_a_preview_that_failed_is_not_the_whole_plan(
    tmp_path: Path, messages: list[str], reasons: list[str]
) -> None:
    diagnostics = [{"severity": "error", "message": message} for message in messages]
    steps = [{"op": "create", "newState": pod("web")}]
    found = opened(tmp_path, {"steps": steps, "diagnostics": diagnostics})
    assert gaps(found) == [f"preview-failed: the preview failed: {each}" for each in reasons]


def test_a_preview_without_what_stays_is_not_the_whole_plan(tmp_path: Path) -> None:
    steps = [{"op": "create", "newState": pod("web")}]
    found = opened(tmp_path, {"steps": steps, "changeSummary": {"create": 1, "same": 7}})
    assert gaps(found) == [
        "preview-without-sames: the preview leaves out 7 resources that do not change"
    ]


def test_events_without_what_stays_are_not_the_whole_plan(tmp_path: Path) -> None:
    head = {"sequence": 1, "timestamp": 1}
    found = opened(
        tmp_path,
        {**head, "resourcePreEvent": {"metadata": {"op": "create", "new": pod("web")}}},
        {**head, "summaryEvent": {"resourceChanges": {"create": 1, "same": 1}}},
        {**head, "diagnosticEvent": {"severity": "warning", "message": "careful"}},
    )
    assert gaps(found) == [
        "preview-without-sames: the preview leaves out 1 resources that do not change"
    ]


@pytest.mark.parametrize("name", ["first", "allow"])
def test_a_real_preview_is_the_whole_plan(name: str) -> None:
    assert real(name).findings == ()


def test_objects_for_two_clusters_are_told(tmp_path: Path) -> None:
    steps = []
    for number in (1, 2):
        aks = {**cluster("cilium")}
        aks["urn"] += str(number)
        kind = "pulumi:providers:kubernetes"
        provider = resource(kind, f"k8s{number}", {}, dependencies=[aks["urn"]])
        web = pod(f"web{number}", provider=f"{provider['urn']}::some-id")
        steps += [{"op": "create", "newState": state} for state in (aks, provider, web)]
    found = opened(tmp_path, {"steps": steps})
    with pytest.raises(InvalidValue, match="deploys to 2 clusters"):
        review(found)
    assert workloads(planned(in_cluster(found, "aks1"))) == {"default/web1"}
