"""What `pip install podwall` brings from a package index, and how much it is.

It needs the index, so it runs only where it is asked for: `make test-install`.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.install.environments import ROOT, Environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MEGABYTES = 90


def _disk_usage(folder: Path) -> int:
    """Return the megabytes that a folder takes on the disk, rounded up, as `du -sm` says."""
    shown = subprocess.run(["du", "-sm", folder], capture_output=True, text=True, check=True)
    return int(shown.stdout.split()[0])


def test_the_base_wheel_is_small_and_answers(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    made = Environment(tmp_path / "env")
    pip = [sys.executable, "-m", "pip", "--python", str(made.python), "install", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True)
    assert made.run("podwall", "reach", ROOT / "examples" / "shop", cwd=tmp_path).returncode == 0
    assert _disk_usage(made.folder) <= MEGABYTES
