"""What a program makes later, or fetches, is named where it is written, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan import Plan
from podwall.plan.documents import brought_policies, unseen_entries, unseen_objects
from podwall.plan.messages import later_findings
from podwall.policies.errors import Finding, Place, Unknown
from tests.plan.projects import plan_of, resource

LATER = """
import json
import pulumi_kubernetes as k8s

made = ConfigMap("made", metadata={"name": "made", "namespace": "shop"})
late = made.metadata.uid

class Maker:
    def make(self, text):
        return pod("later")

def through_another(text):
    return in_between(text)

def in_between(text):
    return pod("later")

def looks_only(text):
    return json.dumps({"a": text.upper()})

maker = Maker()
"""


def unseen(plan: Plan) -> list[Finding]:
    return [each for each in plan.warnings if each.id == "unseen-objects"]


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("late.apply(lambda text: Pod(text))", "Pod"),
        ("late.apply(lambda text: k8s.networking.v1.NetworkPolicy(text))", "NetworkPolicy"),
        ("late.apply(lambda text: [pod(each) for each in 'ab'])", "Pod"),
        ("late.apply(through_another)", "Pod"),
        ("late.apply(maker.make)", "Pod"),
        ("Output.all(late, 1).apply(lambda each: Pod(each[0]))", "Pod"),
        ("late.apply(lambda text: text).apply(lambda text: Namespace(text))", "Namespace"),
        ("late.apply(lambda text: (Pod(text), Secret(text)))", "Pod, Secret"),
    ],
)
@pytest.mark.long(keep=4)
def test_what_is_made_inside_an_apply_that_did_not_run_is_named(
    tmp_path: Path, statement: str, kinds: str
) -> None:
    plan = plan_of(tmp_path, f"{LATER}\n{statement}")
    (found,) = unseen(plan)
    assert found.message.startswith(f"{kinds} inside an `apply` of a value")
    assert found.place.source == "__main__.py"
    assert [each.place for each in unseen_entries(plan)] == [found.place]


@pytest.mark.parametrize(
    ("kinds", "bring"),
    [
        (("NetworkPolicy",), ["NetworkPolicy"]),
        (("Pod", "Service"), []),
        (("Pod", "Release"), ["Release"]),
        (("CiliumNetworkPolicy",), ["CiliumNetworkPolicy"]),
    ],
)
def test_what_is_made_later_may_be_a_policy_where_its_kind_is_or_brings_one(
    kinds: tuple[str, ...], bring: list[str]
) -> None:
    warnings = tuple(later_findings([(Place("__main__.py", 7), kinds)]))
    found = [*brought_policies(Plan("shop", "dev", (), {}, warnings))]
    assert [(each.kind, each.name) for each in found] == [(each, "__main__.py:7") for each in bring]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("late.apply(looks_only)", id="makes nothing"),
        pytest.param("late.apply(str.upper)", id="not the program's"),
        pytest.param("Output.from_input('a').apply(lambda text: Pod(text))", id="has run"),
        pytest.param("pod('web', labels={'a': late})", id="no callback"),
    ],
)
def test_nothing_is_said_of_other_callbacks(tmp_path: Path, statement: str) -> None:
    assert not unseen(plan_of(tmp_path, f"{LATER}\n{statement}"))


def test_an_apply_is_the_sdks_own_again_afterwards(tmp_path: Path) -> None:
    import pulumi  # noqa: PLC0415 - beside its only use

    before = pulumi.Output.apply
    plan_of(tmp_path, f"{LATER}\nlate.apply(looks_only)")
    assert pulumi.Output.apply is before


@pytest.mark.parametrize(
    "statement",
    [
        'ConfigFile("remote", "http://127.0.0.1:9/objects.yaml")',
        'ConfigGroup("remote", files=["http://127.0.0.1:9/objects.yaml"])',
        'type("Own", (ConfigFile,), {})("remote", "http://127.0.0.1:9/objects.yaml")',
    ],
)
def test_a_file_on_the_network_is_named_and_the_rest_is_planned(
    tmp_path: Path, statement: str
) -> None:
    program = f"from pulumi_kubernetes.yaml import ConfigFile, ConfigGroup\n{statement}\npod('web')"
    plan = plan_of(tmp_path, program)
    (found,) = unseen(plan)
    assert "`http://127.0.0.1:9/objects.yaml`" in found.message
    lines = (tmp_path / "__main__.py").read_text(encoding="utf-8").splitlines()
    assert found.place == Place("__main__.py", lines.index(statement) + 1)
    (brought,) = brought_policies(plan)
    assert brought.cause == (
        "file `http://127.0.0.1:9/objects.yaml` is not read, and may bring a policy that may allow "
        "or deny it"
    )
    assert resource(plan, "web").inputs["metadata"]["name"] == "web"


@pytest.mark.parametrize(
    "statement",
    [
        'from pulumi_kubernetes.helm.v3 import Chart, ChartOpts\nChart("c", ChartOpts(chart="c"))',
        'from pulumi_kubernetes.helm.v4 import Chart\nChart("c", chart="c")',
        'from pulumi_kubernetes.helm.v3 import Release\nRelease("c", chart="c")',
        'from pulumi_kubernetes.kustomize import Directory\nDirectory("c", "./c")',
        'from pulumi_kubernetes.kustomize.v2 import Directory\nDirectory("c", directory="./c")',
    ],
)
def test_what_is_built_elsewhere_is_named_and_the_rest_is_planned(
    tmp_path: Path, statement: str
) -> None:
    plan = plan_of(tmp_path, f"{statement}\npod('web')")
    (found,) = unseen_objects(plan)
    assert found.message.startswith("the objects of ")
    assert resource(plan, "web").inputs["metadata"]["name"] == "web"


def test_the_image_of_a_workload_may_be_an_output(tmp_path: Path) -> None:
    program = f"""{LATER}
from podwall.components import Workload, WorkloadArgs

for name, server in (("api", late), ("web", Output.from_input("registry.example"))):
    image = Output.concat(server, "/app:1")
    args = WorkloadArgs(name=name, namespace="shop", labels={{"app": name}}, image=image)
    Workload(args.id, args)
"""
    plan = plan_of(tmp_path, program)
    deployments = [each for each in plan.resources if each.type.endswith(":Deployment")]
    images = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["template"]["spec"]["containers"][0]
        for each in deployments
    }
    assert images["web"]["image"] == "registry.example/app:1"
    assert isinstance(images["api"]["image"], Unknown)
