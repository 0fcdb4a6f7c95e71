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

How it works: a pair is what NetworkPolicies make of it, put into the two sets that the tables of
both ends have for it (see `tiers`). Most pairs are in no list of NetworkPolicies, so that their
ports follow from the kind of one end and the cell of the other. So the rows of some sources are
filled by kind and cell, and what the lists name is written over it.

Pairs of ends that nothing restricts are not listed, as without tiers.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import (
    BoolArray,
    Csr,
    IntArray,
    Sets,
    group_by_membership,
    is_in,
    packed,
    unpacked,
)
from podwall.reachability.few_arrays import np
from podwall.reachability.peers import Universe
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER, PortTable
from podwall.reachability.profiles import UNISOLATED, Profiles

if TYPE_CHECKING:
    from podwall.reachability.tiers import TierTable  # few clusters have policies with tiers

__all__ = [
    "Edges",
    "Join",
    "RoleTiers",
    "Roles",
    "TierJoin",
    "apart",
    "roles",
    "under_tiers",
]


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


def under_tiers(profiles: Profiles, table: TierTable) -> Profiles:
    """Return the profiles with one more, for elements that nothing but tiers restricts.

    It is the last one, and has no grants: its elements are not isolated.
    """
    starts = np.append(profiles.sets.starts, profiles.sets.starts[-1:])
    only_tiers = (profiles.of == UNISOLATED) & ~table.free[table.kind]
    of = np.where(only_tiers, len(profiles.sets), profiles.of)
    return replace(profiles, of=of, sets=replace(profiles.sets, starts=starts))


def apart(own: TierTable, other: TierTable) -> IntArray:
    """Return what tells elements apart at one end, given the table of that end and the other's."""
    width = int(other.cell.max(initial=0)) + 1
    return own.kind * width + other.cell


class RoleTiers(NamedTuple):
    """The table of one end, by roles: of this end the kind, of the other the cell.

    `opened` is what passes by default where no NetworkPolicy isolates, `accept` where one does.
    """

    kind: IntArray
    cell: IntArray
    accept: IntArray
    rest: IntArray
    opened: IntArray

    @classmethod
    def of(cls, table: TierTable, own: Roles, other: Roles, ports: PortTable) -> RoleTiers:
        """Return the table by roles."""
        ends = (np.unique(each.of, return_index=True)[1] for each in (own, other))
        opened = ports.either(table.accept.ravel(), table.rest.ravel()).reshape(table.rest.shape)
        kind, cell = table.kind[next(ends)], table.cell[next(ends)]
        return cls(kind, cell, table.accept, table.rest, opened)

    def put(self, ports: PortTable, own: IntArray, other: IntArray, listed: IntArray) -> IntArray:
        """Return what passes pairs of roles, given what NetworkPolicies allow them."""
        at = self.kind[own], self.cell[other]
        return ports.either(self.accept[at], ports.both(self.rest[at], listed))


_MOST_PAIRS: Final = 1 << 20
"""So many pairs are filled at once."""


@dataclass(frozen=True)
class TierJoin(Join):
    """A join whose ends are under tiers.

    `among` marks the destination roles that can be reached.
    """

    sent: RoleTiers
    received: RoleTiers
    among: BoolArray

    @classmethod
    def beside(cls, join: Join, sent: TierTable, received: TierTable) -> TierJoin:
        """Return a join with the tables of both ends."""
        ends, table = (join.sources, join.destinations), join.table
        known = {each.name: getattr(join, each.name) for each in fields(join)}
        return cls(
            **known,
            sent=RoleTiers.of(sent, *ends, table),
            received=RoleTiers.of(received, *ends[::-1], table),
            among=np.ones(len(join.destinations), dtype=np.bool_),
        )

    @cached_property
    def cost(self) -> IntArray:
        """For each source role, how many pairs are filled."""
        return np.full(len(self.sources), len(self.destinations) + 1)

    def pair(self, source: int, destination: int) -> int:
        """Return the ports from one role to another."""
        found = self.edges(np.array([source]))
        here = np.flatnonzero(found.destination == destination)
        if len(here):
            return int(found.ports[here[0]])
        free = self._is_free(self.sources)[source] and self._is_free(self.destinations)[destination]
        return ALL_PORTS_NUMBER if free else NO_PORTS_NUMBER

    def edges(self, rows: IntArray) -> Edges:
        """Return what the given source roles reach."""
        step = max(1, _MOST_PAIRS // max(1, len(self.destinations)))
        parts = [self._filled(rows[n : n + step], n) for n in range(0, max(1, len(rows)), step)]
        return Edges(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def toward(self, wanted: IntArray) -> TierJoin:
        """Return the join in which only the given destination roles can be reached."""
        among = np.zeros(len(self.destinations), dtype=np.bool_)
        among[wanted] = True
        return replace(self, among=among)

    def _filled(self, rows: IntArray, first: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return row, destination and ports of the pairs that pass, rows counted from `first`."""
        count = len(self.destinations)
        sent = self._default(self.sent, self.sources, self.egress)
        received = self._default(self.received, self.destinations, self.ingress)
        out = sent.at(rows[:, None], np.arange(count)[None, :]).ravel()
        into = received.at(np.arange(count)[None, :], rows[:, None]).ravel()
        keys, listed = self._by_egress(rows)
        out[keys] = self.sent.put(self.table, rows[keys // count], keys % count, listed)
        keys, listed = self._by_ingress(rows)
        into[keys] = self.received.put(self.table, keys % count, rows[keys // count], listed)
        keys = np.flatnonzero(
            (out != NO_PORTS_NUMBER) & (into != NO_PORTS_NUMBER) & self._kept(rows)
        )
        ports = self._both(out[keys], into[keys])
        some = ports != NO_PORTS_NUMBER
        return first + keys[some] // count, keys[some] % count, ports[some]

    def _both(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the intersections, of which one side is often everything."""
        found = np.where(left == ALL_PORTS_NUMBER, right, left)
        asked = np.flatnonzero((left != ALL_PORTS_NUMBER) & (right != ALL_PORTS_NUMBER))
        found[asked] = self.table.both(left[asked], right[asked])
        return found

    def _kept(self, rows: IntArray) -> BoolArray:
        """Return which pairs are listed: none of two ends that nothing restricts."""
        free = self._is_free(self.sources)[rows][:, None] & self._is_free(self.destinations)
        kept: BoolArray = (~free & self.among).ravel()
        return kept

    @staticmethod
    def _is_free(roles: Roles) -> BoolArray:
        free: BoolArray = np.equal(roles.profile, UNISOLATED)
        return free

    @staticmethod
    def _default(tiers: RoleTiers, own: Roles, side: Profiles) -> _Defaults:
        isolated = (own.profile != UNISOLATED) & (own.profile != len(side.sets) - 1)
        return _Defaults(tiers, isolated)


class _Defaults(NamedTuple):
    """What passes pairs that no NetworkPolicy lists."""

    tiers: RoleTiers
    isolated: BoolArray

    def at(self, own: IntArray, other: IntArray) -> IntArray:
        """Return it for pairs of this end and the other one."""
        kind, cell = self.tiers.kind[own], self.tiers.cell[other]
        both = self.tiers.accept[kind, cell], self.tiers.opened[kind, cell]
        return np.where(self.isolated[own], *both)
