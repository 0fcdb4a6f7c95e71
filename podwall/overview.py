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

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from podwall.model import IpNetwork
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS, PortSet, difference
from podwall.quick_dataclass import dataclass
from podwall.reachability import ExternalRange, Reachability, UnseenPods
from podwall.reachability.arrays import BoolArray, Csr, IntArray, distinct
from podwall.reachability.exposure import UnseenOpening
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import FAMILIES, network_ranges, networks
from podwall.reachability.profiles import UNISOLATED
from podwall.reachability.values import NOTHING_PASSES, PairVerdict
from podwall.verdict_table import VerdictTable

__all__ = [
    "OTHER_PODS",
    "OUTSIDE",
    "Cell",
    "ExposureGroup",
    "Grid",
    "NamespaceGrid",
    "Share",
    "Summary",
    "either",
    "exposure_groups",
    "external_names",
    "namespace_grid",
    "reach_grid",
    "rests",
    "summary",
    "uncertain_services",
    "undetermined_causes",
]


OUTSIDE: Final = "outside"
OTHER_PODS: Final = "other pods"
"""What the row and the column of pods are called that are not shown."""
_MOST_NETWORKS: Final = 2
"""So many networks name a row; of more, the others are counted."""
_MOST_OF_REST: Final = 4
"""What is left of a family is listed as so many networks; of more, so many that it is not."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a verdict table amounts to; numbers of workloads are indices into its endpoints.

    A connection is an ordered pair of workloads, or a workload of several pods and itself; it is
    `open` if anything may pass, and `undetermined` if anything may but nothing for certain.
    `from_outside` can be reached from some address outside the cluster, `perhaps_from_outside` may
    be, which is not certain. No policy restricts who may connect to those of `open_ingress`, or to
    whom those of `open_egress` may connect.
    """

    workloads: int
    namespaces: int
    connections: int
    open: int
    undetermined: int
    from_outside: tuple[int, ...]
    open_ingress: tuple[int, ...]
    open_egress: tuple[int, ...]
    perhaps_from_outside: tuple[int, ...] = ()


def summary(table: VerdictTable) -> Summary:
    """Return the summary of a verdict table."""
    join = table.reachability.analysis.join
    workloads = table.reachability.workloads
    count = len(workloads)
    sources, destinations = table.sources[:count], table.destinations[:count]
    everyone = [range(count)]
    from_outside = _from_outside(table, _is_open(table))[destinations]
    perhaps = _from_outside(table, _is_undetermined(table))[destinations]
    return Summary(
        workloads=count,
        namespaces=len({each.workload.namespace for each in workloads}),
        connections=count * count - _single_pods(table, range(count)),
        open=int(_connections(table, _is_open(table), everyone)[0, 0]),
        undetermined=int(_connections(table, _is_undetermined(table), everyone)[0, 0]),
        from_outside=_indices(from_outside),
        perhaps_from_outside=_indices(perhaps & ~from_outside),
        open_ingress=_indices(join.destinations.profile[destinations] == UNISOLATED),
        open_egress=_indices(join.sources.profile[sources] == UNISOLATED),
    )


def _is_open(table: VerdictTable) -> BoolArray:
    """Return which of the table's verdicts allow something."""
    return np.array([bool(each.allowed) for each in table.verdicts], dtype=np.bool_)


def _is_undetermined(table: VerdictTable) -> BoolArray:
    """Return which of the table's verdicts allow nothing for certain, but perhaps something."""
    undetermined = (bool(each.undetermined and not each.allowed) for each in table.verdicts)
    return np.array(list(undetermined), dtype=np.bool_)


def _from_outside(table: VerdictTable, counted: BoolArray) -> BoolArray:
    """Return for each destination role whether a verdict from some address outside counts."""
    outside = distinct(table.sources[len(table.reachability.workloads) :])
    return np.asarray(counted[table.cells[outside]].any(axis=0), dtype=np.bool_)


def _indices(flags: BoolArray) -> tuple[int, ...]:
    return tuple(np.flatnonzero(flags).tolist())


def _connections(
    table: VerdictTable, counted: BoolArray, groups: Sequence[Sequence[int]]
) -> IntArray:
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


#: Of more workloads than this only the first are looked at.
MOST_ASKED: Final = 200


def uncertain_services(reachability: Reachability) -> tuple[str, ...]:
    """Return the services that may open pods to the outside, which the engine decides."""
    services = {each.name for each in reachability.cluster.services}
    asked = reachability.workloads[:MOST_ASKED] if services else ()
    causes = {
        part.because
        for source in reachability.externals[:1]
        for each in asked
        for part in reachability.connection(source.id, each.id).undetermined
    }
    return tuple(
        sorted(name for name in services if any(f"service `{name}`" in each for each in causes))
    )


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
    for network in chain.from_iterable(rows):
        known = found.setdefault(network.version, network)
        if network.prefixlen < known.prefixlen:
            found[network.version] = network
    return set(found.values())


def _name(networks: Sequence[IpNetwork]) -> str:
    more = len(networks) - _MOST_NETWORKS
    written = ", ".join(map(str, networks[:_MOST_NETWORKS]))
    return f"{written} +{more}" if more > 0 else written


def rests(reachability: Reachability) -> dict[str, str]:
    """Return for each network of what few blocks leave of a family, by id, a name for them all.

    One block in the middle leaves dozens of networks, with each of which all verdicts are the same:
    `0.0.0.0/0 but 169.254.10.10/31`.
    """
    named: dict[str, str] = {}
    for ranges in reachability.analysis.addresses.ranges():
        family = next(each for each in FAMILIES if not difference(ranges, network_ranges(each)))
        networks_of_it = tuple(networks(ranges))
        blocks = tuple(networks(difference(network_ranges(family), ranges)))
        if len(networks_of_it) > _MOST_OF_REST >= len(blocks):
            name = f"{family} but {', '.join(map(str, blocks))}"
            named.update(dict.fromkeys(map(str, networks_of_it), name))
    return named


class _Outside(NamedTuple):
    """External ranges with the same verdicts, and the number of one that stands for all."""

    name: str
    number: int


def _outside(table: VerdictTable) -> list[_Outside]:
    """Return the external ranges in groups, each with the same verdicts with every workload."""
    count = len(table.reachability.workloads)
    sources, destinations = distinct(table.sources[:count]), distinct(table.destinations[:count])
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
class ExposureGroup:
    """Pods that are not shown, and workloads with which they may connect on the same ports.

    For ingress the pods connect to the workloads, for egress the workloads to the pods.
    """

    direction: Direction
    pods: tuple[UnseenPods, ...]
    workloads: tuple[str, ...]
    ports: PairVerdict


def exposure_groups(reachability: Reachability) -> tuple[ExposureGroup, ...]:
    """Return who of the pods that are not shown may connect with whom, alike ones together.

    Pods with the same workloads and ports are one group, ingress before egress; connections of ICMP
    and the like alone are left out.
    """
    if reachability.is_closed:
        return ()
    return tuple(chain.from_iterable(_exposure(reachability, each) for each in Direction))


def _exposure(reachability: Reachability, direction: Direction) -> Iterator[ExposureGroup]:
    workloads: defaultdict[tuple[UnseenPods, PairVerdict], list[int]] = defaultdict(list)
    for indices, openings in _exposed_alike(reachability, direction):
        for pods, bounds in openings:
            ports = PairVerdict(bounds.must, bounds.may - bounds.must)
            if ports.without_other.at_most:
                workloads[pods, ports] += indices
    alike: defaultdict[tuple[tuple[int, ...], PairVerdict], list[UnseenPods]] = defaultdict(list)
    for (pods, ports), found in workloads.items():
        alike[tuple(sorted(found)), ports].append(pods)
    ends = reachability.workloads
    for (indices_of, ports), several in sorted(alike.items(), key=lambda item: item[0][0]):
        names = tuple(ends[index].id for index in indices_of)
        yield ExposureGroup(direction, tuple(several), names, ports)


def _exposed_alike(
    reachability: Reachability, direction: Direction
) -> Iterator[tuple[list[int], tuple[UnseenOpening, ...]]]:
    """Yield workloads by their indices that are exposed alike, with the openings."""
    exposed = reachability.exposed_classes[direction]
    elements = reachability.ends.element[: len(reachability.workloads)]
    groups = Csr.of_pairs(exposed.of[elements], np.arange(len(elements)), len(exposed))
    for number in distinct(exposed.of[elements]).tolist():
        yield groups[number].tolist(), exposed.openings(number)


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
    no cell tells apart share a row and a column. So do all pods that are not shown: a cell has the
    ports of those that may use most, and `exposure` says who may what.
    """

    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    cells: Mapping[tuple[int, int], Cell]
    exposure: tuple[ExposureGroup, ...] = ()

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
    exposure = exposure_groups(table.reachability)
    unseen = [OTHER_PODS] if exposure else []
    names = (*(each.id for each in workloads), *(each.name for each in outside), *unseen)
    namespaces = (*(each.namespace for each in workloads), *("" for _ in (*outside, *unseen)))
    index = {each.id: number for number, each in enumerate(workloads)}
    cells.update(_unseen_cells(exposure, index, len(names) - 1))
    return Grid(names, namespaces, cells, exposure)


def _unseen_cells(
    exposure: Iterable[ExposureGroup], index: Mapping[str, int], last: int
) -> dict[tuple[int, int], Cell]:
    """Return the cells of the pods that are not shown, which have the last row and column."""
    found: defaultdict[tuple[int, int], PairVerdict] = defaultdict(lambda: NOTHING_PASSES)
    for group in exposure:
        for name in group.workloads:
            inward = group.direction is Direction.INGRESS
            pair = (last, index[name]) if inward else (index[name], last)
            found[pair] = either(found[pair], group.ports)
    return {pair: Cell(*ports) for pair, ports in found.items()}


def either(one: PairVerdict, other: PairVerdict) -> PairVerdict:
    """Return what passes by one of two verdicts, and what may by one and does by none."""
    allowed = one.allowed | other.allowed
    return PairVerdict(allowed, (one.undetermined | other.undetermined) - allowed)


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

    Keys are indices into `names`, as a namespace may be called like something outside. Pods that
    are not shown have the last row and column, if `exposure` says anything of them.
    """

    names: tuple[str, ...]
    shares: Mapping[tuple[int, int], Share]
    exposure: tuple[ExposureGroup, ...] = ()

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
    exposure = exposure_groups(table.reachability)
    names = (*workloads, *(each.name for each in outside), *([OTHER_PODS] if exposure else []))
    shares.update(_unseen_shares(table.reachability, exposure, list(workloads), len(names) - 1))
    return NamespaceGrid(names, shares, exposure)


def _unseen_shares(
    reachability: Reachability,
    exposure: Sequence[ExposureGroup],
    namespaces: Sequence[str],
    last: int,
) -> Iterator[tuple[tuple[int, int], Share]]:
    """Yield the shares of the pods that are not shown: a connection is one with any of them."""
    index = {name: number for number, name in enumerate(namespaces)}
    of = {each.id: index[each.namespace] for each in reachability.workloads}
    total = Counter(of.values())
    for direction in Direction:
        groups = [each for each in exposure if each.direction is direction]
        open_ = {name for each in groups if each.ports.allowed for name in each.workloads}
        perhaps = {name for each in groups for name in each.workloads} - open_
        certain, doubtful = (Counter(of[name] for name in names) for names in (open_, perhaps))
        for number, most in total.items():
            share = Share(certain[number], doubtful[number], most)
            if share.open or share.undetermined:
                yield (last, number) if direction is Direction.INGRESS else (number, last), share
