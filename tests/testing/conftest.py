"""The shop as manifests."""

from __future__ import annotations

import pytest

from podwall.testing import Reach, reach_of_source
from tests.testing.programs import BASELINE


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Reach:
    path = tmp_path_factory.mktemp("shop") / "shop.yaml"
    path.write_text(BASELINE, encoding="utf-8")
    return reach_of_source(path)
