"""One analysis, or two before and after a change, with one list of endpoints for both.

This is for readers that show every pair, such as the HTML page; `Diff` is for those that list what
changes. How it works: workloads are paired as `Diff` pairs them. What is outside the cluster is cut
into the parts that no analysis cuts through, and parts are one group where every analysis has the
same role for them and no rule tells them apart, so that the rest of the internet is one endpoint.
Changes are found on the combinations of classes that occur, not on pairs of endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from podwall.diff.changes import ConnectionChangeKind
from podwall.diff.joint_endpoints import ABSENT, joint_endpoints, ranges_of, ranks_by_id
from podwall.explain.scopes import Scopes, scopes
from podwall.model import IpNetwork
from podwall.portset import PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, WorkloadEndpoint
from podwall.reachability.arrays import IntArray
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import first_address
from podwall.reachability.values import PairVerdict
from podwall.verdict_table import (
    DENIED,
    CausedVerdict,
    CausedVerdicts,
    VerdictTable,
    caused_verdicts,
    verdict_table,
)

__all__ = ["AnalysisView", "SideBySide", "VerdictChange", "side_by_side"]


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """One of the analyses, with its verdicts and whom its policies are about.

    `indices` has where the endpoints of `SideBySide` are in the analysis, `ABSENT` where they are
    not there.
    """

    table: VerdictTable
    verdicts: CausedVerdicts
    scopes: Scopes
    indices: IntArray

    @property
    def reachability(self) -> Reachability:
        """The analysis."""
        return self.table.reachability

    @property
    def elements(self) -> IntArray:
        """Each endpoint's element in the analysis, `ABSENT` where it has none."""
        return np.where(
            self.indices == ABSENT, ABSENT, self.reachability.ends.element[self.indices]
        )

    @property
    def sources(self) -> IntArray:
        """Each endpoint's class as a source, `ABSENT` where it is not there."""
        return np.where(self.indices == ABSENT, ABSENT, self.verdicts.sources[self.indices])

    @property
    def destinations(self) -> IntArray:
        """Each endpoint's class as a destination, `ABSENT` where it is not there."""
        return np.where(self.indices == ABSENT, ABSENT, self.verdicts.destinations[self.indices])

    @property
    def selves(self) -> IntArray:
        """Each endpoint's verdict with itself, `DENIED` where it is not there."""
        return np.where(self.indices == ABSENT, DENIED, self.verdicts.selves[self.indices])


class VerdictChange(NamedTuple):
    """What it means when one verdict follows another; both are numbers into a side's verdicts."""

    before: int
    after: int
    kind: ConnectionChangeKind


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The endpoints of one or two analyses: workloads by namespace and id, then what is outside.

    A workload is as it is after the change or, if it is gone, as it was. `outside` are groups of
    networks, the group with the most addresses last.
    """

    workloads: tuple[WorkloadEndpoint, ...]
    outside: tuple[tuple[IpNetwork, ...], ...]
    after: AnalysisView
    before: AnalysisView | None = None

    def changes(self) -> Iterator[VerdictChange]:
        """Yield each change of ports that some pair undergoes, once, by its verdicts.

        A pair of which an end is absent counts as denied.
        """
        if self.before is None:
            return
        found = {*_selves(self.before, self.after), *_pairs(self.before, self.after)}
        for old, new in sorted(found):
            verdicts = self.before.verdicts.verdicts[old], self.after.verdicts.verdicts[new]
            before, after = map(_passing, verdicts)
            if before != after:
                yield VerdictChange(old, new, ConnectionChangeKind.of(before, after))


def _passing(verdict: CausedVerdict) -> PairVerdict:
    return PairVerdict(verdict.allowed, PortSet.union(part.ports for part in verdict.undetermined))


def _selves(before: AnalysisView, after: AnalysisView) -> Iterator[tuple[int, int]]:
    return _distinct(before.selves, after.selves)


def _pairs(before: AnalysisView, after: AnalysisView) -> Iterator[tuple[int, int]]:
    """Yield the verdicts before and after of the combinations of classes that occur."""
    sources = np.unique(np.stack([before.sources, after.sources]), axis=1)
    destinations = np.unique(np.stack([before.destinations, after.destinations]), axis=1)
    cells = (
        _cells(side, rows, columns)
        for side, rows, columns in zip((before, after), sources, destinations, strict=True)
    )
    return _distinct(*cells)


def _cells(side: AnalysisView, sources: IntArray, destinations: IntArray) -> IntArray:
    """Return the verdicts between classes; the last row and column are those of the absent."""
    padded = np.pad(side.verdicts.cells, ((0, 1), (0, 1)), constant_values=DENIED)
    return padded[np.ix_(sources, destinations)]


def _distinct(before: IntArray, after: IntArray) -> Iterator[tuple[int, int]]:
    pairs = np.unique(np.stack([before.ravel(), after.ravel()]), axis=1)
    return zip(*pairs.tolist(), strict=True)


class _Part(NamedTuple):
    """A network outside the cluster, and the index in each analysis of a range that holds it."""

    network: IpNetwork
    indices: tuple[int, ...]


def side_by_side(after: Reachability, before: Reachability | None = None) -> SideBySide:
    """Return one analysis, or that before a change beside that after it.

    >>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
    >>> from podwall.reachability import reachability
    >>> pods = tuple(SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("api", "web"))
    >>> found = side_by_side(reachability(Snapshot(workloads=pods)), reachability(Snapshot()))
    >>> [each.id for each in found.workloads], found.before.indices.tolist()
    (['shop/api', 'shop/web'], [-1, -1, 0])
    """
    found = [after] if before is None else [after, before]
    tables = [verdict_table(each) for each in found]
    about = [scopes(each) for each in found]
    workloads = sorted(_workloads(after, before), key=lambda row: (row[0].namespace, row[0].id))
    outside = _grouped(tables, about, _parts(after, before))
    indices = [(*(row[1][k] for row in workloads), *(group[0].indices[k] for group in outside))
              for k in range(len(found))]  # fmt: skip
    sides = [
        AnalysisView(table, caused_verdicts(table), scope, np.array(numbers, dtype=np.int64))
        for table, scope, numbers in zip(tables, about, indices, strict=True)
    ]
    return SideBySide(
        tuple(workload for workload, _ in workloads),
        tuple(tuple(part.network for part in group) for group in outside),
        sides[0],
        sides[1] if before is not None else None,
    )


def _workloads(
    after: Reachability, before: Reachability | None
) -> Iterator[tuple[WorkloadEndpoint, tuple[int, ...]]]:
    """Yield each workload with its indices after and before."""
    if before is None:
        yield from ((each, (index,)) for index, each in enumerate(after.workloads))
        return
    ranks = [(*ranks_by_id(each), ABSENT) for each in (before, after)]
    for old, new in joint_endpoints(before, after).pairs.tolist():
        # The index -1 of an absent workload is the last one.
        was, now = ranks[0][old], ranks[1][new]
        yield (before.workloads[was] if now == ABSENT else after.workloads[now]), (now, was)


def _parts(after: Reachability, before: Reachability | None) -> list[_Part]:
    """Return the networks that no analysis cuts through, by address."""
    if before is None:
        first = len(after.workloads)
        return [_Part(each.network, (first + k,)) for k, each in enumerate(after.externals)]
    joint = joint_endpoints(before, after)
    holders = [_holders(each) for each in (after, before)]
    found = []
    for ranges, new, old in zip(
        joint.parts, joint.new[joint.groups :], joint.old[joint.groups :], strict=True
    ):
        indices = holders[0][int(new)], holders[1][int(old)]
        found += [_Part(each.network, indices) for each in ranges_of([ranges])]
    return sorted(found, key=lambda part: first_address(part.network))


def _holders(reachability: Reachability) -> dict[int, int]:
    """Return for each element outside the cluster the index of one of its ranges."""
    first = len(reachability.workloads)
    elements = reachability.ends.element[first:].tolist()
    return {element: first + k for k, element in enumerate(elements)}


def _grouped(
    tables: Sequence[VerdictTable], about: Sequence[Scopes], parts: Sequence[_Part]
) -> list[list[_Part]]:
    """Return the parts that nothing tells apart together, the rest of the internet last."""
    groups: dict[tuple[int, ...], list[_Part]] = {}
    marks = [each.marks() for each in about]
    for part in parts:
        key: list[int] = []
        for table, mark, index in zip(tables, marks, part.indices, strict=True):
            roles = table.sources[index], table.destinations[index]
            key += map(int, (*roles, mark[table.reachability.ends.element[index]]))
        groups.setdefault(tuple(key), []).append(part)
    return sorted(groups.values(), key=_addresses)


def _addresses(parts: Sequence[_Part]) -> int:
    return sum(part.network.num_addresses for part in parts)
