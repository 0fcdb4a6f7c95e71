"""The table of kinds that make pods, extended by the settings of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import podwall

_CACHE = """\
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: cache.example.org/v1
kind: Cache
metadata: {name: hot, namespace: shop}
spec: {size: 3, podLabels: {team: web}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cache, namespace: shop}
spec: {podSelector: {matchLabels: {"cache.example.org/cluster": hot}}, policyTypes: [Ingress]}
"""
_SETTINGS = """\
[[pods]]
kind = "Cache.cache.example.org"
labels = { "cache.example.org/cluster" = "{name}" }
labels-from = ["spec.podLabels"]
replicas-from = "spec.size"
all-labels = true
"""


def test_a_kind_of_ones_own_makes_pods_with_its_labels(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_CACHE, "utf-8")
    before = podwall(tmp_path, "lint", "a.yaml", "-o", "json").out
    assert "policy-without-namespace" in before
    assert "unread-kind" in before
    (tmp_path / "podwall.toml").write_text(_SETTINGS, "utf-8")
    after = podwall(tmp_path, "lint", "a.yaml", "-o", "json").out
    assert "policy-without" not in after
    assert "unread-kind" not in after
    shown = podwall(tmp_path, "reach", "a.yaml", "-o", "json").out
    assert '"kind":"Cache"' in shown
    assert '"team":"web"' in shown
    assert '"replicas":3' in shown


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [('labels = {app = "x"}', "kind"), ('kind = "A.b"\nlabel = {}', "label"), ("kind = 7", "kind")],
)
def test_an_entry_that_is_none_has_its_line(tmp_path: Path, entry: str, wrong: str) -> None:
    (tmp_path / "a.yaml").write_text(_CACHE, "utf-8")
    (tmp_path / "podwall.toml").write_text(f"[[pods]]\n{entry}\n", "utf-8")
    result = podwall(tmp_path, "reach", "a.yaml")
    assert result.code == 2
    assert "podwall.toml:" in result.err
    assert wrong in result.err


def test_a_kind_may_be_accepted_as_unread_by_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_CACHE, "utf-8")
    (tmp_path / "podwall.toml").write_text('accept-unread = ["Cache"]\n', "utf-8")
    shown = podwall(tmp_path, "reach", "a.yaml", "-o", "csv")
    assert "not read,Cache shop/hot" in shown.out
    assert "accepted without being read: 1 Cache" in shown.err
