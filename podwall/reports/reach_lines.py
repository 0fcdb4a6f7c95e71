"""Who can reach whom for the terminal: the table where it fits, and every pair on a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console

from podwall.reachability import Reachability
from podwall.reports.reach_rows import Row, reach_rows
from podwall.reports.reach_section import reach_section
from podwall.reports.symbols import symbols

__all__ = ["reach_lines"]

MOST_IN_A_TABLE: Final = 60


def reach_lines(reachability: Reachability, console: Console) -> Iterator[str]:
    """Yield the table of the workloads, if there are few, and then a line for each pair."""
    if len(reachability.workloads) <= MOST_IN_A_TABLE:
        with console.capture() as table:
            for part in reach_section(reachability, console, symbols(console.encoding)):
                console.print(part)
        yield table.get()
    width = max((len(endpoint.id) for endpoint in reachability.endpoints), default=0)
    for row in reach_rows(reachability):
        yield _line(row, width)


def _line(row: Row, width: int) -> str:
    pair = f"{row.source:{width}}  ->  {row.destination:{width}}"
    unsure = f"  perhaps {row.undetermined}, {row.because}" if row.undetermined else ""
    return f"{pair}  {row.allowed}{unsure}\n"
