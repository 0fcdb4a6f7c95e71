"""Roles: elements that nothing tells apart as sources are one source role; so for destinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.reachability.grouping import Csr, IntArray, group_by_membership
from podwall.reachability.profiles import OPEN

if TYPE_CHECKING:
    from podwall.reachability.members import Universe
    from podwall.reachability.profiles import Profiles

__all__ = ["Roles", "roles"]


@dataclass(frozen=True, slots=True)
class Roles:
    """The partition of the universe by one end of connections.

    `of` gives each element's role; `profile` each role's own profile; `sets` the other side's sets
    that contain the role; `members` the roles in each set; `outside` whether a role is addresses.
    """

    of: IntArray
    profile: IntArray
    outside: IntArray
    sets: Csr
    members: Csr

    def __len__(self) -> int:
        """Return the number of roles."""
        return len(self.profile)

    @property
    def open(self) -> IntArray:
        """The roles that no policy isolates at this end."""
        return np.flatnonzero(self.profile == OPEN)


def roles(own: Profiles, sets: Csr, universe: Universe) -> Roles:
    """Return the roles at one end, given its profiles and the sets that the other end speaks of."""
    outside = np.arange(universe.size) >= universe.pods
    around = sets.transposed(universe.size)
    role = group_by_membership(own.of * 2 + outside, around)
    firsts = np.unique(role, return_index=True)[1]
    of_role = around.take(firsts)
    return Roles(
        of=role,
        profile=own.of[firsts],
        outside=outside[firsts].astype(np.int64),
        sets=of_role,
        members=of_role.transposed(len(sets)),
    )
