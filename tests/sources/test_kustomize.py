"""Folders with a kustomization: built, by the real tool where it is, never read as manifests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from podwall.policies.errors import SourceError
from podwall.review import review
from podwall.sources import ManifestOptions, Source, source
from tests.cli.running import podwall
from tests.sources.tools import KUSTOMIZE, files, stand_in

BASE = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: registry.example/db}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
"""
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {replicas: 3}\n"
TREE = {
    "base/all.yaml": BASE,
    "base/kustomization.yaml": "resources: [all.yaml]\n",
    "overlay/kustomization.yaml": (
        "namePrefix: prod-\nnamespace: shop\n"
        "resources: [../base]\npatches: [{path: replicas.yaml}]\n"
    ),
    "overlay/replicas.yaml": PATCH,
}
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
PRINTS_A_POD = f"print({POD!r})"


def workloads(found: Source) -> list[tuple[str, object]]:
    read = review(found).reading.snapshot.workloads
    return [(f"{each.namespace}/{each.name}", each.replicas) for each in read]


@KUSTOMIZE
@pytest.mark.parametrize("folder", ["overlay", "."])
def test_an_overlay_is_what_kustomize_builds(tmp_path: Path, folder: str) -> None:
    before = sorted(files(tmp_path, TREE).rglob("*"))
    found = source(str(tmp_path / folder))
    assert workloads(found) == [("shop/prod-db", 3)]
    assert sorted(tmp_path.rglob("*")) == before


@KUSTOMIZE
def test_places_lead_back_to_the_files(tmp_path: Path) -> None:
    files(tmp_path, TREE)
    found = source(str(tmp_path / "overlay"))
    places = {each.manifest["kind"]: each.place for each in found.planned.documents}
    base = str(tmp_path / "base" / "all.yaml")
    assert {kind: (place.source, place.line) for kind, place in places.items()} == {
        "Service": (base, 1),
        "Deployment": (base, 6),
        "NetworkPolicy": (base, 15),
    }
    assert not any("annotations" in each.manifest["metadata"] for each in found.planned.documents)


@KUSTOMIZE
@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
@pytest.mark.parametrize(
    "head", ["", "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n"]
)
@pytest.mark.long(keep=4)
def test_every_name_of_the_file_counts_with_and_without_a_kind(
    tmp_path: Path, name: str, head: str
) -> None:
    files(tmp_path, {name: f"{head}resources: [all.yaml]\n", "all.yaml": BASE, "no.yaml": POD})
    assert workloads(source(str(tmp_path))) == [("default/db", 1)]


@KUSTOMIZE
def test_a_component_alone_has_its_own_objects_at_their_places(tmp_path: Path) -> None:
    head = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    files(tmp_path, {"kustomization.yaml": f"{head}resources: [all.yaml]\n", "all.yaml": BASE})
    found = source(str(tmp_path))
    assert {each.place.source for each in found.planned.documents} == {str(tmp_path / "all.yaml")}


@KUSTOMIZE
@pytest.mark.long
def test_what_can_not_be_built_below_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    broken = {"broken/kustomization.yaml": "resources: [gone.yaml]\n"}
    files(tmp_path, {**TREE, **broken, "pod.yaml": POD})
    found = review(source(str(tmp_path)))
    assert {each.id for each in found.reachability.workloads} == {"shop/web", "shop/prod-db"}
    (finding,) = [each for each in found.reading_findings if each.id == "not-built"]
    assert finding.place.source == str(tmp_path / "broken")
    assert "gone.yaml" in finding.message
    with pytest.raises(SourceError, match=r"gone\.yaml") as caught:
        source(str(tmp_path / "broken"))
    assert f"{tmp_path / 'broken'}` says more" in caught.value.help


def overlays(folder: Path, **kustomizations: str) -> str:
    """Write overlays of one base, each with what its kustomization says besides."""
    trees = {
        f"{k}/kustomization.yaml": f"resources: [../base]\n{v}" for k, v in kustomizations.items()
    }
    kept = {name: text for name, text in TREE.items() if name.startswith("base/")}
    files(folder, {**kept, **trees})
    return str(folder)


@KUSTOMIZE
def test_overlays_in_namespaces_of_their_own_are_one_cluster(tmp_path: Path) -> None:
    folder = overlays(tmp_path, dev="namespace: dev\n", prod="namespace: prod\n")
    found = source(folder)
    assert {each.id for each in review(found).reachability.workloads} == {"dev/db", "prod/db"}
    assert any("read as one cluster" in note for note in found.notes)


@KUSTOMIZE
def test_what_overlays_make_alike_counts_once(tmp_path: Path) -> None:
    found = review(source(overlays(tmp_path, dev="", prod="")))
    assert [each.id for each in found.reachability.workloads] == ["default/db"]
    assert "duplicate-object" not in {each.id for each in found.reading_findings}


@KUSTOMIZE
def test_overlays_that_make_one_object_in_two_ways_are_not_taken_for_one_cluster(
    tmp_path: Path,
) -> None:
    folder = overlays(tmp_path, dev="", prod="commonLabels: {env: prod}\n")
    with pytest.raises(SourceError, match="built of the same kustomization and make") as caught:
        source(folder)
    assert f"podwall reach {tmp_path / 'dev'}" in caught.value.help


def test_without_a_tool_one_error_names_the_pipe(tmp_path: Path) -> None:
    files(tmp_path, TREE)
    result = podwall(tmp_path, "reach", "overlay", PATH="")
    assert (result.code, result.out) == (2, "")
    assert "`kubectl kustomize overlay | podwall reach -`" in result.err
    assert len(result.err.splitlines()) == 2


def test_without_a_tool_a_folder_above_names_it_and_reads_the_rest(tmp_path: Path) -> None:
    files(tmp_path, {**TREE, "pod.yaml": POD})
    result = podwall(tmp_path, "reach", ".", "-o", "csv", PATH="")
    assert result.code == 1
    assert "error[not-built]: overlay: is a kustomization" in result.err
    assert "shop/web,shop/web" in result.out
    assert "default/db" not in result.out


@pytest.mark.parametrize(
    ("text", "fetched"),
    [
        pytest.param("resources: ['https://e.example/a.yaml']", "resources[0]", id="a file"),
        pytest.param("resources: [a.yaml, HTTP://e.example/b]", "resources[1]", id="capitals"),
        pytest.param("resources: [github.com/owner/name?ref=v1]", "resources[0]", id="a host"),
        pytest.param("resources: ['git@e.example:owner/name']", "resources[0]", id="scp"),
        pytest.param("resources: ['ssh://e.example/name']", "resources[0]", id="ssh"),
        pytest.param("resources: ['git::https://e.example/name']", "resources[0]", id="git::"),
        pytest.param("bases: [e.example:8080/owner/name.git]", "bases[0]", id="a port"),
        pytest.param("components: ['https://e.example/c']", "components[0]", id="a component"),
        pytest.param("patches: [{path: 'https://e.example/p'}]", "patches[0].path", id="a patch"),
        pytest.param(
            "configMapGenerator: [{name: a, files: ['a=https://e.example/p']}]",
            "configMapGenerator[0].files[0]",
            id="a generated file",
        ),
        pytest.param("openapi: {path: 'https://e.example/o'}", "openapi.path", id="a schema"),
        pytest.param("transformers: [t.yaml]", "transformers[0]", id="a transformer's"),
        pytest.param(
            "generators: ['kind: X\n\n  files: [https://e.example/x]']",
            "generators[0]",
            id="inline",
        ),
    ],
)
@pytest.mark.parametrize("inside", ["top", "base"])
def test_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fetched: str, inside: str
) -> None:
    folder = tmp_path / inside
    files(folder, {"kustomization.yaml": f"{text}\n", "t.yaml": "files: [https://e.example/f]\n"})
    files(tmp_path, {"over/kustomization.yaml": "resources: [../base]\n"})
    ran = tmp_path / "ran"
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kustomize", f"open({str(ran)!r}, 'w')"))
    with pytest.raises(SourceError, match="on the network") as caught:
        source(str(folder if inside == "top" else tmp_path / "over"))
    assert caught.value.place.source == str((folder / "kustomization.yaml").resolve())
    assert (caught.value.place.path, caught.value.place.line is None) == (fetched, False)
    assert "--allow-network" in caught.value.help
    assert not ran.exists()


def test_addresses_that_are_data_are_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """\
commonAnnotations: {docs: 'https://e.example'}
configMapGenerator: [{name: a, literals: ['URL=https://e.example']}]
patches: [{patch: 'https://e.example', target: {kind: Pod}}]
images: [{name: a, newName: e.example/a}]
resources: [./e.example/a, dir.d/a.yaml]
"""
    files(tmp_path, {"kustomization.yaml": text, "e.example/a": POD})
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kustomize", PRINTS_A_POD))
    assert workloads(source(str(tmp_path))) == [("shop/web", 1)]


def test_the_network_can_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, {"kustomization.yaml": "resources: ['https://e.example/a.yaml']\n"})
    says_home = "print('kind: Pod\\napiVersion: v1\\nmetadata: {name: ' + os.environ['HOME'] + '}')"
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kustomize", says_home))
    monkeypatch.setenv("HOME", "mine")
    found = source(str(tmp_path), ManifestOptions(network=True))
    assert [each.manifest["metadata"]["name"] for each in found.planned.documents] == ["mine"]


def test_helm_is_not_run_for_kustomize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, {"kustomization.yaml": "helmCharts: [{name: a}]\n"})
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kustomize", PRINTS_A_POD))
    with pytest.raises(SourceError, match="run helm") as caught:
        source(str(tmp_path), ManifestOptions(network=True))
    assert "kustomize build --enable-helm" in caught.value.help


@KUSTOMIZE
def test_no_program_of_the_folder_runs(tmp_path: Path) -> None:
    function = """\
apiVersion: v1
kind: Thing
metadata:
  name: t
  annotations: {config.kubernetes.io/function: 'exec: {path: ./run.sh}'}
"""
    texts = {"kustomization.yaml": "resources: [all.yaml]\ntransformers: [t.yaml]\n"}
    files(tmp_path, {**texts, "all.yaml": BASE, "t.yaml": function})
    ran = tmp_path / "ran"
    (tmp_path / "run.sh").write_text(f"#!/bin/sh\ntouch {ran}\n", "utf-8")
    (tmp_path / "run.sh").chmod(0o755)
    with pytest.raises(SourceError):
        source(str(tmp_path))
    assert not ran.exists()


@KUSTOMIZE
def test_files_outside_of_the_folder_stay_outside(tmp_path: Path) -> None:
    files(tmp_path, {"secret.yaml": POD, "a/kustomization.yaml": "resources: [../secret.yaml]\n"})
    with pytest.raises(SourceError, match=r"secret\.yaml"):
        source(str(tmp_path / "a"))


def test_a_tool_that_knows_no_origins_still_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path / "shop", {"kustomization.yaml": "resources: []\n"})
    old = f"sys.exit('no') if 'podwall-' in sys.argv[-1] else print({POD!r})"
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kubectl", old))
    (document,) = source(str(tmp_path / "shop")).planned.documents
    assert (document.place.source, document.place.line) == (str(tmp_path / "shop"), None)


@pytest.mark.parametrize("inside", [".", "base"])
def test_a_kustomization_that_is_a_pipe_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    files(tmp_path, {"kustomization.yaml": "resources: [base]\n", "base/a.yaml": POD})
    pipe = tmp_path / inside / "kustomization.yaml"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    monkeypatch.setenv("PATH", stand_in(tmp_path, "kustomize", PRINTS_A_POD))
    with pytest.raises(SourceError, match="it is no file"):
        source(str(tmp_path))
