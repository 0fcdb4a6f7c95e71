"""What folders hold beside manifests: files of other tools, templates, what a preview wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan.model import Plan
from podwall.plan.plan_json import plan_document
from podwall.policies.errors import Severity, SourceError
from podwall.reading import ObjectStatus
from podwall.reports.formats import json_text
from podwall.review import review
from podwall.sources import ManifestOptions, source
from tests.cli.running import podwall

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
KIND = "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnodes: [{role: worker}]\n"
SKAFFOLD = "apiVersion: skaffold/v4beta6\nkind: Config\nmetadata: {name: shop}\n"
SCHEDULER = "apiVersion: v1\nkind: Policy\npredicates: [{name: PodFitsPorts}]\n"
KUBECONFIG = "apiVersion: v1\nkind: Config\nclusters: []\n"
TSCONFIG = '{\n  // "strict" is on\n  "compilerOptions": {"strict": true,}, /* all */\n}\n'


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        pytest.param(
            "Chart.yaml", "apiVersion: v2\nname: shop\n", "it is made for helm", id="helm"
        ),
        pytest.param("cluster.yaml", KIND, "it is made for kind", id="kind"),
        pytest.param("skaffold.yaml", SKAFFOLD, "it is made for skaffold", id="skaffold"),
        pytest.param("policy.yaml", SCHEDULER, "it is made for the scheduler", id="scheduler"),
        pytest.param("config.yaml", KUBECONFIG, "it is made for kubectl", id="kubectl"),
        pytest.param(
            "tsconfig.json",
            TSCONFIG,
            "it is JSON with comments, and no Kubernetes object",
            id="JSON with comments",
        ),
        pytest.param("values.yaml", "replicas: 3\n", "it is no Kubernetes object", id="values"),
    ],
)
def test_files_of_other_tools_are_named_and_the_rest_is_read(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    found = review(source(str(tmp_path)))
    assert [each.id for each in found.reachability.workloads] == ["shop/web"]
    assert found.reading_findings == ()
    (left,) = [each for each in found.ledger if each.status is not ObjectStatus.READ]
    assert (left.place.source, left.reason) == (str(tmp_path / name), reason)
    assert left.status is ObjectStatus.HARMLESS


def test_such_a_file_alone_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\n", "utf-8")
    with pytest.raises(SourceError, match="no Kubernetes object: it is made for helm") as caught:
        source(str(tmp_path / "Chart.yaml"))
    assert caught.value.help.startswith("give the folder")


def test_an_object_in_json_with_comments_is_malformed_as_for_kubectl(tmp_path: Path) -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", /* web */ "metadata": {"name": "web"}}'
    (tmp_path / "pod.json").write_text(text, "utf-8")
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    assert [each.id for each in source(str(tmp_path)).findings] == ["malformed-json"]


@pytest.mark.parametrize("name", ["web.yaml", "web.json"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{- if .Values.web }}\n" + POD + "{{- end }}\n", id="an action first"),
        pytest.param("\ufeff  {{ include }}\n" + POD, id="after spaces"),
        pytest.param("{% if web %}\n" + POD + "{% endif %}\n", id="of Jinja"),
        pytest.param(POD.replace("web,", "{{ .Release.Name }},"), id="a bare name"),
        pytest.param('{"apiVersion": "v1", "kind": "Pod", {{ labels }}}', id="in JSON"),
        pytest.param(
            '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "{{ .Release.Name }}"}}',
            id="a quoted name, which is well-formed",
        ),
    ],
)
def test_a_template_is_called_one(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    found = review(source(str(tmp_path)))
    (finding,) = found.reading_findings
    assert finding.message.startswith("this is a template, and no")
    assert finding.severity is Severity.ERROR
    assert "helm template" in finding.help
    assert [each.id for each in found.reachability.workloads] == ["shop/web"]


def test_braces_in_data_make_no_template(tmp_path: Path) -> None:
    alert = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: '{{ $value }}'}\n"
    (tmp_path / "a.yaml").write_text(f"{POD}---\n{alert}", "utf-8")
    found = source(str(tmp_path / "a.yaml"))
    assert (found.findings, len(found.planned.documents)) == ((), 2)


PLAN = json_text(plan_document(Plan("shop", "dev")))


def _program_with_a_preview(folder: Path) -> Path:
    """Make a folder in which a preview was written, and return the folder of the preview."""
    written = folder / "out" / "dev"
    (written / "manifests").mkdir(parents=True)
    (written / "plan.json").write_text(PLAN, "utf-8")
    (written / "manifests" / "pod.yaml").write_text(POD.replace("web", "planned"), "utf-8")
    return written


def test_what_a_preview_wrote_is_named_and_not_read_beside_its_program(tmp_path: Path) -> None:
    written = _program_with_a_preview(tmp_path)
    (tmp_path / "pod.yaml").write_text(POD, "utf-8")
    found = review(source(str(tmp_path)))
    assert [each.id for each in found.reachability.workloads] == ["shop/web"]
    assert [str(each.place) for each in found.unread] == [str(written)]
    assert str(Path("out", "dev")) in podwall(tmp_path, "reach", ".").err


def test_what_a_preview_wrote_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    written = _program_with_a_preview(tmp_path)
    for folder in (written, written / "manifests"):
        found = review(source(str(folder)))
        assert [each.id for each in found.reachability.workloads] == ["shop/planned"]


def test_a_program_whose_preview_is_all_there_is_says_how_to_read_it(tmp_path: Path) -> None:
    _program_with_a_preview(tmp_path)
    result = podwall(tmp_path, "reach", ".")
    assert (result.code, result.out) == (2, "")
    assert "`podwall preview` wrote this folder" in result.err
    assert "leave SOURCE out" in result.err


BARE = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
CLOSED = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\n"
    "spec: {podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 443}]}]}\n"
)
COMMANDS = {
    "reach": ["a.yaml", "-o", "csv"],
    "explain": ["a.yaml", "0.0.0.0/0", "shop/web"],
    "diff": ["old.yaml", "a.yaml", "-o", "json"],
    "lint": ["a.yaml", "-o", "json"],
    "check": ["a.yaml", "e.yaml"],
    "migrate": ["a.yaml", "-o", "yaml"],
    "import": ["a.yaml"],
    "suggest": ["a.yaml", "e.yaml", "-o", "yaml"],
}
EXPECTATIONS = "expectations: [{name: closed, from: internet, to: shop/web, expect: denied}]\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_puts_manifests_into_a_namespace(tmp_path: Path, command: str) -> None:
    (tmp_path / "a.yaml").write_text(f"{BARE}---\n{CLOSED}")
    (tmp_path / "old.yaml").write_text(BARE)
    (tmp_path / "e.yaml").write_text(EXPECTATIONS)
    bare = podwall(tmp_path, command, *COMMANDS[command])
    result = podwall(tmp_path, command, *COMMANDS[command], "--namespace", "shop")
    assert result.code in {0, 1}, result.err
    assert (result.code, result.out) != (bare.code, bare.out)
    assert "namespace-missing" not in result.err
    assert "default/" not in result.out


def test_a_namespace_that_is_written_stays(tmp_path: Path) -> None:
    listed = f"{BARE}---\n{POD.replace('shop', 'other')}---\n"
    items = "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: listed}}]\n"
    (tmp_path / "a.yaml").write_text(listed + items, "utf-8")
    found = review(source(str(tmp_path / "a.yaml"), ManifestOptions(namespace="shop")))
    workloads = {each.id for each in found.reachability.workloads}
    assert workloads == {"other/web", "shop/listed", "shop/web"}


@pytest.mark.parametrize(
    ("source_text", "namespace", "message"),
    [
        pytest.param(BARE, "Shop", "did you mean `shop`?", id="no name"),
        pytest.param(PLAN, "shop", "is no manifests", id="a plan"),
    ],
)
def test_a_namespace_that_can_not_be_meant_is_refused(
    tmp_path: Path, source_text: str, namespace: str, message: str
) -> None:
    (tmp_path / "a.json").write_text(source_text, "utf-8")
    (tmp_path / "a.yaml").write_text(source_text, "utf-8")
    result = podwall(tmp_path, "reach", "a.yaml", "--namespace", namespace)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
