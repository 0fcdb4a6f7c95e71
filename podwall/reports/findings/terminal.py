"""Findings for the terminal: the most severe first, and at the end those that are silenced."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from podwall.policies.errors import Finding, Severity
from podwall.reports.screen import UNWRAPPED, Console, Styled, line_width
from podwall.reports.words import MOST_SHOWN, counted, more_findings, printable
from podwall.review import SuppressedFinding

__all__ = ["finding_lines", "findings_section", "print_findings"]


_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold blue",
}


def findings_section(findings: Sequence[Finding], width: int = UNWRAPPED) -> Iterator[Styled]:
    """Yield the title with the number of each severity, and then the findings.

    The remedy, and its source, that findings in a row have in common stand after the last.
    """
    if findings:
        counts = Counter(finding.severity for finding in findings)
        numbers = [
            _severity_count(counts[severity], severity) for severity in Severity if counts[severity]
        ]
        yield Styled.of(("Findings", "bold underline"), f"  {', '.join(numbers)}")
        shown = findings[:MOST_SHOWN]
        for finding, following in zip_longest(shown, shown[1:]):
            yield _finding_line(finding, width)
            if following is None or _remedy(following) != _remedy(finding):
                yield from _remedy_lines(finding, width)
        if len(findings) > len(shown):
            yield Styled.of(more_findings(len(findings) - len(shown)))


def finding_lines(finding: Finding, width: int = UNWRAPPED) -> Iterator[Styled]:
    """Yield a finding, its remedy and the source of its rule, each from a line of its own on."""
    yield _finding_line(finding, width)
    yield from _remedy_lines(finding, width)


def _finding_line(finding: Finding, width: int) -> Styled:
    place = f"{finding.place}: " if str(finding.place) else ""
    label = f"{finding.severity.value}[{finding.id}]"
    return _wrapped(label, f"{place}{finding.message}", 2, width, _STYLES[finding.severity])


def _remedy_lines(finding: Finding, width: int) -> Iterator[Styled]:
    for label, text in zip(("help:", "see:"), _remedy(finding), strict=True):
        if text:
            yield _wrapped(label, text, 4, width, "cyan")


def _remedy(finding: Finding) -> tuple[str, str]:
    return finding.help, finding.link


def _wrapped(label: str, text: str, indent: int, width: int, style: str) -> Styled:
    """Return a labelled text over as many lines as it takes; a link is never broken."""
    lines = textwrap.wrap(
        f"{label} {printable(text)}",
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    text = "\n".join(lines)
    end = indent + len(label)
    return Styled.of(text[:indent], (text[indent:end], style), text[end:])


def _severity_count(number: int, severity: Severity) -> str:
    return counted(number, "note" if severity is Severity.INFO else severity.value)


def print_findings(
    findings: Sequence[Finding],
    suppressed: Sequence[SuppressedFinding],
    console: Console,
    lacking: Sequence[str] = (),
) -> None:
    """Print the findings, the most severe first, and then the silenced ones with their reasons.

    `lacking` says what was not read, a sentence each.
    """
    for line in findings_section(findings, line_width(console)):
        console.print(line, wrap=False)
    if not findings:
        console.print("nothing found")
    for sentence in lacking:
        console.print(Styled.of((f"! {sentence}", "yellow")), wrap=False)
    if suppressed:
        silenced = counted(len(suppressed), "finding is", "findings are")
        console.print(f"{silenced} ignored", wrap=False)
    for each in suppressed:
        place = each.finding.place
        console.print(printable(f"  {each.finding.id} {place}: {each.reason}"), wrap=False)
