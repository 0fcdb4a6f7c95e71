"""Charts: rendered by helm, and never read as manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.policies.errors import InvalidValue, SourceError
from podwall.review import review
from podwall.sources import ManifestOptions, source
from tests.cli.running import podwall
from tests.sources.tools import HELM, files, stand_in

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "values.yaml": "closed: true\nweb: web\n",
    "templates/pods.yaml": """\
# who serves
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-{{ .Values.web }}, labels: {app: web}}
""",
    "templates/policy.yaml": """\
{{- if .Values.closed }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: closed
  namespace: {{ .Release.Namespace }}
spec: {podSelector: {}, policyTypes: [Ingress]}
{{- end }}
""",
    "templates/tests/test.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
""",
}
OPTIONS = ManifestOptions("shop", release="r")


def _chart(folder: Path) -> str:
    return str(files(folder / "chart", CHART))


@HELM
def test_a_chart_is_what_helm_renders(tmp_path: Path) -> None:
    found = source(_chart(tmp_path), OPTIONS)
    read = review(found)
    assert [each.id for each in read.reachability.workloads] == ["shop/r-web"]
    assert [(str(each.namespace), each.name) for each in read.reading.snapshot.policies] == [
        ("shop", "closed")
    ]
    templates = tmp_path / "chart" / "templates"
    assert [str(each.place) for each in found.planned.documents] == [
        f"{templates / 'policy.yaml'}:3",
        f"{templates / 'pods.yaml'}:3",
    ]


@HELM
def test_values_are_taken_the_later_over_the_earlier(tmp_path: Path) -> None:
    chart = _chart(tmp_path)
    files(tmp_path, {"a.yaml": "closed: false\nweb: a\n", "b.yaml": "web: b\n"})
    words = ["--values", "a.yaml", "--values", "b.yaml", "--release", "r", "-n", "shop"]
    found = podwall(tmp_path, "reach", "chart", *words, "-o", "json")
    assert found.code == 2  # no helm on this PATH
    values = (str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    read = review(source(chart, ManifestOptions("shop", values, "r")))
    assert [each.id for each in read.reachability.workloads] == ["shop/r-b"]
    assert read.reading.snapshot.policies == ()


@HELM
def test_what_helm_says_is_the_error(tmp_path: Path) -> None:
    bad = {"templates/bad.yaml": "{{ fail `no` }}\n"}
    folder = files(tmp_path, {**{f"chart/{name}": text for name, text in CHART.items()}})
    files(folder / "chart", bad)
    with pytest.raises(SourceError, match=r"bad\.yaml") as caught:
        source(str(folder / "chart"))
    assert "helm template" in caught.value.help


@HELM
def test_a_chart_below_is_rendered_beside_the_manifests(tmp_path: Path) -> None:
    _chart(tmp_path)
    files(tmp_path, {"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\n"})
    found = review(source(str(tmp_path), OPTIONS))
    assert [each.id for each in found.reachability.workloads] == ["shop/db", "shop/r-web"]


_BY_VERSION = """\
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}
apiVersion: v1
kind: Pod
metadata: {name: new}
{{- else }}
apiVersion: v1
kind: Pod
metadata: {name: old}
{{- end }}
{{- if .Capabilities.APIVersions.Has "cilium.io/v2" }}
---
apiVersion: v1
kind: Pod
metadata: {name: cilium}
{{- end }}
"""


@HELM
@pytest.mark.parametrize(
    ("options", "pods"),
    [
        (ManifestOptions(), ["new"]),
        (ManifestOptions(kube_version="1.28"), ["old"]),
        (ManifestOptions(api_versions=("cilium.io/v2",)), ["cilium", "new"]),
    ],
    ids=["as AKS runs it", "as it is said", "with an API"],
)
def test_a_chart_is_rendered_for_a_cluster_and_not_for_the_tool(
    tmp_path: Path, options: ManifestOptions, pods: list[str]
) -> None:
    needs = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\nkubeVersion: '>=1.25-0'\n"}
    chart = str(files(tmp_path / "chart", needs | {"templates/all.yaml": _BY_VERSION}))
    read = review(source(chart, options))
    assert [each.id for each in read.reachability.workloads] == [f"default/{pod}" for pod in pods]


@HELM
def test_a_chart_for_another_version_says_how_to_name_it(tmp_path: Path) -> None:
    chart = CHART | {"Chart.yaml": f"{CHART['Chart.yaml']}kubeVersion: '<1.20'\n"}
    with pytest.raises(SourceError, match="kubeVersion") as caught:
        source(str(files(tmp_path / "chart", chart)))
    assert "--kube-version" in caught.value.help


def test_without_helm_one_error_names_the_pipe(tmp_path: Path) -> None:
    _chart(tmp_path)
    result = podwall(tmp_path, "reach", "chart", PATH="")
    assert (result.code, result.out) == (2, "")
    assert "`helm template chart | podwall reach -`" in result.err
    assert len(result.err.splitlines()) == 2


def test_without_helm_a_folder_above_names_the_chart_and_reads_the_rest(tmp_path: Path) -> None:
    _chart(tmp_path)
    files(tmp_path, {"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\n"})
    result = podwall(tmp_path, "reach", ".", "-o", "csv", PATH="")
    assert result.code == 1
    assert "error[not-built]: chart: is a chart" in result.err
    assert "default/db,default/db" in result.out
    assert "template" not in result.out


def test_a_description_without_templates_is_no_chart(tmp_path: Path) -> None:
    files(
        tmp_path,
        {"Chart.yaml": CHART["Chart.yaml"], "pod.yaml": CHART["templates/tests/test.yaml"]},
    )
    assert [each.id for each in review(source(str(tmp_path))).reachability.workloads] == [
        "default/test"
    ]


@pytest.mark.parametrize("path", ["pod.yaml", "."])
def test_values_without_a_chart_are_refused(tmp_path: Path, path: str) -> None:
    files(tmp_path, {"pod.yaml": CHART["templates/tests/test.yaml"], "v.txt": "a: 1\n"})
    with pytest.raises(InvalidValue, match="no chart"):
        source(str(tmp_path / path), ManifestOptions(values=(str(tmp_path / "v.txt"),)))


@pytest.mark.parametrize("values", ["gone.yaml", "https://e.example/values.yaml"])
def test_values_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: str) -> None:
    chart = _chart(tmp_path)
    ran = tmp_path / "ran"
    monkeypatch.setenv("PATH", stand_in(tmp_path, "helm", f"open({str(ran)!r}, 'w')"))
    with pytest.raises(SourceError, match="could not be read"):
        source(chart, ManifestOptions(values=(values,)))
    assert not ran.exists()


@pytest.mark.parametrize("name", ["templates/x.yaml", "files", "values.yaml"])
def test_a_link_out_of_a_chart_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    chart = _chart(tmp_path)
    ran = tmp_path / "ran"
    (tmp_path / "chart" / name).unlink(missing_ok=True)
    (tmp_path / "chart" / name).symlink_to("/etc")
    monkeypatch.setenv("PATH", stand_in(tmp_path, "helm", f"open({str(ran)!r}, 'w')"))
    with pytest.raises(SourceError, match="leads out of the chart"):
        source(chart)
    assert not ran.exists()


@HELM
def test_a_link_inside_of_a_chart_is_a_file_of_it(tmp_path: Path) -> None:
    chart = _chart(tmp_path)
    (tmp_path / "chart" / "templates" / "twice.yaml").symlink_to("policy.yaml")
    assert len(source(chart, OPTIONS).planned.documents) == 3
