"""A real API server, for as long as the tests of one process run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.lab import LabServer, missing_programs, running_server


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Give an API server with no objects but its own."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"not on PATH and not built (`make test-live`): {', '.join(missing)}")
    folder: Path = tmp_path_factory.mktemp("lab")
    # Lists then come from the store, whose versions a test can make expire.
    with running_server(folder, "--feature-gates=ListFromCacheSnapshot=false") as server:
        yield server
