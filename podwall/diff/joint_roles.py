"""Endpoints with one role before and one role after, and which ports pass between them.

A role groups endpoints that an analysis treats alike. Endpoints with the same role before and the
same role after are one joint role, so comparing one pair of joint roles compares all their
endpoints. Sets of passing ports are numbered once and compared as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from podwall.diff.changes import EVERYTHING, NOTHING, PassingPorts
from podwall.diff.joint_endpoints import ABSENT
from podwall.reachability.arrays import Csr, IntArray, Registry
from podwall.reachability.join import Join, Roles
from podwall.reachability.port_table import PortTable
from podwall.reachability.profiles import OPEN

__all__ = [
    "ALL_PASS",
    "NONE_PASS",
    "BoolArray",
    "JointRoles",
    "PortNumbers",
    "RoleReader",
    "RoleView",
    "RowsOfPorts",
    "joint_roles",
    "port_numbers",
]


BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RoleView:
    """Joint roles seen from one of the analyses.

    `role` has each joint role's own one, or `ABSENT`; `joint` the joint roles of each own one;
    `open` whether no policy isolates it at this end; `outside` whether it is addresses.
    """

    role: IntArray
    joint: Csr
    open: BoolArray
    outside: BoolArray


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
        old=_role_view(old, before[firsts]),
        new=_role_view(new, after[firsts]),
    )


def _roles_of(roles: Roles, elements: IntArray) -> IntArray:
    return np.where(elements == ABSENT, ABSENT, roles.of[elements])


def _role_view(roles: Roles, role: IntArray) -> RoleView:
    present = np.flatnonzero(role != ABSENT)
    return RoleView(
        role=role,
        joint=Csr.of_pairs(role[present], present, len(roles)),
        open=(role != ABSENT) & (roles.profile[role] == OPEN),
        outside=(role != ABSENT) & (roles.outside[role] == 1),
    )


PortNumbers = Registry[PassingPorts]

NONE_PASS: Final = 0
ALL_PASS: Final = 1
"""The numbers of `NOTHING` and `EVERYTHING` among the passages."""


def port_numbers() -> PortNumbers:
    """Return a registry of passages that knows the two that are always needed."""
    known = Registry[PassingPorts]()
    known.number(NOTHING)
    known.number(EVERYTHING)
    return known


class RowsOfPorts:
    """Some rows of joint roles: the passages that differ from what openness tells, by key.

    A key is `row * width + joint destination`.
    """

    def __init__(
        self, keys: IntArray, numbers: IntArray, open_rows: BoolArray, open_: BoolArray
    ) -> None:
        """Take sorted keys with their passages, and which rows and destinations are open."""
        self.keys = keys
        self._numbers = numbers
        self._open_rows = open_rows
        self._open = open_

    def at(self, keys: IntArray) -> IntArray:
        """Return the passages at keys; between open ends everything passes, else nothing."""
        width = len(self._open)
        found = np.where(
            self._open_rows[keys // width] & self._open[keys % width], ALL_PASS, NONE_PASS
        )
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            found[known] = self._numbers[place[known]]
        return found


class RoleReader:
    """Reads one analysis in joint roles."""

    def __init__(
        self, ports: PortTable, views: tuple[RoleView, RoleView], known: PortNumbers
    ) -> None:
        """Take the joint roles of sources and of destinations as this analysis sees them."""
        self._ports = ports
        self._sources, self._destinations = views
        self._known = known
        self._decoded: dict[int, int] = {}

    def block(self, join: Join, rows: IntArray) -> RowsOfPorts:
        """Return what passes from the joint source roles `rows`."""
        role = self._sources.role[rows]
        present = np.flatnonzero(role >= 0)
        asked, of_row = np.unique(role[present], return_inverse=True)
        edges = join.edges(asked)
        starts = np.searchsorted(edges.row, np.arange(len(asked) + 1))
        counts = np.diff(starts)[of_row]
        row = np.repeat(present, counts)
        before = np.cumsum(counts) - counts
        edge = np.arange(len(row)) + np.repeat(starts[of_row] - before, counts)
        owner, place = self._destinations.joint.gather(edges.destination[edge])
        width = len(self._destinations.role)
        keys = row[owner] * width + self._destinations.joint.items[place]
        order = np.argsort(keys, kind="stable")
        numbers = self._numbers(edges.ports)[edge[owner]]
        opened = self._sources.open[rows]
        return RowsOfPorts(keys[order], numbers[order], opened, self._destinations.open)

    def _numbers(self, ports: IntArray) -> IntArray:
        """Return the passage of each number of the port table."""
        distinct, which = np.unique(ports, return_inverse=True)
        numbers = [self._number(each) for each in distinct.tolist()]
        return np.array(numbers, dtype=np.int64)[which]

    def _number(self, ports: int) -> int:
        if ports not in self._decoded:
            self._decoded[ports] = self._known.number(PassingPorts(*self._ports.port_sets(ports)))
        return self._decoded[ports]
