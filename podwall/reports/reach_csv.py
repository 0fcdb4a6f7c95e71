"""Who can reach whom as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.reachability import Reachability
from podwall.reports.reach_rows import HEADER, reach_rows
from podwall.reports.table_lines import csv_lines

__all__ = ["reach_csv"]


def reach_csv(reachability: Reachability) -> Iterator[str]:
    """Yield the lines: the header, then a row for each pair that is not denied.

    Ports are written as in `TCP 80, 443; UDP 53`; several undetermined parts are parted by ` | `,
    as are their causes.
    """
    return csv_lines(HEADER, reach_rows(reachability))
