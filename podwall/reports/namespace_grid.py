"""Who can reach whom by namespace, for what would be too much one workload at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from podwall.reachability import Endpoint, ExternalRange, WorkloadEndpoint
from podwall.reachability.grouping import IntArray
from podwall.reports.external_names import external_names
from podwall.verdict_table import VerdictTable, is_one_pod

__all__ = ["NamespaceGrid", "Share", "namespace_grid"]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the connections of a cell are open, and how many may be but are not certain.

    A connection is counted as in `podwall.reports.summary`: a pod and itself are none.
    """

    open: int = 0
    unsure: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class NamespaceGrid:
    """The namespaces, then what is outside of the cluster, and the shares that are not zero.

    Keys are places in `names`, as a namespace may be called like something outside.
    """

    names: tuple[str, ...]
    shares: Mapping[tuple[int, int], Share]

    def share(self, source: int, destination: int) -> Share:
        """Return the share of a cell; an empty one where nothing passes."""
        return self.shares.get((source, destination), Share())


class _Group(NamedTuple):
    """A row and column of the grid, with the places of its endpoints."""

    name: str
    members: list[int]


def namespace_grid(table: VerdictTable) -> NamespaceGrid:
    """Return the grid of a verdict table.

    External ranges with the same verdicts towards every workload are one row.
    """
    groups = [*_namespaces(table.endpoints), *_outside(table)]
    opens = _pairs(table, groups, [bool(each.allowed) for each in table.verdicts])
    doubts = [bool(each.undetermined and not each.allowed) for each in table.verdicts]
    unsure = _pairs(table, groups, doubts)
    sizes = [len(group.members) for group in groups]
    shares = {}
    for row, column in np.argwhere(opens + unsure).tolist():
        alone = _alone(table, groups[row].members) if row == column else 0
        total = sizes[row] * sizes[column] - alone
        shares[row, column] = Share(int(opens[row, column]), int(unsure[row, column]), total)
    return NamespaceGrid(tuple(group.name for group in groups), shares)


def _namespaces(ends: Iterable[Endpoint]) -> list[_Group]:
    found: dict[str, list[int]] = {}
    for place, each in enumerate(ends):
        if isinstance(each, WorkloadEndpoint):
            found.setdefault(each.id.partition("/")[0], []).append(place)
    return [_Group(*each) for each in found.items()]


def _outside(table: VerdictTable) -> list[_Group]:
    """Return a group for each kind of external range, with one range that stands for all."""
    count = len(table.reachability.workloads)
    sources, destinations = np.unique(table.sources[:count]), np.unique(table.destinations[:count])
    alike: dict[tuple[bytes, bytes], list[ExternalRange]] = {}
    places: dict[ExternalRange, int] = {}
    for place, each in enumerate(table.reachability.externals, count):
        into = table.cells[table.sources[place], destinations].tobytes()
        out = table.cells[sources, table.destinations[place]].tobytes()
        alike.setdefault((into, out), []).append(each)
        places[each] = place
    groups = list(alike.values())
    names = external_names([[each.network for each in group] for group in groups])
    firsts = [[places[group[0]]] for group in groups]
    return list(map(_Group, names, firsts))


def _pairs(
    table: VerdictTable, groups: Sequence[_Group], counted: Sequence[bool]
) -> npt.NDArray[np.int64]:
    """Return for each pair of groups how many of its connections have a verdict that counts."""
    found = np.array(counted)[table.cells]
    columns = [_roles(table.destinations, group) for group in groups]
    pairs = np.zeros((len(groups), len(groups)), dtype=np.int64)
    for row, group in enumerate(groups):
        roles, times = _roles(table.sources, group)
        reached = times @ found[roles]
        pairs[row] = [reached[role] @ many for role, many in columns]
    for place, group in enumerate(groups):
        alone = [each for each in group.members if is_one_pod(table.endpoints[each])]
        pairs[place, place] -= found[table.sources[alone], table.destinations[alone]].sum()
    return pairs


def _roles(of: IntArray, group: _Group) -> tuple[IntArray, IntArray]:
    """Return the roles of a group's members, and how many members have each."""
    roles, times = np.unique(of[group.members], return_counts=True)
    return roles, times


def _alone(table: VerdictTable, members: Iterable[int]) -> int:
    return sum(is_one_pod(table.endpoints[each]) for each in members)
