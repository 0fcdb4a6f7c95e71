"""The changes of a diff, one row each: what all formats show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from podwall.diff import Change, ChangeKind, Diff, Passage
from podwall.reports.words import printable

__all__ = ["HEADER", "ChangeRow", "change_rows", "passage_text", "told_kind"]


class ChangeRow(NamedTuple):
    """A connection that changes: how, between whom, from what to what, and why."""

    change: str
    source: str
    destination: str
    before: str
    after: str
    because: str
    effect: str
    policies: str


HEADER = ChangeRow(*ChangeRow._fields)


def change_rows(difference: Diff) -> Iterator[ChangeRow]:
    """Yield the rows by source, then by destination; changes of ICMP alone are left out."""
    for change in difference.changes():
        kind = told_kind(change)
        if kind is not None:
            yield ChangeRow(
                kind,
                printable(change.source.id),
                printable(change.destination.id),
                passage_text(change.before),
                passage_text(change.after),
                printable(change.because),
                change.effect,
                printable("; ".join(policy.name for policy in change.policies)),
            )


def told_kind(change: Change) -> ChangeKind | None:
    """Return what became of a connection as far as ports go, None where ports do not change."""
    before, after = _transports(change.before), _transports(change.after)
    return None if before == after else replace(change, before=before, after=after).kind


def _transports(passage: Passage) -> Passage:
    allowed, undetermined = passage.allowed, passage.undetermined
    if not (allowed.other or undetermined.other):
        return passage
    return Passage(replace(allowed, other=False), replace(undetermined, other=False))


def passage_text(passage: Passage) -> str:
    """Return what passes in words.

    >>> from podwall.model import Protocol
    >>> from podwall.portset import PortSet
    >>> passage_text(Passage(PortSet(), PortSet.of(Protocol.TCP, 80)))
    'perhaps TCP 80'
    """
    parts = [
        str(passage.allowed) if passage.allowed else "",
        f"perhaps {passage.undetermined}" if passage.undetermined else "",
    ]
    return "; ".join(filter(None, parts)) or "nothing"
