"""Where pods are whose addresses are known: those in the same parts of the addresses are alike."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

import numpy as np

from podwall.reachability.addresses import first_address
from podwall.reachability.grouping import Csr
from podwall.reachability.matching import Match
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from podwall.model import Workload
    from podwall.reachability.atoms import Atoms
    from podwall.reachability.grouping import IntArray

__all__ = ["ANYWHERE", "Places"]

ANYWHERE: Final = 0
"""The place of pods whose addresses are not known."""


class Places:
    """Numbers places: the parts of all addresses in which the addresses of a pod lie."""

    def __init__(self, addresses: Atoms) -> None:
        """Begin with the place that is not known."""
        self._addresses = addresses
        self._parts = Registry[tuple[int, ...]]()
        self._parts.number(())

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self._parts.values)

    def number(self, workload: Workload) -> int:
        """Return where a workload is."""
        if not workload.addresses:
            return ANYWHERE
        firsts = (first_address(ip_network(each)) for each in workload.addresses)
        return self._parts.number(tuple(sorted({self._addresses.at(each) for each in firsts})))

    def within(self, parts: IntArray) -> IntArray:
        """Return for each place whether it is in some parts of the addresses, wholly or partly."""
        places = Csr.of_lists([np.array(each, dtype=np.int64) for each in self._parts.values])
        inside = np.zeros(len(self._addresses), dtype=np.int64)
        inside[parts] = 1
        count = np.bincount(places.owners(), weights=inside[places.items], minlength=len(self))
        some = np.where(count > 0, Match.MAYBE, Match.NO)
        return np.where(count == places.lengths, Match.YES, some)
