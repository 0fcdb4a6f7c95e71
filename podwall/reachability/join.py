"""The join of both ends: for source roles, the destination roles they reach and on which ports.

A connection needs the egress rules of the source and the ingress rules of the destination. Rules
are never spread over all pairs: the pairs that one side's rules speak about are listed, sorted and
intersected with the other side's, a block of sources at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from podwall.reachability.grouping import Csr, IntArray, unpacked
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


@dataclass(frozen=True)
class Join:
    """Answers for any source roles which destination roles their rules let them reach.

    The ingress rules are turned around, to be read from the source's end: `granting` has for each
    set that they speak of the profiles that let it in, `granted` on which ports, and `holders` has
    for each of these profiles the destinations under it.
    """

    sources: Roles
    destinations: Roles
    egress: Profiles
    ingress: Profiles
    words: Words
    granting: Csr
    granted: IntArray
    holders: Csr

    @classmethod
    def of(
        cls,
        sources: Roles,
        destinations: Roles,
        egress: Profiles,
        ingress: Profiles,
        words: Words,
    ) -> Join:
        """Return the join of two ends; `words` has the bits of the ports that profiles number."""
        count, sets = len(sources.members), ingress.sets
        isolated = np.flatnonzero(destinations.profile != OPEN)
        return cls(
            sources,
            destinations,
            egress,
            ingress,
            words,
            granting=Csr.of_pairs(sets.items, sets.owners(), count),
            granted=Csr.of_pairs(sets.items, ingress.ports, count).items,
            holders=Csr.of_pairs(destinations.profile[isolated], isolated, len(sets)),
        )

    @cached_property
    def cost(self) -> IntArray:
        """For each source role, how many words it takes to list what its rules speak about."""
        boxes, grants, ends = self.egress.sets, self.granting, self.sources
        sent = np.append(boxes.sums(self.destinations.members.sizes[boxes.items]), 0)[ends.profile]
        reached = grants.sums(self.holders.lengths[grants.items])
        coded = ends.members.whole >= 0
        within = ends.members.parts.sums(reached[ends.members.parts.items])
        listed = np.where(coded, -reached, reached + within)
        received = ends.lists.sums(listed[ends.lists.items])
        cost: IntArray = (sent + received + 1) * self.words.shape[1]
        return cost

    def pair(self, source: int, destination: int) -> Words:
        """Return the ports from one role to another, one of them isolated, as one row of words."""
        sender, receiver = self.sources, self.destinations
        _, sets = receiver.containing(np.array([destination]))
        sent = self._allowed(self.egress, sender.profile[source], sets)
        _, sets = sender.containing(np.array([source]))
        return sent & self._allowed(self.ingress, receiver.profile[destination], sets)

    def _allowed(self, side: Profiles, profile: int, sets: IntArray) -> Words:
        """Return what a profile allows to an element of some sets."""
        if profile == OPEN:
            return np.full(self.words.shape[1], ~np.uint64(0))
        here = slice(side.sets.starts[profile], side.sets.starts[profile + 1])
        ports = side.ports[here][np.isin(side.sets.items[here], sets)]
        allowed: Words = np.bitwise_or.reduce(self.words[ports], axis=0)
        return allowed

    def edges(self, rows: IntArray) -> Edges:
        """Return what the given source roles reach."""
        sends, sent = self._by_egress(rows)
        receives, received = self._by_ingress(rows)
        both, left, right = _common(sends, receives)
        count, size = len(self.destinations), len(rows)
        _, destination = unpacked(sends, count, size)
        unfiltered = self.destinations.profile[destination] == OPEN
        row, _ = unpacked(receives, count, size)
        unrestricted = self.sources.profile[rows][row] == OPEN
        keys = np.concatenate([both, sends[unfiltered], receives[unrestricted]])
        words = np.concatenate(
            [sent[left] & received[right], sent[unfiltered], received[unrestricted]]
        )
        some = words.any(axis=1)
        order = _order(keys[some])
        keys, words = keys[some][order], words[some][order]
        return Edges(*unpacked(keys, count, size), words)

    def toward(self, wanted: IntArray) -> Join:
        """Return the join in which only the given destination roles can be reached."""
        among = np.zeros(len(self.destinations), dtype=np.bool_)
        among[wanted] = True
        ends = self.destinations
        isolated = np.flatnonzero(among & (ends.profile != OPEN))
        holders = Csr.of_pairs(ends.profile[isolated], isolated, len(self.holders))
        held = holders.lengths[self.granting.items] > 0
        return replace(
            self,
            destinations=replace(ends, members=ends.members.among(among)),
            holders=holders,
            granting=self.granting.kept(held),
            granted=self.granted[held],
        )

    def _by_egress(self, rows: IntArray) -> tuple[IntArray, Words]:
        """Return the pairs that the sources' egress rules allow."""
        isolated = np.flatnonzero(self.sources.profile[rows] != OPEN)
        profile, position = self.egress.sets.gather(self.sources.profile[rows[isolated]])
        member, reached = self.destinations.members.gather(self.egress.sets.items[position])
        row = isolated[profile[member]]
        return self._summed(row, reached, self.egress.ports[position][member])

    def _by_ingress(self, rows: IntArray) -> tuple[IntArray, Words]:
        """Return the pairs that the destinations' ingress rules allow."""
        row, sets = self.sources.containing(rows)
        grant, place = self.granting.gather(sets)
        holder, spot = self.holders.gather(self.granting.items[place])
        ports = self.granted[place][holder]
        return self._summed(row[grant][holder], self.holders.items[spot], ports)

    def _summed(
        self, row: IntArray, destination: IntArray, ports: IntArray
    ) -> tuple[IntArray, Words]:
        """Return each pair once, with all its ports."""
        keys = row * len(self.destinations) + destination
        order = _order(keys)
        keys, words = keys[order], self.words[ports[order]]
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))
        if len(firsts) == len(keys):
            return keys, words
        return keys[firsts], np.bitwise_or.reduceat(words, firsts, axis=0)


def _order(keys: IntArray) -> IntArray | slice:
    """Return what puts keys into ascending order, which they often are in already."""
    return slice(None) if (keys[1:] >= keys[:-1]).all() else np.argsort(keys, kind="stable")


def _common(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return what is in both of two ascending arrays, with the places in each."""
    if len(left) > len(right):
        both, there, here = _common(right, left)
        return both, here, there
    if not len(left):
        return left, left, left
    place = np.minimum(np.searchsorted(right, left), len(right) - 1)
    here = np.flatnonzero(right[place] == left)
    return left[here], here, place[here]
