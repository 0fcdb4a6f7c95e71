"""Changed connections in groups that a person can take in: the same change for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from podwall.diff import ChangeKind
from podwall.reports.comment.values import ChangedConnection

__all__ = ["ORDER", "Group", "grouped"]


@dataclass(frozen=True, slots=True)
class Group:
    """Connections from any of the sources to any of the destinations that change alike."""

    kind: ChangeKind
    before: str
    after: str
    because: tuple[str, ...]
    reason: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many connections it is at most: a workload of one pod has none to itself."""
        return len(self.sources) * len(self.destinations)


ORDER: Final = (
    ChangeKind.ADDED,
    ChangeKind.WIDENED,
    ChangeKind.CHANGED,
    ChangeKind.NARROWED,
    ChangeKind.REMOVED,
)
"""What opens comes first."""

_Change = tuple[ChangeKind, str, str, tuple[str, ...], str]


def grouped(connections: Iterable[ChangedConnection]) -> list[Group]:
    """Return the connections in groups, ordered by kind, then by destination.

    Sources that change alike towards one destination are put together, then destinations with the
    same sources.
    """
    towards: defaultdict[tuple[_Change, str], set[str]] = defaultdict(set)
    for each in connections:
        change = (each.kind, each.before, each.after, each.because, each.reason)
        towards[change, each.destination].add(each.source)
    alike: defaultdict[tuple[_Change, tuple[str, ...]], list[str]] = defaultdict(list)
    for (change, destination), sources in towards.items():
        alike[change, tuple(sorted(sources))].append(destination)
    groups = [Group(*change, sources, tuple(sorted(d))) for (change, sources), d in alike.items()]
    return sorted(groups, key=_order)


def _order(group: Group) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return ORDER.index(group.kind), group.destinations, group.sources
