"""The example of a program with unit tests: they pass, and each fails where it is meant to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "tested-program"


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=short"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_tests_pass() -> None:
    done = run(EXAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "failing"),
    [
        pytest.param(
            "__main__.py",
            'open_to("api", [from_app("web")]',
            'open_to("api", [from_app("wbe")]',
            "test_web_reaches_the_interface",
            id="a mistyped label",
        ),
        pytest.param(
            "__main__.py",
            'open_to("db", [from_app("api")]',
            'open_to("db", [from_app("api"), from_app("web")]',
            "test_only_the_interface_reaches_the_database",
            id="a client too many",
        ),
        pytest.param(
            "manifests/baseline.yaml",
            "  podSelector: {}\n  policyTypes: [Ingress, Egress]",
            "  podSelector: {}\n  policyTypes: [Egress]",
            "test_everything_in_the_shop_is_isolated[shop/web]",
            id="open by default",
        ),
        pytest.param(
            "manifests/baseline.yaml",
            "  - to: [{podSelector: {}}]",
            "  - {}",
            "test_what_is_expected_holds_under_every_engine",
            id="the internet",
        ),
        pytest.param(
            "Pulumi.prod.yaml",
            "monitored: true",
            "monitored: false",
            "test_prometheus_reads_the_metrics_in_production",
            id="another configuration",
        ),
    ],
)
def test_a_mistake_is_noticed(tmp_path: Path, file: str, old: str, new: str, failing: str) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "copied")
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    done = run(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"FAILED tests/test_network.py::{failing}" in done.stdout
