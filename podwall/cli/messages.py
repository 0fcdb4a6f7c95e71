"""What the command line writes to the standard error stream, apart from the data on stdout."""

from __future__ import annotations

from podwall.policies.errors import PodwallError
from podwall.streams import write_line

__all__ = ["write_error", "write_message"]


def write_message(text: str) -> None:
    """Say something, on one line."""
    write_line(text)


def write_error(problem: PodwallError) -> None:
    """Say what is wrong and, on a line of its own, what to do about it."""
    write_line(str(problem), "error:", _RED)
    if problem.help:
        write_line(problem.help, " help:", _CYAN)


_RED, _CYAN = "\x1b[1;31m", "\x1b[1;36m"
