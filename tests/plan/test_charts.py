"""Charts and kustomizations that a program names beside it are built, or named with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podwall.plan import Plan
from podwall.plan.documents import unseen_objects
from podwall.plan.embedded import embedded_plan
from podwall.plan.plan_json import plan_document, plan_in
from podwall.planners import Planner, program_source
from podwall.policies.errors import Place
from podwall.review import Review, review
from podwall.sources import source_of_program
from podwall.testing.programs import plan_of_program
from tests.plan.projects import KUBERNETES, plan_of, project_in, resource
from tests.sources.test_helm import CHART
from tests.sources.tools import HELM, KUSTOMIZE, files, stand_in

IMPORTS = """
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm import v3, v4
from pulumi_kubernetes.kustomize import Directory
from pulumi_kubernetes.kustomize.v2 import Directory as Directory2
"""
MORE = {
    "templates/hook.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: hook, annotations: {helm.sh/hook: post-install}}
""",
}
KUSTOMIZATION = {
    "kustomization.yaml": "namespace: shop\nnamePrefix: a-\nresources: [pod.yaml]\n",
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\n",
}


def planned(folder: Path, program: str) -> Plan:
    files(folder / "chart", {**CHART, **MORE})
    files(folder / "folder", KUSTOMIZATION)
    return plan_of(folder, IMPORTS + program)


def reviewed(folder: Path, program: str) -> Review:
    return review(source_of_program(planned(folder, program), folder))


def workloads(folder: Path, program: str) -> list[str]:
    return [each.id for each in reviewed(folder, program).reachability.workloads]


@HELM
@pytest.mark.parametrize(
    ("program", "names"),
    [
        pytest.param(
            'v3.Chart("r", v3.LocalChartOpts(path="./chart", namespace="shop"))',
            ["shop/hook", "shop/r-web"],
            id="a chart of v3",
        ),
        pytest.param(
            'v3.Chart("r", v3.LocalChartOpts("./chart", "shop", include_test_hook_resources=True))',
            ["shop/hook", "shop/r-web", "shop/test"],
            id="a chart of v3 with its tests",
        ),
        pytest.param(
            'v4.Chart("r", chart="./chart", namespace="shop")', ["shop/r-web"], id="a chart of v4"
        ),
        pytest.param(
            'v4.Chart("own", chart="./chart", name="r", namespace="shop", values={"web": "api"})',
            ["shop/r-api"],
            id="a chart of v4 with a name and values",
        ),
        pytest.param(
            'v3.Release("x", chart="./chart", name="r", namespace="shop")',
            ["shop/hook", "shop/r-web"],
            id="a release",
        ),
        pytest.param(
            'v3.Release("r", chart="./chart", namespace="shop")',
            ["shop/hook", "shop/r-web"],
            id="a release whose name is made up, under its own",
        ),
        pytest.param(
            'v4.Chart("r", chart="./chart", namespace=Namespace("shop").metadata.name)',
            ["shop/r-web"],
            id="in a namespace whose name is made up",
        ),
        pytest.param(
            'at = Provider("at", kubeconfig="{}", namespace="shop")\n'
            'v4.Chart("r", chart="./chart", opts=ResourceOptions(provider=at))',
            ["shop/r-web"],
            id="in the namespace of the provider",
        ),
        pytest.param(
            'v4.Chart("r", chart="./chart", namespace="shop", values={"web": "api"},'
            ' value_yaml_files=[pulumi.StringAsset("web: a"), pulumi.FileAsset("chart/more.txt")])',
            ["shop/r-api"],
            id="values over files of values",
        ),
        pytest.param(
            'v4.Chart("r", chart="./chart", namespace="shop",'
            ' value_yaml_files=[pulumi.StringAsset("web: a"), pulumi.FileAsset("chart/more.txt")])',
            ["shop/r-more"],
            id="the later file of values over the earlier",
        ),
        pytest.param(
            'v4.Chart("r", chart="./chart", namespace="shop", values={"web": Output.secret("a")})',
            ["shop/r-a"],
            id="with a secret value",
        ),
        pytest.param(
            'v3.Release("x", chart="./chart", name="r", namespace="shop", values={"web": None})',
            ["shop/hook", "shop/r-web"],
            id="null says nothing in a release",
        ),
    ],
)
def test_a_chart_is_rendered(tmp_path: Path, program: str, names: list[str]) -> None:
    files(tmp_path / "chart", {"more.txt": "web: more\n"})
    found = reviewed(tmp_path, program)
    assert [each.id for each in found.reachability.workloads] == names
    assert [(str(each.namespace), each.name) for each in found.reading.snapshot.policies] == [
        ("shop", "closed")
    ]
    assert not [each for each in found.findings if each.id == "unseen-objects"]
    assert not found.reachability.connection("0.0.0.0/0", names[-1]).allowed


@HELM
def test_transformations_and_transforms_change_what_is_rendered(tmp_path: Path) -> None:
    program = """
def label(obj, opts):
    if obj["kind"] == "Pod":
        obj["metadata"]["labels"] = {"app": "changed"}
def transform(args):
    if args.props.get("kind") == "Pod":
        args.props["metadata"]["labels"] = {"app": "changed"}
    return pulumi.ResourceTransformResult(args.props, args.opts)
v3.Chart("a", v3.LocalChartOpts("chart", "shop", transformations=[label]))
v4.Chart("b", chart="./chart", namespace="shop", opts=ResourceOptions(transforms=[transform]))
"""
    plan = planned(tmp_path, program)
    labels = {
        each.name: each.inputs["metadata"]["labels"]
        for each in plan.resources
        if each.type.endswith(":Pod")
    }
    assert labels == {key: {"app": "changed"} for key in labels}
    assert len(labels) == 3


@HELM
def test_objects_stand_at_their_templates(tmp_path: Path) -> None:
    program = """
v3.Chart("a", v3.LocalChartOpts("chart", "shop"))
v4.Chart("b", chart="./chart", namespace="shop")
"""
    plan = planned(tmp_path, program)
    places = {each.place for each in plan.resources if each.name.endswith("/closed")}
    assert places == {Place("chart/templates/policy.yaml", 3)}


@HELM
@pytest.mark.parametrize("has", [False, True])
def test_a_release_makes_its_namespace_unless_it_is_there(tmp_path: Path, *, has: bool) -> None:
    made = 'Namespace("shop", metadata={"name": "shop", "labels": {"team": "a"}})\n' if has else ""
    release = 'v3.Release("r", chart="./chart", namespace="shop", create_namespace=True)'
    found = reviewed(tmp_path, made + release).reading.snapshot.namespaces
    assert [(each.name, "team" in repr(each.labels)) for each in found] == [("shop", has)]


@KUSTOMIZE
@pytest.mark.parametrize(
    "program", ['Directory("d", "./folder")', 'Directory2("d", directory="./folder")']
)
@pytest.mark.long(keep=1)
def test_a_kustomization_is_built(tmp_path: Path, program: str) -> None:
    found = reviewed(tmp_path, program)
    assert [each.id for each in found.reachability.workloads] == ["shop/a-web"]
    (made,) = [each for each in planned(tmp_path, program).resources if each.name.endswith("web")]
    assert made.place == Place("folder/pod.yaml", 1)
    assert not [each for each in found.findings if each.id == "unseen-objects"]


PRINTS_A_POD = "print('{kind: Pod, apiVersion: v1, metadata: {name: web, namespace: shop}}')"


@pytest.mark.parametrize(
    ("tool", "program"),
    [
        ("helm", 'v3.Chart("r", v3.LocalChartOpts("./chart"))'),
        ("helm", 'v4.Chart("r", chart="./chart")'),
        ("helm", 'v3.Release("r", chart="./chart")'),
        ("kustomize", 'Directory("r", "./folder")'),
        ("kubectl", 'Directory2("r", directory="./folder")'),
    ],
)
@pytest.mark.long(keep=1)
def test_the_tool_on_the_path_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, program: str
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path, tool, PRINTS_A_POD))
    assert workloads(tmp_path, program) == ["shop/web"]
    monkeypatch.setenv("PATH", "")
    (named,) = unseen_objects(planned(tmp_path, program))
    assert f"`{'kustomize' if tool == 'kubectl' else tool}`" in named.message


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ('v3.Chart("r", v3.ChartOpts("nginx"))', "chart `nginx` is fetched"),
        ('v4.Chart("r", chart="nginx")', "chart `nginx` is in no folder here"),
        (
            'v4.Chart("r", chart="./chart", repository_opts={"repo": "https://example.com"})',
            "chart `./chart` is fetched",
        ),
        ('v3.Release("r", chart="oci://e.example/c")', "chart `oci://e.example/c` is in no folder"),
        (
            'v4.Chart("r", chart="./chart", post_renderer={"command": "touch"})',
            "a program that is not run changes what it renders",
        ),
        (
            'v3.Release("r", chart="./chart", postrender="touch")',
            "a program that is not run changes what it renders",
        ),
        (
            'v4.Chart("r", chart="./chart", dependency_update=True)',
            "its dependencies are fetched",
        ),
        (
            'v4.Chart("r", chart="./chart", values={"web": Namespace("n").metadata.uid})',
            "`values.web` of Chart `r` is known only after deployment of Namespace `n`",
        ),
        (
            (
                'v4.Chart("r", chart="./chart",'
                ' value_yaml_files=[pulumi.RemoteAsset("https://e.example")])'
            ),
            "a file of its values is fetched",
        ),
        (
            (
                'v4.Chart("r", chart="./chart", opts=ResourceOptions(provider=Provider('
                '"at", kubeconfig="{}", namespace=ConfigMap("c").metadata.uid)))'
            ),
            "`namespace` of Provider `at` is known only after deployment of ConfigMap `c`",
        ),
        ('Directory("r", "https://e.example/repo")', "kustomization `https://e.example/repo`"),
        ('Directory2("r", directory="./gone")', "kustomization `./gone` is in no folder here"),
        (
            'Directory2("r", directory="./remote")',
            "is on the network, and kustomize may fetch nothing",
        ),
    ],
)
@pytest.mark.long(keep=4)
def test_what_is_not_built_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, reason: str
) -> None:
    ran = tmp_path / "ran"
    touches = f"open({str(ran)!r}, 'w')"
    for tool in ("helm", "kustomize"):
        monkeypatch.setenv("PATH", stand_in(tmp_path, tool, touches))
    remote = "resources: [github.com/example/repo?ref=v1]\n"
    files(tmp_path / "remote", {"kustomization.yaml": remote})
    plan = planned(tmp_path, f"{statement}\npod('web')")
    (found,) = unseen_objects(plan)
    assert reason in found.message
    assert found.place.source == "__main__.py"
    assert resource(plan, "web").inputs["metadata"]["name"] == "web"
    assert not ran.exists()


@HELM
def test_what_helm_refuses_is_named(tmp_path: Path) -> None:
    files(tmp_path / "chart", {"templates/bad.yaml": "{{ fail `no` }}\n"})
    (found,) = unseen_objects(planned(tmp_path, 'v4.Chart("r", chart="./chart")'))
    assert "bad.yaml" in found.message


def test_what_is_known_only_later_is_named_in_a_chart_of_v3(tmp_path: Path) -> None:
    values = 'values={"web": Namespace("n").metadata.uid}'
    program = f'v3.Chart("r", v3.LocalChartOpts("./chart", {values}))'
    (found,) = unseen_objects(planned(tmp_path, program))
    assert "a part of what it is given is known only after deployment" in found.message


@HELM
def test_a_secret_value_is_in_no_plan(tmp_path: Path) -> None:
    files(
        tmp_path / "chart",
        {
            "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"
            "data: {text: '{{ .Values.text }}'}\n"
        },
    )
    text = 'values={"text": Output.secret("hunter2-hunter2")}'
    program = f'v4.Chart("r", chart="./chart", {text})\n'
    program += f'v3.Chart("q", v3.LocalChartOpts("./chart", "shop", {text}))\n'
    plan = planned(tmp_path, program)
    assert len([each for each in plan.resources if each.name.endswith("m")]) == 2
    assert "hunter2" not in repr(plan)


@HELM
def test_a_plan_without_a_builder_builds_nothing(tmp_path: Path) -> None:
    files(tmp_path / "chart", CHART)
    program = KUBERNETES + IMPORTS.replace("\n", "\n    ") + 'v4.Chart("r", chart="./chart")\n'
    (found,) = unseen_objects(embedded_plan(project_in(tmp_path, program), "dev"))
    assert "no tool may run to build it" in found.message


@HELM
def test_a_plan_that_is_written_and_read_again_says_the_same(tmp_path: Path) -> None:
    plan = planned(tmp_path, 'v3.Release("r", chart="./chart", namespace="shop")')
    read = plan_in(json.loads(json.dumps(_plain(plan))), Place("plan.json"))
    assert list(unseen_objects(read)) == []


def _plain(plan: Plan) -> object:
    import msgspec  # noqa: PLC0415 - beside its only use

    return msgspec.to_builtins(plan_document(plan))


@HELM
def test_every_command_and_unit_test_builds_them(tmp_path: Path) -> None:
    planned(tmp_path, 'v3.Release("r", chart="./chart", namespace="shop")')
    found = program_source(tmp_path, "dev", Planner.EMBEDDED, print)
    assert [each.id for each in review(found).reachability.workloads] == ["shop/hook", "shop/r-web"]
    assert plan_of_program(tmp_path, "dev", None) == found.plan
