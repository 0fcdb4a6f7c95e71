"""Measurements in processes of their own, so that nothing is measured but what is meant."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

__all__ = ["printed_by"]


def printed_by(module: str, *words: object) -> dict[str, Any]:
    """Run a module of the benchmarks in a new process, and return the object that it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    printed: dict[str, Any] = json.loads(found.stdout)
    return printed
