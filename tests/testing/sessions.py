"""Test-suites of their own, run in a process of their own."""

from __future__ import annotations

import pytest

from tests.testing.programs import BASELINE, PROJECT, RAW

__all__ = ["HEAD", "run", "shop"]

HEAD = """
import pytest
from podwall.policies import tcp
"""


def shop(pytester: pytest.Pytester, tests: str, program: str = RAW, ini: str = "") -> None:
    """Write a project with a test file in a folder of its own."""
    for name, text in {
        "Pulumi.yaml": PROJECT,
        "Pulumi.dev.yaml": "config: {}\n",
        "Pulumi.prod.yaml": "config: {shop:client: web}\n",
        "__main__.py": program,
        "shop.manifests.yaml": BASELINE,
        "pytest.ini": f"[pytest]\naddopts = --strict-markers --strict-config\n{ini}",
        "tests/test_shop.py": HEAD + tests,
    }.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the test-suite."""
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", *options)
