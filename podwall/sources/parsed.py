"""What a parser hands on: documents, and findings on what it could not parse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podwall.policies.findings import Finding
from podwall.reading import Document

__all__ = ["Parsed"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of one or several files, in order, and what was wrong with the others.

    `texts` are the files by name, kept for finding the line of a field; `others` counts what is
    well written but no Kubernetes object (a chart's values, say).
    """

    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: int = 0

    @classmethod
    def joined(cls, parts: Iterable[Parsed]) -> Parsed:
        """Return several parts as one."""
        kept = list(parts)
        return cls(
            tuple(document for part in kept for document in part.documents),
            tuple(finding for part in kept for finding in part.findings),
            {name: text for part in kept for name, text in part.texts.items()},
            sum(part.others for part in kept),
        )
