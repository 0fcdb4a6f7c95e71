"""Environments with the built wheel in them, made without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from subprocess import CompletedProcess

from packaging.requirements import Requirement

__all__ = ["ROOT", "Environment", "base_environment", "built_wheel", "whole_environment"]

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(sysconfig.get_path("purelib"))


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of Python, in a folder of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        """The folder that packages are installed in."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(
        self,
        *command: str | Path,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        stdin: str | None = None,
    ) -> CompletedProcess[str]:
        """Run a command of the environment, or `python`, whatever its exit code."""
        name, *arguments = command
        plain = {"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "NO_COLOR": "1", "COLUMNS": "100"}
        return subprocess.run(
            [self.folder / "bin" / name, *arguments],
            cwd=cwd,
            env={**plain, **(variables or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, wheel: Path) -> None:
        """Install a wheel and nothing that it depends on, by the pip of this test's environment."""
        options = ("--no-index", "--no-deps", "--no-compile", "--quiet")
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        subprocess.run([*pip, "install", *options, str(wheel)], check=True)


def built_wheel(folder: Path) -> Path:
    """Build the wheel of this repository into a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("podwall-*.whl")
    return found


def base_environment(folder: Path, wheel: Path) -> Environment:
    """Return an environment with what `pip install podwall` brings, and nothing else.

    Packages are links to those of this test's environment.
    """
    made = _empty(folder, wheel)
    (podwall,) = distributions(name="podwall", path=[str(made.site)])
    for found in _closure(podwall):
        for entry in _top_level(found):
            (made.site / entry).symlink_to(SITE / entry)
    return made


def whole_environment(folder: Path, wheel: Path) -> Environment:
    """Return an environment with the wheel and every other package of this test's environment."""
    made = _empty(folder, wheel)
    # The .pth files of a folder that a .pth file names are not read: this repository is not found.
    (made.site / "others.pth").write_text(f"{SITE}\n", encoding="utf-8")
    return made


def _empty(folder: Path, wheel: Path) -> Environment:
    venv.create(folder, symlinks=True)
    made = Environment(folder)
    made.install(wheel)
    return made


def _closure(first: Distribution) -> list[Distribution]:
    """Return what a distribution requires without extras, and what that requires in turn."""
    found: dict[str, Distribution] = {}
    waiting = [first]
    while waiting:
        for name in _required(waiting.pop()):
            if name not in found:
                found[name] = distribution(name)
                waiting.append(found[name])
    return list(found.values())


def _required(requiring: Distribution) -> Iterator[str]:
    for requirement in map(Requirement, requiring.requires or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _top_level(installed: Distribution) -> set[str]:
    """Return the entries of the site folder that belong to a distribution."""
    parts = {file.parts[0] for file in installed.files or []}
    return parts - {"..", "__pycache__"}
