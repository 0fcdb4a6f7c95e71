"""Settings that are damaged: every command that looks at them ends well."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.cli.running import podwall
from tests.fuzz.mutations import damaged
from tests.fuzz.samples import EXPECTATIONS, MANIFESTS
from tests.fuzz.test_trees import LONGEST, STUCK, assert_ends_well

BATCHES: Final = max(1, int(os.environ.get("SOAK", "0")) // 10)
EACH: Final = 30
SETTINGS: Final = b"""\
engine = "azure"
closed = true
fail-on = "warning"
namespace = "shop"
expectations = "expectations.json"
accept-unread = ["CiliumNetworkPolicy"]

[[pods]]
kind = "Prometheus"
group = "monitoring.coreos.com"
labels = {app = "x"}
"""
COMMANDS: Final = (
    ("config",),
    ("reach", "sound.json"),
    ("lint", "sound.json"),
    ("check", "sound.json"),
    ("diff", "sound.json", "sound.json"),
)


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(STUCK)
def test_damaged_settings_end_well(batch: int, tmp_path: Path) -> None:
    rng = Random(f"settings {batch}")
    (tmp_path / "sound.json").write_text(json.dumps(MANIFESTS))
    (tmp_path / "expectations.json").write_text(json.dumps(EXPECTATIONS))
    for number in range(EACH):
        (tmp_path / "podwall.toml").write_bytes(damaged(rng, SETTINGS))
        command = rng.choice(COMMANDS)
        what = f"{batch} {number} {command}"
        began = time.process_time()
        assert_ends_well(podwall(tmp_path, *command), what)
        assert time.process_time() - began < LONGEST, f"{what}: it took too long"
