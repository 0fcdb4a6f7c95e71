"""What clients outside may do for certain where rules can see a node in place of them.

How it works: behind a service that can hide its clients, what a rule allows an address is certain
only as far as a node's address may do it too. For each family of addresses the universe therefore
has one *node*, which is no endpoint: the rules are read for it like for anybody else, and what they
allow addresses of that family is cut to what they allow the node, on the ports of the service.

    service web hides clients on TCP 8080, and web's rules allow
    203.0.113.0/24      TCP 8080, 9090    certain: TCP 9090, since no block contains the nodes
    everyone            TCP 443           certain, for the node as well

What they allow the node beyond that, addresses perhaps have on the same ports. It is exact: a
client arrives either by its own address or by that of a node of its family.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-ipblock-selectors
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from podwall.portset import PortSet
from podwall.reachability.arrays import IntArray, Registry, is_in
from podwall.reachability.values import Bounds

__all__ = ["OutsideElements", "with_clients_hidden"]


class OutsideElements(NamedTuple):
    """The elements outside of the cluster, by family: addresses, and the node of each family."""

    addresses: tuple[IntArray, ...]
    nodes: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first element that is no pod."""
        return min((int(each[0]) for each in self.addresses if len(each)), default=0)


class _Row(NamedTuple):
    """A set of elements by its number, its elements, and the ports that it is allowed."""

    peers: int
    elements: IntArray
    ports: Bounds


class _Sets(NamedTuple):
    """Where the elements of sets are looked up, and new sets are added."""

    elements: Callable[[int], IntArray]
    add: Callable[[IntArray], int]


def with_clients_hidden(  # noqa: PLR0913, PLR0917 - what decides, each part from its own module
    rows: IntArray,
    hidden: Mapping[int, PortSet],
    outside: OutsideElements,
    bounds: Registry[Bounds],
    elements: Callable[[int], IntArray],
    add_set: Callable[[IntArray], int],
) -> IntArray:
    """Return rows of a number, a set and its ports, with less that is certain for clients.

    Args:
        rows: the rows.
        hidden: for some of the numbers the ports on which clients are hidden.
        outside: the elements that are no pods.
        bounds: numbers port bounds.
        elements: returns the elements of a set.
        add_set: returns the number of a set that is new.
    """
    concerned = is_in(rows[:, 0], np.array(list(hidden), dtype=np.int64))
    found = [rows[~concerned]]
    here = rows[concerned]
    here = here[np.argsort(here[:, 0], kind="stable")]
    sets = _Sets(elements, add_set)
    for part in np.split(here, np.flatnonzero(np.diff(here[:, 0])) + 1) if len(here) else ():
        number = int(part[0, 0])
        stated = [_Row(s, elements(s), bounds.values[p]) for s, p in part[:, 1:].tolist()]
        cut = _cut(stated, hidden[number], outside, sets)
        lines = [(number, peers, bounds.number(ports)) for peers, ports in cut]
        found.append(np.array(lines, dtype=np.int64).reshape(-1, 3))
    return np.concatenate(found)


def _cut(
    rows: Sequence[_Row], hidden: PortSet, outside: OutsideElements, sets: _Sets
) -> Iterator[tuple[int, Bounds]]:
    """Yield sets and ports where clients of every family get no more than the node of it."""
    allowed = [
        Bounds.union(row.ports for row in rows if node in row.elements) for node in outside.nodes
    ]
    for theirs, addresses in zip(allowed, outside.addresses, strict=True):
        if (perhaps := theirs.may & hidden) and len(addresses):
            yield sets.add(addresses), Bounds.perhaps(perhaps)
    for row in rows:
        lost = [row.ports.must & hidden - each.must for each in allowed]
        parts = [np.intersect1d(row.elements, each) for each in outside.addresses]
        if not any(less and len(part) for less, part in zip(lost, parts, strict=True)):
            yield row.peers, row.ports
            continue
        yield sets.add(row.elements[row.elements < outside.first]), row.ports
        for less, part, node in zip(lost, parts, outside.nodes, strict=True):
            ports = Bounds(row.ports.must - less, row.ports.may, row.ports.causes)
            yield sets.add(part), ports
            if node in row.elements:
                yield sets.add(np.array([node])), row.ports
