"""The endpoints of two analyses as one list, each with its role before and its role after.

How it works: workloads are paired by namespace, kind and name; those left over by id, then by what
their names are without the ends that are made up (`generated_names`). Pairs that
nothing tells apart in either analysis are one group and are compared once. The address ranges of
both analyses are split at the bounds of either, so that each part lies in one range of each. For
the output, `WorkloadOrder` numbers the pairs by id.

A role groups endpoints that an analysis treats alike. Endpoints with the same role before and the
same role after are one *joint role*, so comparing one pair of joint roles compares all their
endpoints. Verdicts are numbered once and compared as numbers.

    role before    a: 0   b: 0   c: 1        role after    a: 0   b: 1   c: 1
    joint roles    {a}: (0, 0)   {b}: (0, 1)   {c}: (1, 1)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import eq, is_
from typing import Final

from podwall.diff.generated_names import namesakes
from podwall.model import SnapshotWorkload
from podwall.portset import Ranges, intersection, merged
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.arrays import BoolArray, Csr, IntArray, Registry, each_once, spans
from podwall.reachability.few_arrays import np
from podwall.reachability.join import Join, Roles
from podwall.reachability.matching import FAMILIES, network_ranges, networks
from podwall.reachability.port_table import PortTable
from podwall.reachability.profiles import UNISOLATED
from podwall.reachability.values import (
    EVERYTHING_PASSES,
    NOTHING_PASSES,
    Endpoint,
    ExternalRange,
    PairVerdict,
    WorkloadEndpoint,
)

__all__ = [
    "ABSENT",
    "ALL_PASS",
    "NONE_PASS",
    "JointEndpoints",
    "JointRoles",
    "RoleReader",
    "RoleView",
    "RowsOfPorts",
    "VerdictRegistry",
    "WorkloadOrder",
    "joint_endpoints",
    "joint_roles",
    "ranges_of",
    "ranks_by_id",
    "verdict_registry",
]

ABSENT: Final = -1
"""The index or the element of an endpoint that one of the two analyses does not have."""


@dataclass(frozen=True, slots=True)
class JointEndpoints:
    """Groups of workloads, then parts of the outside, as the elements of both analyses.

    `old` and `new` have each group's elements. `pairs` has a row for each workload, its indices in
    the old cluster and in the new one, and `of` its group; `differing` are those rows whose
    workload is not what it was.
    """

    pairs: IntArray
    of: IntArray
    differing: IntArray
    parts: tuple[Ranges, ...]
    old: IntArray
    new: IntArray

    def __len__(self) -> int:
        """Return the number of groups and parts."""
        return len(self.old)

    @property
    def groups(self) -> int:
        """The number of groups of workloads; the parts of the outside follow them."""
        return len(self.old) - len(self.parts)

    def rows_of_group(self) -> Csr:
        """Return the rows of `pairs` that each group has."""
        return Csr.of_pairs(self.of, np.arange(len(self.of)), self.groups)


def joint_endpoints(old: Reachability, new: Reachability) -> JointEndpoints:
    """Return the endpoints of two analyses as one list.

    Workloads are the same by namespace, kind and name; those left over by id, so that a Deployment
    may take the place of a Pod, or under another generated name.
    """
    pairs, differing = _paired(old, new)
    inside = [
        np.append(side.analysis.classes.of_workload, ABSENT)[indices]
        for side, indices in zip((old, new), pairs.T, strict=True)
    ]
    of, groups = _grouped(*inside)
    parts = _parts(old.analysis.addresses.ranges(), new.analysis.addresses.ranges())
    keys = np.array(sorted(parts), dtype=np.int64).reshape(-1, 2)
    before = np.concatenate([groups[0], keys[:, 0] + len(old.analysis.classes)])
    after = np.concatenate([groups[1], keys[:, 1] + len(new.analysis.classes)])
    outside = tuple(merged(parts[key]) for key in sorted(parts))
    return JointEndpoints(pairs, of, differing, outside, before, after)


def _grouped(old: IntArray, new: IntArray) -> tuple[IntArray, tuple[IntArray, IntArray]]:
    """Return each pair's group, and the groups' classes, given the classes of pairs."""
    width = int(new.max(initial=0)) + 2
    codes = (old + 1) * width + new + 1
    present, of = np.unique(codes, return_inverse=True)
    return of, (present // width - 1, present % width - 1)


def _paired(old: Reachability, new: Reachability) -> tuple[IntArray, IntArray]:
    """Return the pairs of indices, and the numbers of those pairs that are not equal."""
    before, after = old.cluster.workloads, new.cluster.workloads
    indices = np.arange(len(before))
    same = np.stack([indices, indices], axis=1)
    if len(before) == len(after):
        if all(map(is_, before, after)):
            return same, indices[:0]
        # Most clusters are read twice in one order, and most of their workloads are equal.
        differing = [number for number, equal in enumerate(map(eq, before, after)) if not equal]
        if all(_is_namesake(before[each], after[each]) for each in differing):
            return same, np.array(differing, dtype=np.int64)
    pairs = np.array(list(_by_name(old, new)), dtype=np.int64).reshape(-1, 2)
    differing = [
        number
        for number, (here, there) in enumerate(pairs.tolist())
        if ABSENT in (here, there) or before[here] != after[there]
    ]
    return pairs, np.array(differing, dtype=np.int64)


def _is_namesake(one: SnapshotWorkload, other: SnapshotWorkload) -> bool:
    return one.name == other.name and one.namespace == other.namespace and one.kind == other.kind


def _by_name(old: Reachability, new: Reachability) -> Iterator[tuple[int, int]]:
    before, after = ({_key(each): n for n, each in enumerate(side.cluster.workloads)}
                     for side in (old, new))  # fmt: skip
    both = before.keys() & after.keys()
    yield from ((before[key], after[key]) for key in both)
    left = _others(old, {before[key] for key in both})
    others = _others(new, {after[key] for key in both})
    for name in left.keys() & others.keys():
        yield left.pop(name), others.pop(name)
    yield from _renamed(old, new, set(left.values()), set(others.values()))


def _renamed(
    old: Reachability, new: Reachability, before: set[int], after: set[int]
) -> Iterator[tuple[int, int]]:
    """Yield those left over: the same under another generated name, then the gone and the new."""
    workloads = old.cluster.workloads, new.cluster.workloads
    sides = zip(workloads, (before, after), strict=True)
    for pair in namesakes(*({n: found[n] for n in sorted(left)} for found, left in sides)):
        before.remove(pair[0])
        after.remove(pair[1])
        yield pair
    yield from ((number, ABSENT) for number in before)
    yield from ((ABSENT, number) for number in after)


def _others(side: Reachability, paired: set[int]) -> dict[str, int]:
    """Return the indices of the workloads that found no partner, by id."""
    ids = zip(side.ends.workload_numbers.tolist(), side.workloads, strict=True)
    return {end.id: index for index, end in ids if index not in paired}


def _key(workload: SnapshotWorkload) -> tuple[object, str, str]:
    return workload.namespace, workload.kind, workload.name


def _parts(
    old: Sequence[Ranges], new: Sequence[Ranges]
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return the coarsest common partition of two partitions of the same line."""
    found: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    before, after = _spans(old), _spans(new)
    i = j = 0
    while i < len(before) and j < len(after):
        first = max(before[i][0], after[j][0])
        last = min(before[i][1], after[j][1])
        found[before[i][2], after[j][2]].append((first, last))
        i, j = i + (before[i][1] == last), j + (after[j][1] == last)
    return found


def _spans(parts: Sequence[Ranges]) -> list[tuple[int, int, int]]:
    return sorted((first, last, n) for n, ranges in enumerate(parts) for first, last in ranges)


def ranges_of(parts: Sequence[Ranges]) -> tuple[ExternalRange, ...]:
    """Return the fewest networks that make up some parts of the outside."""
    whole = merged(span for part in parts for span in part)
    families = (intersection(whole, network_ranges(family)) for family in FAMILIES)
    return tuple(ExternalRange(each) for ranges in families for each in networks(ranges))


class WorkloadOrder:
    """Numbers workloads by the id that they have, or had if they are gone.

    `number` has the number of each row of the ends' pairs, `group` the group of each number, and
    `of_group` the numbers of each group, in ascending order.
    """

    def __init__(self, sides: tuple[Reachability, Reachability], ends: JointEndpoints) -> None:
        """Bring the workloads of both analyses into one order."""
        self._sides = sides
        self._ranks = tuple(ranks_by_id(side) for side in sides)
        latest = [self._known(new, 1) or self._known(old, 0) for old, new in ends.pairs.tolist()]
        self._workloads = [each for each in latest if each is not None]
        order = sorted(range(len(latest)), key=lambda row: self._workloads[row].id)
        self.rows: IntArray = np.array(order, dtype=np.int64)
        self.number: IntArray = np.argsort(self.rows)
        self.group: IntArray = ends.of[self.rows]
        self.of_group = Csr.of_pairs(self.group, np.arange(len(order)), ends.groups)

    def endpoint(self, end: int | ExternalRange) -> Endpoint:
        """Return the workload with a number, as it is or, if it is gone, as it was."""
        return end if isinstance(end, ExternalRange) else self._workloads[int(self.rows[end])]

    def _known(self, index: int, which: int) -> WorkloadEndpoint | None:
        """Return the workload at an index of one of the clusters."""
        if index == ABSENT:
            return None
        return self._sides[which].workloads[self._ranks[which][index]]


def ranks_by_id(side: Reachability) -> list[int]:
    """Return for each workload of a cluster its rank by id."""
    numbers = side.ends.workload_numbers
    ranks = np.empty_like(numbers)
    ranks[numbers] = np.arange(len(numbers))
    found: list[int] = ranks.tolist()
    return found


@dataclass(frozen=True, slots=True)
class RoleView:
    """Joint roles seen from one of the analyses.

    `role` has each joint role's own one, or `ABSENT`; `joint` the joint roles of each own one;
    `open` whether no policy isolates it at this end; `outside` whether it is addresses.
    """

    role: IntArray
    joint: Csr
    open: BoolArray
    outside: BoolArray


@dataclass(frozen=True, slots=True)
class JointRoles:
    """The partition of endpoints by the roles they have in both analyses, at one end."""

    of: IntArray
    holders: Csr
    old: RoleView
    new: RoleView

    def __len__(self) -> int:
        """Return the number of joint roles."""
        return len(self.holders)


def joint_roles(old: Roles, new: Roles, elements: tuple[IntArray, IntArray]) -> JointRoles:
    """Return the joint roles of endpoints, given their elements in both analyses."""
    before, after = _roles_of(old, elements[0]), _roles_of(new, elements[1])
    keys = (before + 1) * (len(new) + 1) + after + 1
    _, firsts, joint = np.unique(keys, return_index=True, return_inverse=True)
    return JointRoles(
        of=joint,
        holders=Csr.of_pairs(joint, np.arange(len(joint)), len(firsts)),
        old=_role_view(old, before[firsts]),
        new=_role_view(new, after[firsts]),
    )


def _roles_of(roles: Roles, elements: IntArray) -> IntArray:
    return np.where(elements == ABSENT, ABSENT, roles.of[elements])


def _role_view(roles: Roles, role: IntArray) -> RoleView:
    present = np.flatnonzero(role != ABSENT)
    return RoleView(
        role=role,
        joint=Csr.of_pairs(role[present], present, len(roles)),
        open=(role != ABSENT) & (roles.profile[role] == UNISOLATED),
        outside=(role != ABSENT) & (roles.outside[role] == 1),
    )


VerdictRegistry = Registry[PairVerdict]

NONE_PASS: Final = 0
ALL_PASS: Final = 1
"""The numbers of the verdicts that nothing and that everything passes."""


def verdict_registry() -> VerdictRegistry:
    """Return a registry of verdicts that knows the two that are always needed."""
    known = Registry[PairVerdict]()
    known.number(NOTHING_PASSES)
    known.number(EVERYTHING_PASSES)
    return known


class RowsOfPorts:
    """Some rows of joint roles: by key, the verdicts that do not follow from openness alone.

    A key is `row * width + joint destination`.
    """

    def __init__(
        self, keys: IntArray, numbers: IntArray, open_rows: BoolArray, open_: BoolArray
    ) -> None:
        """Take sorted keys with their verdicts, and which rows and destinations are open."""
        self.keys = keys
        self._numbers = numbers
        self._open_rows = open_rows
        self._open = open_

    def at(self, keys: IntArray) -> IntArray:
        """Return the verdicts at keys; between open ends everything passes, else nothing."""
        width = len(self._open)
        found = np.where(
            self._open_rows[keys // width] & self._open[keys % width], ALL_PASS, NONE_PASS
        )
        if len(self.keys):
            index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[index] == keys
            found[known] = self._numbers[index[known]]
        return found


class RoleReader:
    """Reads one analysis in joint roles."""

    def __init__(
        self, ports: PortTable, views: tuple[RoleView, RoleView], known: VerdictRegistry
    ) -> None:
        """Take the joint roles of sources and of destinations as this analysis sees them."""
        self._ports = ports
        self._sources, self._destinations = views
        self._known = known
        self._decoded: dict[int, int] = {}

    def block(self, join: Join, rows: IntArray) -> RowsOfPorts:
        """Return what passes from the joint source roles `rows`."""
        role = self._sources.role[rows]
        present = np.flatnonzero(role >= 0)
        asked, of_row = np.unique(role[present], return_inverse=True)
        edges = join.edges(asked)
        starts = np.searchsorted(edges.row, np.arange(len(asked) + 1))
        index, edge = spans(starts[of_row], starts[of_row + 1])
        row = present[index]
        owner, position = self._destinations.joint.gather(edges.destination[edge])
        width = len(self._destinations.role)
        keys = row[owner] * width + self._destinations.joint.items[position]
        order = np.argsort(keys, kind="stable")
        numbers = each_once(edges.ports, self._number)[edge[owner]]
        opened = self._sources.open[rows]
        return RowsOfPorts(keys[order], numbers[order], opened, self._destinations.open)

    def _number(self, ports: int) -> int:
        if ports not in self._decoded:
            self._decoded[ports] = self._known.number(self._ports.verdict(ports))
        return self._decoded[ports]
