"""`podwall preview` of the real program and of small ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from podwall.plan.documents import documents
from podwall.plan.embedded import embedded_plan
from podwall.reading import Document, snapshot
from tests.cli.running import ROOT, Result, podwall, process
from tests.plan.projects import project_in

STACKS = ("dev", "prod")
POD = """
    import pulumi
    from pulumi_kubernetes.core.v1 import Namespace, Pod

    Namespace("shop", metadata={"name": "shop"})
    Pod(
        "web",
        metadata={"name": "web", "namespace": "shop"},
        spec={"containers": [{"name": "a", "image": "b"}]},
    )
"""


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def shown(stack: str, out: Path) -> Result:
    return process(ROOT, "preview", "--stack", stack, "-o", "json", "--out", str(out))


@pytest.mark.long
def test_the_real_program_is_planned(shown: Result) -> None:
    assert shown.code == 0
    types = {each["type"] for each in shown.json["resources"]}
    assert "azure-native:containerservice:ManagedCluster" in types
    assert "kubernetes:networking.k8s.io/v1:NetworkPolicy" in types


@pytest.mark.long
def test_every_resource_says_what_it_is_and_has_a_parent_in_the_plan(shown: Result) -> None:
    resources = shown.json["resources"]
    urns = {each["urn"] for each in resources}
    for each in resources:
        assert {"type", "name", "parent", "protect", "inputs"} <= each.keys()
        is_stack = each["type"] == "pulumi:pulumi:Stack"
        assert each["parent"] is None if is_stack else each["parent"] in urns


@pytest.mark.long
def test_the_reachability_is_in_its_format(shown: Result) -> None:
    reach = shown.json["reachability"]
    further = {"closed", "unseen", "exposure", "findings", "unread", "acknowledged"}
    assert set(reach) == {"format", "engine", "workloads", "connections", *further}
    assert reach["format"] == "podwall/reach/v2"
    for each in (*reach["connections"], *reach["exposure"]):
        for part in (*each["allowed"], *each["undetermined"]):
            assert part["protocol"] in {"TCP", "UDP", "SCTP"}
            assert part["ports"] == sorted(part["ports"])


@pytest.mark.long
def test_manifests_read_back_mean_the_same(shown: Result, stack: str, out: Path) -> None:
    assert shown.code == 0
    files = sorted((out / stack / "manifests").iterdir())
    written = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    planned = documents(embedded_plan(ROOT, stack))
    read = snapshot(Document(manifest) for manifest in written).snapshot
    meant = snapshot(planned).snapshot
    assert set(read.policies) == set(meant.policies) != set()
    assert set(read.workloads) == set(meant.workloads)
    assert set(read.namespaces) == set(meant.namespaces)


@pytest.mark.long
def test_manifests_hold_whole_numbers(shown: Result, stack: str, out: Path) -> None:
    assert shown.code == 0
    for file in (out / stack / "manifests").iterdir():
        assert "80.0" not in file.read_text(encoding="utf-8")


def test_the_screen_tells_resources_reachability_findings_and_files(tmp_path: Path) -> None:
    result = podwall(project_in(tmp_path, f"{POD}\n    pulumi.log.warn('careful')"), "preview")
    assert result.code == 0
    assert "├─ Namespace shop" in result.out
    assert "└─ Pod web" in result.out
    assert "Who can reach whom" in result.out
    assert "warning[program-warning]" in result.out
    assert result.err.splitlines() == [
        "planning without the Pulumi CLI, which is not on the PATH",
        "wrote 2 manifests, plan.json and index.html to out/dev",
    ]


@pytest.mark.long
def test_an_output_that_is_no_terminal_has_no_colours(tmp_path: Path) -> None:
    result = process(project_in(tmp_path, POD), "preview")
    assert "\x1b" not in result.out + result.err


@pytest.mark.long
def test_an_output_without_unicode_gets_plain_signs(tmp_path: Path) -> None:
    result = process(project_in(tmp_path, POD), "preview", PYTHONIOENCODING="ascii")
    assert result.code == 0
    assert "`- Pod web" in result.out
    assert result.out.isascii()


def test_old_manifests_do_not_stay(tmp_path: Path) -> None:
    folder = project_in(tmp_path, POD)
    assert podwall(folder, "preview").code == 0
    project_in(tmp_path, POD.replace('"web"', '"api"'))
    assert podwall(folder, "preview").code == 0
    names = sorted(path.name for path in (folder / "out/dev/manifests").iterdir())
    assert names == ["1-namespace-shop.yaml", "4-pod-shop-api.yaml"]


@pytest.mark.long
def test_the_step_is_configuration(tmp_path: Path) -> None:
    reaching = {}
    for step in ("open", "deny-all"):
        folder = _copy_of_the_stack(tmp_path / step, f"podwall:step: {step}")
        document = podwall(folder, "preview", "-o", "json").json
        pairs = {
            (each["source"], each["destination"])
            for each in document["reachability"]["connections"]
        }
        reaching[step] = ("visitor/client-labelled", "starwind/backend") in pairs
    assert reaching == {"open": True, "deny-all": False}


def _copy_of_the_stack(folder: Path, line: str) -> Path:
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        (folder / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  {line}\n", "utf-8")
    return folder
