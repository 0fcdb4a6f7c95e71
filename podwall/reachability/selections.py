"""What many selectors select, as arrays, so that memberships are tested all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from podwall.reachability.grouping import Csr, IntArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.reachability.label_index import Selected

__all__ = ["Selections"]

BoolArray = npt.NDArray[np.bool_]


class Selections:
    """The answers of many selectors over the same `count` label maps.

    After the selectors' answers come their opposites, in the same order.
    """

    def __init__(self, selected: Sequence[Selected], count: int) -> None:
        """Lay the answers side by side."""
        once = Csr.of_lists([each.these for each in selected])
        self.these = once.followed_by(once)
        negated = np.array([each.negated for each in selected], dtype=np.bool_)
        self.negated: BoolArray = np.concatenate([negated, ~negated])
        self._count = count
        self._codes = self.these.owners() * count + self.these.items

    def __len__(self) -> int:
        """Return the number of answers, opposites among them."""
        return len(self.these)

    def include(self, selectors: IntArray, maps: IntArray) -> BoolArray:
        """Say of each pair of a selector and a label map whether the one selects the other."""
        if not len(self._codes):
            return self.negated[selectors]
        codes = selectors * self._count + maps
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        listed: BoolArray = np.equal(self._codes[place], codes)
        included: BoolArray = np.not_equal(listed, self.negated[selectors])
        return included

    def all_of(self, selector: int) -> IntArray:
        """Return the label maps that a selector selects, in ascending order."""
        these = self.these[selector]
        if not self.negated[selector]:
            return these
        rest = np.ones(self._count, dtype=np.bool_)
        rest[these] = False
        return np.flatnonzero(rest)
