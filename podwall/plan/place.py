"""Find the line of the program that made a resource."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from podwall.policies.errors import Place

__all__ = ["first_place", "is_program", "shown"]

# A line of this package says nothing about the program that uses it.
_LIBRARY = Path(__file__).parents[1]


def is_program(path: Path, folder: Path) -> bool:
    """Return whether a file is the project's own code, and not that of a library it uses."""
    return (
        path.is_relative_to(folder)
        and "site-packages" not in path.parts
        and not path.is_relative_to(_LIBRARY)
    )


def shown(path: Path, folder: Path) -> str:
    """Return a path as it is seen from `folder`.

    >>> shown(Path("/work/shop/src/app.py"), Path("/work/shop"))
    'src/app.py'
    """
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def first_place(frames: Iterable[tuple[str, int]], folder: Path) -> Place:
    """Return the innermost of `frames` that is the project's own code, relative to its folder.

    A frame is a `file:` or `project:` URI with a line.
    """
    for uri, line in frames:
        parts = urlsplit(uri)
        relative = parts.scheme == "project"
        path = folder / unquote(parts.path).lstrip("/") if relative else Path(unquote(parts.path))
        if is_program(path, folder):
            return Place(shown(path, folder), line)
    return Place()
