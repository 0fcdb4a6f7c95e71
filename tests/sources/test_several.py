"""Several sources in one command are one cluster, each object at its own place."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.plan.model import Plan
from podwall.plan.plan_json import plan_document
from podwall.policies.errors import InvalidValue
from podwall.reports.formats import json_text
from podwall.review import review
from podwall.sources import ManifestOptions, sources
from tests.cli.running import podwall
from tests.sources.tools import HELM, files

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: shop, labels: {app: %s}}\n"
CLOSED = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
    "metadata: {name: closed, namespace: shop}\n"
    "spec: {podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 443}]}]}\n"
)
EXPECTATIONS = "expectations: [{name: closed, from: shop/web, to: shop/db, expect: denied}]\n"
PLAN = json_text(plan_document(Plan("shop", "dev")))
COMMANDS = {
    "reach": (["-o", "csv"], []),
    "explain": ([], ["shop/web", "shop/db", "5432"]),
    "lint": (["-o", "json"], []),
    "check": ([], ["e.yaml"]),
    "migrate": (["-o", "yaml"], []),
    "import": ([], []),
    "suggest": (["-o", "yaml"], ["e.yaml"]),
}


def _parts(folder: Path) -> list[str]:
    texts = {"web.yaml": POD % ("web", "web"), "db/db.yaml": POD % ("db", "db"), "np.yaml": CLOSED}
    whole = {"all/all.yaml": "---\n".join(texts.values()), "e.yaml": EXPECTATIONS}
    files(folder, {**texts, **whole})
    return ["web.yaml", "db", "np.yaml"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_several_as_if_they_were_one(tmp_path: Path, command: str) -> None:
    parts = _parts(tmp_path)
    before, after = COMMANDS[command]
    one = podwall(tmp_path, command, *before, "all", *after)
    several = podwall(tmp_path, command, *before, *parts, *after)
    assert several.code == one.code
    if command not in {"explain", "lint"}:  # these name files
        assert several.out == one.out


def test_each_object_keeps_its_place(tmp_path: Path) -> None:
    parts = [str(tmp_path / each) for each in _parts(tmp_path)]
    found = sources(parts)
    places = [each.place.source for each in found.planned.documents]
    assert places == [str(tmp_path / name) for name in ("web.yaml", "db/db.yaml", "np.yaml")]
    assert found.name == ", ".join(parts)
    explained = podwall(tmp_path, "explain", *_parts(tmp_path), "shop/web", "shop/db").out
    assert "np.yaml" in explained


@pytest.mark.parametrize(("other", "severity"), [("db", "info"), ("web", "error")])
def test_the_same_object_in_two_sources_is_a_finding(
    tmp_path: Path, other: str, severity: str
) -> None:
    files(tmp_path, {"a.yaml": POD % ("db", "db"), "b.yaml": POD % ("db", other)})
    result = podwall(tmp_path, "reach", "a.yaml", "b.yaml")
    assert f"{severity}[duplicate-object]: b.yaml" in result.err
    assert "first at a.yaml" in result.err
    assert result.code == (1 if severity == "error" else 0)


def test_a_plan_beside_manifests_is_one_cluster_with_them(tmp_path: Path) -> None:
    bare = POD.replace(", namespace: shop", "") % ("a", "a")
    files(tmp_path, {"plan.json": PLAN, "web.yaml": bare})
    paths = [str(tmp_path / name) for name in ("web.yaml", "plan.json")]
    found = sources(paths, ManifestOptions(namespace="shop"))
    assert found.stack == "stack dev of shop"
    assert [each.id for each in review(found).reachability.workloads] == ["shop/a"]


def test_two_of_pulumi_are_refused(tmp_path: Path) -> None:
    files(tmp_path, {"a.json": PLAN, "b.json": PLAN})
    with pytest.raises(InvalidValue, match="are both of Pulumi"):
        sources([str(tmp_path / "a.json"), str(tmp_path / "b.json")])


def test_one_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    _parts(tmp_path)
    result = podwall(tmp_path, "reach", "web.yaml", "gone.yaml")
    assert (result.code, result.out) == (2, "")
    assert "gone.yaml" in result.err


@HELM
def test_values_are_for_the_charts_among_them(tmp_path: Path) -> None:
    chart = {"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n", "v.txt": "name: given\n"}
    template = {"c/templates/pod.yaml": POD % ("{{ .Values.name }}", "web")}
    files(tmp_path, {**chart, **template, "db.yaml": POD % ("db", "db")})
    paths = [str(tmp_path / name) for name in ("db.yaml", "c")]
    found = review(sources(paths, ManifestOptions(values=(str(tmp_path / "v.txt"),))))
    assert {each.id for each in found.reachability.workloads} == {"shop/db", "shop/given"}
