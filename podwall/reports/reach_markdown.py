"""Who can reach whom as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.reachability import Reachability
from podwall.reports.reach_rows import HEADER, Row, reach_rows

__all__ = ["reach_markdown"]


def reach_markdown(reachability: Reachability) -> Iterator[str]:
    """Yield the lines of a table with a row for each pair that is not denied."""
    yield _line(HEADER)
    yield f"|{'---|' * len(HEADER)}\n"
    yield from map(_line, reach_rows(reachability))


def _line(row: Row) -> str:
    cells = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row)
    return f"| {' | '.join(cells)} |\n"
