"""`podwall lint`: what is worth knowing about the policies."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.inputs import add_source
from podwall.cli.options import add_engine, add_fail_on, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_source(parser)
    add_format(parser, ("text", "json", "sarif", "junit"))
    add_engine(parser)
    add_fail_on(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.linting import show_findings  # noqa: PLC0415 - help must not wait for numpy

    return show_findings(options)


COMMAND = Command(
    name="lint",
    summary="findings: policies that do nothing, open too much, or are not enforced as written",
    example="podwall lint manifests/ --engine azure --fail-on warning",
    declare=_declare,
    run=_run,
)
