"""Findings with what silences some of them, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from podwall.lint import Judged
from podwall.reports.findings_text import findings_section
from podwall.reports.terminal import line_width
from podwall.reports.words import counted, printable

__all__ = ["print_findings"]


def print_findings(result: Judged, console: Console) -> None:
    """Print the findings, the most severe first, and then the silenced ones with their reasons."""
    for line in findings_section(result.findings, line_width(console)):
        console.print(line, soft_wrap=True)
    if not result.findings:
        console.print("nothing found")
    if result.suppressed:
        silenced = counted(len(result.suppressed), "finding is", "findings are")
        console.print(Text(f"{silenced} ignored"), soft_wrap=True)
    for each in result.suppressed:
        place = each.finding.place
        console.print(
            Text(f"  {each.finding.id} {place}: {printable(each.reason)}"), soft_wrap=True
        )
