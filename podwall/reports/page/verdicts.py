"""Verdicts, port sets and endpoint sets by number, as the page's document has them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from podwall.diff import PairVerdict
from podwall.portset import ALL_PORTS, NO_PORTS, PortSet
from podwall.reports.page.document import PagePorts, PageVerdict, Runs
from podwall.reports.words import printable
from podwall.verdict_table import CausedVerdict

__all__ = [
    "EndpointSets",
    "IntArray",
    "Numbering",
    "VerdictNumbers",
    "runs_of",
]


IntArray = npt.NDArray[np.int64]

Value = TypeVar("Value", bound=Hashable)


class Numbering(Generic[Value]):
    """Numbers values in the order in which they are met."""

    def __init__(self, *values: Value) -> None:
        """Number the first values."""
        self._numbers: dict[Value, int] = {value: number for number, value in enumerate(values)}

    def of(self, value: Value) -> int:
        """Return the number of a value."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, by number."""
        return tuple(self._numbers)


class VerdictNumbers:
    """The port sets and verdicts of the page; 0 is nothing in both."""

    def __init__(self) -> None:
        """Begin with what every page has."""
        self._ports: Numbering[PortSet] = Numbering(NO_PORTS)
        self._verdicts: Numbering[PageVerdict] = Numbering(PageVerdict(0))

    def port_set(self, ports: PortSet) -> int:
        """Return the number of a port set."""
        return self._ports.of(ports)

    def verdict(self, found: CausedVerdict) -> int:
        """Return the number of a verdict."""
        perhaps = tuple((self._ports.of(e.ports), printable(e.because)) for e in found.undetermined)
        verdict = PageVerdict(self._ports.of(found.allowed), perhaps, found.exact)
        return self._verdicts.of(verdict)

    def passing(self, number: int) -> PairVerdict:
        """Return the ports of a verdict by its number."""
        ports, found = self._ports.values, self._verdicts.values[number]
        return PairVerdict(
            ports[found.allowed], PortSet.union(ports[k] for k, _ in found.undetermined)
        )

    def page_ports(self) -> tuple[PagePorts, ...]:
        """Return all port sets as the page has them."""
        return tuple(
            PagePorts(str(each), each == ALL_PORTS, each.other, each.tcp, each.udp, each.sctp)
            for each in self._ports.values
        )

    def page_verdicts(self) -> tuple[PageVerdict, ...]:
        """Return all verdicts as the page has them."""
        return self._verdicts.values


class EndpointSets:
    """Sets of endpoints, made from sets of the elements that the analysis works with."""

    ABSENT: Final = -1

    def __init__(self, elements: IntArray, universe: int) -> None:
        """Take each endpoint's element, `ABSENT` where the analysis does not know it.

        `universe` is the number of elements.
        """
        self._elements = np.where(elements == self.ABSENT, universe, elements)
        self.universe = universe
        self._numbers: Numbering[Runs] = Numbering()

    def number(self, elements: IntArray) -> int:
        """Return the number of the set of endpoints that have one of the elements."""
        flags = np.zeros(self.universe + 1, dtype=np.int64)
        flags[elements] = 1
        return self._numbers.of(_true_runs(flags[self._elements]))

    @property
    def values(self) -> tuple[Runs, ...]:
        """All sets, by number."""
        return self._numbers.values


def _true_runs(flags: IntArray) -> Runs:
    edges = np.flatnonzero(np.diff(flags, prepend=0, append=0))
    firsts, ends = edges[::2], edges[1::2]
    return tuple(np.column_stack([firsts, ends - firsts]).ravel().tolist())


def runs_of(values: IntArray) -> Runs:
    """Return a sequence as runs: each value with how often it stands in a row.

    >>> runs_of(np.array([4, 4, 0]))
    (4, 2, 0, 1)
    """
    firsts = np.flatnonzero(np.diff(values, prepend=-1))
    counts = np.diff(firsts, append=len(values))
    return tuple(np.column_stack([values[firsts], counts]).ravel().tolist())
