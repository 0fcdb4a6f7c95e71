"""kustomize and helm for tests: the real ones where they are, and stand-ins of a few lines."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

__all__ = ["HELM", "KUSTOMIZE", "files", "stand_in"]

KUSTOMIZE = pytest.mark.skipif(
    not (shutil.which("kustomize") or shutil.which("kubectl")),
    reason="neither kustomize nor kubectl is on the PATH",
)
HELM = pytest.mark.skipif(not shutil.which("helm"), reason="helm is not on the PATH")


def files(folder: Path, texts: dict[str, str]) -> Path:
    """Write files into a folder, and return it."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def stand_in(folder: Path, name: str, code: str) -> str:
    """Write a command in Python, and return a PATH on which there is nothing else."""
    command = folder / "bin" / name
    command.parent.mkdir(exist_ok=True)
    command.write_text(f"#!{sys.executable}\nimport os, sys\n{code}\n", "utf-8")
    command.chmod(0o755)
    return os.fspath(command.parent)
