"""Every command takes every engine that a source can declare, `none` included."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.engines import ENGINES
from podwall.policies import ALL_PODS, DENY_ALL, NetworkPolicy
from podwall.reports.files import kubernetes_yaml
from tests.cli.running import podwall

_POD = "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: x}, spec: {containers: []}}\n"
_POLICY = NetworkPolicy(name="closed", namespace="x", pod_selector=ALL_PODS, ingress=DENY_ALL)
_EXPECTATIONS = "expectations: [{name: n, from: x/a, to: x/b, ports: 80, expect: denied}]\n"
_COMMANDS = (
    "reach shop.yaml -o json --engine {}",
    "explain shop.yaml x/a x/b 80 --engine {}",
    "diff shop.yaml shop.yaml --engine {}",
    "check shop.yaml e.yaml --engine {}",
    "lint shop.yaml --engine {}",
    "suggest shop.yaml e.yaml --engine {}",
    "walkthrough --engine {}",
    "migrate shop.yaml --from {} --to cilium",
    "migrate shop.yaml --from cilium --to {}",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = (_POD % "a", _POD % "b", kubernetes_yaml(_POLICY.to_manifest()))
    (tmp_path / "shop.yaml").write_text("---\n".join(documents), "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    return tmp_path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_takes_every_engine(folder: Path, command: str, engine: str) -> None:
    result = podwall(folder, *command.format(engine).split())
    assert result.code in (0, 1), result.err


def test_without_an_engine_everything_is_open_and_that_is_said(folder: Path) -> None:
    shown = podwall(folder, "reach", "shop.yaml", "--engine", "none", "-o", "json").json
    pairs = {(each["source"], each["destination"]) for each in shown["connections"]}
    assert shown["engine"] == "none"
    assert {("x/a", "x/b"), ("x/b", "x/a"), ("0.0.0.0/0", "x/a")} <= pairs
    assert (
        "policies have no effect"
        in podwall(folder, "reach", "shop.yaml", "--engine", "none", "-o", "html").out
    )
    assert "error[engine-missing]" in podwall(folder, "lint", "shop.yaml", "--engine", "none").out
    assert podwall(folder, "check", "shop.yaml", "e.yaml", "--engine", "none").code == 1
