"""Rows as CSV and as a Markdown table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from podwall.reports.comment.escaping import text

__all__ = ["csv_lines", "markdown_lines"]


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Yield the lines of a CSV file with a header (RFC 4180, but for its line ends).

    >>> list(csv_lines(("a", "b"), [("1", "2, 3")]))
    ['a,b\n', '1,"2, 3"\n']
    """
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for row in chain([header], rows):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def markdown_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield _line(header)
    yield f"|{'---|' * len(header)}\n"
    yield from map(_line, rows)


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(map(text, row))} |\n"
