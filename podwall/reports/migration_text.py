"""What another engine changes, for the terminal: connections, edits, and what can't be kept."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.diff import Diff
from podwall.migrate import Edit, Migration, python_code
from podwall.reports.change_rows import change_rows
from podwall.reports.words import counted, printable

__all__ = ["migration_text"]


def migration_text(migration: Migration) -> Iterator[str]:
    """Yield the lines."""
    difference = migration.difference
    engines = f"from {difference.old.engine.name} to {difference.new.engine.name}"
    rows = list(_lines(difference))
    yield f"{engines}: {counted(len(rows), 'connection changes', 'connections change')}\n"
    yield from rows
    if migration.edits:
        yield f"\n{counted(len(migration.edits), 'edit')} that keep them:\n"
        for edit in migration.edits:
            yield from _edit(edit)
    if rows:
        yield from _remaining(migration)
    if migration.limits:
        yield "\nto look at:\n"
        for finding in migration.limits:
            yield f"  {printable(str(finding))}\n"
            yield f"    help: {printable(finding.help)}\n"
            yield f"    see:  {finding.link}\n"


def _lines(difference: Diff) -> Iterator[str]:
    for row in change_rows(difference):
        doubt = f"  ({row.because})" if row.because else ""
        pair = f"{row.source} -> {row.destination}"
        yield f"  {row.change:8}  {pair}  {row.before} => {row.after}{doubt}\n"


def _edit(edit: Edit) -> Iterator[str]:
    place = "new" if edit.old is None else str(edit.old.place) or "edited"
    yield f"\n  {printable(edit.name)} ({printable(place)})\n"
    for reason in edit.reasons:
        yield f"  # {printable(reason)}\n"
    yield from (f"  {line}\n" for line in python_code(edit.new).splitlines())


def _remaining(migration: Migration) -> Iterator[str]:
    rows = list(_lines(migration.remaining))
    if rows:
        left = counted(len(rows), "connection still changes", "connections still change")
        yield f"\nwith the edits, {left}:\n"
        yield from rows
    else:
        yield "\nwith the edits, no connection changes\n"
