"""Files that are written as a whole or not at all, a folder of them or one, or shown as a patch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Final

from podwall.policies.errors import Place, SourceError
from podwall.policies.wording import guess

__all__ = ["unified_patch", "write_file", "write_files", "write_folder"]


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make `folder` hold exactly `files`, which are named by their path inside it.

    The files are written beside the folder first and then take its place, so that a failure leaves
    what was there before.

    Raises:
        SourceError: the folder can't be written.
    """
    _refuse_misspelt(folder.parent)
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
    _refuse_misspelt(folder.parent)
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
    _refuse_misspelt(path.parent)
    try:
        _write(path.parent, {path.name: text})
    except OSError as problem:
        raise _unwritten(path, problem) from problem


def _refuse_misspelt(folder: Path) -> None:
    """Stop where a folder on the way is not there, and one beside it has nearly its name.

    Raises:
        SourceError: there is such a one.
    """
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    missing = absent[-1] if absent else None
    if missing is None or not missing.parent.is_dir():
        return
    beside = [str(each) for each in missing.parent.iterdir() if each.is_dir()]
    if near := guess(str(missing), beside):
        raise SourceError(
            "there is no such folder",
            help=f"{near} If a new one is meant, make it first",
            place=Place(str(missing)),
        )


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


_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"


def unified_patch(files: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    r"""Yield the lines of a patch; `files` has what they are and what they become, by name.

    >>> print("".join(unified_patch({"a.yaml": ("x: 1\n", "x: 2\n")})), end="")
    --- a/a.yaml
    +++ b/a.yaml
    @@ -1 +1 @@
    -x: 1
    +x: 2
    """
    for name, (before, after) in files.items():
        lines = (_lines(before), _lines(after))
        for line in unified_diff(*lines, f"a/{name}", f"b/{name}"):
            yield line if line.endswith("\n") else f"{line}{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Return lines as git counts them: a line ends with a newline, and with nothing else."""
    *whole, last = text.split("\n")
    return [*(f"{each}\n" for each in whole), *([last] if last else [])]
