"""Find the line of the program that made a resource, and tell its files from those of libraries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from podwall.policies.errors import Place

__all__ = ["is_program", "program_line", "relative_path"]


# A line of this package says nothing about the program that uses it.
_LIBRARY = Path(__file__).parents[1]


def is_program(path: Path, folder: Path) -> bool:
    """Return whether a file is the project's own code, and not that of a library it uses."""
    return (
        path.is_relative_to(folder)
        and "site-packages" not in path.parts
        and not path.is_relative_to(_LIBRARY)
    )


def relative_path(path: Path, folder: Path) -> str:
    """Return a path as it is seen from `folder`.

    >>> relative_path(Path("/work/shop/src/app.py"), Path("/work/shop"))
    'src/app.py'
    """
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def program_line(frames: Iterable[tuple[str, int]], folder: Path) -> Place:
    """Return the innermost of `frames` that is the project's own code, relative to its folder.

    A frame is a `file:` or `project:` URI with a line.
    """
    for uri, line in frames:
        parts = urlsplit(uri)
        relative = parts.scheme == "project"
        path = folder / unquote(parts.path).lstrip("/") if relative else Path(unquote(parts.path))
        if is_program(path, folder):
            return Place(relative_path(path, folder), line)
    return Place()
