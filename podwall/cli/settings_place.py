"""Where the settings of a folder are: a look that costs nothing where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["FILE", "settings_near"]

FILE: Final = "podwall.toml"
_PROJECT: Final = "pyproject.toml"


def settings_near(folder: Path) -> Path | None:
    """Return the nearest file with settings, from a folder upwards to the root of the repository.

    It is `podwall.toml`, or else a `pyproject.toml` that has a table `tool.podwall`.
    """
    for each in (folder, *folder.parents):
        if (each / FILE).is_file():
            return each / FILE
        if (each / _PROJECT).is_file() and b"[tool.podwall" in (each / _PROJECT).read_bytes():
            return each / _PROJECT
        if (each / ".git").exists():
            break
    return None
