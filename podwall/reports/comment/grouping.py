"""Changed connections in groups that a person can take in: the same change for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podwall.reports.comment.escaping import code
from podwall.reports.comment.values import ChangedConnection, ChangeKind
from podwall.reports.reach_grid import OUTSIDE
from podwall.reports.words import counted

__all__ = ["Group", "ends_words", "grouped"]

_FEW = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Connections from any of the sources to any of the destinations that change alike."""

    kind: ChangeKind
    before: str
    after: str
    because: tuple[str, ...]
    sources: tuple[str, ...]
    destinations: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many connections it is at most: a workload of one pod has none to itself."""
        return len(self.sources) * len(self.destinations)


_Change = tuple[ChangeKind, str, str, tuple[str, ...]]


def grouped(connections: Iterable[ChangedConnection]) -> list[Group]:
    """Return the connections in groups, ordered by kind, then by destination.

    Sources that change alike towards one destination are put together, then destinations with the
    same sources.
    """
    towards: defaultdict[tuple[_Change, str], set[str]] = defaultdict(set)
    for each in connections:
        change = (each.kind, each.before, each.after, each.because)
        towards[change, each.destination].add(each.source)
    alike: defaultdict[tuple[_Change, tuple[str, ...]], list[str]] = defaultdict(list)
    for (change, destination), sources in towards.items():
        alike[change, tuple(sorted(sources))].append(destination)
    groups = [Group(*change, sources, tuple(sorted(d))) for (change, sources), d in alike.items()]
    return sorted(groups, key=_order)


def _order(group: Group) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return list(ChangeKind).index(group.kind), group.destinations, group.sources


def ends_words(ends: Iterable[str], namespaces: Mapping[str, frozenset[str]]) -> str:
    """Return the names of endpoints; all workloads of a namespace are said in a word.

    >>> ends_words(["shop/api", "shop/web"], {"shop": frozenset({"shop/api", "shop/web"})})
    'every workload of `shop`'
    """
    left = set(ends)
    whole = [name for name, members in sorted(namespaces.items()) if _all_of(members, left)]
    for name in whole:
        left -= namespaces[name]
    anyone = OUTSIDE in left
    names = sorted(left - {OUTSIDE})
    shown = names if len(names) <= _FEW + 1 else names[:_FEW]
    parts = [f"every workload of {code(name)}" for name in whole[:_FEW]]
    if len(whole) > _FEW:
        parts.append(f"every workload of {counted(len(whole) - _FEW, 'more namespace')}")
    parts += [code(name) for name in shown]
    if len(names) > len(shown):
        parts.append(f"{len(names) - len(shown)} more")
    return ", ".join([*parts, *(["anyone outside the cluster"] if anyone else [])])


def _all_of(members: frozenset[str], ends: set[str]) -> bool:
    return len(members) > 1 and members <= ends
