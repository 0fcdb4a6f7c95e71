"""What another engine changes, and the edits that avoid it: as text and `podwall/migrate/v1`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from podwall.documents import TypedDocument, about
from podwall.migrate import Edit, Migration, manifest_code, policy_manifest
from podwall.plan.plan_json import FindingDocument, finding_document
from podwall.reports.changes import (
    ChangesDocument,
    change_lines,
    change_rows_in_words,
    changes_document,
)
from podwall.reports.findings.documents import LedgerDocument, ledger_fields
from podwall.reports.formats import ObjectPlaceDocument, line_document
from podwall.reports.words import counted, left_out, printable
from podwall.review import Review

__all__ = ["MigrationDocument", "migration_document", "migration_text"]


def migration_text(migration: Migration, found: Review) -> Iterator[str]:
    """Yield the lines."""
    difference = migration.difference
    engines = f"from {difference.old.engine.name} to {difference.new.engine.name}"
    rows = list(change_lines(list(change_rows_in_words(difference))))
    yield f"{engines}: {counted(len(rows), 'connection changes', 'connections change')}\n"
    yield from rows
    yield from (f"! {each}\n" for each in left_out(found.not_read))
    if migration.edits:
        yield f"\n{counted(len(migration.edits), 'edit')} that keep them:\n"
        for edit in migration.edits:
            yield from _edit_lines(edit, found)
    if rows:
        yield from _remaining(migration)
    if migration.limits:
        yield "\nto look at:\n"
        for finding in migration.limits:
            yield f"  {printable(str(finding))}\n"
            yield f"    help: {printable(finding.help)}\n"
            yield f"    see:  {finding.link}\n"


def _edit_lines(edit: Edit, found: Review) -> Iterator[str]:
    place = "new" if edit.old is None else str(edit.old.place) or "edited"
    yield f"\n  {printable(edit.name)} ({printable(place)})\n"
    for reason in edit.reasons:
        yield f"  # {printable(reason)}\n"
    yield from (f"  {line}\n" for line in manifest_code(_manifest(edit, found)).splitlines())


def _manifest(edit: Edit, found: Review) -> dict[str, Any]:
    return found.real_names.written(policy_manifest(edit.new))


def _remaining(migration: Migration) -> Iterator[str]:
    rows = list(change_lines(list(change_rows_in_words(migration.remaining))))
    if rows:
        left = counted(len(rows), "connection still changes", "connections still change")
        yield f"\nwith the edits, {left}:\n"
        yield from rows
    else:
        yield "\nwith the edits, no connection changes\n"


class EditDocument(TypedDocument):
    """An edit of a policy that keeps what another engine would change."""

    policy: Annotated[str, about("`namespace/name`.")]
    place: Annotated[
        ObjectPlaceDocument | None,
        about("Where the policy is written; null for a new one."),
    ]
    reasons: Annotated[tuple[str, ...], Meta(min_length=1)]
    manifest: Annotated[
        dict[str, Any],
        about(
            "The edited policy as a Kubernetes object.",
            extra_json_schema={"required": ["apiVersion", "kind", "metadata", "spec"]},
        ),
    ]
    python: Annotated[str, about("The same in the language of `podwall.policies`.")]


class MigrationDocument(LedgerDocument, tag_field="format", tag="podwall/migrate/v1"):
    """What `podwall migrate -o json` prints: what another engine changes, and edits."""

    difference: Annotated[ChangesDocument, about("What changes as things are.")]
    edits: tuple[EditDocument, ...]
    remaining: Annotated[ChangesDocument, about("What still changes once all edits are applied.")]
    findings: Annotated[
        tuple[FindingDocument, ...],
        about(
            "What was found while reading, and what no NetworkPolicy can keep or nobody can know "
            "before."
        ),
    ]


def migration_document(migration: Migration, found: Review) -> MigrationDocument:
    """Return a migration, and what was found while reading what migrates, as a document."""
    return MigrationDocument(
        changes_document(migration.difference),
        tuple(_edit_document(each, found) for each in migration.edits),
        changes_document(migration.remaining),
        tuple(map(finding_document, (*found.reading_findings, *migration.limits))),
        **ledger_fields(found.not_read),
    )


def _edit_document(edit: Edit, found: Review) -> EditDocument:
    return EditDocument(
        edit.name,
        None if edit.old is None else line_document(edit.old.place),
        tuple(edit.reasons),
        _manifest(edit, found),
        manifest_code(_manifest(edit, found)),
    )
