"""How a command ends: what was found, and how much of it is meant to stop a pipeline.

Every command weighs what it shows by `exit_code`; nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import Final

from podwall.policies.errors import Finding, Severity

__all__ = ["ExitCode", "FailOn", "exit_code", "stops"]


class ExitCode(IntEnum):
    """How a command ended.

    `FOUND`: a finding, a difference or a broken expectation at or above `--fail-on`. `BAD_INPUT`:
    the input or the usage is wrong, or podwall itself failed. `UNDETERMINED`: certainty was asked
    for, and there is none.
    """

    FINE = 0
    FOUND = 1
    BAD_INPUT = 2
    UNDETERMINED = 3


class FailOn(StrEnum):
    """The least serious thing that makes a command fail."""

    ANY = "any"
    WARNING = "warning"
    ERROR = "error"
    UNDETERMINED = "undetermined"


_FAILING: Final = {
    FailOn.ANY: frozenset(Severity),
    FailOn.WARNING: frozenset({Severity.ERROR, Severity.WARNING}),
    FailOn.ERROR: frozenset({Severity.ERROR}),
    FailOn.UNDETERMINED: frozenset({Severity.ERROR}),
}


def stops(fail_on: FailOn, severity: Severity | None) -> bool:
    """Return whether what matters so much makes a command fail; None matters nothing.

    >>> stops(FailOn.ERROR, Severity.WARNING), stops(FailOn.WARNING, Severity.ERROR)
    (False, True)
    """
    return severity in _FAILING[fail_on]


def exit_code(fail_on: FailOn, found: Iterable[Finding | Severity], *, certain: bool) -> ExitCode:
    """Return how a command ends.

    Args:
        fail_on: the least serious thing that makes it fail.
        found: everything that counts: findings, and the severity of what is shown in another form,
            such as a change or a broken expectation.
        certain: whether every verdict that was asked for is known.

    >>> exit_code(FailOn.ERROR, [Severity.WARNING], certain=False)
    <ExitCode.FINE: 0>
    >>> exit_code(FailOn.UNDETERMINED, [Severity.WARNING], certain=False)
    <ExitCode.UNDETERMINED: 3>

    What is found weighs more than what is not certain:

    >>> exit_code(FailOn.UNDETERMINED, [Severity.ERROR], certain=False)
    <ExitCode.FOUND: 1>
    """
    severities = (each if isinstance(each, Severity) else each.severity for each in found)
    if not _FAILING[fail_on].isdisjoint(severities):
        return ExitCode.FOUND
    if fail_on is FailOn.UNDETERMINED and not certain:
        return ExitCode.UNDETERMINED
    return ExitCode.FINE
