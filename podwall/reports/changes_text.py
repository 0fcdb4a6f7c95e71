"""What a change does, for the terminal: what differs, then the connections, sorted by cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from podwall.diff import Diff, Effect
from podwall.reports.change_rows import ChangeRow, change_rows
from podwall.reports.words import counted, printable

__all__ = ["changes_text"]

_TITLES: Final = {
    Effect.POLICY: "changed by policies:",
    Effect.OTHER: "changed by labels, ports, services, namespaces or the engine:",
    Effect.NEW: "of new workloads:",
    Effect.GONE: "of workloads that are gone:",
}


def changes_text(difference: Diff) -> Iterator[str]:
    """Yield the lines."""
    yield from _what_differs(difference)
    order = list(_TITLES)
    rows = sorted(change_rows(difference), key=lambda row: order.index(Effect(row.effect)))
    if not rows:
        yield "no connection changes\n"
    for effect, group in groupby(rows, key=lambda row: Effect(row.effect)):
        yield f"\n{_TITLES[effect]}\n"
        yield from _lines(list(group))


def _what_differs(difference: Diff) -> Iterator[str]:
    for finding in difference.findings:
        yield f"{finding}\n"
    if difference.policies:
        names = (f"{printable(each.name)} ({each.kind})" for each in difference.policies)
        count = counted(len(difference.policies), "policy differs", "policies differ")
        yield f"{count}: {', '.join(names)}\n"
    for ends, words in ((difference.added, "new"), (difference.gone, "gone")):
        if ends:
            names = (printable(each.id) for each in ends)
            yield f"{counted(len(ends), 'workload')} {words}: {', '.join(names)}\n"


def _lines(rows: Sequence[ChangeRow]) -> Iterator[str]:
    ends = [f"{row.source} -> {row.destination}" for row in rows]
    width = max(map(len, ends))
    for row, pair in zip(rows, ends, strict=True):
        why = f"  [{row.policies}]" if row.policies else ""
        doubt = f"  ({row.because})" if row.because else ""
        yield f"  {row.change:8}  {pair:{width}}  {row.before} => {row.after}{why}{doubt}\n"
