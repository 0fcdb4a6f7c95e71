"""What the tests under the real engine share: the reason to skip, and stacks that are ready."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engine.workspace import ROOT, Document, Workspace

FOLDER = Path(__file__).parent


def _reason_to_skip(config: pytest.Config) -> str:
    asked_for = "engine" in config.option.markexpr or any("engine" in arg for arg in config.args)
    if shutil.which("pulumi") is None:
        return "needs the Pulumi CLI on PATH, see https://www.pulumi.com/docs/install/"
    return "" if asked_for else "takes minutes, run `make test-engine`"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests marked `engine` where there is none, or where nobody asked for them."""
    reason = _reason_to_skip(config)
    for item in items:
        if reason and FOLDER in item.path.parents and item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def plain_new(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a stack of the plain program before its first deployment; do not deploy it."""
    folder = tmp_path_factory.mktemp("plain-new")
    return Workspace.of(FOLDER / "programs" / "plain", folder).started()


@pytest.fixture(scope="session")
def plain_first(plain_new: Workspace) -> Document:
    """Return the plain program's first preview."""
    return plain_new.preview()


@pytest.fixture(scope="session")
def _plain_deployed(tmp_path_factory: pytest.TempPathFactory, plain_new: Workspace) -> Workspace:
    workspace = plain_new.copied_to(tmp_path_factory.mktemp("plain") / "deployed")
    workspace.up()
    return workspace


@pytest.fixture
def plain(_plain_deployed: Workspace, tmp_path: Path) -> Workspace:
    """Return a deployed stack of the plain program, for this test alone."""
    return _plain_deployed.copied_to(tmp_path / "plain")


@pytest.fixture(scope="session")
def dev_new(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the dev stack of this repository before its first deployment; do not deploy it."""
    return Workspace.of(ROOT, tmp_path_factory.mktemp("dev-new")).started()


@pytest.fixture(scope="session")
def _dev_deployed(tmp_path_factory: pytest.TempPathFactory, dev_new: Workspace) -> Workspace:
    workspace = dev_new.copied_to(tmp_path_factory.mktemp("dev") / "deployed")
    workspace.up()
    return workspace


@pytest.fixture
def dev(_dev_deployed: Workspace, tmp_path: Path) -> Workspace:
    """Return the dev stack of this repository, deployed, for this test alone."""
    return _dev_deployed.copied_to(tmp_path / "dev")


@pytest.fixture(scope="session")
def _prod_deployed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.of(ROOT, tmp_path_factory.mktemp("prod"), "prod").started()
    workspace.up()
    return workspace


@pytest.fixture
def prod(_prod_deployed: Workspace, tmp_path: Path) -> Workspace:
    """Return the prod stack of this repository, deployed, for this test alone."""
    return _prod_deployed.copied_to(tmp_path / "prod")
