"""A finding is at one place, whatever shows it: the line of its field, not of its document."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from podwall.policies import Place
from podwall.review import review
from podwall.sources import source
from podwall.sources.expectations import expectations_in
from tests.cli.running import podwall
from tests.plan.projects import project_in

_MANIFESTS = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
# the egress that forgets about names
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          app: nobody
  ingress:
  - {}
"""
_LINES = {"rules-ignored": 19, "dns-blocked": 14, "peer-without-pods": 16}
_EXPECTATIONS = """\
# who may reach whom
expectations:
- {name: fine, from: shop/web, to: internet, expect: denied}
- name: broken
  from: shop/web
  to: internet
  ports: [443]
  expect: allowed
"""


def _lines(text: str) -> set[int]:
    """Return the lines of shop.yaml that a report names."""
    return {int(each) for each in re.findall(r"shop\.yaml:(\d+)", text)}


def _plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(_MANIFESTS, "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    return tmp_path


def test_every_finding_of_lint_is_at_the_line_of_its_field(folder: Path) -> None:
    found = podwall(folder, "lint", "shop.yaml", "-o", "json").json["findings"]
    lines = {each["id"]: each["place"].get("line") for each in found}
    assert _LINES.items() <= lines.items()


@pytest.mark.parametrize(
    "words",
    ["lint shop.yaml", "lint shop.yaml -o junit", "reach shop.yaml -o html"],
)
def test_every_screen_that_lists_findings_names_the_same_lines(folder: Path, words: str) -> None:
    said = _plain(podwall(folder, *words.split()).out)
    assert set(_LINES.values()) <= _lines(said)


def test_sarif_points_to_the_same_lines(folder: Path) -> None:
    run = podwall(folder, "lint", "shop.yaml", "-o", "sarif").json["runs"][0]
    places = {
        each["ruleId"]: each["locations"][0]["physicalLocation"]["region"]["startLine"]
        for each in run["results"]
    }
    assert _LINES.items() <= places.items()


@pytest.mark.parametrize(
    "words",
    [
        "reach shop.yaml",
        "explain shop.yaml shop/web 203.0.113.7",
        "check shop.yaml e.yaml",
        "diff shop.yaml shop.yaml",
        "migrate shop.yaml --to cilium",
        "import shop.yaml",
        "suggest shop.yaml e.yaml",
    ],
)
def test_every_command_tells_of_reading_at_the_line_of_the_field(folder: Path, words: str) -> None:
    said = podwall(folder, *words.split()).err
    assert re.search(r"rules-ignored\]: shop\.yaml:19 spec\.ingress", said), said


def test_the_folder_of_reports_has_the_same_lines(folder: Path) -> None:
    (folder / "old.yaml").write_text(_MANIFESTS.partition("---")[0], "utf-8")
    podwall(folder, "diff", "old.yaml", "shop.yaml", "--out", "out")
    for name in ("index.html", "podwall.xml"):
        said = _plain((folder / "out" / name).read_text("utf-8"))
        assert set(_LINES.values()) <= _lines(said), name


def test_a_file_that_a_program_deploys_has_lines_of_its_own(tmp_path: Path) -> None:
    program = (
        "from pulumi_kubernetes.yaml.v2 import ConfigFile\nConfigFile('all', file='shop.yaml')\n"
    )
    project = project_in(tmp_path, program)
    (project / "shop.yaml").write_text(_MANIFESTS, "utf-8")
    for words in (["lint"], ["preview"], ["reach", "-o", "html"]):
        said = _plain(podwall(project, *words).out)
        assert set(_LINES.values()) <= _lines(said), words


def test_an_expectation_is_at_its_line_wherever_it_is_told(folder: Path) -> None:
    assert [each.place.line for each in expectations_in(str(folder / "e.yaml"))] == [3, 4]
    results = podwall(folder, "check", "shop.yaml", "e.yaml", "-o", "json").json["results"]
    assert [each["place"]["line"] for each in results] == [3, 4]
    told = podwall(folder, "diff", "shop.yaml", "shop.yaml", "--expectations", "e.yaml").err
    assert "error[expectation-broken]: e.yaml:4: " in told


def test_a_place_that_is_exact_stays_as_it_is(folder: Path) -> None:
    found = review(source(str(folder / "shop.yaml")))
    name = str(folder / "shop.yaml")
    exact = found.locate(Place(name, 6, "spec.egress[0].to[0]"))
    assert exact == Place(name, 16, "spec.egress[0].to[0]")
    assert found.locate(exact) == exact
    assert found.locate(exact.at("podSelector.matchLabels")).line == 17
    assert found.locate(Place(name, 6, "nothing.of.it")).line == 6


def test_the_lines_of_a_preview_are_told_once(folder: Path) -> None:
    """JSON of a diff has what the difference itself finds once, not twice."""
    cluster = "azure-native:containerservice:ManagedCluster"
    urn = f"urn:pulumi:dev::shop::{cluster}::aks"

    def state(engine: str) -> dict[str, object]:
        profile = {"networkProfile": {"networkPolicy": engine}}
        return {"urn": urn, "type": cluster, "custom": True, "id": "aks", "inputs": profile}

    step = {"op": "update", "oldState": state("azure"), "newState": state("calico")}
    (folder / "preview.json").write_text(json.dumps({"steps": [step]}), "utf-8")
    found = podwall(folder, "diff", "preview.json", "-o", "json").json["findings"]
    assert [each["id"] for each in found].count("engine-changes") == 1
