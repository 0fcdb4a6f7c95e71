"""The terminal that text reports are printed to."""

from __future__ import annotations

import sys
from typing import Final

from rich.console import Console

__all__ = ["UNWRAPPED", "line_width", "terminal"]

UNWRAPPED: Final = sys.maxsize


def terminal() -> Console:
    """Return the standard output: as wide as it is, and in colour only where that is wanted.

    `NO_COLOR` is honoured (https://no-color.org), and what is printed is printed as it is.
    """
    return Console(highlight=False, markup=False, emoji=False)


def line_width(console: Console) -> int:
    """Return how long a line of text may be: in a file, people search for whole sentences."""
    return console.width if console.is_terminal else UNWRAPPED
