"""`podwall suggest`: least-privilege policies from stated intent."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.intent import add_intent
from podwall.cli.options import FailOn, add_engine, add_fail_on, add_format, add_out

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_intent(parser)
    add_format(parser, ("py", "yaml"))
    add_out(parser)
    add_engine(parser)
    add_fail_on(parser, FailOn.UNDETERMINED)


def _run(options: Namespace) -> int:
    from podwall.cli.suggesting import show_suggestion  # noqa: PLC0415 - help must not wait

    return show_suggestion(options)


COMMAND = Command(
    name="suggest",
    summary="policies that open what expectations state, and nothing else, as typed Python or YAML",
    example="podwall suggest manifests/ expectations.yaml --out network_policies.py",
    declare=_declare,
    run=_run,
)
