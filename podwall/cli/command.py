"""What a command is: a name, a sentence, an example, its arguments, and what it does."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the command line.

    `declare` adds its arguments to a parser. `run` does the work and returns the exit code; it
    imports what it needs by itself, so that help never waits for it.
    """

    name: str
    summary: str
    example: str
    declare: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
