"""The endpoints of two analyses as one list: workloads paired, addresses in a common partition."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.intervals import intersection, merged
from podwall.model import IpPeer
from podwall.reachability.addresses import block_ranges, networks
from podwall.reachability.values import ExternalRange, WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.intervals import Ranges
    from podwall.reachability import Reachability
    from podwall.reachability.grouping import IntArray

__all__ = ["ABSENT", "Ends", "Pair", "common_ends", "ranges_of"]

_FAMILIES: Final = (IpPeer(ip_network("0.0.0.0/0")), IpPeer(ip_network("::/0")))

ABSENT: Final = -1
"""The element of an endpoint that one of the two analyses does not have."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A workload as it was and as it is; one of the two may be missing."""

    old: WorkloadEndpoint | None
    new: WorkloadEndpoint | None

    @property
    def latest(self) -> WorkloadEndpoint:
        """The workload as it is or, if it is gone, as it was."""
        latest = self.new or self.old
        assert latest is not None
        return latest


@dataclass(frozen=True, slots=True)
class Ends:
    """Workloads by id, then parts of the outside; `old` and `new` have each one's elements."""

    workloads: tuple[Pair, ...]
    parts: tuple[Ranges, ...]
    old: IntArray
    new: IntArray

    def __len__(self) -> int:
        """Return the number of endpoints."""
        return len(self.old)


def common_ends(old: Reachability, new: Reachability) -> Ends:
    """Return the endpoints of two analyses as one list.

    Workloads are the same by namespace, kind and name; those left over by id, so that a Deployment
    may take the place of a Pod.
    """
    pairs = sorted(_pairs(old, new), key=lambda pair: pair.latest.id)
    parts = _parts(old.analysis.addresses.ranges(), new.analysis.addresses.ranges())
    keys = np.array(sorted(parts), dtype=np.int64).reshape(-1, 2)
    before, after = _elements(old), _elements(new)
    inside = (
        [ABSENT if pair.old is None else before[pair.old.id] for pair in pairs],
        [ABSENT if pair.new is None else after[pair.new.id] for pair in pairs],
    )
    outside = (keys[:, 0] + len(old.analysis.classes), keys[:, 1] + len(new.analysis.classes))
    both = (
        np.concatenate([np.array(in_, dtype=np.int64), out])
        for in_, out in zip(inside, outside, strict=True)
    )
    return Ends(tuple(pairs), tuple(merged(parts[key]) for key in sorted(parts)), *both)


def _elements(reachability: Reachability) -> dict[str, int]:
    ends = reachability.ends
    elements = ends.element[: len(ends.workloads)].tolist()
    return {end.id: element for end, element in zip(ends.workloads, elements, strict=True)}


def _pairs(old: Reachability, new: Reachability) -> Iterator[Pair]:
    before, after = ({_key(each): each for each in side.workloads} for side in (old, new))
    paired = [Pair(before[key], after[key]) for key in before.keys() & after.keys()]
    yield from paired
    left = _others(old, [pair.old for pair in paired])
    others = _others(new, [pair.new for pair in paired])
    for name in left.keys() | others.keys():
        yield Pair(left.get(name), others.get(name))


def _others(
    side: Reachability, paired: Sequence[WorkloadEndpoint | None]
) -> dict[str, WorkloadEndpoint]:
    """Return the workloads that found no partner, by id."""
    known = {end.id for end in paired if end is not None}
    return {each.id: each for each in side.workloads if each.id not in known}


def _key(end: WorkloadEndpoint) -> tuple[object, str, str]:
    workload = end.workload
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
    families = (intersection(whole, block_ranges((family,))) for family in _FAMILIES)
    return tuple(ExternalRange(each) for ranges in families for each in networks(ranges))
