"""What `podwall lint` does: show what is worth knowing about the source."""

from __future__ import annotations

from argparse import Namespace

from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_patch, write_unread
from podwall.exit_code import FailOn
from podwall.reachability.few_arrays import one_answer
from podwall.reports.findings.documents import lint_document, sarif_document
from podwall.reports.findings.junit import findings_suite, junit_text
from podwall.reports.findings.terminal import print_findings
from podwall.reports.formats import json_text
from podwall.reports.screen import terminal
from podwall.reports.words import left_out
from podwall.streams import shown_json, shown_markup, write_output

__all__ = ["show_findings"]


def show_findings(options: Namespace) -> int:
    """Show the findings on the source, and return the exit code."""
    one_answer()
    with paused_collector():
        found = read_review(options)
        findings = found.findings
    if options.patch:
        from podwall.patches import lint_patch  # noqa: PLC0415 - few ask for a patch

        write_patch(lint_patch(found))
        return found.exit_code(FailOn(options.fail_on), findings)
    match options.output:
        case "json":
            engine = found.reachability.engine
            document = lint_document(engine, findings, found.suppressed, found.not_read)
            write_output([json_text(document)], shown_json)
        case "sarif":
            write_output(
                [json_text(sarif_document(findings, category=found.source.name))], shown_json
            )
        case "junit":
            write_output([junit_text([findings_suite("podwall lint", findings)])], shown_markup)
        case _:
            print_findings(findings, found.suppressed, terminal(), left_out(found.not_read))
    write_unread(found, findings)
    return found.exit_code(FailOn(options.fail_on), findings)
