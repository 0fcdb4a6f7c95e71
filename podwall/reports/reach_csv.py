"""Who can reach whom as CSV, with a header (RFC 4180, but for its line ends)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain

from podwall.reachability import Reachability
from podwall.reports.reach_rows import HEADER, reach_rows

__all__ = ["reach_csv"]


def reach_csv(reachability: Reachability) -> Iterator[str]:
    """Yield the lines: the header, then a row for each pair that is not denied.

    Ports are written as in `TCP 80, 443; UDP 53`; several undetermined parts are parted by ` | `,
    as are their causes.
    """
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for row in chain([HEADER], reach_rows(reachability)):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()
