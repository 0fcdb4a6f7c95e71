"""What the page says before anything is chosen: the things to look at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.reports.page.document import Note
from podwall.reports.page.ends import Ends
from podwall.reports.summary import Summary

__all__ = ["glance"]

_SAID: Final = (
    ("can be reached from outside the cluster", "can be reached from outside the cluster"),
    ("accepts connections from anyone", "accept connections from anyone"),
    ("may connect to anyone", "may connect to anyone"),
)


def glance(found: Summary, ends: Ends) -> Iterator[Note]:
    """Yield the notes on an analysis, the first of those in `ends`."""
    if not found.workloads:
        return
    number = {place: k for k, place in enumerate(ends.places[0].tolist())}
    lists = (found.from_outside, found.admitting, found.roaming)
    for places, (one, many) in zip(lists, _SAID, strict=True):
        yield _note(tuple(number[place] for place in places), found.workloads, one, many)


def _note(endpoints: tuple[int, ...], workloads: int, one: str, many: str) -> Note:
    match len(endpoints):
        case 0:
            return Note("No", f"workload {one}.")
        case count if count == workloads:
            # To name all of them would tell nothing.
            return Note("Every", f"workload {one}.")
        case 1:
            return Note("1", f"workload {one}:", endpoints)
        case count:
            return Note(f"{count:,}", f"workloads {many}:", endpoints)
