"""Read whatever there is as the commands do: to the last line of the report, or one plain error."""

from __future__ import annotations

from pathlib import Path

from podwall.engines import SPEC
from podwall.model import Snapshot
from podwall.policies import Finding, PodwallError
from podwall.reachability import reachability
from podwall.reports.reach.rows import reach_csv
from podwall.review import review
from podwall.sources import source

__all__ = ["assert_survives", "findings_and_snapshot"]


def assert_survives(folder: Path, data: bytes) -> None:
    """Read, analyse and report: the only way to fail is one line that says what and where."""
    try:
        findings, snapshot = findings_and_snapshot(folder, data)
    except PodwallError as problem:
        _assert_says_where(problem, folder)
        return
    for finding in findings:
        _assert_one_line(finding.message)
    for _ in reach_csv(reachability(snapshot, SPEC)):
        pass


def findings_and_snapshot(folder: Path, data: bytes) -> tuple[tuple[Finding, ...], Snapshot]:
    """Read a file with these bytes, what is deployed before a preview too."""
    file = folder / "input"
    file.write_bytes(data)
    found = review(source(str(file)))
    before = found.as_deployed()
    findings = found.reading_findings + (before.reading_findings if before else ())
    return findings, found.reading.snapshot


def _assert_one_line(message: str) -> None:
    assert message
    assert "\n" not in message
    assert "Traceback" not in message


def _assert_says_where(problem: PodwallError, folder: Path) -> None:
    assert str(problem.place).startswith(str(folder))
    _assert_one_line(problem.message)
