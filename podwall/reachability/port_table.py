"""Port sets as numbers, with union and intersection of whole arrays of them.

A set is one bit for every part of all ports that no rule tells apart, however many parts there are.
Few sets occur in a cluster, so that every union and intersection is computed once and looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import and_, or_
from typing import Final

import numpy as np

from podwall.intervals import Ranges
from podwall.model import IpProtocol
from podwall.portset import ALL_PORTS, LAST_PORT, PortSet
from podwall.reachability.arrays import Atoms, IntArray, Registry
from podwall.reachability.values import Bounds

__all__ = ["EVERYTHING", "NOTHING", "PortTable"]

NOTHING: Final = 0
"""The number of no ports."""

EVERYTHING: Final = 1
"""The number of all ports."""

_TRANSPORTS: Final = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)
_STEP: Final = LAST_PORT + 1
_OTHER: Final = len(_TRANSPORTS) * _STEP + 1  # not next to the last port of SCTP


class PortTable:
    """The port sets of an analysis.

    Each has the bits of what must be allowed, then, if any is in doubt, of what may be. `certain`
    says that none is.
    """

    def __init__(self, bounds: Sequence[Bounds]) -> None:
        """Find the parts that make up the given port sets; `numbers` has each one's number."""
        self.certain = all(each.certain for each in bounds)
        sets = dict.fromkeys(ports for each in bounds for ports in (each.must, each.may))
        self._atoms = Atoms([_line(ports) for ports in (*sets, ALL_PORTS)], (0, _OTHER + 1))
        self._ranges = self._atoms.ranges()
        self._masks = Registry[int]()
        self._masks.number(0)
        self._masks.number(self._mask(ALL_PORTS, ALL_PORTS))
        self._sets: dict[int, tuple[PortSet, PortSet]] = {}
        self._either = _Memo(or_, self._masks)
        self._both = _Memo(and_, self._masks)
        self.numbers: IntArray = np.array(
            [self._masks.number(self._mask(each.must, each.may)) for each in bounds], dtype=np.int64
        )

    def __len__(self) -> int:
        """Return the number of sets that have occurred so far."""
        return len(self._masks.values)

    def either(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the unions of sets, pair by pair."""
        return self._either.of(left, right)

    def both(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the intersections of sets, pair by pair."""
        return self._both.of(left, right)

    def port_sets(self, number: int) -> tuple[PortSet, PortSet]:
        """Return what a set says is allowed, and what is undetermined."""
        known = self._sets.get(number)
        if known is None:
            may, must = divmod(self._masks.values[number], 1 << len(self._atoms))
            allowed = self._port_set(must)
            doubted = PortSet() if self.certain else self._port_set(may) - allowed
            known = self._sets[number] = (allowed, doubted)
        return known

    def _mask(self, must: PortSet, may: PortSet) -> int:
        bits = self._bits(must)
        return bits if self.certain else bits | self._bits(may) << len(self._atoms)

    def _bits(self, ports: PortSet) -> int:
        atoms = self._atoms.of(_line(ports))
        flags = np.zeros(int(atoms.max(initial=0)) + 1, dtype=np.uint8)
        flags[atoms] = 1
        return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")

    def _port_set(self, bits: int) -> PortSet:
        atoms = (number for number in range(bits.bit_length()) if bits >> number & 1)
        return _port_set([span for atom in atoms for span in self._ranges[atom]])


class _Memo:
    """An operation on pairs of numbered sets, each pair computed once."""

    def __init__(self, operation: Callable[[int, int], int], masks: Registry[int]) -> None:
        self._operation = operation
        self._masks = masks
        self._pairs: IntArray = np.array([-1], dtype=np.int64)
        self._results: IntArray = np.array([-1], dtype=np.int64)

    def of(self, left: IntArray, right: IntArray) -> IntArray:
        """Return the results, pair by pair."""
        pairs = (left << _HALF) | right
        place = np.searchsorted(self._pairs, pairs, side="right") - 1
        unknown = self._pairs[place] != pairs
        if unknown.any():
            self._learn(np.unique(pairs[unknown]))
            place = np.searchsorted(self._pairs, pairs, side="right") - 1
        return self._results[place]

    def _learn(self, pairs: IntArray) -> None:
        masks, operation = self._masks.values, self._operation
        lefts, rights = (pairs >> _HALF).tolist(), (pairs & ((1 << _HALF) - 1)).tolist()
        found = [
            self._masks.number(operation(masks[left], masks[right]))
            for left, right in zip(lefts, rights, strict=True)
        ]
        known = np.append(self._pairs, pairs)
        order = np.argsort(known)
        self._pairs = known[order]
        self._results = np.append(self._results, found)[order]


_HALF: Final = 31
"""Two numbers of sets make one number of a pair: there are fewer than two billion sets."""


def _line(ports: PortSet) -> Ranges:
    """Return the ports as ranges on one line, protocol after protocol."""
    spans = [
        (number * _STEP + first, number * _STEP + last)
        for number, protocol in enumerate(_TRANSPORTS)
        for first, last in ports.ranges(protocol)
    ]
    return (*spans, (_OTHER, _OTHER)) if ports.other else tuple(spans)


def _port_set(spans: list[tuple[int, int]]) -> PortSet:
    """Return the ports of ranges on the line, none of which mixes protocols."""
    ranges = {
        protocol: tuple(
            (first % _STEP, last % _STEP) for first, last in spans if first // _STEP == number
        )
        for number, protocol in enumerate(_TRANSPORTS)
    }
    return PortSet.from_ranges(ranges, other=(_OTHER, _OTHER) in spans)
