"""The wheel and the environments, made once for each process that runs tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.install.environments import (
    Environment,
    base_environment,
    built_wheel,
    whole_environment,
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a package index where nobody asked for it."""
    for item in items:
        mine = Path(__file__).parent in item.path.parents
        if mine and item.get_closest_marker("slow") and "slow" not in config.option.markexpr:
            item.add_marker(pytest.mark.skip(reason="needs an index, run `make test-install`"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this repository."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """Return an environment with what `pip install podwall` brings."""
    return base_environment(tmp_path_factory.mktemp("base"), wheel)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """Return an environment with every extra."""
    return whole_environment(tmp_path_factory.mktemp("whole"), wheel)
