"""What another engine changes, and the edits that avoid it: as text and `podwall/migrate/v1`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podwall.migrate import Edit, Migration, policy_manifest, python_code
from podwall.reports.changes import change_lines, change_rows, changes_document
from podwall.reports.findings.documents import finding_document
from podwall.reports.formats import line_document
from podwall.reports.words import counted, printable

__all__ = ["FORMAT", "migration_document", "migration_text"]


def migration_text(migration: Migration) -> Iterator[str]:
    """Yield the lines."""
    difference = migration.difference
    engines = f"from {difference.old.engine.name} to {difference.new.engine.name}"
    rows = list(change_lines(list(change_rows(difference))))
    yield f"{engines}: {counted(len(rows), 'connection changes', 'connections change')}\n"
    yield from rows
    if migration.edits:
        yield f"\n{counted(len(migration.edits), 'edit')} that keep them:\n"
        for edit in migration.edits:
            yield from _edit_lines(edit)
    if rows:
        yield from _remaining(migration)
    if migration.limits:
        yield "\nto look at:\n"
        for finding in migration.limits:
            yield f"  {printable(str(finding))}\n"
            yield f"    help: {printable(finding.help)}\n"
            yield f"    see:  {finding.link}\n"


def _edit_lines(edit: Edit) -> Iterator[str]:
    place = "new" if edit.old is None else str(edit.old.place) or "edited"
    yield f"\n  {printable(edit.name)} ({printable(place)})\n"
    for reason in edit.reasons:
        yield f"  # {printable(reason)}\n"
    yield from (f"  {line}\n" for line in python_code(edit.new).splitlines())


def _remaining(migration: Migration) -> Iterator[str]:
    rows = list(change_lines(list(change_rows(migration.remaining))))
    if rows:
        left = counted(len(rows), "connection still changes", "connections still change")
        yield f"\nwith the edits, {left}:\n"
        yield from rows
    else:
        yield "\nwith the edits, no connection changes\n"


FORMAT: Final = "podwall/migrate/v1"


def migration_document(migration: Migration) -> dict[str, Any]:
    """Return a migration as a JSON document.

    `difference` and `remaining` are in the format `podwall/diff/v1`: what changes as things are,
    and what still changes once the edits are applied.
    """
    return {
        "format": FORMAT,
        "difference": changes_document(migration.difference),
        "edits": [_edit_document(each) for each in migration.edits],
        "remaining": changes_document(migration.remaining),
        "findings": [finding_document(each) for each in migration.limits],
    }


def _edit_document(edit: Edit) -> dict[str, Any]:
    return {
        "policy": edit.name,
        "place": None if edit.old is None else line_document(edit.old.place),
        "reasons": list(edit.reasons),
        "manifest": policy_manifest(edit.new),
        "python": python_code(edit.new),
    }
