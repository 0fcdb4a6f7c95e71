"""Who can reach whom for the terminal: the table where it fits, and every pair on a line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from podwall.reachability import Reachability
from podwall.reports.reach_rows import Row, reach_rows
from podwall.reports.reach_section import MOST_WORKLOADS, reach_section
from podwall.reports.symbols import symbols

__all__ = ["reach_lines"]


def reach_lines(reachability: Reachability, console: Console) -> Iterator[str]:
    """Yield the table of the workloads, and then a line for each pair.

    Of many workloads a person gets the table of their namespaces, as thousands of lines would push
    it out of sight; a program such as `grep` gets the lines.
    """
    many = len(reachability.workloads) > MOST_WORKLOADS
    if console.is_terminal or not many:
        with console.capture() as table:
            for part in reach_section(reachability, console, symbols(console.encoding)):
                console.print(part)
        yield table.get()
    if console.is_terminal and many:
        return
    width = max((len(endpoint.id) for endpoint in reachability.endpoints), default=0)
    for row in reach_rows(reachability):
        yield _line(row, width)


def _line(row: Row, width: int) -> str:
    pair = f"{row.source:{width}}  ->  {row.destination:{width}}"
    unsure = f"  perhaps {row.undetermined}, {row.because}" if row.undetermined else ""
    return f"{pair}  {row.allowed}{unsure}\n"
