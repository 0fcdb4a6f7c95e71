"""Write a folder of files, files into a folder, or one file: as a whole, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from podwall.policies.errors import Place, SourceError

__all__ = ["write_file", "write_files", "write_folder"]


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
        _write(folder, files)
    except OSError as problem:
        raise _unwritten(folder, problem) from problem


def write_file(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a text to `path`, in the place of what is there only if `replace` says so.

    Raises:
        SourceError: there is something already that is not to be replaced, or it can't be written.
    """
    if path.exists() and not replace:
        raise SourceError(
            "exists already", help="to replace it, say `--force`", place=Place(str(path))
        )
    try:
        _write(path.parent, {path.name: text})
    except OSError as problem:
        raise _unwritten(path, problem) from problem


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".podwall-", dir=folder) as beside:
        for name, text in files.items():
            Path(beside, name).write_text(text, encoding="utf-8")
        for name in files:
            Path(beside, name).replace(folder / name)


def _unwritten(path: Path, problem: OSError) -> SourceError:
    reason = (problem.strerror or str(problem)).lower()
    return SourceError(f"can't be written: {reason}", place=Place(str(path)))
