"""Port sets as bits: one bit for every part of all ports that no rule tells apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from podwall.model import Protocol
from podwall.portset import LAST_PORT, PortSet
from podwall.reachability.atoms import Atoms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.intervals import Ranges
    from podwall.reachability.bounds import Bounds

__all__ = ["PortAtoms", "Words"]

Words = npt.NDArray[np.uint64]
"""Bits in rows of 64-bit words."""

_TRANSPORTS: Final = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
_STEP: Final = LAST_PORT + 1
_OTHER: Final = len(_TRANSPORTS) * _STEP + 1  # not next to the last port of SCTP
_WORD: Final = 64


class PortAtoms:
    """Turns port sets into rows of bits and back. Any number of parts, 64 to a word."""

    def __init__(self, bounds: Sequence[Bounds]) -> None:
        """Find the parts that make up the given port sets."""
        self.halves = 1 if all(each.certain for each in bounds) else 2
        sets = dict.fromkeys(ports for each in bounds for ports in (each.must, each.may))
        self._atoms = Atoms([_line(ports) for ports in sets], (0, _OTHER + 1))
        self._ranges = self._atoms.ranges()
        self.width = -(-len(self._atoms) // _WORD)
        self._known: dict[bytes, PortSet] = {}

    def words(self, bounds: Sequence[Bounds]) -> Words:
        """Return a row for each bounds: the bits of `must`, then, if they ever differ, of `may`."""
        rows = np.zeros((len(bounds), self.halves, self.width), dtype=np.uint64)
        for row, each in zip(rows, bounds, strict=True):
            for half, ports in zip(row, (each.must, each.may), strict=False):
                bits = self._atoms.of(_line(ports))
                np.bitwise_or.at(half, bits // _WORD, np.uint64(1) << (bits % _WORD).astype("u8"))
        return rows.reshape(len(bounds), self.halves * self.width)

    def port_sets(self, row: bytes) -> tuple[PortSet, PortSet]:
        """Return what a row of words says is allowed, and what is undetermined."""
        half = len(row) // self.halves
        must = self._port_set(row[:half])
        return must, self._port_set(row[half:]) - must if self.halves > 1 else PortSet()

    def _port_set(self, words: bytes) -> PortSet:
        known = self._known.get(words)
        if known is None:
            bits = np.unpackbits(np.frombuffer(words, dtype=np.uint8), bitorder="little")
            ranges = [span for bit in np.flatnonzero(bits).tolist() for span in self._ranges[bit]]
            known = self._known[words] = _port_set(ranges)
        return known


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
