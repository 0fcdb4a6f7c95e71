"""The join of both ends: for source roles, the destination roles they reach and on which ports.

A connection needs the egress rules of the source and the ingress rules of the destination. Rules
are never spread over all pairs: the pairs that one side's rules speak about are listed, sorted and
intersected with the other side's, a block of sources at a time.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from podwall.reachability.grouping import Csr, IntArray
from podwall.reachability.profiles import OPEN

if TYPE_CHECKING:
    from podwall.reachability.port_atoms import Words
    from podwall.reachability.profiles import Profiles
    from podwall.reachability.roles import Roles

__all__ = ["Edges", "Join"]


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs of roles with the ports between them: `row` is an index into the roles asked for.

    Sorted by row, then destination. Pairs of roles that no policy isolates are not listed: between
    those everything is allowed.
    """

    row: IntArray
    destination: IntArray
    words: Words


class Join:
    """Answers for any source roles which destination roles their rules let them reach."""

    def __init__(
        self,
        sources: Roles,
        destinations: Roles,
        egress: Profiles,
        ingress: Profiles,
        words: Words,
    ) -> None:
        """Turn the ingress rules around, so that they can be read from the source's end."""
        self.sources = sources
        self.destinations = destinations
        self._egress = egress
        self._words = words
        count = len(sources.members)
        self._granting = Csr.of_pairs(ingress.sets.items, ingress.sets.owners(), count)
        self._granted = Csr.of_pairs(ingress.sets.items, ingress.ports, count).items
        isolated = np.flatnonzero(destinations.profile != OPEN)
        self._holders = Csr.of_pairs(destinations.profile[isolated], isolated, len(ingress.sets))

    def edges(self, rows: IntArray) -> Edges:
        """Return what the given source roles reach."""
        sends, sent = self._by_egress(rows)
        receives, received = self._by_ingress(rows)
        count = len(self.destinations)
        both, left, right = np.intersect1d(sends, receives, assume_unique=True, return_indices=True)
        unfiltered = self.destinations.profile[sends % count] == OPEN
        unrestricted = self.sources.profile[rows[receives // count]] == OPEN
        keys = np.concatenate([both, sends[unfiltered], receives[unrestricted]])
        words = np.concatenate(
            [sent[left] & received[right], sent[unfiltered], received[unrestricted]]
        )
        some = words.any(axis=1)
        keys, words = keys[some], words[some]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        return Edges(keys // count, keys % count, words[order])

    def toward(self, wanted: IntArray) -> Join:
        """Return the join in which only the given destination roles can be reached."""
        near = copy(self)
        among = np.zeros(len(self.destinations), dtype=bool)
        among[wanted] = True
        ends = self.destinations
        near.destinations = replace(ends, members=_kept(ends.members, among[ends.members.items]))
        isolated = np.flatnonzero(among & (ends.profile != OPEN))
        near._holders = Csr.of_pairs(ends.profile[isolated], isolated, len(self._holders))
        held = near._holders.lengths[self._granting.items] > 0
        near._granting = _kept(self._granting, held)
        near._granted = self._granted[held]
        return near

    def _by_egress(self, rows: IntArray) -> tuple[IntArray, Words]:
        """Return the pairs that the sources' egress rules allow."""
        isolated = np.flatnonzero(self.sources.profile[rows] != OPEN)
        profile, position = self._egress.sets.gather(self.sources.profile[rows[isolated]])
        member, place = self.destinations.members.gather(self._egress.sets.items[position])
        row = isolated[profile[member]]
        destination = self.destinations.members.items[place]
        return self._summed(row, destination, self._egress.ports[position][member])

    def _by_ingress(self, rows: IntArray) -> tuple[IntArray, Words]:
        """Return the pairs that the destinations' ingress rules allow."""
        row, position = self.sources.sets.gather(rows)
        grant, place = self._granting.gather(self.sources.sets.items[position])
        holder, spot = self._holders.gather(self._granting.items[place])
        ports = self._granted[place][holder]
        return self._summed(row[grant][holder], self._holders.items[spot], ports)

    def _summed(
        self, row: IntArray, destination: IntArray, ports: IntArray
    ) -> tuple[IntArray, Words]:
        """Return each pair once, with all its ports."""
        keys = row * len(self.destinations) + destination
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))
        if not len(firsts):
            return keys, self._words[:0]
        words = self._words[ports[order]]
        return keys[firsts], np.bitwise_or.reduceat(words, firsts, axis=0)


def _kept(lists: Csr, keep: npt.NDArray[np.bool_]) -> Csr:
    """Return lists with some of their items only."""
    before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return Csr(before[lists.starts], lists.items[keep])
