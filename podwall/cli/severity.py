"""From what was found to the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from podwall.cli.arguments import FailOn
from podwall.cli.exit_code import ExitCode
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability

__all__ = ["at_least", "exit_code"]

_FAILING = {
    FailOn.ANY: frozenset(Severity),
    FailOn.WARNING: frozenset({Severity.ERROR, Severity.WARNING}),
    FailOn.ERROR: frozenset({Severity.ERROR}),
    FailOn.UNDETERMINED: frozenset({Severity.ERROR}),
}


def at_least(fail_on: FailOn, severity: Severity) -> bool:
    """Say whether something of this severity makes a command fail."""
    return severity in _FAILING[fail_on]


def exit_code(fail_on: FailOn, findings: Iterable[Finding], reach: Reachability) -> ExitCode:
    """Return how a command ends: 1 weighs more than 3."""
    if any(at_least(fail_on, finding.severity) for finding in findings):
        return ExitCode.FOUND
    if fail_on is FailOn.UNDETERMINED and not reach.is_certain:
        return ExitCode.UNDETERMINED
    return ExitCode.FINE
