"""The join of both ends: for source roles, the destination roles they reach and on which ports.

How it works: a connection needs the egress rules of the source and the ingress rules of the
destination. Elements that nothing tells apart as sources are one source *role*; so for
destinations. Rules are never spread over all pairs: the pairs that one side's rules name are
listed, sorted and intersected with the other side's, a block of sources at a time.

    egress   web -> {api: 80, db: 5432}      ingress  api <- {web: 80-81}, db <- {api: 5432}
    listed by egress    (web, api, 80), (web, db, 5432)
    listed by ingress   (web, api, 80-81), (api, db, 5432)
    in both             (web, api, 80)

It is exact: a pair that one isolated side does not list is denied, and a side that no policy
isolates allows everything, so that there the other side's list is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from podwall.reachability.arrays import (
    Csr,
    IntArray,
    Sets,
    group_by_membership,
    is_in,
    packed,
    unpacked,
)
from podwall.reachability.peers import Universe
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER, PortTable
from podwall.reachability.profiles import UNISOLATED, Profiles

__all__ = ["Edges", "Join", "Roles", "roles"]


@dataclass(frozen=True, slots=True)
class Roles:
    """The partition of the universe by one end of connections.

    `of` gives each element's role; `profile` each role's own profile; `outside` whether a role is
    addresses; `sets` the sets that the other side's grants are for, of roles; `lists` which of
    these sets list each role.
    """

    of: IntArray
    profile: IntArray
    outside: IntArray
    sets: Sets
    lists: Csr

    def __len__(self) -> int:
        """Return the number of roles."""
        return len(self.profile)

    def containing(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Write out the sets that contain roles: for each the index into `rows`, and the set."""
        return self.sets.around(self.lists, rows)

    @property
    def unisolated(self) -> IntArray:
        """The roles that no policy isolates at this end."""
        return np.flatnonzero(self.profile == UNISOLATED)


def roles(own: Profiles, sets: Sets, universe: Universe, apart: IntArray | None = None) -> Roles:
    """Return the roles at one end, given its profiles and the sets of the other end's grants.

    `apart` numbers what tells elements apart beside these.
    """
    outside = np.arange(universe.size) >= universe.pods
    around = sets.lists.transposed(universe.size)
    kinds = own.of * 2 + outside
    role = group_by_membership(kinds if apart is None else packed(kinds + 2, apart), around)
    firsts = np.unique(role, return_index=True)[1]
    of_role = around.take(firsts)
    return Roles(
        of=role,
        profile=own.of[firsts],
        outside=outside[firsts].astype(np.int64),
        sets=Sets(of_role.transposed(len(sets)), sets.whole),
        lists=of_role,
    )


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs of roles with the ports between them, as numbers of the port table.

    `row` is an index into the roles asked for. Sorted by row, then destination. Pairs of roles that
    no policy isolates are not listed: between those everything is allowed.
    """

    row: IntArray
    destination: IntArray
    ports: IntArray


@dataclass(frozen=True)
class Join:
    """Answers for any source roles which destination roles their rules let them reach.

    The ingress rules are turned around, to be read from the source's end: `granting` has for each
    set of their grants the profiles that let it in, `granted` on which ports, and `holders` has for
    each of these profiles the destinations under it.
    """

    sources: Roles
    destinations: Roles
    egress: Profiles
    ingress: Profiles
    table: PortTable
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
        table: PortTable,
    ) -> Join:
        """Return the join of two ends, whose profiles have ports as numbers of the table."""
        count, sets = len(sources.sets), ingress.sets
        isolated = np.flatnonzero(destinations.profile != UNISOLATED)
        return cls(
            sources,
            destinations,
            egress,
            ingress,
            table,
            granting=Csr.of_pairs(sets.items, sets.owners(), count),
            granted=Csr.of_pairs(sets.items, ingress.ports, count).items,
            holders=Csr.of_pairs(destinations.profile[isolated], isolated, len(sets)),
        )

    @cached_property
    def cost(self) -> IntArray:
        """For each source role, how many pairs its rules list."""
        granted, grants, ends = self.egress.sets, self.granting, self.sources
        sizes = self.destinations.sets.sizes[granted.items]
        sent = np.append(granted.sums(sizes), 0)[ends.profile]
        reached = grants.sums(self.holders.lengths[grants.items])
        coded = ends.sets.whole >= 0
        within = ends.sets.parts.sums(reached[ends.sets.parts.items])
        listed = np.where(coded, -reached, reached + within)
        received = ends.lists.sums(listed[ends.lists.items])
        cost: IntArray = sent + received + 1
        return cost

    def pair(self, source: int, destination: int) -> int:
        """Return the ports from one role to another."""
        sender, receiver = self.sources, self.destinations
        _, sets = receiver.containing(np.array([destination]))
        sent = self._allowed(self.egress, sender.profile[source], sets)
        _, sets = sender.containing(np.array([source]))
        received = self._allowed(self.ingress, receiver.profile[destination], sets)
        return int(self.table.both(sent, received)[0])

    def _allowed(self, side: Profiles, profile: int, sets: IntArray) -> IntArray:
        """Return the ports that a profile allows to an element of some sets, in an array of one."""
        if profile == UNISOLATED:
            return np.array([ALL_PORTS_NUMBER])
        here = slice(side.sets.starts[profile], side.sets.starts[profile + 1])
        ports = side.ports[here][is_in(side.sets.items[here], sets)]
        return reduce(self.table.either, ports.reshape(-1, 1), np.array([NO_PORTS_NUMBER]))

    def both_sides(self, source: int) -> tuple[IntArray, IntArray]:
        """Return for every destination role what a source role may send, and it receive of it."""
        row = np.array([source])
        sent, received = (
            self._spread(*listed) for listed in (self._by_egress(row), self._by_ingress(row))
        )
        if self.sources.profile[source] == UNISOLATED:
            sent[:] = ALL_PORTS_NUMBER
        received[self.destinations.unisolated] = ALL_PORTS_NUMBER
        return sent, received

    def _spread(self, destinations: IntArray, ports: IntArray) -> IntArray:
        """Return the ports for every destination role, given those that are listed."""
        found = np.full(len(self.destinations), NO_PORTS_NUMBER)
        found[destinations] = ports
        return found

    def edges(self, rows: IntArray) -> Edges:
        """Return what the given source roles reach."""
        sends, sent = self._by_egress(rows)
        receives, received = self._by_ingress(rows)
        both, left, right = _common(sends, receives)
        count, size = len(self.destinations), len(rows)
        _, destination = unpacked(sends, count, size)
        unfiltered = self.destinations.profile[destination] == UNISOLATED
        row, _ = unpacked(receives, count, size)
        unrestricted = self.sources.profile[rows][row] == UNISOLATED
        keys = np.concatenate([both, sends[unfiltered], receives[unrestricted]])
        common = self.table.both(sent[left], received[right])
        ports = np.concatenate([common, sent[unfiltered], received[unrestricted]])
        some = ports != NO_PORTS_NUMBER
        keys, ports = keys[some], ports[some]
        if not _ascend(keys):
            order = np.argsort(keys, kind="stable")
            keys, ports = keys[order], ports[order]
        return Edges(*unpacked(keys, count, size), ports)

    def toward(self, wanted: IntArray) -> Join:
        """Return the join in which only the given destination roles can be reached."""
        among = np.zeros(len(self.destinations), dtype=np.bool_)
        among[wanted] = True
        ends = self.destinations
        isolated = np.flatnonzero(among & (ends.profile != UNISOLATED))
        holders = Csr.of_pairs(ends.profile[isolated], isolated, len(self.holders))
        held = holders.lengths[self.granting.items] > 0
        return replace(
            self,
            destinations=replace(ends, sets=ends.sets.among(among)),
            holders=holders,
            granting=self.granting.kept(held),
            granted=self.granted[held],
        )

    def _by_egress(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the pairs that the sources' egress rules allow."""
        isolated = np.flatnonzero(self.sources.profile[rows] != UNISOLATED)
        profile, position = self.egress.sets.gather(self.sources.profile[rows[isolated]])
        index, reached = self.destinations.sets.gather(self.egress.sets.items[position])
        row = isolated[profile[index]]
        return self._summed(row, reached, self.egress.ports[position][index])

    def _by_ingress(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the pairs that the destinations' ingress rules allow."""
        row, sets = self.sources.containing(rows)
        grant, position = self.granting.gather(sets)
        holder, held = self.holders.gather(self.granting.items[position])
        ports = self.granted[position][holder]
        return self._summed(row[grant][holder], self.holders.items[held], ports)

    def _summed(
        self, row: IntArray, destination: IntArray, ports: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Return each pair once, with all its ports."""
        bits = len(self.table).bit_length()  # one number is sorted faster than an order of two
        codes = ((row * len(self.destinations) + destination) << bits) | ports
        codes = codes if _ascend(codes) else np.sort(codes)
        keys, ports = codes >> bits, codes & ((1 << bits) - 1)
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))
        lengths = np.diff(firsts, append=len(keys))
        total = ports[firsts]
        for step in range(1, int(lengths.max(initial=0))):
            more = np.flatnonzero(lengths > step)
            total[more] = self.table.either(total[more], ports[firsts[more] + step])
        return keys[firsts], total


def _ascend(keys: IntArray) -> bool:
    """Return whether keys are in ascending order already, as they often are."""
    return bool((keys[1:] >= keys[:-1]).all())


def _common(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return what is in both of two ascending arrays, with the positions in each."""
    if len(left) > len(right):
        both, there, here = _common(right, left)
        return both, here, there
    if not len(left):
        return left, left, left
    position = np.minimum(np.searchsorted(right, left), len(right) - 1)
    here = np.flatnonzero(right[position] == left)
    return left[here], here, position[here]
