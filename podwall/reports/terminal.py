"""The terminal that text reports are printed to."""

from __future__ import annotations

from rich.console import Console

__all__ = ["terminal"]


def terminal() -> Console:
    """Return the standard output: as wide as it is, and in colour only where that is wanted.

    `NO_COLOR` is honoured (https://no-color.org), and what is printed is printed as it is.
    """
    return Console(highlight=False, markup=False, emoji=False)
