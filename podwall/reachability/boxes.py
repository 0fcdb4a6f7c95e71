"""Boxes: the rules of a cluster as pairs of a set of peers and the ports they are allowed.

Whatever rules leave open about ports (names that differ from destination to destination, values
that are not known) is settled here, so that all that follows is sets and numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.model import PortRule
from podwall.reachability.bounds import Bounds
from podwall.reachability.destinations import NAMELESS
from podwall.reachability.pod_sets import Members
from podwall.reachability.port_rules import Direction, RulePorts
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.reachability.destinations import Destinations
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.peers import PeerSets
    from podwall.reachability.port_rules import PortReader

__all__ = ["Box", "Boxes", "RulePart"]


class RulePart(NamedTuple):
    """One peer of a rule with the rule's ports, both as numbers."""

    peers: int
    ports: int


class Box(NamedTuple):
    """A set of the universe with the ports it is allowed, both as numbers."""

    peers: int
    ports: int


class Boxes:
    """Makes the boxes of one direction's rules, and keeps the sets and bounds they speak of."""

    def __init__(
        self,
        direction: Direction,
        peers: PeerSets,
        reader: PortReader,
        destinations: Destinations,
        bounds: Registry[Bounds],
    ) -> None:
        """Begin with no sets; the bounds are shared by both directions."""
        self.direction = direction
        self.ports = Registry[RulePorts]()
        self.sets: list[IntArray] = []
        self._peers = peers
        self._reader = reader
        self._destinations = destinations
        self._bounds = bounds
        self._set_numbers: dict[int, int] = {}
        self._rests: dict[tuple[int, int], tuple[Members, IntArray]] = {}
        self._known: dict[tuple[RulePart, int], tuple[Box, ...]] = {}

    def of_part(self, part: RulePart, naming: int) -> tuple[Box, ...]:
        """Return the boxes of a rule's part for pods that name their ports in the given way."""
        ports = self.ports.values[part.ports]
        own = self.direction is Direction.INGRESS and _has_names(ports)
        key = (part, naming if own else NAMELESS)
        boxes = self._known.get(key)
        if boxes is None:
            members = self._peers.members[part.peers]
            boxes = self._known[key] = tuple(self._boxes(members, ports, key[1]))
        return boxes

    def of_members(self, members: Members, ports: Bounds) -> Iterator[Box]:
        """Yield the boxes that give some members some ports."""
        if not ports.may:
            return
        if len(members.must):
            yield Box(self.set_number(members.must), self._bounds.number(ports))
        if len(members.must) < len(members.may):
            number = self.set_number(self._rest(members))
            yield Box(number, self._bounds.number(Bounds.perhaps(ports.may)))

    def set_number(self, elements: IntArray) -> int:
        """Return the number of a set, which is kept; the same array has the same number."""
        number = self._set_numbers.setdefault(id(elements), len(self.sets))
        if number == len(self.sets):
            self.sets.append(elements)
        return number

    def _rest(self, members: Members) -> IntArray:
        """Return those that may belong and need not, the same array for the same members."""
        if not len(members.must):
            return members.may
        key = (id(members.must), id(members.may))
        if key not in self._rests:
            rest = np.setdiff1d(members.may, members.must, assume_unique=True)
            self._rests[key] = (members, rest)
        return self._rests[key][1]

    def _boxes(self, members: Members, ports: RulePorts, naming: int) -> Iterator[Box]:
        if self.direction is Direction.EGRESS and _has_names(ports):
            namings = self._destinations.naming
            for each in np.unique(namings[members.may]).tolist():
                must, may = (part[namings[part] == each] for part in members)
                yield from self.of_members(Members(must, may), self._bounds_of(ports, each))
        else:
            yield from self.of_members(members, self._bounds_of(ports, naming))

    def _bounds_of(self, ports: RulePorts, naming: int) -> Bounds:
        names = self._destinations.namings[naming]
        return self._reader.bounds(ports, names, self.direction)


def _has_names(ports: RulePorts) -> bool:
    return isinstance(ports, tuple) and any(
        isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in ports
    )
