"""Boxes: the rules of a cluster as pairs of a set of peers and the ports they are allowed.

Whatever rules leave open about ports (names that differ from destination to destination, values
that are not known) is settled here, so that all that follows is sets and numbers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.model import PortRule
from podwall.reachability.bounds import Bounds
from podwall.reachability.destinations import NAMELESS
from podwall.reachability.grouping import Csr, IntArray
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.reachability.destinations import Destinations
    from podwall.reachability.members import Members
    from podwall.reachability.port_rules import PortReader, RulePorts
    from podwall.reachability.registry import Registry
    from podwall.reachability.sets import Sets
    from podwall.reachability.statements import Statements

__all__ = ["Box", "Boxes"]


class Box(NamedTuple):
    """A set of the universe with the ports it is allowed, both as numbers."""

    peers: int
    ports: int


class Boxes:
    """The boxes of one direction's acts, and the sets that they speak of.

    Sets are numbered: the certain members of each term, then the doubtful ones, then further sets.
    """

    def __init__(
        self,
        stated: Statements,
        members: Members,
        destinations: Destinations,
        reader: PortReader,
        bounds: Registry[Bounds],
    ) -> None:
        """Make the boxes of all acts; `bounds` numbers what both directions allow."""
        self._stated = stated
        self._members = members
        self._destinations = destinations
        self._reader = reader
        self._bounds = bounds
        self._further: list[IntArray] = []
        self._by_name: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._known: dict[tuple[int, int, int], tuple[Box, ...]] = {}
        rows = np.concatenate([*self._rows(), np.empty((0, 3), dtype=np.int64)])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        acts = np.arange(len(stated.targets) + 1)
        self.peers, self.ports = rows[:, 1], rows[:, 2]
        self.of_act = Csr(np.searchsorted(rows[:, 0], acts), np.arange(len(rows)))

    def sets(self, numbers: IntArray) -> Sets:
        """Return the sets with the given numbers, and then those that they are told by."""
        lists = self._members.perhaps.followed_by(Csr.of_lists(self._further))
        return self._members.must.followed_by(lists).take(numbers)

    def elements(self, number: int) -> IntArray:
        """Return the elements of one set."""
        terms = len(self._members.must)
        if number < 2 * terms:
            return self._members.of(number % terms)[number // terms]
        return self._further[number - 2 * terms]

    @property
    def acts_with_names(self) -> IntArray:
        """The acts of which some boxes depend on how a pod names its own ports."""
        return np.array(sorted(self._by_name), dtype=np.int64)

    def of(self, act: int, naming: int) -> Iterator[Box]:
        """Yield the boxes of an act for pods that name their ports in some way."""
        here = slice(self.of_act.starts[act], self.of_act.starts[act + 1])
        yield from map(Box, self.peers[here].tolist(), self.ports[here].tolist())
        yield from self.named(act, naming)

    def named(self, act: int, naming: int) -> Iterator[Box]:
        """Yield those boxes of an act that depend on how the pod names its own ports."""
        for term, ports in self._by_name.get(act, ()):
            key = (term, ports, naming)
            if key not in self._known:
                self._known[key] = tuple(self._of_term(term, self._bounds_of(ports, naming)))
            yield from self._known[key]

    def add_set(self, elements: IntArray) -> int:
        """Return the number of a set that no term stands for."""
        self._further.append(elements)
        return 2 * len(self._members.must) + len(self._further) - 1

    def _rows(self) -> Iterator[IntArray]:
        """Yield the boxes that do not depend on the pod, as rows of act, peers and ports."""
        act, term, ports = self._stated.parts()
        names = np.array([_has_names(each) for each in self._stated.ports.values], dtype=np.bool_)
        named = names[ports]
        yield from self._plain(act[~named], term[~named], ports[~named])
        for row in zip(
            act[named].tolist(), term[named].tolist(), ports[named].tolist(), strict=True
        ):
            if self._stated.direction is Direction.INGRESS:
                self._by_name[row[0]].append(row[1:])
            else:
                split = self._split(*row[1:])
                yield np.array([(row[0], *box) for box in split], dtype=np.int64).reshape(-1, 3)

    def _plain(self, act: IntArray, term: IntArray, ports: IntArray) -> Iterator[IntArray]:
        """Yield the boxes of rules that mention no port name."""
        certain, doubtful = (
            self._members.must.sizes[term] > 0,
            self._members.perhaps.lengths[term] > 0,
        )
        for some, offset in ((certain, 0), (doubtful, len(self._members.must))):
            written, which = np.unique(ports[some], return_inverse=True)
            bounds = [self._bounds_of(number, NAMELESS) for number in written.tolist()]
            if offset:
                bounds = [Bounds.perhaps(each.may) for each in bounds]
            numbers = np.array([self._bounds.number(each) for each in bounds], dtype=np.int64)
            yield np.stack([act[some], offset + term[some], numbers[which]], axis=1)

    def _split(self, term: int, ports: int) -> tuple[Box, ...]:
        """Return the boxes of a rule that means other ports on each destination, by name."""
        key = (term, ports, NAMELESS)
        if key not in self._known:
            self._known[key] = tuple(self._by_destination(term, ports))
        return self._known[key]

    def _by_destination(self, term: int, ports: int) -> Iterator[Box]:
        namings = self._destinations.naming
        for elements, must in zip(self._members.of(term), (True, False), strict=True):
            for naming in np.unique(namings[elements]).tolist():
                allowed = self._bounds_of(ports, naming)
                if allowed.may:
                    number = self.add_set(elements[namings[elements] == naming])
                    found = allowed if must else Bounds.perhaps(allowed.may)
                    yield Box(number, self._bounds.number(found))

    def _of_term(self, term: int, allowed: Bounds) -> Iterator[Box]:
        """Yield the boxes that give the members of a term some ports."""
        if allowed.may and self._members.must.sizes[term]:
            yield Box(term, self._bounds.number(allowed))
        if allowed.may and self._members.perhaps.lengths[term]:
            doubted = self._bounds.number(Bounds.perhaps(allowed.may))
            yield Box(len(self._members.must) + term, doubted)

    def _bounds_of(self, ports: int, naming: int) -> Bounds:
        names = self._destinations.namings[naming]
        written = self._stated.ports.values[ports]
        return self._reader.bounds(written, names, self._stated.direction)


def _has_names(ports: RulePorts) -> bool:
    return isinstance(ports, tuple) and any(
        isinstance(entry, PortRule) and isinstance(entry.port, str) for entry in ports
    )
