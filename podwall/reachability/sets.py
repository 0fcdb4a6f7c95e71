"""Many sets in little room: a set is a list, or another set without a list.

`NotIn` and `DoesNotExist` select nearly everything; what they leave out is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from podwall.reachability.grouping import Csr, IntArray, unpacked

__all__ = ["Sets"]

_NONE = -1


@dataclass(frozen=True)
class Sets:
    """Sets by number: set `i` is list `i`, or, where `whole[i]` is a number, that set without it.

    A set that is the whole of another is a plain list (`whole` is -1), and contains the other's
    list. Lists are in ascending order.
    """

    lists: Csr
    whole: IntArray

    @classmethod
    def plain(cls, lists: Csr) -> Sets:
        """Return the sets that are just lists."""
        return cls(lists, np.full(len(lists), _NONE))

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.lists)

    @cached_property
    def sizes(self) -> IntArray:
        """How many elements each set has."""
        listed = self.lists.lengths
        return np.where(self.whole == _NONE, listed, listed[self.whole] - listed)

    @cached_property
    def parts(self) -> Csr:
        """For each set, the sets of which it is the whole."""
        coded = np.flatnonzero(self.whole != _NONE)
        return Csr.of_pairs(self.whole[coded], coded, len(self))

    def take(self, numbers: IntArray) -> Sets:
        """Return the given sets, which are distinct, in order, and then those they are told by."""
        needed = np.setdiff1d(self.whole[numbers], np.append(numbers, _NONE))
        kept = np.concatenate([numbers, needed])
        place = np.full(len(self) + 1, _NONE)
        place[kept] = np.arange(len(kept))
        return Sets(self.lists.take(kept), place[self.whole[kept]])

    def among(self, elements: npt.NDArray[np.bool_]) -> Sets:
        """Return the sets with only those elements that are marked."""
        return Sets(self.lists.kept(elements[self.lists.items]), self.whole)

    def followed_by(self, lists: Csr) -> Sets:
        """Return these sets and then further plain ones."""
        return Sets(
            self.lists.followed_by(lists),
            np.concatenate([self.whole, np.full(len(lists), _NONE)]),
        )

    def gather(self, numbers: IntArray) -> tuple[IntArray, IntArray]:
        """Write out the given sets: for each element the index into `numbers`, and the element."""
        whole = self.whole[numbers]
        coded = np.flatnonzero(whole != _NONE)
        owner, place = self.lists.gather(np.where(whole == _NONE, numbers, whole))
        element = self.lists.items[place]
        if not len(coded):
            return owner, element
        index, out = self.lists.gather(numbers[coded])
        size = int(self.lists.items.max(initial=0)) + 1
        left_out = coded[index] * size + self.lists.items[out]
        kept = _without(owner * size + element, left_out)
        return owner[kept], element[kept]

    def around(self, lists: Csr, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Write out which sets contain elements, given the lists that each of them is on.

        Returns for each containing set the index into `rows`, and the set's number.
        """
        owner, place = lists.gather(rows)
        listed = lists.items[place]
        if not len(self.parts.items):
            return owner, listed
        coded = self.whole[listed] != _NONE
        part, spot = self.parts.gather(listed)
        codes = np.sort(owner[part] * len(self) + self.parts.items[spot], kind="stable")
        left_out = owner[coded] * len(self) + listed[coded]
        index, number = unpacked(codes[_without(codes, left_out)], len(self), len(rows))
        return np.append(owner[~coded], index), np.append(listed[~coded], number)


def _without(codes: IntArray, left_out: IntArray) -> npt.NDArray[np.bool_]:
    """Say which of some ascending numbers are not left out; what is left out is among them."""
    kept = np.ones(len(codes), dtype=np.bool_)
    kept[np.searchsorted(codes, left_out)] = False
    return kept
