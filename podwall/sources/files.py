"""Read bytes from files, folders and the standard input, and keep what parsers make of them."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podwall.policies.errors import Finding, Place, SourceError
from podwall.reading import Document, LedgerEntry

__all__ = ["STDIN", "ParsedDocuments", "read_bytes", "read_file", "unreadable"]


STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"


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

    `texts` are the files by name, kept for finding the line of a field; `others` is what is here
    beside the documents: no Kubernetes objects (a chart's values, say), or left out. `notes` say
    what was done to read it, such as with which tool.
    """

    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: tuple[LedgerEntry, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[ParsedDocuments]) -> ParsedDocuments:
        """Return several parts as one."""
        kept = list(parts)
        return cls(
            tuple(document for part in kept for document in part.documents),
            tuple(finding for part in kept for finding in part.findings),
            {name: text for part in kept for name, text in part.texts.items()},
            tuple(entry for part in kept for entry in part.others),
            tuple(note for part in kept for note in part.notes),
        )
