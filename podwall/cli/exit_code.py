"""What the command line tells the shell."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


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
