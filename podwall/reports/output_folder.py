"""Write a folder of files as a whole, or files into a folder; never half a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from policies.errors import Place, SourceError

__all__ = ["write_files", "write_folder"]


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make `folder` hold exactly `files`, which are named by their path inside it.

    The files are written beside the folder first and then take its place, so that a failure leaves
    what was there before.

    Raises:
        SourceError: the folder can't be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
            for name, text in files.items():
                path = Path(beside, "new", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            if folder.exists():
                folder.rename(Path(beside, "old"))
            Path(beside, "new").rename(folder)
    except OSError as problem:
        raise _unwritten(folder, problem) from problem


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into `folder`, each in the place of one of its name; others stay.

    Raises:
        SourceError: the folder or a file can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".podwall-", dir=folder) as beside:
            for name, text in files.items():
                Path(beside, name).write_text(text, encoding="utf-8")
            for name in files:
                Path(beside, name).replace(folder / name)
    except OSError as problem:
        raise _unwritten(folder, problem) from problem


def _unwritten(folder: Path, problem: OSError) -> SourceError:
    reason = (problem.strerror or str(problem)).lower()
    return SourceError(f"can't be written: {reason}", place=Place(str(folder)))
