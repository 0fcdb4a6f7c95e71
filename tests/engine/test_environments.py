"""The environments that Pulumi makes itself: straight after a clone, and for the component package.

They need a package index, which is why `-m "engine and not slow"` leaves them out.
"""

from __future__ import annotations

import json
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.engine.workspace import ROOT, Workspace

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1200)]


def test_the_first_preview_after_a_clone_makes_its_own_environment(tmp_path: Path) -> None:
    clone = Workspace.of(ROOT, tmp_path)
    (clone.project / ".venv").unlink()
    preview = clone.started().preview()
    assert (clone.project / ".venv" / "bin" / "python").exists()
    assert set(preview["changeSummary"]) == {"create"}


def test_installing_leaves_nothing_to_do_for_the_first_preview(tmp_path: Path) -> None:
    clone = Workspace.of(ROOT, tmp_path)
    (clone.project / ".venv").unlink()
    installed = clone.pulumi("install")
    assert "Finished installing dependencies" in installed
    assert set(clone.started().preview()["changeSummary"]) == {"create"}


def test_the_components_have_a_schema_for_every_language(tmp_path: Path) -> None:
    workspace = Workspace.of(ROOT, tmp_path)
    _prepare_environment(workspace.project / "components" / ".venv")
    schema = json.loads(workspace.pulumi("package", "get-schema", "./components"))
    assert schema["name"] == "podwall"
    assert {token.rpartition(":")[2] for token in schema["resources"]} == {
        "AksCluster",
        "Namespace",
        "NetworkPolicies",
        "Workload",
    }


def _prepare_environment(folder: Path) -> None:
    """Make an environment that has this one's packages, so that little is left to install."""
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
