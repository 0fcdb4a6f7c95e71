"""What `podwall check` does: hold expectations against the source, and show every one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from podwall.cli.arguments import paused_collector, read_review, sources_and_expectations
from podwall.cli.findings import write_reading
from podwall.exit_code import FailOn, exit_code
from podwall.expectations import Outcome, Result, check
from podwall.policies.errors import Severity
from podwall.reports.expectations import checks_document, checks_text
from podwall.reports.findings.documents import reading_fields
from podwall.reports.formats import json_text
from podwall.reports.words import left_out
from podwall.review import Review
from podwall.sources.expectations import expectations_in
from podwall.streams import MEDIA, write_output

__all__ = ["show_results"]


def show_results(options: Namespace) -> int:
    """Show what becomes of each expectation, and return the exit code.

    It is 1 also where an object could not be read: it may be the one that breaks something.
    """
    options.sources, path = sources_and_expectations(
        options.words, "check", getattr(options, "expectations", None)
    )
    expectations = expectations_in(path)
    with paused_collector():
        found = read_review(options)
        results = check(found.reachability, expectations)
        write_reading(found)
        write_output(_report(options.output, found, results), MEDIA.get(options.output))
    outcomes = {each.outcome for each in results}
    broken = [Severity.ERROR] if Outcome.FAIL in outcomes else []
    certain = Outcome.UNDETERMINED not in outcomes
    return exit_code(FailOn(options.fail_on), [*broken, *found.reading_findings], certain=certain)


def _report(output: str, found: Review, results: Sequence[Result]) -> Iterator[str]:
    if output == "json":
        engine = found.reachability.engine.name
        fields = reading_fields(found)
        yield json_text(checks_document(engine, results, found.locate, **fields))
    else:
        yield from checks_text(results, found.locate, left_out(found.not_read))
