"""Port sets as numbers, with union and intersection of whole arrays of them.

How it works: all ports lie on one line, protocol after protocol. It is cut into *atoms*, parts that
no rule of the cluster cuts through (see `arrays`). A set is one bit for each of its atoms, and gets
a number when it is first met. Few sets occur in a cluster, so that every union and intersection is
computed once for a pair of numbers, and looked up afterwards.

    rules          TCP 80          TCP 80-90       all TCP         (all ports)
    atoms          a = {TCP 80}    b = {TCP 81-90} c = {other TCP} d = {UDP, SCTP, others}
    TCP 80-90      0b0011, number 3
    all TCP        0b0111, number 4
    their union    0b0011 | 0b0111 = 0b0111, so either(3, 4) = 4, looked up from then on

It is exact: every set is a union of whole atoms, and so are all unions and intersections of them.
Where something is undetermined, a number has two such rows of bits: what must, and what may pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import and_, or_
from typing import Final

from podwall.portset import ALL_PORTS, LAST_PORT, TRANSPORTS, PortSet, Ranges
from podwall.reachability.arrays import Atoms, IntArray, Registry, WordArray, distinct
from podwall.reachability.few_arrays import np
from podwall.reachability.values import Bounds, PairVerdict

__all__ = ["ALL_PORTS_NUMBER", "NO_PORTS_NUMBER", "PortAtoms", "PortTable"]

NO_PORTS_NUMBER: Final = 0
ALL_PORTS_NUMBER: Final = 1

_WORD: Final = 64
_STEP: Final = LAST_PORT + 1
_OTHER: Final = len(TRANSPORTS) * _STEP + 1  # not next to the last port of SCTP


class PortAtoms:
    """The atoms that make up some sets of ports; a set is a number with a bit for each."""

    def __init__(self, sets: Iterable[PortSet]) -> None:
        """Find the atoms."""
        self._atoms = Atoms([_line(ports) for ports in (*sets, ALL_PORTS)], (0, _OTHER + 1))

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self._atoms)

    def bits(self, ports: PortSet) -> int:
        """Return the number of a set that is made up of atoms."""
        atoms = self._atoms.of(_line(ports))
        flags = np.zeros(int(atoms.max(initial=0)) + 1, dtype=np.uint8)
        flags[atoms] = 1
        return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")

    def port_set(self, bits: int) -> PortSet:
        """Return the set with a number."""
        size = len(self)
        packed = np.frombuffer(bits.to_bytes(-(-size // 8), "little"), dtype=np.uint8)
        marks = np.unpackbits(packed, count=size, bitorder="little").astype(np.bool_)
        return _port_set(self._atoms.united(marks))


class PortTable:
    """The port sets of an analysis.

    `certain` is set where no set has anything undetermined.
    """

    def __init__(self, bounds: Sequence[Bounds], *, is_certain: bool = True) -> None:
        """Find the atoms that make up the given port sets; `numbers` has each one's number.

        Unless it `is_certain`, something undetermined may come of sets that are certain.
        """
        self.certain = is_certain and all(each.certain for each in bounds)
        sets = dict.fromkeys(ports for each in bounds for ports in (each.must, each.may))
        self._atoms = PortAtoms(sets)
        self._masks = Registry[int]()
        self._masks.number(0)  # NO_PORTS_NUMBER
        self._masks.number(self._mask(ALL_PORTS, ALL_PORTS))
        self._sets: dict[int, PairVerdict] = {}
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

    @property
    def words(self) -> int:
        """How many words of 64 bits a set takes."""
        return -(-len(self._atoms) // _WORD)

    def in_words(self, ports: PortSet) -> WordArray:
        """Return a set that is made up of atoms, in words."""
        return np.frombuffer(self._atoms.bits(ports).to_bytes(8 * self.words, "little"), np.uint64)

    def of_words(self, must: bytes, may: bytes) -> int:
        """Return the number of what must and what may pass, given as the bytes of words."""
        bits = int.from_bytes(must, "little")
        assert not self.certain
        return self._masks.number(bits | int.from_bytes(may, "little") << len(self._atoms))

    def verdict(self, number: int) -> PairVerdict:
        """Return the ports that are allowed, and those that are undetermined."""
        known = self._sets.get(number)
        if known is None:
            may, must = divmod(self._masks.values[number], 1 << len(self._atoms))
            allowed = self._atoms.port_set(must)
            doubted = PortSet() if self.certain else self._atoms.port_set(may) - allowed
            known = self._sets[number] = PairVerdict(allowed, doubted)
        return known

    def _mask(self, must: PortSet, may: PortSet) -> int:
        bits = self._atoms.bits(must)
        return bits if self.certain else bits | self._atoms.bits(may) << len(self._atoms)


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
        index = np.searchsorted(self._pairs, pairs, side="right") - 1
        unknown = self._pairs[index] != pairs
        if unknown.any():
            self._learn(distinct(pairs[unknown]))
            index = np.searchsorted(self._pairs, pairs, side="right") - 1
        return self._results[index]

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
        for number, protocol in enumerate(TRANSPORTS)
        for first, last in ports.ranges(protocol)
    ]
    return (*spans, (_OTHER, _OTHER)) if ports.other else tuple(spans)


def _port_set(spans: list[tuple[int, int]]) -> PortSet:
    """Return the ports of ranges on the line, none of which mixes protocols."""
    ranges = {
        protocol: tuple(
            (first % _STEP, last % _STEP) for first, last in spans if first // _STEP == number
        )
        for number, protocol in enumerate(TRANSPORTS)
    }
    return PortSet.from_ranges(ranges, other=(_OTHER, _OTHER) in spans)
