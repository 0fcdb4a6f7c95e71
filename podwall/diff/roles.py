"""Joint roles: endpoints that had one role in the old analysis and have one in the new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from podwall.diff.ends import ABSENT
from podwall.reachability.grouping import Csr
from podwall.reachability.profiles import OPEN

if TYPE_CHECKING:
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.roles import Roles

__all__ = ["Bits", "JointRoles", "RoleView", "joint_roles"]

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RoleView:
    """Joint roles seen from one of the analyses.

    `role` has each joint role's own one, or `ABSENT`; `joint` the joint roles of each own one;
    `open` whether no policy isolates it at this end; `outside` whether it is addresses.
    """

    role: IntArray
    joint: Csr
    open: Bits
    outside: Bits


@dataclass(frozen=True, slots=True)
class JointRoles:
    """The partition of endpoints by the roles they have in both analyses, at one end."""

    of: IntArray
    holders: Csr
    old: RoleView
    new: RoleView

    def __len__(self) -> int:
        """Return the number of joint roles."""
        return len(self.holders)


def joint_roles(old: Roles, new: Roles, elements: tuple[IntArray, IntArray]) -> JointRoles:
    """Return the joint roles of endpoints, given their elements in both analyses."""
    before, after = _roles_of(old, elements[0]), _roles_of(new, elements[1])
    keys = (before + 1) * (len(new) + 1) + after + 1
    _, firsts, joint = np.unique(keys, return_index=True, return_inverse=True)
    return JointRoles(
        of=joint,
        holders=Csr.of_pairs(joint, np.arange(len(joint)), len(firsts)),
        old=_view(old, before[firsts]),
        new=_view(new, after[firsts]),
    )


def _roles_of(roles: Roles, elements: IntArray) -> IntArray:
    return np.where(elements == ABSENT, ABSENT, roles.of[elements])


def _view(roles: Roles, role: IntArray) -> RoleView:
    present = np.flatnonzero(role != ABSENT)
    return RoleView(
        role=role,
        joint=Csr.of_pairs(role[present], present, len(roles)),
        open=(role != ABSENT) & (roles.profile[role] == OPEN),
        outside=(role != ABSENT) & (roles.outside[role] == 1),
    )
