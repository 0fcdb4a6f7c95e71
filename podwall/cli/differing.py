"""What `podwall diff` does: read two states, analyse both, show what changes between them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from podwall.cli.exit_code import ExitCode
from podwall.cli.inputs import paused_collector, tell_findings
from podwall.cli.options import FailOn
from podwall.cli.severity import at_least
from podwall.cli.talk import progress
from podwall.diff import Change, Diff, Effect, diff
from podwall.lint import LINTS, judged, lint, ranked
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, Reading
from podwall.reports.change_rows import HEADER, change_rows, told_kind
from podwall.reports.changes_json import changes_document
from podwall.reports.changes_text import changes_text
from podwall.reports.comment import change_report, change_sentence, comment
from podwall.reports.json_text import json_text
from podwall.reports.page import html_page
from podwall.reports.table_lines import csv_line
from podwall.sources import source
from policies.errors import InvalidValue
from policies.findings import Finding, Severity

__all__ = ["show_changes"]


def show_changes(options: Namespace) -> int:
    """Show what changes between two states, and return the exit code."""
    with paused_collector():
        with progress("reading"):
            before, after = _states(options.sources)
        old, new = _analysed(before, after, options.engine)
        difference = diff(old, new)
        findings = after.reading.findings
        tell_findings(findings)
        if options.output in {"md", "html"}:
            sys.stdout.write(_for_reviewers(options, difference, before, after))
        else:
            sys.stdout.writelines(_report(options.output, difference, findings))
        sys.stdout.flush()
        return _exit_code(FailOn(options.fail_on), difference, findings)


class _State(NamedTuple):
    """One of the two states, with the documents whose annotations silence findings."""

    reading: Reading
    documents: tuple[Document, ...]


def _states(paths: list[str]) -> tuple[_State, _State]:
    match paths:
        case [path]:
            both = source(path)
            before = both.deployed_reading()
            if before is None or both.deployed is None:
                raise InvalidValue(
                    f"`{path}` holds one state, and a diff needs two",
                    help="give OLD and NEW, or the output of `pulumi preview --json --show-sames`",
                )
            after = _State(both.reading(), both.planned.documents)
            return _State(before, both.deployed.documents), after
        case [old, new]:
            one, other = source(old), source(new)
            return (
                _State(one.reading(), one.planned.documents),
                _State(other.reading(), other.planned.documents),
            )
        case _:
            raise InvalidValue(
                f"diff takes one preview or two sources, not {len(paths)}",
                help="as in `podwall diff old/ new/` or `podwall diff preview.json`",
            )


def _analysed(
    before: _State, after: _State, engine: str | None
) -> tuple[Reachability, Reachability]:
    """Return both analyses; a state that declares no engine is judged by that of the other one."""
    snapshots = before.reading.snapshot, after.reading.snapshot
    declared = [each.engine for each in snapshots]
    old, new = (
        reachability(each, engine or each.engine or other)
        for each, other in zip(snapshots, reversed(declared), strict=True)
    )
    return old, new


def _report(output: str, difference: Diff, findings: tuple[Finding, ...]) -> Iterator[str]:
    match output:
        case "json":
            yield json_text(changes_document(difference, findings))
        case "csv":
            yield from map(csv_line, chain([HEADER], change_rows(difference)))
        case _:
            yield from changes_text(difference)


def _for_reviewers(options: Namespace, difference: Diff, before: _State, after: _State) -> str:
    """Return the comment or the page, with the findings that the change brings."""
    subject = options.subject or f"`{options.sources[-1]}`"
    known = {
        (each.id, each.message) for each in (*_judged(before, difference.old), *difference.findings)
    }
    new = [each for each in _judged(after, difference.new) if (each.id, each.message) not in known]
    report = change_report(difference, subject, new, artifact=options.link)
    if options.output == "md":
        return comment(report)
    change = change_sentence(report)
    findings = report.findings
    named = subject.strip("`")
    return html_page(difference.new, named, before=difference.old, change=change, findings=findings)


def _judged(state: _State, found: Reachability) -> tuple[Finding, ...]:
    """Return what was found while reading and what the lints find, without what is silenced."""
    findings = (*state.reading.findings, *lint(found))
    known = frozenset({each.id for each in LINTS} | {each.id for each in findings})
    return judged(ranked(findings), state.documents, known).findings


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
