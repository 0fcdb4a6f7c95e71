"""Who can reach whom as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.reachability import Reachability
from podwall.reports.reach_rows import HEADER, reach_rows
from podwall.reports.table_lines import markdown_lines

__all__ = ["reach_markdown"]


def reach_markdown(reachability: Reachability) -> Iterator[str]:
    """Yield the lines of a table with a row for each pair that is not denied."""
    return markdown_lines(HEADER, reach_rows(reachability))
