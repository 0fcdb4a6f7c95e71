"""What `podwall reach` does: read, analyse, show every pair that is not denied."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator

from podwall.cli.inputs import paused_collector, read_source, tell_findings
from podwall.cli.options import FailOn
from podwall.cli.severity import exit_code
from podwall.reachability import Reachability, reachability
from podwall.reports.reach_csv import reach_csv
from podwall.reports.reach_markdown import reach_markdown
from podwall.reports.reach_stream import reach_stream

__all__ = ["show_reach"]


def show_reach(options: Namespace) -> int:
    """Show who can reach whom in the source, and return the exit code."""
    with paused_collector():
        reading = read_source(options).reading()
        found = reachability(reading.snapshot, options.engine)
        tell_findings(reading.findings)
        sys.stdout.writelines(_report(options.output, found))
        sys.stdout.flush()
        return exit_code(FailOn(options.fail_on), reading.findings, found)


def _report(output: str, found: Reachability) -> Iterator[str]:
    match output:
        case "json":
            return reach_stream(found)
        case "csv":
            return reach_csv(found)
        case "md":
            return reach_markdown(found)
        case _:
            return _for_people(found)


def _for_people(found: Reachability) -> Iterator[str]:
    from podwall.reports.reach_lines import reach_lines  # noqa: PLC0415 - only text needs rich
    from podwall.reports.terminal import terminal  # noqa: PLC0415 - as above

    return reach_lines(found, terminal())
