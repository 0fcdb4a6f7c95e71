"""Every report of a change at once, as files: for reviewers, for build servers, for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from podwall.cli.comparing import Comparison
from podwall.cli.exit_code import ExitCode
from podwall.diff import ChangeKind
from podwall.policies.errors import PodwallError
from podwall.policies.findings import Finding, Severity
from podwall.reports.changes_json import changes_document
from podwall.reports.comment import change_sentence, comment, unread_comment
from podwall.reports.json_text import json_text
from podwall.reports.junit import findings_suite, junit_text
from podwall.reports.page import html_page
from podwall.reports.sarif import sarif_document

__all__ = ["change_files", "change_page", "unread_files"]

_OPENS = (ChangeKind.ADDED, ChangeKind.WIDENED)
_CLOSES = (ChangeKind.REMOVED, ChangeKind.NARROWED)


def change_files(found: Comparison, code: ExitCode, project: Path = Path()) -> Mapping[str, str]:
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
                "changed": kinds[ChangeKind.CHANGED],
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


def change_page(found: Comparison) -> str:
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
