"""What `podwall check` does: read both, analyse, compare, show every expectation."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from functools import partial

from podwall.cli.arguments import (
    paused_collector,
    read_source,
    source_and_expectations,
    write_findings,
)
from podwall.exit_code import ExitCode, FailOn, exit_code
from podwall.expectations import Outcome, Result, check
from podwall.policies.errors import Finding, Severity
from podwall.reachability import reachability
from podwall.reports.expectations import checks_document, checks_text
from podwall.reports.explanation import Locate
from podwall.reports.formats import json_text
from podwall.sources.expectations import expectations_in
from podwall.sources.yaml_lines import exact_place

__all__ = ["show_results"]


def show_results(options: Namespace) -> int:
    """Show what becomes of each expectation, and return the exit code."""
    options.source, path = source_and_expectations(options.words, "check")
    expectations = expectations_in(path)
    with paused_collector():
        source = read_source(options)
        reading = source.reading()
        found = reachability(reading.snapshot, options.engine)
        results = check(found, expectations)
        write_findings(reading.findings)
        locate = partial(exact_place, texts=source.texts)
        sys.stdout.writelines(_report(options.output, found.engine.name, results, locate))
        sys.stdout.flush()
    return _exit_code(FailOn(options.fail_on), results, reading.findings)


def _report(output: str, engine: str, results: Sequence[Result], locate: Locate) -> Iterator[str]:
    if output == "json":
        yield json_text(checks_document(engine, results, locate))
    else:
        yield from checks_text(results, locate)


def _exit_code(fail_on: FailOn, results: Sequence[Result], findings: Sequence[Finding]) -> ExitCode:
    """Return 1 also where an object could not be read: it may be the one that breaks something."""
    outcomes = {each.outcome for each in results}
    broken = [Severity.ERROR] if Outcome.FAIL in outcomes else []
    certain = Outcome.UNDETERMINED not in outcomes
    return exit_code(fail_on, [*broken, *findings], certain=certain)
