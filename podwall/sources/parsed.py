"""What a parser hands on: documents, and findings on what it could not parse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podwall.reading import Document
from policies.findings import Finding

__all__ = ["Parsed"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of one or several files, in order, and what was wrong with the others."""

    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[Parsed]) -> Parsed:
        """Return several parts as one."""
        kept = list(parts)
        return cls(
            tuple(document for part in kept for document in part.documents),
            tuple(finding for part in kept for finding in part.findings),
        )
