"""`podwall check`: what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from podwall.cli import main

ROOT = Path(__file__).resolve().parents[2]
SHOP, BEFORE = (str(ROOT / "examples" / name) for name in ("shop", "shop-before"))
EXPECTATIONS = str(ROOT / "examples" / "shop" / "expectations.yaml")


def test_everything_is_as_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", SHOP, EXPECTATIONS]) == 0
    assert capsys.readouterr().out.endswith("4 expectations: 4 pass\n")


def test_a_broken_expectation_shows_the_flow(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BEFORE, EXPECTATIONS]) == 1
    out = capsys.readouterr().out
    assert "fail          exactly the interface reaches the database\n" in out
    assert "    shop/web reaches shop/db on TCP 5432\n" in out
    assert "spec.ingress[0] (line 34): allowed, it allows every pod of namespace shop" in out


def test_json_has_the_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", BEFORE, EXPECTATIONS, "-o", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    schema = ROOT / "docs" / "schemas" / "check.schema.json"
    jsonschema.validate(document, json.loads(schema.read_text("utf-8")))
    broken = [each for each in document["results"] if each["outcome"] == "fail"]
    assert [each["name"] for each in broken] == ["exactly the interface reaches the database"]
    assert broken[0]["flow"]["source"] == "shop/web"


def test_undetermined_ends_with_three_unless_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(_UNSURE, "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTED, "utf-8")
    words = ["check", str(tmp_path / "shop.yaml"), str(tmp_path / "e.yaml")]
    assert main(words) == 3
    assert main([*words, "--fail-on", "error"]) == 0


_UNSURE = """\
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, spec: {containers: []}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: y}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]
"""
_EXPECTED = "expectations: [{name: n, from: y/b, to: x/a, expect: denied}]\n"


def test_bad_input_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "e.yaml").write_text("expectations: [{nam: n}]\n", "utf-8")
    assert main(["check", SHOP, str(tmp_path / "e.yaml")]) == 2
    err = capsys.readouterr().err
    assert "e.yaml:1 expectations[0].nam: there is no field `nam`" in err
    assert "did you mean `name`?" in err


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        pytest.param(
            [SHOP],
            f"`{SHOP}` is a folder, and check also needs a file of expectations",
            f"as in `podwall check {SHOP} expectations.yaml`",
            id="no expectations",
        ),
        pytest.param([SHOP, SHOP], "also needs a file of expectations", "as in", id="two sources"),
        pytest.param(
            [SHOP, "none.yaml"],
            "no such file",
            "which begins with `expectations:`",
            id="no such file",
        ),
    ],
)
def test_expectations_that_cannot_be_read_are_told_from_a_source(
    words: list[str], said: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == 2
    error, help_ = capsys.readouterr().err.splitlines()
    assert said in error
    assert remedy in help_


OPEN = """\
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: x}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}]}]}
"""
KEPT_OUT = """\
expectations:
- {name: nobody else gets in, from: outside x, to: x/a, expect: denied}
"""


def test_pods_that_are_not_shown_count_unless_the_source_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.yaml").write_text(OPEN, "utf-8")
    (tmp_path / "e.yaml").write_text(KEPT_OUT, "utf-8")
    words = ["check", str(tmp_path / "x.yaml"), str(tmp_path / "e.yaml")]
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "    any pod of other namespaces could reach x/a on all ports\n" in out
    assert (
        "    help: name only the pods that are meant in spec.ingress[0] of x/a; if nothing" in out
    )
    assert main([*words, "--closed"]) == 0
