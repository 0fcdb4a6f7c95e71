"""Policies that are written for a namespace whose name Pulumi makes up."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from podwall.cli import main
from tests.sources.test_made_up_names import FIRST, UNNAMED, State, preview, written

EXPECTED = """
expectations:
  - {name: web itself, from: app/web, to: app/web, ports: [80], expect: allowed}
  - {name: all others, from: outside app, to: app/web, ports: [80], expect: allowed}
"""
METADATA_NAME = "kubernetes.io/metadata.name"


def state(folder: Path) -> str:
    return written(folder, {"version": 3, "deployment": {"resources": FIRST}})


def first_preview(folder: Path) -> str:
    return written(folder, preview(*(("create", None, each) for each in UNNAMED)))


def suggested(source: str, folder: Path, output: str) -> str:
    expectations, out = folder / "expected.yaml", folder / f"policies.{output}"
    expectations.write_text(EXPECTED, encoding="utf-8")
    main(["suggest", source, str(expectations), "-o", output, "--out", str(out)])
    return out.read_text(encoding="utf-8")


def test_the_name_in_the_cluster_is_written_where_it_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = list(yaml.safe_load_all(suggested(state(tmp_path), tmp_path, "yaml")))
    assert {each["metadata"]["namespace"] for each in policies} == {"app-1111aaaa"}
    (web,) = [each for each in policies if each["metadata"]["name"] == "web"]
    conditions = [
        each["namespaceSelector"]["matchExpressions"]
        for each in web["spec"]["ingress"][0]["from"]
        if "namespaceSelector" in each
    ]
    named = {"key": METADATA_NAME, "operator": "NotIn", "values": ["app-1111aaaa"]}
    assert [named] in conditions
    assert 'namespace="app-1111aaaa"' in suggested(state(tmp_path), tmp_path, "py")
    assert "makes up the name" not in capsys.readouterr().err


def test_that_it_is_not_known_yet_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = list(yaml.safe_load_all(suggested(first_preview(tmp_path), tmp_path, "yaml")))
    assert {each["metadata"]["namespace"] for each in policies} == {"app"}
    said = capsys.readouterr().err
    assert "`app`: Pulumi makes up the name in the cluster" in said
    assert "write them in the program" in said


def test_an_edit_for_another_engine_is_written_so_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}

    def with_block(states: list[State]) -> list[State]:
        return [
            {**each, "inputs": {**each["inputs"], "spec": rules}} if "deny" in each["urn"] else each
            for each in states
        ]

    states = with_block(FIRST)
    source = written(tmp_path, {"version": 3, "deployment": {"resources": states}})
    for output in ("yaml", "py", "json", "text"):
        main(["migrate", source, "--from", "azure", "--to", "cilium", "-o", output])
        assert "app-1111aaaa" in capsys.readouterr().out
    source = written(tmp_path, preview(*(("create", None, each) for each in with_block(UNNAMED))))
    main(["migrate", source, "--from", "azure", "--to", "cilium", "-o", "yaml"])
    assert "Pulumi makes up the name in the cluster" in capsys.readouterr().err
