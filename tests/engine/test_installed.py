"""The wheel under the real engine, beside a project whose own folders are called as rooms here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.workspace import Workspace
from tests.install.beside import CONNECTION, OWN, Shape, project_beside
from tests.install.environments import built_wheel, whole_environment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
MINE = [f"own {name}" for name in OWN]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an environment with the wheel and every extra."""
    wheel = built_wheel(tmp_path_factory.mktemp("wheel"))
    return whole_environment(tmp_path_factory.mktemp("whole"), wheel).folder


@pytest.mark.parametrize("shape", list(Shape))
def test_pulumi_previews_and_deploys_a_program_with_its_own_folders(
    environment: Path, tmp_path: Path, shape: Shape
) -> None:
    written = project_beside(tmp_path / "written", shape)
    stack = Workspace.of(written, tmp_path / "work")
    (stack.project / ".venv").unlink()
    (stack.project / ".venv").symlink_to(environment)
    stack.started().configured({"kubernetes:kubeconfig": "{apiVersion: v1}"})
    preview = stack.preview()
    assert set(preview["changeSummary"]) == {"create"}
    stack.up()
    resources = stack.export()["deployment"]["resources"]
    (program,) = [each for each in resources if each["type"] == "pulumi:pulumi:Stack"]
    assert program["outputs"]["mine"] == MINE
    state = stack.folder / "state.json"
    state.write_text(stack.pulumi("stack", "export"), encoding="utf-8")
    assert ",".join(CONNECTION) in stack.podwall("reach", str(state), "-o", "csv").stdout
