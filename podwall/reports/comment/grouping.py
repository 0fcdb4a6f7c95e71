"""Changed connections in groups that a person can take in: the same change for many at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from podwall.diff import ChangeKind
from podwall.reports.comment.values import ChangedConnection

__all__ = ["ORDER", "Group", "grouped"]


ORDER: Final = (
    ChangeKind.ADDED,
    ChangeKind.WIDENED,
    ChangeKind.CHANGED,
    ChangeKind.NARROWED,
    ChangeKind.REMOVED,
)
"""What opens comes first."""


@dataclass(frozen=True, slots=True)
class Group:
    """Connections from any of the sources to any of the destinations that change alike.

    `because` and `reasons` are those of all of them, what is behind most connections first.
    """

    kind: ChangeKind
    before: str
    after: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    because: tuple[str, ...]
    reasons: tuple[str, ...]


class _Change(NamedTuple):
    kind: ChangeKind
    before: str
    after: str


def grouped(connections: Iterable[ChangedConnection]) -> list[Group]:
    """Return the connections in groups, ordered by kind, then by destination.

    Sources that change alike towards one destination are put together, then destinations with the
    same sources.
    """
    towards: defaultdict[tuple[_Change, str], list[ChangedConnection]] = defaultdict(list)
    for each in connections:
        towards[_Change(each.kind, each.before, each.after), each.destination].append(each)
    alike: defaultdict[tuple[_Change, tuple[str, ...]], list[ChangedConnection]] = defaultdict(list)
    for (change, _), found in towards.items():
        alike[change, tuple(sorted(each.source for each in found))].extend(found)
    groups = (_group(change, sources, found) for (change, sources), found in alike.items())
    return sorted(groups, key=_order)


def _group(change: _Change, sources: tuple[str, ...], found: Sequence[ChangedConnection]) -> Group:
    because = Counter(sorted(name for each in found for name in each.because))
    reasons = Counter(sorted(each.reason for each in found if each.reason))
    return Group(
        *change,
        sources,
        tuple(sorted({each.destination for each in found})),
        tuple(name for name, _ in because.most_common()),
        tuple(reason for reason, _ in reasons.most_common()),
    )


def _order(group: Group) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return ORDER.index(group.kind), group.destinations, group.sources
