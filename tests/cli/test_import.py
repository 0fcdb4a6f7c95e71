"""`podwall import`: manifests become a module, and whatever is lost is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.policies import NetworkPolicy
from podwall.sources import source
from tests.cli.running import ROOT, podwall, process
from tests.python_code.modules import judged_by_mypy, judged_by_ruff, made_by

EXAMPLES = [ROOT / "examples" / name for name in ("shop", "shop-before", "azure", "legacy")]
REFUSED = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: quoted, namespace: shop}
spec:
  podSelector: {}
  ingress:
    - ports: [{port: "80"}]
"""
KEPT = """\
# why
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: kept}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.2.3/8}}]}]}
"""


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda each: each.name)
def test_the_examples_are_kept(tmp_path: Path, folder: Path) -> None:
    result = podwall(tmp_path, "import", str(folder))
    assert (result.code, "error" in result.err) == (0, False)
    manifests = [
        each.manifest
        for each in source(str(folder)).planned.documents
        if each.manifest["kind"] == "NetworkPolicy"
    ]
    made = [each for listed in made_by(result.out).values() for each in listed]
    assert made == [NetworkPolicy.from_manifest(each) for each in manifests]


@pytest.mark.timeout(900)
@pytest.mark.long
def test_the_written_file_is_one_that_a_team_can_own(tmp_path: Path) -> None:
    said = [
        podwall(tmp_path, "import", str(folder), "--out", f"{folder.name.replace('-', '_')}.py")
        for folder in EXAMPLES
    ]
    assert said[0].out == ""
    assert said[0].err == "wrote 4 policies of 1 namespace to shop.py\n"
    assert judged_by_mypy(tmp_path) == ""
    assert judged_by_ruff(tmp_path) == ""


def test_nothing_is_overwritten_unless_that_is_said(tmp_path: Path) -> None:
    shop, out = str(EXAMPLES[0]), tmp_path / "policies" / "shop.py"
    assert podwall(tmp_path, "import", shop, "--out", str(out)).code == 0
    out.write_text("ours", encoding="utf-8")
    refused = podwall(tmp_path, "import", shop, "--out", str(out))
    assert refused.code == 2
    assert refused.err == f"error: {out}: exists already\n help: to replace it, say `--force`\n"
    assert out.read_text(encoding="utf-8") == "ours"
    assert podwall(tmp_path, "import", shop, "--out", str(out), "--force").code == 0
    assert out.read_text(encoding="utf-8").startswith('"""Network policies')
    assert [each.name for each in out.parent.iterdir()] == ["shop.py"]


def test_what_is_refused_has_its_place_and_the_rest_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{REFUSED}---\n{KEPT}", encoding="utf-8")
    result = podwall(tmp_path, "import", "a.yaml", "-n", "shop", "--fail-on", "error")
    assert result.code == 1
    assert "error[invalid-port-name]: a.yaml:7 spec.ingress[0].ports[0].port: `80`" in result.err
    assert "help: did you mean the number `80`, without quotes?" in result.err
    assert "warning[cidr-host-bits]: a.yaml:13 spec.ingress[0].from[0].ipBlock.cidr" in result.err
    assert "info[comments-not-kept]: a.yaml:9: a comment is not kept" in result.err
    assert [each.name for each in made_by(result.out)["shop"]] == ["kept"]


def test_what_is_lost_counts_as_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(KEPT, encoding="utf-8")
    codes = [
        podwall(tmp_path, "import", "a.yaml", "--fail-on", level).code
        for level in ("error", "warning", "any")
    ]
    assert codes == [0, 1, 1]


@pytest.mark.parametrize(
    ("text", "words", "code", "said"),
    [
        pytest.param(REFUSED, [], 1, "error[invalid-port-name]", id="nothing is left"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
            [],
            2,
            "error: a.yaml: `a.yaml` has no NetworkPolicy",
            id="no policy",
        ),
        pytest.param("a: [", [], 2, "this is not YAML", id="no YAML"),
        pytest.param(KEPT, ["-n", "Shop"], 2, "did you mean `shop`?", id="no namespace"),
        pytest.param(KEPT, ["--out", "a.yaml/b.py"], 2, "can't be written", id="no folder"),
    ],
)
def test_nothing_is_written_where_there_is_nothing(
    tmp_path: Path, text: str, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    result = podwall(tmp_path, "import", "a.yaml", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]


def test_a_source_must_be_named(tmp_path: Path) -> None:
    result = process(tmp_path, "import")
    assert result.code == 2
    assert "required: SOURCE" in result.err
