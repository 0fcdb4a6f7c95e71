"""What `podwall reach` does: show every pair of the source that is not denied."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from podwall.cli.arguments import csv_writer, paused_collector, read_review
from podwall.cli.findings import write_reading
from podwall.cli.typed_options import chosen_focus, source_words
from podwall.exit_code import FailOn
from podwall.policies.errors import InvalidValue
from podwall.reachability import Reachability
from podwall.reachability.few_arrays import one_answer
from podwall.reports.words import left_out
from podwall.review import Review
from podwall.streams import MEDIA, write_output

if TYPE_CHECKING:
    from podwall.focus import Focus, NarrowedAnswer

__all__ = ["show_reach"]

_LATEST: Final = 2


def show_reach(options: Namespace) -> int:
    """Show who can reach whom in the source, and return the exit code."""
    focus = chosen_focus(options)
    if options.flows:
        from podwall.cli.flows import show_observed  # noqa: PLC0415 - few ask for it

        return show_observed(options)
    one_answer()
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
    from podwall.focus import narrowed  # noqa: PLC0415 - few ask for a part
    from podwall.reports.reach import rows  # noqa: PLC0415 - as above
    from podwall.reports.reach.terminal import narrowed_lines  # noqa: PLC0415 - as above

    part, lacking = narrowed(found.reachability, focus), left_out(found.not_read)
    reports: dict[str, Callable[[], Iterable[str]]] = {
        "json": lambda: _document(part, found),
        "csv": lambda: rows.narrowed_csv(part, csv_writer(options), found.not_read),
        "md": lambda: rows.reach_markdown(part, lacking),
        "html": lambda: _page(options, found, focus),
        "svg": lambda: _picture(part, lacking),
        "dot": lambda: _graph(part, lacking),
        "text": lambda: narrowed_lines(part, lacking),
    }
    return reports[options.output]()


def _document(part: NarrowedAnswer, found: Review) -> Iterator[str]:
    from podwall.reports.findings.documents import reading_fields  # noqa: PLC0415 - only for JSON
    from podwall.reports.formats import document_text  # noqa: PLC0415 - as above
    from podwall.reports.reach.documents import reach_document  # noqa: PLC0415 - as above

    yield document_text(reach_document(part, **reading_fields(found)))


def _whole(options: Namespace, found: Review) -> Iterable[str]:
    whole, lacking = found.reachability, left_out(found.not_read)
    reports: dict[str, Callable[[], Iterable[str]]] = {
        "json": lambda: _stream(options, found),
        "csv": lambda: _rows(options, found),
        "md": lambda: _rows(options, found),
        "html": lambda: _page(options, found),
        "svg": lambda: _picture(whole, lacking),
        "dot": lambda: _graph(whole, lacking),
        "groups": lambda: _stream(options, found),
        "text": lambda: _for_people(options, found),
    }
    return reports[options.output]()


def _stream(options: Namespace, found: Review) -> Iterator[str]:
    from podwall.reports.findings.documents import reading_fields  # noqa: PLC0415 - only for JSON
    from podwall.reports.reach.documents import (  # noqa: PLC0415 - as above
        groups_stream,
        reach_stream,
        reach_stream_v1,
    )

    stream = reach_stream if options.format_version == _LATEST else reach_stream_v1
    chosen = groups_stream if options.output == "groups" else stream
    return chosen(found.reachability, **reading_fields(found))


def _rows(options: Namespace, found: Review) -> Iterable[str]:
    from podwall.reports.reach.rows import (  # noqa: PLC0415 - text has tables of its own
        reach_csv,
        reach_markdown,
    )

    if options.output == "csv":
        return reach_csv(found.reachability, csv_writer(options), found.not_read)
    return reach_markdown(found.reachability, left_out(found.not_read))


def _page(options: Namespace, found: Review, focus: Focus | None = None) -> Iterator[str]:
    from podwall.focus import EVERYTHING  # noqa: PLC0415 - only the page needs it
    from podwall.reports.page import html_page  # noqa: PLC0415 - as above

    subject = ", ".join(options.sources) or options.stack or "this program"
    lacking = left_out(found.not_read)
    yield html_page(
        found.reachability,
        subject,
        findings=found.findings,
        lacking=lacking,
        focus=focus or EVERYTHING,
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
