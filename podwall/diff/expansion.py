"""From what differs between joint roles to changed connections between endpoints, in order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from podwall.diff.changes import Change, Effect
from podwall.diff.ends import ABSENT, ranges_of
from podwall.reachability.addresses import first_address, networks
from podwall.reachability.grouping import Csr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from podwall.diff.affected import Affected
    from podwall.diff.comparison import Comparison
    from podwall.diff.ends import Ends
    from podwall.diff.policies import PolicyChange
    from podwall.reachability import Reachability
    from podwall.reachability.values import Endpoint, ExternalRange

__all__ = ["Expansion"]

Outcome = tuple[int, int]
"""The numbers of what passed before, and of what passes after."""


class Expansion:
    """Tells the changes that a comparison found, one by one."""

    def __init__(
        self,
        sides: tuple[Reachability, Reachability],
        ends: Ends,
        may_differ: Affected,
        comparison: Comparison,
    ) -> None:
        """Sort what differs by source role."""
        self._old, self._new = sides
        self._ends = ends
        self._affected = may_differ
        self._comparison = comparison
        rectangles = comparison.rectangles
        rows = np.arange(len(rectangles))
        self._of_role = Csr.of_pairs(rectangles[:, 0], rows, len(comparison.sources))
        self._selves = {end: (before, after) for end, before, after in comparison.selves.tolist()}
        self._networks: dict[tuple[int, ...], tuple[ExternalRange, ...]] = {}
        self._causes: dict[tuple[int, int, Outcome], str] = {}

    def changes(self) -> Iterator[Change]:
        """Yield the changes by source, then destination; workloads before ranges."""
        inside = len(self._ends.workloads)
        for source in range(inside):
            yield from self._from_workload(source)
        yield from self._from_outside()

    def _from_workload(self, source: int) -> Iterator[Change]:
        inside = len(self._ends.workloads)
        outside: defaultdict[Outcome, list[int]] = defaultdict(list)
        found = {
            end: outcome for end, outcome in self._row(source) if end != source or end >= inside
        }
        if source in self._selves:
            found[source] = self._selves[source]
        for end in sorted(found):
            if end < inside:
                yield self._change((source, end), found[end])
            else:
                outside[found[end]].append(end)
        ranges = ((each, key) for key, parts in outside.items() for each in self._ranges(parts))
        for range_, outcome in sorted(ranges, key=lambda pair: _place(pair[0])):
            yield self._change((source, outside[outcome][0]), outcome, destination=range_)

    def _row(self, source: int) -> Iterator[tuple[int, Outcome]]:
        """Yield the destinations to which something differs."""
        comparison = self._comparison
        rows = self._of_role[int(comparison.sources.of[source])]
        rectangles = comparison.rectangles[rows]
        owner, place = comparison.destinations.holders.gather(rectangles[:, 1])
        ends = comparison.destinations.holders.items[place].tolist()
        before, after = rectangles[owner, 2].tolist(), rectangles[owner, 3].tolist()
        yield from zip(ends, zip(before, after, strict=True), strict=True)

    def _from_outside(self) -> Iterator[Change]:
        parts: defaultdict[tuple[int, Outcome], list[int]] = defaultdict(list)
        for source in range(len(self._ends.workloads), len(self._ends)):
            for end, outcome in self._row(source):
                parts[end, outcome].append(source)
        found = (
            (range_, end, outcome)
            for (end, outcome), sources in parts.items()
            for range_ in self._ranges(sources)
        )
        for range_, end, outcome in sorted(found, key=lambda each: (*_place(each[0]), each[1])):
            yield self._change((parts[end, outcome][0], end), outcome, source=range_)

    def _ranges(self, ends: Iterable[int]) -> tuple[ExternalRange, ...]:
        """Return the networks of several parts of the outside, merged."""
        inside = len(self._ends.workloads)
        key = tuple(end - inside for end in ends)
        if key not in self._networks:
            self._networks[key] = ranges_of([self._ends.parts[part] for part in key])
        return self._networks[key]

    def _change(
        self,
        pair: tuple[int, int],
        outcome: Outcome,
        source: Endpoint | None = None,
        destination: Endpoint | None = None,
    ) -> Change:
        before, after = (self._comparison.passages.values[number] for number in outcome)
        policies = self._policies(*pair)
        undetermined = before.undetermined or after.undetermined
        return Change(
            source=source or self._ends.workloads[pair[0]].latest,
            destination=destination or self._ends.workloads[pair[1]].latest,
            before=before,
            after=after,
            effect=self._effect(pair, policies),
            policies=policies,
            because=self._because(pair, outcome) if undetermined else "",
        )

    def _policies(self, source: int, destination: int) -> tuple[PolicyChange, ...]:
        sending = self._affected.egress.get(source, ())
        receiving = self._affected.ingress.get(destination, ())
        if not receiving or not sending:
            return sending or receiving
        both = {each.name: each for each in (*sending, *receiving)}
        return tuple(both[name] for name in sorted(both))

    def _effect(self, pair: tuple[int, int], policies: tuple[PolicyChange, ...]) -> Effect:
        if ABSENT in (self._ends.new[pair[0]], self._ends.new[pair[1]]):
            return Effect.GONE
        if ABSENT in (self._ends.old[pair[0]], self._ends.old[pair[1]]):
            return Effect.NEW
        return Effect.POLICY if policies else Effect.OTHER

    def _because(self, pair: tuple[int, int], outcome: Outcome) -> str:
        """Return what the undetermined ports depend on, after the change if there are any."""
        roles = (
            int(self._comparison.sources.of[pair[0]]),
            int(self._comparison.destinations.of[pair[1]]),
        )
        key = (*roles, outcome)
        if key not in self._causes:
            now = bool(self._comparison.passages.values[outcome[1]].undetermined)
            side = self._new if now else self._old
            ids = [self._id(end, now=now) for end in pair]
            causes = [part.because for part in side.connection(*ids).undetermined]
            self._causes[key] = "; ".join(dict.fromkeys(causes))
        return self._causes[key]

    def _id(self, end: int, *, now: bool) -> str:
        """Return the id that one of the analyses knows an end by."""
        if end < len(self._ends.workloads):
            pair = self._ends.workloads[end]
            known = pair.new if now else pair.old
            assert known is not None
            return known.id
        side, elements = (self._new, self._ends.new) if now else (self._old, self._ends.old)
        part = int(elements[end]) - len(side.analysis.classes)
        return str(next(networks(side.analysis.addresses.ranges()[part])))


def _place(range_: ExternalRange) -> tuple[int, int]:
    return first_address(range_.network), range_.network.prefixlen
