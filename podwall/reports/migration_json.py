"""What another engine changes, in the format `podwall/migrate/v1`: two diffs, edits, findings."""

from __future__ import annotations

from typing import Any, Final

from podwall.migrate import Edit, Migration, policy_manifest, python_code
from podwall.reports.changes_json import changes_document
from podwall.reports.findings_json import finding_document

__all__ = ["FORMAT", "migration_document"]

FORMAT: Final = "podwall/migrate/v1"


def migration_document(migration: Migration) -> dict[str, Any]:
    """Return a migration as a JSON document.

    `difference` and `remaining` are in the format `podwall/diff/v1`: what changes as things are,
    and what still changes once the edits are applied.
    """
    return {
        "format": FORMAT,
        "difference": changes_document(migration.difference),
        "edits": [_edit(each) for each in migration.edits],
        "remaining": changes_document(migration.remaining),
        "findings": [finding_document(each) for each in migration.limits],
    }


def _edit(edit: Edit) -> dict[str, Any]:
    place = None if edit.old is None else edit.old.place
    return {
        "policy": edit.name,
        "place": place and {"source": place.source, "line": place.line},
        "reasons": list(edit.reasons),
        "manifest": policy_manifest(edit.new),
        "python": python_code(edit.new),
    }
