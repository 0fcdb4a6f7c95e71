"""What `podwall diff` does: read two states, analyse both, show what changes between them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator

from podwall.cli.exit_code import ExitCode
from podwall.cli.inputs import paused_collector, tell_findings
from podwall.cli.options import FailOn
from podwall.cli.severity import at_least
from podwall.cli.talk import progress
from podwall.diff import Change, Diff, Effect, diff
from podwall.reachability import reachability
from podwall.reading import Reading
from podwall.reports.change_rows import HEADER, change_rows, told_kind
from podwall.reports.changes_json import changes_document
from podwall.reports.changes_text import changes_text
from podwall.reports.json_text import json_text
from podwall.reports.table_lines import csv_lines, markdown_lines
from podwall.sources import source
from policies.errors import InvalidValue
from policies.findings import Finding, Severity

__all__ = ["show_changes"]


def show_changes(options: Namespace) -> int:
    """Show what changes between two states, and return the exit code."""
    with paused_collector():
        with progress("reading"):
            before, after = _readings(options.sources)
        old = reachability(before.snapshot, options.engine)
        new = reachability(after.snapshot, options.engine)
        difference = diff(old, new)
        tell_findings(after.findings)
        sys.stdout.writelines(_report(options.output, difference, after.findings))
        sys.stdout.flush()
        return _exit_code(FailOn(options.fail_on), difference, after.findings)


def _readings(paths: list[str]) -> tuple[Reading, Reading]:
    match paths:
        case [path]:
            both = source(path)
            before = both.deployed_reading()
            if before is None:
                raise InvalidValue(
                    f"`{path}` holds one state, and a diff needs two",
                    help="give OLD and NEW, or the output of `pulumi preview --json --show-sames`",
                )
            return before, both.reading()
        case [old, new]:
            return source(old).reading(), source(new).reading()
        case _:
            raise InvalidValue(
                f"diff takes one preview or two sources, not {len(paths)}",
                help="as in `podwall diff old/ new/` or `podwall diff preview.json`",
            )


def _report(output: str, difference: Diff, findings: tuple[Finding, ...]) -> Iterator[str]:
    match output:
        case "json":
            yield json_text(changes_document(difference, findings))
        case "csv":
            yield from csv_lines(HEADER, change_rows(difference))
        case "md":
            yield from markdown_lines(HEADER, change_rows(difference))
        case _:
            yield from changes_text(difference)


def _exit_code(fail_on: FailOn, difference: Diff, findings: tuple[Finding, ...]) -> ExitCode:
    found = (each.severity for each in (*findings, *difference.findings))
    changes = [each for each in difference.changes() if told_kind(each) is not None]
    if any(at_least(fail_on, each) for each in (*found, *map(_severity, changes))):
        return ExitCode.FOUND
    unsure = fail_on is FailOn.UNDETERMINED and any(each.after.undetermined for each in changes)
    return ExitCode.UNDETERMINED if unsure else ExitCode.FINE


def _severity(change: Change) -> Severity:
    """Return how much a change matters to `--fail-on`: what opens is an error."""
    if change.effect in {Effect.NEW, Effect.GONE}:
        return Severity.INFO
    return Severity.ERROR if change.opened else Severity.WARNING
