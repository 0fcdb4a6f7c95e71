"""An object that can't be read is left out: every command says so, and none ends with 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import podwall

_CLUSTER = """\
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, spec: {containers: []}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: x}
spec: {podSelector: {}, ingress: [{from: [{}]}]}
"""
_EXPECTATIONS = "expectations: [{name: n, from: x/a, to: x/b, ports: 80, expect: allowed}]\n"


@pytest.mark.parametrize(
    "words",
    [
        "reach shop.yaml",
        "reach shop.yaml -o json",
        "reach shop.yaml --fail-on undetermined",
        "explain shop.yaml x/a x/b",
        "explain shop.yaml x/a x/b 80 -o json",
        "check shop.yaml e.yaml",
        "diff shop.yaml shop.yaml",
        "lint shop.yaml",
        "migrate shop.yaml --from azure --to cilium",
        "import shop.yaml",
        "suggest shop.yaml e.yaml",
    ],
)
def test_every_command_says_so(tmp_path: Path, words: str) -> None:
    (tmp_path / "shop.yaml").write_text(_CLUSTER, "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    result = podwall(tmp_path, *words.split())
    said = result.out if words.startswith("lint") else result.err
    assert "shop.yaml:8 spec.ingress[0].from[0]: the peer has no" in said
    assert result.code == 1


def test_what_is_only_worth_knowing_does_not_disturb_an_explanation(tmp_path: Path) -> None:
    text = _CLUSTER.replace("namespace: x}\nspec", "labels: {a: b}}\nspec").replace("{}]", "]")
    (tmp_path / "shop.yaml").write_text(text.replace("[{from: []}]", "[]"), "utf-8")
    result = podwall(tmp_path, "explain", "shop.yaml", "x/a", "x/b")
    assert (result.code, result.err) == (0, "")


REFUSED = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: w, namespace: shop}\n"
    "spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 80800}]}]}\n"
)


def test_a_policy_that_is_left_out_is_named_at_the_matrix(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
    (tmp_path / "a.yaml").write_text(f"{pod}---\n{REFUSED}", "utf-8")
    matrix = podwall(tmp_path, "reach", "a.yaml").out.partition("\n\nshop/web")[0]
    assert "! 1 policy is left out, so more may be closed than shown" in matrix
    (tmp_path / "b.yaml").write_text(pod, "utf-8")
    assert "! " not in podwall(tmp_path, "reach", "b.yaml").out
