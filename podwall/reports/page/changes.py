"""What it means when one verdict follows another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from podwall.portset import PortSet
from podwall.reachability.grouping import IntArray
from podwall.reports.page.document import Change
from podwall.reports.page.registries import Verdicts

__all__ = ["change_kind", "changes_between"]

Known = tuple[PortSet, PortSet]
"""What is allowed, and what is undetermined."""


def change_kind(before: Known, after: Known) -> str:
    """Return the kind of a change between two verdicts that differ.

    >>> from podwall.portset import ALL_PORTS, NO_PORTS
    >>> change_kind((NO_PORTS, NO_PORTS), (ALL_PORTS, NO_PORTS))
    'opens'
    """
    (old, old_doubt), (new, new_doubt) = before, after
    old_most, new_most = old | old_doubt, new | new_doubt
    if not old_most:
        return "opens"
    if not new_most:
        return "closes"
    opened = new - old or new_most - old_most
    closed = old - new or old_most - new_most
    if opened and closed:
        return "changes"
    return "widens" if opened else "narrows"


def changes_between(
    verdicts: Verdicts, before: tuple[IntArray, IntArray], after: tuple[IntArray, IntArray]
) -> Iterator[Change]:
    """Yield the changes between two moments, given by their cells and the verdicts of each self.

    Both tables of cells have the same rows and columns.
    """
    keys = np.concatenate(
        [
            np.unique(np.stack([old.ravel(), new.ravel()]), axis=1).T
            for old, new in zip(before, after, strict=True)
        ]
    )
    for old, new in sorted({(int(old), int(new)) for old, new in keys if old != new}):
        known = verdicts.values[old], verdicts.values[new]
        if known[0] != known[1]:
            yield Change(old, new, change_kind(*known))
