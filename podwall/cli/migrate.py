"""What `podwall migrate` does: analyse under both engines, propose edits, prove them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence

from podwall.cli.arguments import paused_collector, read_source, write_findings
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.migrate import Migration, migrate, policy_manifest, python_script
from podwall.policies.errors import Finding, Severity
from podwall.reports.formats import json_text
from podwall.reports.migration import migration_document, migration_text
from podwall.reports.preview.manifests import kubernetes_yaml

__all__ = ["show_migration"]


def show_migration(options: Namespace) -> int:
    """Show what the other engine changes, and return the exit code."""
    with paused_collector():
        reading = read_source(options).reading()
        old = options.old or reading.snapshot.engine or "azure"
        migration = migrate(reading.snapshot, old, options.new)
        write_findings(reading.findings)
        sys.stdout.writelines(_report(options.output, migration))
        sys.stdout.flush()
        return _exit_code(FailOn(options.fail_on), migration, reading.findings)


def _report(output: str, migration: Migration) -> Iterator[str]:
    match output:
        case "json":
            yield json_text(migration_document(migration))
        case "yaml":
            documents = (kubernetes_yaml(policy_manifest(each.new)) for each in migration.edits)
            yield "---\n".join(documents)
        case "py":
            yield python_script([each.new for each in migration.edits])
        case _:
            yield from migration_text(migration)


def _exit_code(fail_on: FailOn, migration: Migration, findings: Sequence[Finding]) -> ExitCode:
    """Return 1 where a connection changes for certain; the edits are a proposal, not a fact."""
    changes = migration.difference.port_changes()
    perhaps = [each.after.undetermined and not each.closed for each in changes]
    changed = [] if all(perhaps) else [Severity.ERROR]
    return exit_code(fail_on, [*changed, *findings, *migration.limits], certain=not perhaps)
