"""The join of both ends where tiers decide, too.

How it works: a pair is what NetworkPolicies make of it, put into the two sets that the tables of
both ends have for it (see `tiers`). Most pairs are in no list of NetworkPolicies, so that their
ports follow from the kind of one end and the cell of the other. So the rows of some sources are
filled by kind and cell, and what the lists name is written over it.

Pairs of ends that nothing restricts are not listed, as without tiers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from podwall.reachability.arrays import BoolArray, IntArray
from podwall.reachability.join import Edges, Join, Roles
from podwall.reachability.port_table import ALL_PORTS_NUMBER, NO_PORTS_NUMBER, PortTable
from podwall.reachability.profiles import UNISOLATED, Profiles
from podwall.reachability.tiers import TierTable

__all__ = ["RoleTiers", "TierJoin", "apart", "under_tiers"]


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
