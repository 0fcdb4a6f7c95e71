"""Findings for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from policies.findings import Finding, Severity

__all__ = ["finding_lines"]

_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold blue",
}


def findings_section(findings: Sequence[Finding]) -> Iterator[Text]:
    """Yield the title with the number of each severity, and then the findings."""
    if findings:
        counts = Counter(finding.severity for finding in findings)
        numbers = [
            _counted(counts[severity], severity) for severity in Severity if counts[severity]
        ]
        yield Text.assemble(("Findings", "bold underline"), f"  {', '.join(numbers)}")
        for finding in findings:
            yield from finding_lines(finding)


def finding_lines(finding: Finding) -> Iterator[Text]:
    """Yield a finding, its remedy and the source of its rule, each on a line of its own."""
    place = f"{finding.place}: " if str(finding.place) else ""
    head = (f"  {finding.severity.value}[{finding.id}]", _STYLES[finding.severity])
    yield Text.assemble(head, f" {place}{finding.message}")
    for label, text in (("help", finding.help), ("see", finding.link)):
        if text:
            yield Text.assemble((f"    {label}: ", "cyan"), text)


def _counted(number: int, severity: Severity) -> str:
    noun = "note" if severity is Severity.INFO else severity.value
    return f"{number} {noun}{'' if number == 1 else 's'}"
