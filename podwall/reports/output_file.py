"""Write one file as a whole, or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from policies.errors import Place, SourceError

__all__ = ["write_file"]


def write_file(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a text beside `path` first, and then let it take the place.

    Raises:
        SourceError: there is something already that is not to be replaced, or it can't be written.
    """
    if path.exists() and not replace:
        raise SourceError(
            "exists already", help="to replace it, say `--force`", place=Place(str(path))
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as beside:
            new = Path(beside, "new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise SourceError(f"can't be written: {reason}", place=Place(str(path))) from problem
