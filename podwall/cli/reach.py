"""What `podwall reach` does: show every pair of the source that is not denied."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Final

from podwall.cli.arguments import csv_writer, paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.exit_code import FailOn
from podwall.reports.findings.documents import reading_fields
from podwall.reports.left_out import left_out
from podwall.reports.reach.documents import reach_stream, reach_stream_v1
from podwall.reports.reach.rows import reach_csv, reach_markdown
from podwall.review import Review
from podwall.streams import MEDIA, write_output

__all__ = ["show_reach"]

_LATEST: Final = 2


def show_reach(options: Namespace) -> int:
    """Show who can reach whom in the source, and return the exit code."""
    if options.flows:
        from podwall.cli.flows import show_observed  # noqa: PLC0415 - few ask for it

        return show_observed(options)
    with paused_collector():
        found = read_review(options)
        write_reading(found)
        write_output(_report(options, found), MEDIA.get(options.output))
        return found.exit_code(FailOn(options.fail_on), found.reading_findings)


def _report(options: Namespace, found: Review) -> Iterable[str]:
    match options.output:
        case "json":
            stream = reach_stream if options.format_version == _LATEST else reach_stream_v1
            return stream(found.reachability, **reading_fields(found))
        case "csv":
            return reach_csv(found.reachability, csv_writer(options), found.not_read)
        case "md":
            return reach_markdown(found.reachability, left_out(found.not_read))
        case "html":
            return _page(options, found)
        case "svg":
            return _picture(found)
        case _:
            return _for_people(found)


def _page(options: Namespace, found: Review) -> Iterator[str]:
    from podwall.reports.page import html_page  # noqa: PLC0415 - only the page needs it

    subject = ", ".join(options.sources) or options.stack or "this program"
    lacking = left_out(found.not_read)
    yield html_page(found.reachability, subject, findings=found.findings, lacking=lacking)


def _picture(found: Review) -> Iterator[str]:
    from podwall.reports.reach.svg import reach_svg  # noqa: PLC0415 - only the picture needs it

    yield reach_svg(found.reachability, left_out(found.not_read))


def _for_people(found: Review) -> Iterator[str]:
    from podwall.reports.reach.terminal import reach_lines  # noqa: PLC0415 - only text needs it
    from podwall.reports.terminal import terminal  # noqa: PLC0415 - as above

    return reach_lines(found.reachability, terminal(), left_out(found.not_read))
