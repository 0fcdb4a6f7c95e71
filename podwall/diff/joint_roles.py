"""Endpoints with one role before and one role after, and which ports pass between them.

A role groups endpoints that an analysis treats alike. Endpoints with the same role before and the
same role after are one *joint role*, so comparing one pair of joint roles compares all their
endpoints. Verdicts are numbered once and compared as numbers.

    role before    a: 0   b: 0   c: 1        role after    a: 0   b: 1   c: 1
    joint roles    {a}: (0, 0)   {b}: (0, 1)   {c}: (1, 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from podwall.diff.joint_endpoints import ABSENT
from podwall.reachability.arrays import BoolArray, Csr, IntArray, Registry, each_once, spans
from podwall.reachability.join import Join, Roles
from podwall.reachability.port_table import PortTable
from podwall.reachability.profiles import UNISOLATED
from podwall.reachability.values import EVERYTHING_PASSES, NOTHING_PASSES, PairVerdict

__all__ = [
    "ALL_PASS",
    "NONE_PASS",
    "JointRoles",
    "RoleReader",
    "RoleView",
    "RowsOfPorts",
    "VerdictRegistry",
    "joint_roles",
    "verdict_registry",
]


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
        open=(role != ABSENT) & (roles.profile[role] == UNISOLATED),
        outside=(role != ABSENT) & (roles.outside[role] == 1),
    )


VerdictRegistry = Registry[PairVerdict]

NONE_PASS: Final = 0
ALL_PASS: Final = 1
"""The numbers of the verdicts that nothing and that everything passes."""


def verdict_registry() -> VerdictRegistry:
    """Return a registry of verdicts that knows the two that are always needed."""
    known = Registry[PairVerdict]()
    known.number(NOTHING_PASSES)
    known.number(EVERYTHING_PASSES)
    return known


class RowsOfPorts:
    """Some rows of joint roles: by key, the verdicts that do not follow from openness alone.

    A key is `row * width + joint destination`.
    """

    def __init__(
        self, keys: IntArray, numbers: IntArray, open_rows: BoolArray, open_: BoolArray
    ) -> None:
        """Take sorted keys with their verdicts, and which rows and destinations are open."""
        self.keys = keys
        self._numbers = numbers
        self._open_rows = open_rows
        self._open = open_

    def at(self, keys: IntArray) -> IntArray:
        """Return the verdicts at keys; between open ends everything passes, else nothing."""
        width = len(self._open)
        found = np.where(
            self._open_rows[keys // width] & self._open[keys % width], ALL_PASS, NONE_PASS
        )
        if len(self.keys):
            index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[index] == keys
            found[known] = self._numbers[index[known]]
        return found


class RoleReader:
    """Reads one analysis in joint roles."""

    def __init__(
        self, ports: PortTable, views: tuple[RoleView, RoleView], known: VerdictRegistry
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
        index, edge = spans(starts[of_row], starts[of_row + 1])
        row = present[index]
        owner, position = self._destinations.joint.gather(edges.destination[edge])
        width = len(self._destinations.role)
        keys = row[owner] * width + self._destinations.joint.items[position]
        order = np.argsort(keys, kind="stable")
        numbers = each_once(edges.ports, self._number)[edge[owner]]
        opened = self._sources.open[rows]
        return RowsOfPorts(keys[order], numbers[order], opened, self._destinations.open)

    def _number(self, ports: int) -> int:
        if ports not in self._decoded:
            self._decoded[ports] = self._known.number(self._ports.verdict(ports))
        return self._decoded[ports]
