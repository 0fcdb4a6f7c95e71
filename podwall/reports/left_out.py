"""What a report has to say of what was not read: how many objects, and which, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from podwall.reading import LedgerEntry, ObjectStatus
from podwall.reports.words import counted, listed, printable

__all__ = ["as_comments", "left_out"]

_MOST_NAMED: Final = 5


def left_out(entries: Iterable[LedgerEntry]) -> list[str]:
    """Return what the verdicts lack, in a sentence each: policies, other objects, what is known.

    >>> unread = [LedgerEntry("NetworkPolicy", "shop/web"), LedgerEntry("Job", "shop/a")]
    >>> for each in left_out(unread):
    ...     print(each)
    1 policy is left out, so more may be closed than shown, or open: NetworkPolicy shop/web
    1 object is not read, so more may be open than shown: Job shop/a
    """
    found = list(entries)
    unread = [each for each in found if each.status is ObjectStatus.UNREAD]
    policies = [each for each in unread if each.kind.endswith("Policy")]
    others = [each for each in unread if each not in policies]
    known = [each for each in found if each.status is ObjectStatus.ACKNOWLEDGED]
    return list(_sentences(policies, others, known))


def _sentences(
    policies: Sequence[LedgerEntry], others: Sequence[LedgerEntry], known: Sequence[LedgerEntry]
) -> Iterator[str]:
    if policies:
        are, number = _be(policies), counted(len(policies), "policy", "policies")
        may = "so more may be closed than shown, or open"
        yield f"{number} {are} left out, {may}: {_names(policies)}"
    if others:
        are, number = _be(others), counted(len(others), "object")
        yield f"{number} {are} not read, so more may be open than shown: {_names(others)}"
    if known:
        kinds = Counter(each.kind for each in known)
        words = listed([f"{count:,} {printable(kind)}" for kind, count in kinds.items()])
        yield f"accepted without being read: {words}"


def _be(entries: Sequence[LedgerEntry]) -> str:
    return "is" if len(entries) == 1 else "are"


def _names(entries: Sequence[LedgerEntry]) -> str:
    names = [printable(f"{each}") for each in entries[:_MOST_NAMED]]
    more = [f"{len(entries) - len(names):,} more"] if len(entries) > len(names) else []
    return listed([*names, *more])


def as_comments(sentences: Iterable[str]) -> str:
    """Return sentences as comments of Python or YAML, a line each.

    >>> print(as_comments(["1 object is not read"]), end="")
    # 1 object is not read
    """
    return "".join(f"# {each}\n" for each in sentences)
