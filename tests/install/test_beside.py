"""The wheel, installed beside a project whose own folders are called as podwall's rooms are.

What Pulumi itself does there is tried in `tests/engine/test_installed.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.install.beside import CONNECTION, OWN, Shape, project_beside
from tests.install.environments import Environment

COMMANDS = [
    pytest.param(("podwall",), id="the console script"),
    pytest.param(("python", "-m", "podwall"), id="python -m podwall"),
]
SHAPES = pytest.mark.parametrize("shape", list(Shape))
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: main, image: example.com/web}]}
"""


@SHAPES
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long
def test_a_program_is_planned_with_its_own_folders(
    whole: Environment, tmp_path: Path, command: tuple[str, ...], shape: Shape
) -> None:
    project = project_beside(tmp_path, shape)
    done = whole.run(*command, "preview", "--with", "embedded", "-o", "json", cwd=project)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    pairs = {(each["source"], each["destination"]) for each in found["reachability"]["connections"]}
    assert CONNECTION in pairs
    plan = json.loads((project / "out" / "dev" / "plan.json").read_text("utf-8"))
    assert plan["outputs"]["mine"] == [f"own {name}" for name in OWN]


@SHAPES
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long
def test_manifests_are_read_beside_folders_of_these_names(
    base: Environment, tmp_path: Path, command: tuple[str, ...], shape: Shape
) -> None:
    project = project_beside(tmp_path, shape)
    done = base.run(*command, "reach", "-", "-o", "csv", cwd=project, stdin=MANIFEST)
    assert (done.returncode, done.stderr) == (0, "")
    assert "shop/web,shop/web,all ports" in done.stdout


@SHAPES
@pytest.mark.parametrize("command", [("pytest",), ("python", "-m", "pytest")], ids=" ".join)
@pytest.mark.long
def test_the_plugin_plans_the_program_for_the_projects_tests(
    whole: Environment, tmp_path: Path, command: tuple[str, ...], shape: Shape
) -> None:
    project = project_beside(tmp_path, shape)
    if command == ("pytest",):  # the script of the package, which stands in no wheel here
        command = ("python", "-c", "import sys, pytest; sys.path.pop(0); sys.exit(pytest.main())")
    done = whole.run(*command, "-q", "-p", "no:cacheprovider", "-p", "no:randomly", cwd=project)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
