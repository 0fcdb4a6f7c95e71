"""What the command line writes to the standard error stream, apart from the data on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from podwall.policies.errors import PodwallError

__all__ = ["progress", "write_error", "write_message"]


def write_message(text: str) -> None:
    """Say something."""
    sys.stderr.write(f"{text}\n")


def write_error(problem: PodwallError) -> None:
    """Say what is wrong and, on a line of its own, what to do about it."""
    write_message(f"{_coloured('error:', _RED)} {problem}")
    if problem.help:
        write_message(f"{_coloured(' help:', _CYAN)} {problem.help}")


_RED, _CYAN, _PLAIN = "\x1b[1;31m", "\x1b[1;36m", "\x1b[0m"


def _coloured(word: str, colour: str) -> str:
    plain = "NO_COLOR" in os.environ or not sys.stderr.isatty()
    return word if plain else f"{colour}{word}{_PLAIN}"


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show what is being done while the body does it, if the error stream is a terminal."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

        with Console(stderr=True).status(doing):
            yield
    else:
        yield
