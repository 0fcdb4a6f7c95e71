"""Findings on what was not read: kinds that nobody knows here, and a source that is not whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.wording import listed
from podwall.reading import NOT_KNOWN, LedgerEntry

__all__ = ["ACCEPTABLE", "UNREAD_KIND", "not_closed", "unknown_kinds"]

UNREAD_KIND: Final = "unread-kind"
#: The findings on what is not read, of which somebody can say that this is known.
ACCEPTABLE: Final = frozenset({"brings-objects", "policy-kind-not-analysed", "unseen-objects"})
_MOST_NAMED: Final = 5


def unknown_kinds(unread: Iterable[LedgerEntry]) -> Iterator[Finding]:
    """Yield a finding for each kind of objects that is not known, with the names of the first."""
    unknown = sorted((each for each in unread if each.reason == NOT_KNOWN), key=_kind)
    for (kind, group), found in groupby(unknown, key=_kind):
        yield _unknown_kind(kind, group, list(found))


def _kind(entry: LedgerEntry) -> tuple[str, str]:
    return entry.kind, entry.group


def _unknown_kind(kind: str, group: str, found: Sequence[LedgerEntry]) -> Finding:
    names = [f"`{each.name}`" for each in found[:_MOST_NAMED]]
    more = [f"{len(found) - len(names):,} more"] if len(found) > len(names) else []
    is_ = "is" if len(found) == 1 else "are"
    return Finding(
        UNREAD_KIND,
        Severity.INFO,
        f"{listed([*names, *more])} {is_} not read: {kind} of `{group or 'v1'}` is not known, "
        "and may make pods or policies",
        found[0].place,
        f"where it makes neither, say so: `--accept-unread {kind}`",
    )


def not_closed(makers: Sequence[LedgerEntry]) -> Finding:
    """Return the finding on a source that is said to be whole, and has what nobody can read."""
    names = [f"`{each}`" for each in makers[:_MOST_NAMED]] or ["what it brings"]
    kinds = dict.fromkeys(each.kind for each in makers if each.kind)
    accept = " ".join(f"--accept-unread {kind}" for kind in kinds)
    return Finding(
        "not-closed",
        Severity.WARNING,
        f"the source is not closed, as was said: {listed(names)} may make pods, and "
        f"{'is' if len(names) == 1 else 'are'} not read",
        makers[0].place if makers else Place(),
        f"where it makes none, say so: `{accept}`" if accept else "",
    )
