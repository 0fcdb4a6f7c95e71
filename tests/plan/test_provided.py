"""Objects that the Kubernetes provider registers for the files and texts of `yaml/v2`."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan import SECRET, Plan, PlannedResource
from podwall.plan.documents import unseen_objects
from podwall.plan.provider import function_answer
from podwall.policies.errors import Place, SourceError, Unknown
from podwall.review import review
from podwall.sources import source_of_program
from podwall.sources.yaml_documents import parse_yaml
from tests.plan.projects import plan_of, resource

GROUP = "from pulumi_kubernetes.yaml.v2 import ConfigFile, ConfigGroup\n"
WEB = """\
# the shop's own
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: main, image: web, ports: [{containerPort: 8080}]}]}
---
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop, annotations: {since: 2026-01-01}}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""


def planned(folder: Path, program: str, **files: str) -> Plan:
    folder.joinpath("manifests").mkdir(exist_ok=True)
    for name, text in files.items():
        folder.joinpath("manifests", f"{name}.yaml").write_text(text, encoding="utf-8")
    return plan_of(folder, GROUP + program)


def objects(plan: Plan) -> list[PlannedResource]:
    return [each for each in plan.resources if each.type.startswith("kubernetes:") and each.custom]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("ConfigFile('all', file='manifests/web.yaml')", id="a file"),
        pytest.param("ConfigGroup('all', files=['./manifests/*.yaml'])", id="a pattern"),
        pytest.param("ConfigGroup('all', files=['manifests/web.yaml'])", id="a list of files"),
        pytest.param("ConfigGroup('all', yaml=open('manifests/web.yaml').read())", id="a text"),
        pytest.param(
            "import yaml\n"
            "ConfigGroup('all', objs=[d for d in yaml.safe_load_all(open('manifests/web.yaml'))"
            " if d and 'Pod' == d['kind']], files=['manifests/web.yaml'][:0],"
            " yaml='---'.join(open('manifests/web.yaml').read().split('---')[2:]))",
            id="objects and a text",
        ),
    ],
)
def test_every_form_brings_the_same_objects(tmp_path: Path, program: str) -> None:
    plan = planned(tmp_path, program, web=WEB)
    assert {(each.type, each.name) for each in objects(plan)} == {
        ("kubernetes:core/v1:Pod", "all-shop/web"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "all-shop/deny"),
    }
    assert list(unseen_objects(plan)) == []


@pytest.mark.parametrize("written", ["12:30", "1e3", "010", "on", "2026-01-01", "1_000", "0o17"])
def test_a_text_means_to_the_provider_what_it_means_in_a_file_of_manifests(written: str) -> None:
    text = f"kind: Pod\nmetadata: {{labels: {{a: {written}}}}}\n"
    answer = function_answer("kubernetes:yaml:decode", {"text": text})
    (document,) = parse_yaml(text.encode(), "").documents
    assert answer == {"result": [document.manifest]}


def test_objects_stand_at_their_own_lines_below_their_component(tmp_path: Path) -> None:
    plan = planned(tmp_path, "ConfigFile('all', file='manifests/web.yaml')", web=WEB)
    deny = resource(plan, "all-shop/deny")
    assert deny.place == Place("manifests/web.yaml", 8)
    assert deny.parent == resource(plan, "all").urn
    assert deny.inputs["metadata"]["annotations"] == {"since": "2026-01-01"}


def test_objects_go_to_the_provider_of_their_component(tmp_path: Path) -> None:
    program = """
import pulumi_kubernetes
own = pulumi_kubernetes.Provider("own", kubeconfig="{}")
ConfigFile('all', file='manifests/web.yaml', opts=ResourceOptions(provider=own))
"""
    plan = planned(tmp_path, program, web=WEB)
    assert resource(plan, "all-shop/web").provider == resource(plan, "own").urn


def test_a_prefix_stands_in_place_of_the_components_name(tmp_path: Path) -> None:
    program = "ConfigFile('all', file='manifests/web.yaml', resource_prefix='x', skip_await=True)"
    plan = planned(tmp_path, program, web=WEB)
    assert {each.name for each in objects(plan)} == {"x-shop/web", "x-shop/deny"}


def test_a_transform_changes_them_too(tmp_path: Path) -> None:
    program = """
def label(args):
    if "metadata" in args.props:
        args.props["metadata"]["labels"] = {"app": "other"}
    return pulumi.ResourceTransformResult(args.props, args.opts)
ConfigFile('all', file='manifests/web.yaml', opts=ResourceOptions(transforms=[label]))
"""
    plan = planned(tmp_path, program, web=WEB)
    assert resource(plan, "all-shop/web").inputs["metadata"]["labels"] == {"app": "other"}


def test_lists_are_taken_apart(tmp_path: Path) -> None:
    items = "{apiVersion: v1, kind: Pod, metadata: {name: a}}"
    text = f"apiVersion: v1\nkind: List\nitems: [{items}]\n"
    plan = planned(tmp_path, "ConfigFile('all', file='manifests/list.yaml')", list=text)
    assert [each.name for each in objects(plan)] == ["all-a"]


def test_they_are_analysed_as_objects_of_the_program_are(tmp_path: Path) -> None:
    program = "ConfigGroup('all', files=['manifests/web.yaml'])\npod('api')"
    found = review(source_of_program(planned(tmp_path, program, web=WEB), tmp_path)).reachability
    assert not found.connection("shop/api", "shop/web").allowed
    assert found.connection("shop/web", "0.0.0.0/0").allowed


def test_the_data_of_a_secret_is_not_kept(tmp_path: Path) -> None:
    text = "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {key: hunter2}}"
    plan = planned(tmp_path, "ConfigFile('all', file='manifests/s.yaml')", s=text)
    assert resource(plan, "all-s").inputs["stringData"] is SECRET
    assert "hunter2" not in repr(plan)


def test_a_part_of_an_object_that_is_not_known_yet_stays_unknown(tmp_path: Path) -> None:
    program = """
ns = Namespace("tools", metadata={"name": "tools"})
labels = {"app": ns.metadata.uid}
ConfigGroup("all", objs=[{
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "a", "namespace": ns.metadata.name, "labels": labels},
}])
"""
    made = resource(planned(tmp_path, program), "all-tools/a")
    label = made.inputs["metadata"]["labels"]["app"]
    assert isinstance(label, Unknown)
    assert "of Namespace `tools`" in label.cause


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(
            "files=['https://example.com/x.yaml']",
            "`https://example.com/x.yaml` is not fetched",
            id="a file on the network",
        ),
        pytest.param(
            "yaml=Output.concat('kind: ', ns.metadata.uid)",
            "`yaml` is known only after deployment, or secret",
            id="a text that is not known yet",
        ),
        pytest.param(
            "yaml=Output.secret('kind: Pod')",
            "`yaml` is known only after deployment, or secret",
            id="a secret text",
        ),
        pytest.param(
            "files=[ns.metadata.uid]",
            "the name of a file is known only after deployment, or secret",
            id="a name that is not known yet",
        ),
        pytest.param(
            "objs=ns.metadata.uid.apply(lambda _: [])",
            "`objs` is known only after deployment, or secret",
            id="objects that are not known yet",
        ),
        pytest.param(
            "objs=[ns.metadata.uid]",
            "an object is known only after deployment, or secret",
            id="an object that is not known yet",
        ),
        pytest.param(
            "files=['manifests/*.yml']", "no file matches `manifests/*.yml`", id="no file at all"
        ),
    ],
)
@pytest.mark.long(keep=4)
def test_what_the_plan_cannot_show_is_a_finding_and_the_rest_is_there(
    tmp_path: Path, arguments: str, why: str
) -> None:
    program = f"""
ns = Namespace("tools")
ConfigGroup("all", {arguments})
ConfigGroup("rest", files=["manifests/web.yaml"])
"""
    plan = planned(tmp_path, program, web=WEB)
    (finding,) = unseen_objects(plan)
    assert finding.message == f"the objects of ConfigGroup `all` are not in the plan: {why}"
    assert len(objects(plan)) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [", "manifests/bad.yaml:2: malformed YAML", id="no YAML"),
        pytest.param(
            "\nkind: Pod", "manifests/bad.yaml:2: a Kubernetes object needs", id="no apiVersion"
        ),
        pytest.param("- kind: Pod", "manifests/bad.yaml:1: a Kubernetes object", id="a list"),
    ],
)
def test_a_file_that_the_provider_would_refuse_stops_the_plan(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        planned(tmp_path, "ConfigFile('all', file='manifests/bad.yaml')", bad=text + "\n")
    assert str(caught.value).startswith(said)


def test_a_file_that_is_missing_stops_the_plan_at_the_programs_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        planned(tmp_path, "ConfigFile('all', file='manifests/web.yaml')")
    assert str(caught.value).startswith("__main__.py:")
    assert "`manifests/web.yaml` can't be read: no such file" in str(caught.value)


def test_dates_in_a_text_of_the_first_version_are_text_as_well(tmp_path: Path) -> None:
    program = f"""
from pulumi_kubernetes.yaml import ConfigGroup as First
First("first", yaml=[{WEB!r}])
"""
    deny = resource(planned(tmp_path, program), "shop/deny")
    assert deny.inputs["metadata"]["annotations"] == {"since": "2026-01-01"}
