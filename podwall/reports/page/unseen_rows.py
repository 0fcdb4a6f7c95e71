"""The rows and columns of the page for pods that are not shown: a name each, or one for all.

They are laid beside the table of verdicts. Endpoints of one class in it have equal verdicts with
one another, but may do different things with pods that are not shown: a class is divided by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np

from podwall.diff import ConnectionChangeKind, PairVerdict
from podwall.overview import OTHER_PODS, ExposureGroup, either
from podwall.policies.rules import Direction
from podwall.portset import NO_PORTS
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability, Undetermined, UnseenPods
from podwall.reports.page.document import PageEndpoint
from podwall.reports.page.policies import IntArray, VerdictNumbers
from podwall.reports.words import printable
from podwall.verdict_table import CausedVerdict

__all__ = ["UnseenRow", "UnseenVerdicts", "extended", "unseen_changes", "unseen_rows"]

#: So many kinds of pods have a row and a column each; more share one.
MOST_ROWS: Final = 2
#: So many causes are looked up, a few milliseconds each.
_MOST_CAUSES: Final = 50
_SEE: Final = "ask `podwall explain` about these pods"
_NOTHING: Final = PairVerdict(NO_PORTS, NO_PORTS)
Ends = Mapping[str, PairVerdict]
_ABSENT: Final = -1


@dataclass(frozen=True, slots=True)
class UnseenRow:
    """A row and a column of the page: the pods that they are of, in words and by their ids."""

    name: str
    pods: tuple[UnseenPods, ...]

    def endpoint(self) -> PageEndpoint:
        """Return the row as an endpoint of the page."""
        name = printable(self.name)
        ids = tuple(("pods", printable(str(each))) for each in self.pods)
        return PageEndpoint(name, "", name, replicas=None, labels=ids, external=True, unseen=True)

    def verdicts(self, groups: Iterable[ExposureGroup], direction: Direction) -> Ends:
        """Return what passes between the pods and each workload; those of nothing are left out."""
        found: dict[str, PairVerdict] = {}
        for group in groups:
            if group.direction is direction and not set(self.pods).isdisjoint(group.pods):
                for name in group.workloads:
                    found[name] = either(found.get(name, _NOTHING), group.ports)
        return found


def unseen_rows(exposures: Sequence[Sequence[ExposureGroup]]) -> tuple[UnseenRow, ...]:
    """Return the rows for all that is exposed, in one analysis or two."""
    groups = (group for groups in exposures for group in groups)
    pods = tuple(dict.fromkeys(each for group in groups for each in group.pods))
    if len(pods) > MOST_ROWS:
        return (UnseenRow(OTHER_PODS, pods),)
    return tuple(UnseenRow(str(each), (each,)) for each in pods)


@dataclass(frozen=True, slots=True)
class UnseenVerdicts:
    """What passes between workloads and the pods of each row, by the page's numbers of verdicts.

    Both have a line for each endpoint of the table, and a column for each row.
    """

    into: IntArray
    out: IntArray

    @classmethod
    def of(
        cls,
        reachability: Reachability,
        rows: Sequence[UnseenRow],
        groups: Sequence[ExposureGroup],
        names: Sequence[str],
        numbers: VerdictNumbers,
    ) -> UnseenVerdicts:
        """Read them off the exposure of an analysis; `names` are the ids of the endpoints."""
        causes = _Causes(reachability)
        found = {way: np.zeros((len(names), len(rows)), np.int64) for way in Direction}
        lines = {name: line for line, name in enumerate(names)}
        for (column, row), way in product(enumerate(rows), Direction):
            for name, verdict in row.verdicts(groups, way).items():
                caused = causes.of(row, way, name, verdict)
                found[way][lines[name], column] = numbers.verdict(caused)
        return cls(found[Direction.INGRESS], found[Direction.EGRESS])


class _Causes:
    """Looks up why connections with pods that are not shown are undetermined, once for alike."""

    def __init__(self, reachability: Reachability) -> None:
        self._reachability = reachability
        self._known: dict[tuple[str, Direction, PairVerdict], CausedVerdict] = {}

    def of(
        self, row: UnseenRow, direction: Direction, workload: str, verdict: PairVerdict
    ) -> CausedVerdict:
        key = row.name, direction, verdict
        if key not in self._known:
            self._known[key] = self._looked_up(row, direction, workload, verdict)
        return self._known[key]

    def _looked_up(
        self, row: UnseenRow, direction: Direction, workload: str, verdict: PairVerdict
    ) -> CausedVerdict:
        if not verdict.undetermined:
            return CausedVerdict(verdict.allowed)
        unknown_cause = Undetermined(verdict.undetermined, _SEE)
        if len(row.pods) > 1 or len(self._known) > _MOST_CAUSES:
            return CausedVerdict(verdict.allowed, (unknown_cause,), exact=False)
        ends = row.pods[0].id, workload
        source, destination = ends if direction is Direction.INGRESS else ends[::-1]
        found = self._reachability.connection(source, destination).undetermined
        return CausedVerdict(verdict.allowed, found or (unknown_cause,), exact=False)


def extended(
    sources: IntArray, destinations: IntArray, cells: IntArray, unseen: UnseenVerdicts
) -> tuple[IntArray, IntArray, IntArray]:
    """Return classes of sources and destinations, and their cells, with those of the rows.

    The rows come last among the endpoints and among the classes.
    """
    rows = unseen.into.shape[1]
    if not rows:
        return sources, destinations, cells
    wide, source_of, to_rows = _divided(sources, unseen.out)
    long, destination_of, from_rows = _divided(destinations, unseen.into)
    inner = cells[np.ix_(source_of, destination_of)]
    outer = np.zeros((rows, rows), np.int64)
    return (
        np.concatenate([wide, len(source_of) + np.arange(rows)]),
        np.concatenate([long, len(destination_of) + np.arange(rows)]),
        np.block([[inner, to_rows], [from_rows.T, outer]]),
    )


def _divided(classes: IntArray, verdicts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the classes divided by verdicts, the old class of each, and the verdicts of each."""
    there = classes != _ABSENT
    keys, numbers = np.unique(
        np.column_stack([classes, verdicts])[there], axis=0, return_inverse=True
    )
    divided = np.full(len(classes), _ABSENT, np.int64)
    divided[there] = numbers.ravel()
    return divided, keys[:, 0], keys[:, 1:]


def unseen_changes(
    before: UnseenVerdicts, after: UnseenVerdicts, numbers: VerdictNumbers
) -> Iterator[tuple[int, int, ConnectionChangeKind]]:
    """Yield each change of ports between a workload and a row, once, by the page's numbers.

    That is the number before, that after, and what it means.
    """
    pairs = ((before.into, after.into), (before.out, after.out))
    found = {
        each
        for old, new in pairs
        for each in zip(old.ravel().tolist(), new.ravel().tolist(), strict=True)
    }
    for old, new in sorted(found):
        was, is_ = numbers.passing(old), numbers.passing(new)
        if was != is_:
            yield old, new, ConnectionChangeKind.of(was, is_)
