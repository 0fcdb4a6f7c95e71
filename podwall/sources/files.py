"""Read bytes from files, folders and the standard input, and keep what parsers make of them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podwall.policies.errors import Finding, Place, SourceError
from podwall.reading import Document

__all__ = ["STDIN", "ParsedDocuments", "manifest_files", "read_bytes", "read_file"]


STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


def read_bytes(path: str) -> tuple[str, bytes]:
    """Return the name to show for a path (or `-`, the standard input), and what is in it."""
    if path == STDIN:
        return STDIN_NAME, sys.stdin.buffer.read()
    try:
        return path, Path(path).read_bytes()
    except OSError as problem:
        raise unreadable(path, problem) from problem


def read_file(path: str) -> tuple[str, bytes]:
    """Return the name of a file and what is in it.

    Raises:
        SourceError: it is a pipe, a device or the like, which may never end, or can't be read.
    """
    try:
        mode = Path(path).stat().st_mode
    except OSError as problem:
        raise unreadable(path, problem) from problem
    if not stat.S_ISREG(mode):
        raise SourceError(f"`{path}` is not read: it is no file", place=Place(path))
    return read_bytes(path)


def manifest_files(folder: str) -> Iterator[str]:
    """Yield the YAML and JSON files of a folder and of those in it, sorted; hidden ones are not."""
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield str(Path(parent, name))


def _refuse(problem: OSError) -> None:
    raise unreadable(str(problem.filename), problem) from problem


def unreadable(path: str, problem: OSError) -> SourceError:
    """Return the error for a path that the operating system does not let us read."""
    reason = (problem.strerror or "it can't be read").lower()
    return SourceError(
        f"`{path}` could not be read: {reason}",
        help="give a file, a folder, or `-` for the standard input",
        place=Place(path),
    )


@dataclass(frozen=True, slots=True)
class ParsedDocuments:
    """The documents of one or several files, in order, and what was wrong with the others.

    `texts` are the files by name, kept for finding the line of a field; `others` are the places of
    what is well written but no Kubernetes object (a chart's values, say).
    """

    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: tuple[Place, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[ParsedDocuments]) -> ParsedDocuments:
        """Return several parts as one."""
        kept = list(parts)
        return cls(
            tuple(document for part in kept for document in part.documents),
            tuple(finding for part in kept for finding in part.findings),
            {name: text for part in kept for name, text in part.texts.items()},
            tuple(place for part in kept for place in part.others),
        )
