"""What `podwall lint` does: read, analyse, show what is worth knowing."""

from __future__ import annotations

import sys
from argparse import Namespace

from podwall.cli.arguments import paused_collector, read_source
from podwall.exit_code import FailOn, exit_code
from podwall.lint import lint, ranked, silenceable, triaged
from podwall.reachability import reachability
from podwall.reports.findings.documents import lint_document, sarif_document
from podwall.reports.findings.junit import findings_suite, junit_text
from podwall.reports.findings.terminal import print_findings
from podwall.reports.formats import json_text
from podwall.reports.terminal import terminal

__all__ = ["show_findings"]


def show_findings(options: Namespace) -> int:
    """Show the findings on the source, and return the exit code."""
    with paused_collector():
        source = read_source(options)
        reading = source.reading()
        found = reachability(reading.snapshot, options.engine)
        all_findings = ranked((*reading.findings, *source.at_lines(lint(found))))
        known = silenceable(reading.findings)
        result = triaged(all_findings, source.planned.documents, known)
    match options.output:
        case "json":
            sys.stdout.write(json_text(lint_document(result, found.engine)))
        case "sarif":
            sys.stdout.write(json_text(sarif_document(result.findings, category=source.name)))
        case "junit":
            sys.stdout.write(junit_text([findings_suite("podwall lint", result.findings)]))
        case _:
            print_findings(result, terminal())
    sys.stdout.flush()
    return exit_code(
        FailOn(options.fail_on),
        result.findings,
        certain=found.is_certain,
    )
