"""Who can reach whom for readers who look at all at once: a few numbers, and two kinds of grid.

`summary` counts what is open. `reach_grid` has a cell of ports for each pair of workloads;
`namespace_grid` counts, for what would be too much one workload at a time, how many connections
between two namespaces are open. Ranges of addresses outside the cluster that have the same
verdicts with every workload share a row, and `external_names` says what such a row is called.

Counting never visits a pair: endpoints of one role have one row of verdicts, so that a namespace
is its roles and how many endpoints have each. Its connections with another are the product of the
two counts over the table of roles, less each single pod with itself, which is no connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from podwall.model import IpNetwork
from podwall.portset import NO_PORTS, PortSet
from podwall.reachability import ExternalRange, Reachability
from podwall.reachability.arrays import IntArray
from podwall.reachability.profiles import UNISOLATED
from podwall.verdict_table import VerdictTable

__all__ = [
    "OUTSIDE",
    "Cell",
    "Grid",
    "NamespaceGrid",
    "Share",
    "Summary",
    "external_names",
    "namespace_grid",
    "reach_grid",
    "summary",
    "undetermined_causes",
]


OUTSIDE: Final = "outside"
_MOST_NETWORKS: Final = 2
"""So many networks name a row; of more, the others are counted."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a verdict table amounts to; numbers of workloads are indices into its endpoints.

    A connection is an ordered pair of workloads, or a workload of several pods and itself; it is
    `open` if anything may pass, and `undetermined` if anything may but nothing for certain.
    `from_outside` can be reached from some address outside the cluster. No policy restricts who
    may connect to those of `open_ingress`, or to whom those of `open_egress` may connect.
    """

    workloads: int
    namespaces: int
    connections: int
    open: int
    undetermined: int
    from_outside: tuple[int, ...]
    open_ingress: tuple[int, ...]
    open_egress: tuple[int, ...]


def summary(table: VerdictTable) -> Summary:
    """Return the summary of a verdict table."""
    join = table.reachability.analysis.join
    workloads = table.reachability.workloads
    count = len(workloads)
    sources, destinations = table.sources[:count], table.destinations[:count]
    everyone = [range(count)]
    return Summary(
        workloads=count,
        namespaces=len({each.workload.namespace for each in workloads}),
        connections=count * count - _single_pods(table, range(count)),
        open=int(_connections(table, _is_open(table), everyone)[0, 0]),
        undetermined=int(_connections(table, _is_undetermined(table), everyone)[0, 0]),
        from_outside=_indices(_open_from_outside(table)[destinations]),
        open_ingress=_indices(join.destinations.profile[destinations] == UNISOLATED),
        open_egress=_indices(join.sources.profile[sources] == UNISOLATED),
    )


def _is_open(table: VerdictTable) -> Flags:
    """Return which of the table's verdicts allow something."""
    return np.array([bool(each.allowed) for each in table.verdicts], dtype=np.bool_)


def _is_undetermined(table: VerdictTable) -> Flags:
    """Return which of the table's verdicts allow nothing for certain, but perhaps something."""
    undetermined = (bool(each.undetermined and not each.allowed) for each in table.verdicts)
    return np.array(list(undetermined), dtype=np.bool_)


def _open_from_outside(table: VerdictTable) -> Flags:
    """Return for each destination role whether some address outside may connect to it."""
    outside = np.unique(table.sources[len(table.reachability.workloads) :])
    open_ = _is_open(table)[table.cells[outside]]
    return np.asarray(open_.any(axis=0), dtype=np.bool_)


def _indices(flags: Flags) -> tuple[int, ...]:
    return tuple(np.flatnonzero(flags).tolist())


def _connections(
    table: VerdictTable, counted: Flags, groups: Sequence[Sequence[int]]
) -> npt.NDArray[np.int64]:
    """Return for each pair of groups how many of its connections have a verdict that counts.

    A group is given by the indices of its endpoints. A single pod and itself are no connection.
    """
    found = counted[table.cells]
    columns = [_roles(table.destinations, group) for group in groups]
    pairs = np.zeros((len(groups), len(groups)), dtype=np.int64)
    for row, group in enumerate(groups):
        roles, times = _roles(table.sources, group)
        reached = times @ found[roles]
        pairs[row] = [reached[role] @ many for role, many in columns]
    for index, group in enumerate(groups):
        alone = [each for each in group if table.endpoints[each].is_one_pod]
        pairs[index, index] -= found[table.sources[alone], table.destinations[alone]].sum()
    return pairs


def _roles(of: IntArray, group: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return the roles of a group's endpoints, and how many endpoints have each."""
    roles, times = np.unique(of[np.array(group, dtype=np.int64)], return_counts=True)
    return roles, times


def _single_pods(table: VerdictTable, group: Iterable[int]) -> int:
    return sum(table.endpoints[each].is_one_pod for each in group)


def undetermined_causes(reachability: Reachability) -> tuple[str, ...]:
    """Return what verdicts depend on that is not known, each cause once, in order of the pairs."""
    parts = (part for each in reachability.connections() for part in each.undetermined)
    return tuple(dict.fromkeys(part.because for part in parts))


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
    more = len(networks) - _MOST_NETWORKS
    written = ", ".join(map(str, networks[:_MOST_NETWORKS]))
    return f"{written} +{more}" if more > 0 else written


class _Outside(NamedTuple):
    """External ranges with the same verdicts, and the number of one that stands for all."""

    name: str
    number: int


def _outside(table: VerdictTable) -> list[_Outside]:
    """Return the external ranges in groups, each with the same verdicts with every workload."""
    count = len(table.reachability.workloads)
    sources, destinations = np.unique(table.sources[:count]), np.unique(table.destinations[:count])
    alike: dict[tuple[bytes, bytes], list[ExternalRange]] = {}
    indices: dict[ExternalRange, int] = {}
    for index, each in enumerate(table.reachability.externals, count):
        into = table.cells[table.sources[index], destinations].tobytes()
        out = table.cells[sources, table.destinations[index]].tobytes()
        alike.setdefault((into, out), []).append(each)
        indices[each] = index
    groups = list(alike.values())
    names = external_names([[each.network for each in group] for group in groups])
    return [_Outside(name, indices[group[0]]) for name, group in zip(names, groups, strict=True)]


@dataclass(frozen=True, slots=True)
class Cell:
    """What may pass from a row to a column, and what may but is not certain.

    `itself` is set where both are one and the same pod, to which the policies do not matter.
    """

    allowed: PortSet = NO_PORTS
    undetermined: PortSet = NO_PORTS
    itself: bool = False

    def __bool__(self) -> bool:
        """Whether anything may pass between two different ends."""
        return bool(self.allowed or self.undetermined)


@dataclass(frozen=True, slots=True)
class Grid:
    """The names of rows and columns, and the cells of the pairs between which something passes.

    `namespaces` has the namespace of each name, an empty one outside of the cluster. Keys are
    indices into `names`, as a workload may be called like something outside. External ranges that
    no cell tells apart share a row and a column.
    """

    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    cells: Mapping[tuple[int, int], Cell]

    def cell(self, source: int, destination: int) -> Cell:
        """Return the cell of a pair; an empty one where nothing passes."""
        return self.cells.get((source, destination), Cell())


def reach_grid(table: VerdictTable) -> Grid:
    """Return the grid of a verdict table: the workloads, then what is outside of the cluster."""
    outside = _outside(table)
    workloads = table.reachability.workloads
    ends = [*range(len(workloads)), *(each.number for each in outside)]
    cells = {
        (row, column): cell
        for row, source in enumerate(ends)
        for column, destination in enumerate(ends)
        if (cell := _cell(table, source, destination)) or cell.itself
    }
    names = (*(each.id for each in workloads), *(each.name for each in outside))
    namespaces = (*(each.namespace for each in workloads), *("" for _ in outside))
    return Grid(names, namespaces, cells)


def _cell(table: VerdictTable, source: int, destination: int) -> Cell:
    if source == destination and table.endpoints[source].is_one_pod:
        return Cell(itself=True)
    return Cell(*table.verdicts[table.number(source, destination)])


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the connections of a cell are open, and how many may be but are not certain.

    A connection is counted as in a `Summary`: a single pod and itself are none.
    """

    open: int = 0
    undetermined: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """The open ones in percent: 0 only where there are none, 100 only where all are open.

        >>> [Share(open=each, total=1000).percent for each in (0, 1, 500, 999, 1000)]
        [0, 1, 50, 99, 100]
        """
        if self.open in {0, self.total}:
            return 100 if self.open else 0
        return min(99, max(1, round(100 * self.open / self.total)))


@dataclass(frozen=True, slots=True)
class NamespaceGrid:
    """The namespaces, then what is outside of the cluster, and the shares that are not zero.

    Keys are indices into `names`, as a namespace may be called like something outside.
    """

    names: tuple[str, ...]
    shares: Mapping[tuple[int, int], Share]

    def share(self, source: int, destination: int) -> Share:
        """Return the share of a cell; an empty one where nothing passes."""
        return self.shares.get((source, destination), Share())


def namespace_grid(table: VerdictTable) -> NamespaceGrid:
    """Return the grid of a verdict table.

    External ranges with the same verdicts towards every workload are one row.
    """
    workloads: dict[str, list[int]] = {}
    for index, each in enumerate(table.reachability.workloads):
        workloads.setdefault(each.namespace, []).append(index)
    outside = _outside(table)
    groups = [*workloads.values(), *([each.number] for each in outside)]
    opens = _connections(table, _is_open(table), groups)
    undetermined = _connections(table, _is_undetermined(table), groups)
    shares = {}
    for row, column in np.argwhere(opens + undetermined).tolist():
        alone = _single_pods(table, groups[row]) if row == column else 0
        total = len(groups[row]) * len(groups[column]) - alone
        shares[row, column] = Share(int(opens[row, column]), int(undetermined[row, column]), total)
    return NamespaceGrid((*workloads, *(each.name for each in outside)), shares)
