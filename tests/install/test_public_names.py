"""What `podwall` offers, and that it is imported only when it is used."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys

import pytest

import podwall
from podwall import on_demand
from tests.install.environments import ROOT

VALUES = {
    "Finding",
    "InvalidManifest",
    "InvalidValue",
    "MissingExtra",
    "NetworkPolicy",
    "Place",
    "PodwallError",
    "Reach",
    "Reachability",
    "Severity",
    "Snapshot",
    "SourceError",
    "Verdict",
    "reach_of_program",
    "reach_of_source",
}
ROOMS = {
    "components",
    "diff",
    "engines",
    "expectations",
    "explain",
    "guardrails",
    "lint",
    "migrate",
    "model",
    "policies",
    "reachability",
    "reading",
    "review",
    "sources",
    "suggest",
    "testing",
}


def _python(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def test_these_names_are_public_and_no_other() -> None:
    assert set(podwall.__all__) == VALUES | ROOMS
    assert dir(podwall) == sorted(podwall.__all__)


@pytest.mark.long
def test_a_public_name_is_there_at_its_first_use() -> None:
    # In a process of its own, because a room is there anyway once something has imported it.
    program = "import podwall; print(*(getattr(podwall, n).__name__ for n in podwall.__all__))"
    assert set(_python(program).stdout.split()) == VALUES | {f"podwall.{name}" for name in ROOMS}


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_public_room_says_what_it_offers(name: str) -> None:
    assert getattr(podwall, name).__all__


def test_what_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'podwall' has no attribute 'reach'"):
        _ = podwall.reach  # type: ignore[attr-defined]  # it is not there


def test_importing_podwall_brings_neither_numpy_nor_pulumi() -> None:
    brought = _python("import podwall", "-X", "importtime").stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in brought.splitlines()}
    assert "podwall" in names
    assert not names & {"numpy", "yaml", "msgspec", "rich", "pulumi", "pulumi_kubernetes"}


def test_arguments_of_components_bring_no_pulumi() -> None:
    program = """
import sys
from podwall.components import AksClusterArgs, NamespaceArgs, WorkloadArgs
from podwall.components.cluster import Overlay, SystemPool
AksClusterArgs(kubernetes_version="1.36")
print(*(name for name in sys.modules if name.startswith("pulumi")))
"""
    assert _python(program).stdout.strip() == ""


def test_every_import_that_the_documents_show_is_of_a_public_room() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.py")]
    written = [page.read_text("utf-8") for page in pages]
    shown = {room for text in written for room in re.findall(r"from podwall\.(\w+)", text)}
    assert shown
    assert shown <= ROOMS


def test_examples_run() -> None:
    assert doctest.testmod(podwall).failed == 0
    assert doctest.testmod(on_demand).failed == 0
