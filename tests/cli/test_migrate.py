"""`podwall migrate`: connections, edits in YAML and Python, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from podwall import policies
from podwall.cli import main
from podwall.policies import NetworkPolicy

ROOT = Path(__file__).resolve().parents[2]
SHOP = str(ROOT / "examples" / "azure")


def migrated(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """Return what the command prints about the example."""
    assert main(["migrate", SHOP, *words]) == code
    return capsys.readouterr().out


def test_text_tells_connections_edits_and_limits(capsys: pytest.CaptureFixture[str]) -> None:
    out = migrated(capsys)
    assert out.startswith("from azure to cilium: 10 connections change\n")
    assert "  removed   shop/web -> shop/api                     TCP 9000 => nothing\n" in out
    assert 'allow_from(ip_block("0.0.0.0/0"), ALL_NAMESPACES, ports=tcp(9000))' in out
    assert "with the edits, no connection changes\n" in out
    assert "warning[block-means-no-node]" in out


def test_the_yaml_applied_to_the_manifests_keeps_every_connection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SHOP, tmp_path / "manifests")
    edits = migrated(capsys, "-o", "yaml")
    (tmp_path / "manifests" / "z-edits.yaml").write_text(edits, "utf-8")
    rows = []
    for folder, engine in ((SHOP, "azure"), (str(tmp_path / "manifests"), "cilium")):
        main(["reach", folder, "--engine", engine, "-o", "csv"])  # one policy is written twice
        rows.append(capsys.readouterr().out)
    assert rows[0] == rows[1]


def test_the_python_makes_the_same_policies(capsys: pytest.CaptureFixture[str]) -> None:
    code = migrated(capsys, "-o", "py")
    manifests = list(yaml.safe_load_all(migrated(capsys, "-o", "yaml")))
    head, *expressions = code.split("\n\n")
    names = set(re.findall(r"\w+", head.removeprefix("from podwall.policies import ")))
    assert names <= set(policies.__all__)
    scope = {name: getattr(policies, name) for name in names}
    made = [eval(each, scope) for each in expressions]  # noqa: S307 - what the command wrote
    assert made == [NetworkPolicy.from_manifest(each) for each in manifests]


def test_json_holds_both_diffs_and_the_edits(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(migrated(capsys, "-o", "json"))
    schemas = ROOT / "docs" / "schemas"
    own, diff = (
        json.loads((schemas / f"{name}.schema.json").read_text("utf-8"))
        for name in ("migrate", "diff")
    )
    jsonschema.validate(document, own)
    for part in ("difference", "remaining"):
        jsonschema.validate(document[part], diff)
    assert len(document["difference"]["changes"]) == 10
    assert document["remaining"]["changes"] == []
    assert [edit["policy"] for edit in document["edits"]] == ["shop/api", "shop/allow-service-web"]


def test_no_change_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    out = migrated(capsys, "--from", "cilium", "--to", "cilium", code=0)
    assert out == "from cilium to cilium: 0 connections change\n"
    assert migrated(capsys, "--from", "cilium", "--to", "cilium", "-o", "py", code=0) == ""


def test_bad_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["migrate", SHOP, "--to", "celium"])
    assert ended.value.code == 2
    assert "cilium" in capsys.readouterr().err
    assert main(["migrate", f"{SHOP}/nowhere"]) == 2
