"""`podwall reach`: who can reach whom."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.inputs import add_source
from podwall.cli.options import add_engine, add_fail_on, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_source(parser)
    add_format(parser, ("text", "json", "csv", "md", "html", "svg"))
    add_engine(parser)
    add_fail_on(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.reaching import show_reach  # noqa: PLC0415 - help must not wait for numpy

    return show_reach(options)


COMMAND = Command(
    name="reach",
    summary="who can reach whom, on which ports, in manifests, a preview, a stack or the program",
    example="podwall reach manifests/ -o csv",
    declare=_declare,
    run=_run,
)
