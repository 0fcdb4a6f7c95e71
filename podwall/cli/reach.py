"""What `podwall reach` does: read, analyse, show every pair that is not denied."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence

from podwall.cli.arguments import paused_collector, read_source, write_findings
from podwall.exit_code import FailOn, exit_code
from podwall.policies.errors import Finding
from podwall.reachability import Reachability, reachability
from podwall.reports.reach.documents import reach_stream
from podwall.reports.reach.rows import reach_csv, reach_markdown

__all__ = ["show_reach"]


def show_reach(options: Namespace) -> int:
    """Show who can reach whom in the source, and return the exit code."""
    with paused_collector():
        reading = read_source(options).reading()
        found = reachability(reading.snapshot, options.engine)
        write_findings(reading.findings)
        sys.stdout.writelines(_report(options, found, reading.findings))
        sys.stdout.flush()
        return exit_code(
            FailOn(options.fail_on),
            reading.findings,
            certain=found.is_certain,
        )


def _report(options: Namespace, found: Reachability, findings: Sequence[Finding]) -> Iterable[str]:
    match options.output:
        case "json":
            return reach_stream(found)
        case "csv":
            return reach_csv(found)
        case "md":
            return reach_markdown(found)
        case "html":
            return _page(options, found, findings)
        case "svg":
            return _picture(found)
        case _:
            return _for_people(found)


def _page(options: Namespace, found: Reachability, findings: Sequence[Finding]) -> Iterator[str]:
    from podwall.lint import lint, ranked  # noqa: PLC0415 - only the page needs it
    from podwall.reports.page import html_page  # noqa: PLC0415 - as above

    subject = options.source or options.stack or "this program"
    yield html_page(found, subject, findings=ranked((*findings, *lint(found))))


def _picture(found: Reachability) -> Iterator[str]:
    from podwall.reports.reach.svg import reach_svg  # noqa: PLC0415 - only the picture needs it

    yield reach_svg(found)


def _for_people(found: Reachability) -> Iterator[str]:
    from podwall.reports.reach.terminal import reach_lines  # noqa: PLC0415 - only text needs rich
    from podwall.reports.terminal import terminal  # noqa: PLC0415 - as above

    return reach_lines(found, terminal())
