"""What `podwall diff` does: read two states, analyse both, show what changes between them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import chain

from podwall.cli.change_files import change_files, change_page, unread_files
from podwall.cli.comparing import Comparison, compared, subject_of
from podwall.cli.exit_code import ExitCode
from podwall.cli.inputs import paused_collector, tell_findings
from podwall.cli.options import FailOn
from podwall.cli.severity import at_least
from podwall.cli.talk import progress
from podwall.diff import Change, Effect
from podwall.policies.errors import PodwallError
from podwall.policies.findings import Severity
from podwall.reports.change_rows import HEADER, change_rows, told_kind
from podwall.reports.changes_json import changes_document
from podwall.reports.changes_text import changes_text
from podwall.reports.comment import comment
from podwall.reports.json_text import json_text
from podwall.reports.output_folder import write_files
from podwall.reports.table_lines import csv_line

__all__ = ["show_changes"]


def show_changes(options: Namespace) -> int:
    """Show what changes between two states, write it out, and return the exit code.

    Raises:
        PodwallError: there is nothing to compare; what is written out says so, too.
    """
    with paused_collector():
        try:
            with progress("reading"):
                found = compared(options)
        except PodwallError as problem:
            if options.out:
                files = unread_files(subject_of(options), options.link, problem)
                write_files(options.out, files)
            raise
        tell_findings(found.findings)
        sys.stdout.writelines(_report(options.output, found))
        sys.stdout.flush()
        code = _exit_code(FailOn(options.fail_on), found)
        if options.out:
            write_files(options.out, change_files(found, code, options.project))
        return code


def _report(output: str, found: Comparison) -> Iterator[str]:
    match output:
        case "json":
            yield json_text(changes_document(found.difference, found.findings))
        case "csv":
            yield from map(csv_line, chain([HEADER], change_rows(found.difference)))
        case "md":
            yield comment(found.report)
        case "html":
            yield change_page(found)
        case _:
            yield from changes_text(found.difference)


def _exit_code(fail_on: FailOn, found: Comparison) -> ExitCode:
    difference = found.difference
    severities = (each.severity for each in (*found.findings, *difference.findings))
    changes = [each for each in difference.changes() if told_kind(each) is not None]
    if any(at_least(fail_on, each) for each in (*severities, *map(_severity, changes))):
        return ExitCode.FOUND
    unsure = fail_on is FailOn.UNDETERMINED and any(each.after.undetermined for each in changes)
    return ExitCode.UNDETERMINED if unsure else ExitCode.FINE


def _severity(change: Change) -> Severity:
    """Return how much a change matters to `--fail-on`: what opens is an error."""
    if change.effect in {Effect.NEW, Effect.GONE}:
        return Severity.INFO
    return Severity.ERROR if change.opened else Severity.WARNING
