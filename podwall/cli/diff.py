"""What `podwall diff` does: read two states, analyse both, show what changes between them.

The same change is shown in one format on the standard output, and with `--out` as every report at
once: for reviewers, for build servers, for scripts. Where a state can't be read, the comment says
so, because a pull request without a report looks like one without a change.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from podwall.cli.arguments import paused_collector, write_findings
from podwall.cli.messages import progress
from podwall.diff import ChangeCause, ConnectionChange, ConnectionChangeKind, Diff, diff
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.lint import lint, ranked, silenceable, triaged
from podwall.policies.errors import Finding, InvalidValue, PodwallError, Severity
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, SnapshotReading
from podwall.reports.changes import (
    CHANGE_HEADER,
    change_rows,
    changes_document,
    changes_text,
)
from podwall.reports.comment import (
    ChangeReport,
    change_report,
    change_sentence,
    comment,
    unread_comment,
)
from podwall.reports.findings.documents import sarif_document
from podwall.reports.findings.junit import findings_suite, junit_text
from podwall.reports.formats import csv_line, json_text
from podwall.reports.output_folder import write_files
from podwall.reports.page import html_page
from podwall.sources import Source, source
from podwall.sources.expectations import unmet_expectations

__all__ = [
    "ChangeReview",
    "change_files",
    "change_page",
    "compared",
    "show_changes",
    "subject_of",
    "unread_files",
]


class _State(NamedTuple):
    """One of the two states, with the documents whose annotations silence findings."""

    reading: SnapshotReading
    documents: tuple[Document, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class ChangeReview:
    """What changes, and what is known of it.

    `findings` stop the command: those of reading, and broken expectations. `known` are all findings
    on the state before, `all_findings` those on the state after.
    """

    difference: Diff
    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    all_findings: tuple[Finding, ...]
    report: ChangeReport


def compared(options: Namespace) -> ChangeReview:
    """Read both states, analyse them and compare them.

    Raises:
        SourceError: one of them can't be read.
        InvalidValue: there are not two states, or an expectation is not understood.
    """
    before, after = _states(options.sources)
    difference = diff(*_analysed(before, after, options.engine))
    unmet = options.expectations and unmet_expectations(options.expectations, difference.new)
    broken = tuple(unmet or ())
    known = _judged(before, difference.old)
    found = ranked((*broken, *_judged(after, difference.new)))
    report = change_report(
        difference,
        subject_of(options, after.source.stack),
        _brought(found, known, difference),
        artifact=options.link,
    )
    return ChangeReview(difference, (*after.reading.findings, *broken), known, found, report)


def subject_of(options: Namespace, stack: str = "") -> str:
    """Return what changes, as a reviewer calls it: a stack by its name, else the last source."""
    return str(options.subject or stack or f"`{options.sources[-1]}`")


def _brought(
    found: tuple[Finding, ...], known: tuple[Finding, ...], difference: Diff
) -> list[Finding]:
    """Return the findings that the change brings, without those of the difference itself."""
    listed = {(each.id, each.message) for each in (*known, *difference.findings)}
    return [each for each in found if (each.id, each.message) not in listed]


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
            return _State(before, both.deployed.documents, both), _after(both)
        case [old, new]:
            return _after(source(old)), _after(source(new))
        case _:
            raise InvalidValue(
                f"diff takes one preview or two sources, not {len(paths)}",
                help="as in `podwall diff old/ new/` or `podwall diff preview.json`",
            )


def _after(read: Source) -> _State:
    return _State(read.reading(), read.planned.documents, read)


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


def _judged(state: _State, found: Reachability) -> tuple[Finding, ...]:
    """Return what was found while reading and what the lints find, without what is silenced."""
    findings = (*state.reading.findings, *state.source.at_lines(lint(found)))
    return triaged(ranked(findings), state.documents, silenceable(findings)).findings


_OPENS = (ConnectionChangeKind.ADDED, ConnectionChangeKind.WIDENED)
_CLOSES = (ConnectionChangeKind.REMOVED, ConnectionChangeKind.NARROWED)


def change_files(found: ChangeReview, code: ExitCode, project: Path = Path()) -> Mapping[str, str]:
    """Return the text of each report by its file name.

    `project` is the folder of the program that a preview is of, whose lines the engine tells from
    there; build servers want them from here.

    `podwall.sarif` has all findings on the state after the change, because GitHub takes a finding
    that is left out for repaired; the others have those that the change brings.
    """
    report = found.report
    everything = dict.fromkeys((*found.difference.findings, *found.all_findings))
    seen_from_here = [_seen_from_here(each, project) for each in everything]
    kinds = Counter(each.kind for each in report.connections)
    severities = Counter(each.severity for each in report.findings)
    return {
        "comment.md": comment(report),
        "index.html": change_page(found),
        "changes.json": json_text(changes_document(found.difference, found.findings)),
        "podwall.sarif": json_text(sarif_document(seen_from_here, category=report.subject)),
        "podwall.xml": junit_text([findings_suite("podwall diff", report.findings)]),
        "outputs.txt": _outputs(
            {
                "exit-code": int(code),
                "opened": sum(kinds[kind] for kind in _OPENS),
                "closed": sum(kinds[kind] for kind in _CLOSES),
                "changed": kinds[ConnectionChangeKind.CHANGED],
                "errors": severities[Severity.ERROR],
                "warnings": severities[Severity.WARNING],
            }
        ),
    }


def _seen_from_here(finding: Finding, project: Path) -> Finding:
    """Return the finding, its file named from this folder if it lies in the program's."""
    place = finding.place
    if not place.source or not (project / place.source).is_file():
        return finding
    return replace(finding, place=replace(place, source=(project / place.source).as_posix()))


def change_page(found: ChangeReview) -> str:
    """Return the page with both states and their difference."""
    report, difference = found.report, found.difference
    return html_page(
        difference.new,
        report.subject.strip("`"),
        before=difference.old,
        change=change_sentence(report),
        findings=report.findings,
    )


def unread_files(subject: str, link: str, problem: PodwallError) -> Mapping[str, str]:
    """Return the reports of a change that can't be read: a comment that says so, and the code."""
    return {
        "comment.md": unread_comment(subject, problem, artifact=link),
        "outputs.txt": _outputs({"exit-code": int(ExitCode.BAD_INPUT)}),
    }


def _outputs(values: Mapping[str, int]) -> str:
    """Return `name=value` lines, the form that GitHub Actions and shells read."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


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
        write_findings(found.findings)
        sys.stdout.writelines(_report(options.output, found))
        sys.stdout.flush()
        code = _exit_code(FailOn(options.fail_on), found)
        if options.out:
            write_files(options.out, change_files(found, code, options.project))
        return code


def _report(output: str, found: ChangeReview) -> Iterator[str]:
    match output:
        case "json":
            yield json_text(changes_document(found.difference, found.findings))
        case "csv":
            yield from map(csv_line, chain([CHANGE_HEADER], change_rows(found.difference)))
        case "md":
            yield comment(found.report)
        case "html":
            yield change_page(found)
        case _:
            yield from changes_text(found.difference)


def _exit_code(fail_on: FailOn, found: ChangeReview) -> ExitCode:
    difference = found.difference
    changes = list(difference.port_changes())
    return exit_code(
        fail_on,
        [*found.findings, *difference.findings, *map(_severity, changes)],
        certain=not any(each.after.undetermined for each in changes),
    )


def _severity(change: ConnectionChange) -> Severity:
    """Return how much a change matters to `--fail-on`: what opens is an error."""
    if change.cause in {ChangeCause.NEW, ChangeCause.GONE}:
        return Severity.INFO
    return Severity.ERROR if change.opened else Severity.WARNING
