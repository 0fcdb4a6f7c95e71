"""Rows as CSV and as a Markdown table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from podwall.reports.comment.escaping import text

__all__ = ["csv_line", "markdown_lines"]


def csv_line(row: Sequence[str]) -> str:
    r"""Return a line of a CSV file (RFC 4180, but for its line end).

    >>> csv_line(("1", "2, 3"))
    '1,"2, 3"\n'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()


def markdown_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield _line(header)
    yield f"|{'---|' * len(header)}\n"
    yield from map(_line, rows)


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(map(text, row))} |\n"
