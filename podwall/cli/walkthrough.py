"""`podwall walkthrough`: the five steps, predicted."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.options import add_engine, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_format(parser)
    add_engine(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.walking import show_walkthrough  # noqa: PLC0415 - help must not wait for numpy

    return show_walkthrough(options)


COMMAND = Command(
    name="walkthrough",
    summary="the five steps, predicted: which client reaches the backend, and which does not",
    example="podwall walkthrough -o json",
    declare=_declare,
    run=_run,
)
