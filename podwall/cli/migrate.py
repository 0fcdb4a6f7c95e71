"""What `podwall migrate` does: show what another engine changes in the source, and the edits."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_findings, write_patch, write_unmade_names, write_unread
from podwall.exit_code import FailOn, exit_code
from podwall.migrate import Migration, migrate, policy_manifest, python_script
from podwall.reports.changes import migration_document, migration_text
from podwall.reports.files import kubernetes_yaml
from podwall.reports.formats import document_text
from podwall.reports.words import as_comments, left_out
from podwall.review import Review
from podwall.streams import MEDIA, write_output

__all__ = ["show_migration"]


def show_migration(options: Namespace) -> int:
    """Show what the other engine changes, and return the exit code."""
    with paused_collector():
        found = _under_the_old_engine(options)
        migration = migrate(found.reading.snapshot, found.reachability.engine.name, options.new)
        write_findings(found.reading_findings)
        write_unread(found, found.reading_findings)
        write_unmade_names(found, _manifests(found, migration))
        if options.patch:
            from podwall.patches import migration_patch  # noqa: PLC0415 - few ask for a patch

            write_patch(migration_patch(found, migration))
        else:
            write_output(_report(options.output, found, migration), MEDIA.get(options.output))
        weighed = (*migration.weighed, *found.reading_findings)
        return exit_code(FailOn(options.fail_on), weighed, certain=migration.is_certain)


def _under_the_old_engine(options: Namespace) -> Review:
    """Return what the source means today: under the engine named, else its own, else azure."""
    found = read_review(options)
    declared = found.source.planned.cluster.engine
    return replace(found, engine=options.old or declared or "azure")


def _report(output: str, found: Review, migration: Migration) -> Iterator[str]:
    lacking = left_out(found.not_read)
    match output:
        case "json":
            yield document_text(migration_document(migration, found))
        case "yaml":
            yield as_comments(lacking)
            yield "---\n".join(map(kubernetes_yaml, _manifests(found, migration)))
        case "py":
            yield as_comments(lacking)
            yield python_script(_manifests(found, migration))
        case _:
            yield from migration_text(migration, found)


def _manifests(found: Review, migration: Migration) -> list[dict[str, Any]]:
    """Return the edited policies as the cluster knows their namespaces."""
    return [found.real_names.written(policy_manifest(each.new)) for each in migration.edits]
