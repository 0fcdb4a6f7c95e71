"""Who can reach whom as grids: by workload and by namespace, for readers who look at all at once.

`reach_grid` has a cell of ports for each pair of workloads; `namespace_grid` counts, for what would
be too much one workload at a time, how many connections between two namespaces are open. Ranges of
addresses outside the cluster that have the same verdicts with every workload share a row, and
`external_names` says what such a row is called.

A count by namespace never visits a pair: endpoints of one role have one row of verdicts, so that a
namespace is its roles and how many endpoints have each. Its connections with another are the
product of the two counts over the table of roles, less each single pod with itself, which is no
connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from ipaddress import IPv4Network, IPv6Network
from operator import or_
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import Connection, Endpoint, ExternalRange, Reachability, WorkloadEndpoint
from podwall.reachability.arrays import IntArray
from podwall.verdict_table import VerdictTable, is_one_pod

__all__ = [
    "OUTSIDE",
    "Cell",
    "Grid",
    "NamespaceGrid",
    "Share",
    "external_names",
    "namespace_grid",
    "reach_grid",
]


OUTSIDE: Final = "outside"
_ENOUGH: Final = 2

IpNetwork = IPv4Network | IPv6Network


def external_names(rows: Sequence[Sequence[IpNetwork]]) -> list[str]:
    """Return a name for each row: its networks, or `outside` for whatever has no other row.

    Where most of IPv4 and most of IPv6 are different rows, no row is called `outside`, as a reader
    takes the word for both.

    >>> from ipaddress import ip_network
    >>> all4, all6, office = map(ip_network, ("0.0.0.0/1", "::/0", "203.0.113.0/24"))
    >>> external_names([[all4, all6], [office]])
    ['outside', '203.0.113.0/24']
    >>> external_names([[all4], [all6, office]])
    ['0.0.0.0/1', '::/0, 203.0.113.0/24']
    """
    widest = _widest(rows)
    return [OUTSIDE if widest <= set(networks) else _name(networks) for networks in rows]


def _widest(rows: Sequence[Sequence[IpNetwork]]) -> set[IpNetwork]:
    """Return the widest network of IPv4 and that of IPv6, as far as there are any."""
    found: dict[int, IpNetwork] = {}
    for network in (network for networks in rows for network in networks):
        known = found.setdefault(network.version, network)
        if network.prefixlen < known.prefixlen:
            found[network.version] = network
    return set(found.values())


def _name(networks: Sequence[IpNetwork]) -> str:
    more = f" +{len(networks) - _ENOUGH}" if len(networks) > _ENOUGH else ""
    return f"{', '.join(map(str, networks[:_ENOUGH]))}{more}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What may pass from a row to a column, and what may but is not certain.

    `itself` is set where both are one and the same pod, to which the policies do not matter.
    """

    allowed: PortSet = NO_PORTS
    unsure: PortSet = NO_PORTS
    itself: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """The names of rows and columns, and the cells of the pairs between which something passes.

    External ranges that no cell tells apart share a row and a column; their names are `outside`.
    """

    names: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    outside: frozenset[str] = frozenset()

    def cell(self, source: str, destination: str) -> Cell:
        """Return the cell of a pair; an empty one where nothing passes."""
        return self.cells.get((source, destination), Cell())

    def namespace(self, name: str) -> str:
        """Return the namespace of a name; an empty one outside of the cluster."""
        return "" if name in self.outside else name.partition("/")[0]


def reach_grid(reachability: Reachability) -> Grid:
    """Return the grid of a reachability: the workloads, then what is outside of the cluster."""
    cells = {
        (each.source_id, each.destination_id): _cell(each) for each in reachability.connections()
    }
    workloads = [each.id for each in reachability.workloads]
    for each in reachability.workloads:
        if each.workload.replicas == 1:
            cells[each.id, each.id] = Cell(itself=True)
    groups = _alike(reachability.externals, workloads, cells)
    called = external_names([[each.network for each in group] for group in groups])
    names = {name: group[0].id for name, group in zip(called, groups, strict=True)}
    for name, first in names.items():
        for workload in workloads:
            cells[workload, name] = cells.get((workload, first), Cell())
            cells[name, workload] = cells.get((first, workload), Cell())
    return Grid((*workloads, *names), cells, frozenset(names))


def _cell(connection: Connection) -> Cell:
    unsure = reduce(or_, (part.ports for part in connection.undetermined), NO_PORTS)
    return Cell(connection.allowed, unsure)


def _alike(
    ranges: Sequence[ExternalRange],
    workloads: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
) -> list[list[ExternalRange]]:
    """Return the ranges in groups, each of which has the same cells with every workload."""
    groups: dict[tuple[Cell, ...], list[ExternalRange]] = {}
    for each in ranges:
        ways = ([(each.id, other), (other, each.id)] for other in workloads)
        pairs = [pair for both in ways for pair in both]
        groups.setdefault(tuple(cells.get(pair, Cell()) for pair in pairs), []).append(each)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the connections of a cell are open, and how many may be but are not certain.

    A connection is counted as in `podwall.reports.reach.summary`: a pod and itself are none.
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


class _NamespaceGroup(NamedTuple):
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


def _namespaces(ends: Iterable[Endpoint]) -> list[_NamespaceGroup]:
    found: dict[str, list[int]] = {}
    for place, each in enumerate(ends):
        if isinstance(each, WorkloadEndpoint):
            found.setdefault(each.id.partition("/")[0], []).append(place)
    return [_NamespaceGroup(*each) for each in found.items()]


def _outside(table: VerdictTable) -> list[_NamespaceGroup]:
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
    return list(map(_NamespaceGroup, names, firsts))


def _pairs(
    table: VerdictTable, groups: Sequence[_NamespaceGroup], counted: Sequence[bool]
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


def _roles(of: IntArray, group: _NamespaceGroup) -> tuple[IntArray, IntArray]:
    """Return the roles of a group's members, and how many members have each."""
    roles, times = np.unique(of[group.members], return_counts=True)
    return roles, times


def _alone(table: VerdictTable, members: Iterable[int]) -> int:
    return sum(is_one_pod(table.endpoints[each]) for each in members)
