"""What `podwall reach` does: show every pair of the source that is not denied."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from podwall.cli.arguments import csv_writer, paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.cli.focus_arguments import chosen_focus
from podwall.cli.typed_options import source_words
from podwall.exit_code import FailOn
from podwall.focus import EVERYTHING, Focus, NarrowedAnswer, narrowed
from podwall.policies.errors import InvalidValue
from podwall.reachability import Reachability
from podwall.reports.findings.documents import reading_fields
from podwall.reports.formats import json_text
from podwall.reports.reach.documents import (
    groups_stream,
    reach_document,
    reach_stream,
    reach_stream_v1,
)
from podwall.reports.reach.rows import narrowed_csv, reach_csv, reach_markdown
from podwall.reports.reach.terminal import narrowed_lines
from podwall.reports.words import left_out
from podwall.review import Review
from podwall.streams import MEDIA, write_output

__all__ = ["show_reach"]

_LATEST: Final = 2


def show_reach(options: Namespace) -> int:
    """Show who can reach whom in the source, and return the exit code."""
    focus = chosen_focus(options)
    if options.flows:
        from podwall.cli.flows import show_observed  # noqa: PLC0415 - few ask for it

        return show_observed(options)
    with paused_collector():
        found = read_review(options)
        report = _part(options, found, focus) if focus else _whole(options, found)
        write_reading(found)
        write_output(report, MEDIA.get(options.output))
        return found.exit_code(FailOn(options.fail_on), found.reading_findings)


def _part(options: Namespace, found: Review, focus: Focus) -> Iterable[str]:
    """Return the report of what is asked for.

    Raises:
        InvalidValue: an end is not there, or the format has no parts.
    """
    if options.output == "groups":
        raise InvalidValue(
            "`-o groups` is the whole answer, and here a part is asked for",
            help="leave out what narrows it, or choose `-o json`",
        )
    part, lacking = narrowed(found.reachability, focus), left_out(found.not_read)
    reports: dict[str, Callable[[], Iterable[str]]] = {
        "json": lambda: [json_text(reach_document(part, **reading_fields(found)))],
        "csv": lambda: narrowed_csv(part, csv_writer(options), found.not_read),
        "md": lambda: reach_markdown(part, lacking),
        "html": lambda: _page(options, found, focus),
        "svg": lambda: _picture(part, lacking),
        "dot": lambda: _graph(part, lacking),
        "text": lambda: narrowed_lines(part, lacking),
    }
    return reports[options.output]()


def _whole(options: Namespace, found: Review) -> Iterable[str]:
    whole, lacking = found.reachability, left_out(found.not_read)
    stream = reach_stream if options.format_version == _LATEST else reach_stream_v1
    reports: dict[str, Callable[[], Iterable[str]]] = {
        "json": lambda: stream(whole, **reading_fields(found)),
        "csv": lambda: reach_csv(whole, csv_writer(options), found.not_read),
        "md": lambda: reach_markdown(whole, lacking),
        "html": lambda: _page(options, found),
        "svg": lambda: _picture(whole, lacking),
        "dot": lambda: _graph(whole, lacking),
        "groups": lambda: groups_stream(whole, **reading_fields(found)),
        "text": lambda: _for_people(options, found),
    }
    return reports[options.output]()


def _page(options: Namespace, found: Review, focus: Focus = EVERYTHING) -> Iterator[str]:
    from podwall.reports.page import html_page  # noqa: PLC0415 - only the page needs it

    subject = ", ".join(options.sources) or options.stack or "this program"
    lacking = left_out(found.not_read)
    yield html_page(
        found.reachability, subject, findings=found.findings, lacking=lacking, focus=focus
    )


def _picture(of: Reachability | NarrowedAnswer, lacking: Sequence[str]) -> Iterator[str]:
    from podwall.reports.reach.picture import reach_svg  # noqa: PLC0415 - only the picture needs it

    yield reach_svg(of, lacking)


def _graph(of: Reachability | NarrowedAnswer, lacking: Sequence[str]) -> Iterator[str]:
    from podwall.reports.reach.picture import reach_dot  # noqa: PLC0415 - as above

    yield from reach_dot(of, lacking)


def _for_people(options: Namespace, found: Review) -> Iterator[str]:
    from podwall.reports.reach.terminal import reach_lines  # noqa: PLC0415 - only text needs it
    from podwall.reports.screen import terminal  # noqa: PLC0415 - as above

    asked = source_words(options)
    return reach_lines(found.reachability, terminal(), left_out(found.not_read), asked)
