"""Roles: elements that nothing tells apart as sources are one source role; so for destinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.reachability.grouping import Csr, IntArray, group_by_membership
from podwall.reachability.profiles import OPEN
from podwall.reachability.sets import Sets

if TYPE_CHECKING:
    from podwall.reachability.members import Universe
    from podwall.reachability.profiles import Profiles

__all__ = ["Roles", "roles"]


@dataclass(frozen=True, slots=True)
class Roles:
    """The partition of the universe by one end of connections.

    `of` gives each element's role; `profile` each role's own profile; `outside` whether a role is
    addresses; `members` the other side's sets, of roles; `lists` which of these list each role.
    """

    of: IntArray
    profile: IntArray
    outside: IntArray
    members: Sets
    lists: Csr

    def __len__(self) -> int:
        """Return the number of roles."""
        return len(self.profile)

    def containing(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Write out the sets that contain roles: for each the index into `rows`, and the set."""
        return self.members.around(self.lists, rows)

    @property
    def open(self) -> IntArray:
        """The roles that no policy isolates at this end."""
        return np.flatnonzero(self.profile == OPEN)


def roles(own: Profiles, sets: Sets, universe: Universe) -> Roles:
    """Return the roles at one end, given its profiles and the sets that the other end speaks of."""
    outside = np.arange(universe.size) >= universe.pods
    around = sets.lists.transposed(universe.size)
    role = group_by_membership(own.of * 2 + outside, around)
    firsts = np.unique(role, return_index=True)[1]
    of_role = around.take(firsts)
    return Roles(
        of=role,
        profile=own.of[firsts],
        outside=outside[firsts].astype(np.int64),
        members=Sets(of_role.transposed(len(sets)), sets.whole),
        lists=of_role,
    )
