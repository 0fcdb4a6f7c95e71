"""Who can reach whom as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from podwall.reachability import Connection, Reachability
from podwall.reports.pair_lines import LineForm, pair_lines
from podwall.reports.reach_rows import HEADER, is_told, row_of
from podwall.reports.table_lines import csv_line
from podwall.reports.words import printable

__all__ = ["reach_csv"]


def reach_csv(reachability: Reachability) -> Iterator[str]:
    """Yield the text, piece by piece: the header, then a row for each pair that is not denied.

    Ports are written as in `TCP 80, 443; UDP 53`; several undetermined parts are parted by ` | `,
    as are their causes.
    """
    return chain([csv_line(HEADER)], pair_lines(reachability, _FORM))


def _beginning(source_id: str) -> str:
    return csv_line((printable(source_id),)).rstrip("\n")


def _ending(connection: Connection) -> str:
    return f",{csv_line(row_of(connection)[1:])}" if is_told(connection) else ""


_FORM: Final = LineForm(_beginning, _ending)
