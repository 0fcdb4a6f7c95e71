"""What `podwall reach --flows` does: show observed flows beside what is predicted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from podwall.cli.arguments import paused_collector, read_review
from podwall.cli.findings import write_findings, write_reading
from podwall.exit_code import FailOn, exit_code
from podwall.explain import Explanation, explain
from podwall.observed import ComparedFlows, FlowRecords, ObservedFlows
from podwall.policies.errors import Finding, InvalidValue, Severity
from podwall.reachability import Reachability, Verdict
from podwall.reports.expectations import observed_document, observed_text
from podwall.reports.findings.documents import reading_fields
from podwall.reports.formats import json_text
from podwall.sources.files import STDIN
from podwall.sources.flow_records import flows_in
from podwall.streams import progress, shown_json, write_message, write_output

__all__ = ["observed_in", "show_observed", "write_refused"]

_MOST_EXPLAINED: Final = 5
_SEVERITIES: Final = {Verdict.DENIED: Severity.ERROR, Verdict.UNDETERMINED: Severity.WARNING}


def show_observed(options: Namespace) -> int:
    """Show observed flows beside what is predicted of the source, and return the exit code.

    A flow that is in use and denied is an error to `--fail-on`, one that is undetermined, and a
    line that can't be read, a warning.

    Raises:
        InvalidValue: the format is none for observed flows.
        SourceError: a file of records can't be read.
    """
    if options.output not in {"text", "json"}:
        raise InvalidValue(
            f"observed flows are not written as {options.output}",
            help="give `-o text` or `-o json`",
        )
    with paused_collector():
        found = read_review(options)
        write_reading(found)
        records = FlowRecords()
        observed = observed_in(options.flows, found.reachability, records, options.sources)
        compared = ComparedFlows.of(observed, records)
    write_refused(records)
    if options.output == "json":
        write_output([json_text(observed_document(compared, **reading_fields(found)))], shown_json)
    else:
        explained = _explained(compared)
        write_output(observed_text(compared, explained, found.locate))
    weighed: tuple[Finding | Severity, ...] = (
        *found.reading_findings,
        *records.findings,
        *_severities(compared),
    )
    return exit_code(FailOn(options.fail_on), weighed, certain=compared.is_certain)


def _severities(compared: ComparedFlows) -> Iterator[Severity]:
    for verdict, severity in _SEVERITIES.items():
        yield from (severity for _ in compared.in_use(verdict))


def observed_in(
    paths: Sequence[str], found: Reachability, records: FlowRecords, sources: Sequence[str] = ()
) -> ObservedFlows:
    """Return the flows of files, counted by the endpoints of an analysis.

    Raises:
        InvalidValue: the standard input is a source already.
        SourceError: a file can't be read, or has no record.
    """
    if STDIN in paths and STDIN in sources:
        raise InvalidValue(
            "the standard input is given as a source and as flow records",
            help="give one of them as a file",
        )
    observed = ObservedFlows(found)
    with progress("reading flows"):
        for flow in flows_in(paths, records):
            observed.add(flow)
    return observed


def write_refused(records: FlowRecords) -> None:
    """Say which lines are no records: the first few, and how many there are."""
    write_findings(records.findings)
    if records.unreadable > len(records.findings):
        write_message(f"{records.unreadable:,} lines in all are no flow records")


def _explained(compared: ComparedFlows) -> Iterator[Explanation]:
    """Yield why the first flows that are in use are denied, those most often seen first."""
    denied = sorted(compared.in_use(Verdict.DENIED), key=lambda flow: -flow.seen.seen)
    for each in islice(denied, _MOST_EXPLAINED):
        source, destination, protocol, port = each.flow
        if port:
            yield explain(compared.observed.found, source, destination, protocol, port)
